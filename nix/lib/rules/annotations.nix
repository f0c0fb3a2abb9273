# Rules of annotations.
{
  lib,
  annotationLevels,
  rule,
}:

let
  # A set of strings, before its members are checked.
  isSet = value: builtins.isAttrs value && !lib.isDerivation value;
  setOfStrings = argument: value: [
    (rule.forValue argument value (isSet value) "a set of strings")
  ];

  # The keys and values of a set of annotations.
  members =
    argument: value:
    lib.concatLists (
      lib.mapAttrsToList (key: value: [
        (rule.forKey argument key (
          builtins.match "[^=]+" key != null
        ) "names that are not empty and have no \"=\" in them")
        (rule.forValue (rule.member argument key) value (builtins.isString value) "a string")
      ]) value
    );

  notMixed = argument: value: {
    inherit argument;
    found = "a set of strings and sets";
    expected = "either a set of strings, for the index, or one of sets of strings with the names ${rule.quotedList annotationLevels.levels}";
    ok = !(builtins.any builtins.isString (builtins.attrValues value));
  };

  level =
    argument: name: value:
    [
      (rule.forKey argument name (builtins.elem name annotationLevels.levels)
        "one of ${rule.quotedList annotationLevels.levels}, as its values are sets"
      )
    ]
    ++ setOfStrings "${argument}.${name}" value
    ++ lib.optionals (isSet value) (members "${argument}.${name}" value);

  levels =
    argument: value:
    [ (notMixed argument value) ] ++ lib.concatLists (lib.mapAttrsToList (level argument) value);
in
{
  annotations =
    argument: value:
    setOfStrings argument value
    ++ lib.optionals (isSet value) (
      (if annotationLevels.areGrouped value then levels else members) argument value
    );
}
