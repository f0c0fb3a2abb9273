# The part of nixpkgs' `lib` that flake.nix, default.nix and nix/ use, and no more: see pkgs.nix. Each function does
# what its namesake in nixpkgs does, for the arguments it gets here.
let
  inherit (builtins)
    attrNames
    elemAt
    filter
    genList
    isAttrs
    isString
    length
    listToAttrs
    map
    stringLength
    substring
    toString
    ;

  isStringLike = value: isString value || builtins.isPath value || value ? outPath;
in
rec {
  inherit (builtins)
    concatLists
    concatMap
    concatStringsSep
    elem
    head
    mapAttrs
    replaceStrings
    ;
  throwIf =
    condition: message: value:
    if condition then throw message else value;
  warnIf =
    condition: message: value:
    if condition then builtins.trace "warning: ${message}" value else value;
  versionAtLeast = version: than: builtins.compareVersions version than >= 0;
  versionOlder = version: than: builtins.compareVersions version than < 0;

  # Lists and sets
  foldr =
    step: start: list:
    let
      from = index: if index == length list then start else step (elemAt list index) (from (index + 1));
    in
    from 0;
  imap0 = f: list: genList (index: f index (elemAt list index)) (length list);
  take = count: list: genList (elemAt list) (if count < length list then count else length list);
  remove = value: filter (other: other != value);
  drop =
    count: list:
    genList (index: elemAt list (index + count)) (
      if count < length list then length list - count else 0
    );
  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: list: if condition then list else [ ];
  flatten = value: if builtins.isList value then builtins.concatMap flatten value else [ value ];
  toList = value: if builtins.isList value then value else [ value ];
  unique = builtins.foldl' (
    list: value: if builtins.elem value list then list else list ++ [ value ]
  ) [ ];
  zipListsWith =
    f: a: b:
    genList (index: f (elemAt a index) (elemAt b index)) (length a);
  optionalAttrs = condition: set: if condition then set else { };
  filterAttrs =
    predicate: set: removeAttrs set (filter (name: !predicate name set.${name}) (attrNames set));
  genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
  nameValuePair = name: value: { inherit name value; };
  mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);

  # Strings
  isFunction =
    value:
    builtins.isFunction value || (value ? __functor && builtins.isFunction (value.__functor value));
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasInfix = part: text: builtins.length (splitString part text) > 1;
  removePrefix =
    prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  removeSuffix =
    suffix: text:
    if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
  hasSuffix =
    suffix: text:
    stringLength text >= stringLength suffix
    && substring (stringLength text - stringLength suffix) (-1) text == suffix;
  optionalString = condition: text: if condition then text else "";
  concatMapStringsSep =
    separator: f: list:
    concatStringsSep separator (map f list);
  splitString =
    separator: text:
    # As in nixpkgs, each part has the context of the text.
    map (part: substring 0 0 text + part) (
      filter isString (builtins.split (replaceStrings [ "." "+" ] [ "\\." "\\+" ] separator) text)
    );
  toLower = replaceStrings (splitLetters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (
    splitLetters "abcdefghijklmnopqrstuvwxyz"
  );
  splitLetters = text: genList (index: substring index 1 text) (stringLength text);
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  escapeShellArg = value: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString value)}'";
  makeBinPath = concatMapStringsSep ":" (package: "${package}/bin");

  strings.sanitizeDerivationName =
    name:
    let
      clean = concatStringsSep "-" (
        filter isString (builtins.split "[^[:alnum:]+._?=-]+" (builtins.unsafeDiscardStringContext name))
      );
      length = stringLength clean;
    in
    builtins.head (
      builtins.match "\\.*(.*)" (substring (if length > 207 then length - 207 else 0) (-1) clean)
    );

  # Assertions
  assertMsg = condition: message: if condition then true else throw message;
  assertOneOf =
    name: value: choices:
    assertMsg (builtins.elem value choices) "${name} must be one of ${builtins.toJSON choices}, but is: ${builtins.toJSON value}";

  # Kinds of values
  inherit (builtins) isList;
  isDerivation = value: value.type or null == "derivation";
  isStorePath = value: isStringLike value && dirOf (toString value) == builtins.storeDir;

  # Modules: as much as flake-parts.nix looks at
  mkOption = option: option;
  literalExpression = text: { inherit text; };
  types = {
    lazyAttrsOf = _: { };
    raw = { };
  };

  # Files
  importTOML = path: builtins.fromTOML (builtins.readFile path);
  importJSON = path: builtins.fromJSON (builtins.readFile path);

  # Packages
  # Without the condition that nixpkgs' has. Each output has the attributes of the derivation, and is the one that
  # `nix build` of it builds.
  extendDerivation =
    attributes: drv:
    let
      outputs = drv.outputs or [ "out" ];
      all = drv // byName // { all = map (name: byName.${name}) outputs; } // attributes;
      byName = genAttrs outputs (
        name:
        all
        // {
          inherit (drv.${name})
            type
            outputName
            outPath
            drvPath
            ;
          outputSpecified = true;
        }
      );
    in
    all;
  functionArgs = f: f.__functionArgs or (builtins.functionArgs f);
  setFunctionArgs = f: arguments: {
    __functor = _: f;
    __functionArgs = arguments;
  };
  makeOverridable =
    f:
    let
      mirrored = g: setFunctionArgs g (functionArgs f);
      overrideWith =
        before:
        mirrored (
          changed: makeOverridable f (before // (if isFunction changed then changed before else changed))
        );
    in
    mirrored (
      arguments:
      let
        result = f arguments;
      in
      if isAttrs result then
        result
        // {
          override = overrideWith arguments;
          ${if result ? overrideAttrs then "overrideAttrs" else null} =
            change: makeOverridable (mirrored (arguments: (f arguments).overrideAttrs change)) arguments;
        }
      else if isFunction result then
        setFunctionArgs result (functionArgs result) // { override = overrideWith arguments; }
      else
        result
    );
  callPackageWith =
    scope: file: overrides:
    let
      f = if isFunction file then file else import file;
    in
    makeOverridable f (builtins.intersectAttrs (functionArgs f) scope // overrides);
  makeScope =
    newScope: f:
    let
      self = f self // {
        newScope = extra: newScope (self // extra);
        callPackage = self.newScope { };
        overrideScope =
          change:
          makeScope newScope (
            final:
            let
              before = f final;
            in
            before // change final before
          );
      };
    in
    self;
  getExe = drv: "${drv}/bin/${drv.meta.mainProgram}";
  fetchers.proxyImpureEnvVars = [ "https_proxy" ];
  fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  platforms.unix = systems.doubles.all;
  licenses = {
    mit.spdxId = "MIT";
    asl20.spdxId = "Apache-2.0";
    OR = licenses: {
      licenseType = "compound";
      operator = "OR";
      inherit licenses;
    };
  };

  # Systems: those that the tests name, and one (`avr-none`) that has no Go name.
  systems =
    let
      go = GOOS: GOARCH: GOARM: { inherit GOOS GOARCH GOARM; };
      known = {
        x86_64-linux = go "linux" "amd64" "";
        aarch64-linux = go "linux" "arm64" "";
        riscv64-linux = go "linux" "riscv64" "";
        armv6l-linux = go "linux" "arm" "6";
        armv7l-linux = go "linux" "arm" "7";
        i686-linux = go "linux" "386" "";
        aarch64-darwin = go "darwin" "arm64" "";
        avr-none = go "none" null "";
      };
    in
    {
      doubles.all = attrNames known;
      elaborate = system: {
        inherit system;
        go = known.${system};
      };
    };

  # Filesets: `has` says whether a file is in it, `near` whether a directory is on the way to or inside of it.
  fileset =
    let
      coerce =
        set:
        if isAttrs set then
          set
        else if !builtins.pathExists set then
          throw "lib.fileset: ${toString set} does not exist"
        else
          rec {
            has = path: path == toString set || hasPrefix "${toString set}/" path;
            near = path: has path || hasPrefix "${path}/" (toString set);
          };
    in
    {
      unions = sets: {
        has = path: builtins.any (set: (coerce set).has path) sets;
        near = path: builtins.any (set: (coerce set).near path) sets;
      };
      fileFilter = predicate: directory: {
        inherit (coerce directory) near;
        has = path: (coerce directory).has path && predicate { name = baseNameOf path; };
      };
      toSource =
        { root, fileset }:
        let
          inherit (coerce fileset) has near;
          # Only directories with a file in them are taken.
          holds =
            directory:
            near directory
            && builtins.any (
              name:
              (if (builtins.readDir directory).${name} == "directory" then holds else has) "${directory}/${name}"
            ) (attrNames (builtins.readDir directory));
        in
        {
          outPath = builtins.path {
            name = "source";
            path = root;
            filter = path: type: (if type == "directory" then holds else has) path;
          };
        };
    };
}
