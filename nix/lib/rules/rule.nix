# What rules are made of. A rule is a set { argument, found, expected, ok }, see `check-arguments.nix`.
{ lib }:

let
  # Not lib.generators.toPretty: a wrong value can be as large as nixpkgs, and its type says enough.
  describe =
    value:
    if lib.isDerivation value then
      "the derivation ${value.name}"
    else if builtins.isAttrs value then
      if value == { } then "an empty set" else "a set"
    else if builtins.isList value then
      if value == [ ] then "an empty list" else "a list"
    else if builtins.isFunction value then
      "a function"
    else if builtins.isPath value then
      "the path ${toString value}"
    else
      builtins.toJSON value;

  quotedList = lib.concatMapStringsSep ", " builtins.toJSON;

  element = argument: index: "${argument}[${toString index}]";
in
rec {
  inherit quotedList;

  # A rule for a value.
  forValue = argument: value: ok: expected: {
    inherit argument expected ok;
    found = describe value;
  };

  # A rule for a key of a set.
  forKey = argument: key: ok: expected: {
    inherit argument ok;
    found = "keyed by ${builtins.toJSON key}";
    expected = "keyed by ${expected}";
  };

  # The rules of all elements of a list, by a function from argument name and value. A value that is not a list counts
  # as the only element; the rule before this one rejects it.
  forElements =
    rulesOf: argument: value:
    lib.concatLists (lib.imap0 (index: rulesOf (element argument index)) (lib.toList value));

  # The name of an element of a list and of a member of a set, in errors.
  inherit element;
  member = argument: key: "${argument}.${builtins.toJSON key}";

  # The value is one of a few strings.
  oneOf = choices: argument: value: [
    (forValue argument value (builtins.elem value choices) "one of ${quotedList choices}")
  ];

  # No element of a list occurs twice. `noun` is what an element is called.
  distinct =
    noun: argument: value:
    let
      elements = lib.toList value;
      firstIndexOf =
        sought:
        lib.head (
          builtins.filter (index: builtins.elemAt elements index == sought) (
            builtins.genList (index: index) (builtins.length elements)
          )
        );
    in
    lib.imap0 (
      index: sought:
      let
        first = firstIndexOf sought;
      in
      {
        argument = element argument index;
        found = "${describe sought}, the same ${noun} as `${element argument first}`";
        expected = "another ${noun}";
        ok = first == index;
      }
    ) elements;
}
