# Arguments checked at evaluation. An error names the function, the argument, what was found and what was wanted,
# so that a mistake shows at once and not after the images were built.
{
  lib,
  platforms,
  reference,
}:

let
  # Not lib.generators.toPretty: a wrong value can be as large as nixpkgs, and what kind it is of says enough.
  show =
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

  # A string is one of a file in an output: "${images}/amd64.tar".
  isImage =
    value:
    lib.isDerivation value
    || builtins.isPath value
    || (builtins.isString value && lib.hasPrefix "${builtins.storeDir}/" value);

  quoted = lib.concatMapStringsSep ", " builtins.toJSON;

  rule = argument: found: ok: wanted: {
    inherit argument ok wanted;
    is = show found;
  };

  keyRule = argument: key: ok: wanted: {
    inherit argument ok;
    is = "keyed by ${builtins.toJSON key}";
    wanted = "keyed by ${wanted}";
  };

  memberOf = argument: key: "${argument}.${builtins.toJSON key}";

  oneOf =
    choices: argument: found:
    rule argument found (builtins.elem found choices) "one of ${quoted choices}";

  # No word of a list twice.
  once =
    wanted: argument: found:
    lib.imap0 (index: value: {
      argument = "${argument}[${toString index}]";
      is = "${show value} once more";
      inherit wanted;
      ok = !(builtins.elem value (lib.take index found));
    }) (lib.toList found);

  # Spelled out, the default variants are the platforms without: linux/arm64/v8 is linux/arm64.
  normal =
    key:
    let
      platform = platforms.toOci key;
    in
    {
      "linux/arm64/v8" = "linux/arm64";
      "linux/amd64/v1" = "linux/amd64";
    }
    .${platform} or platform;
in
rec {
  /**
    Give back a result if all rules hold; otherwise fail with the first that does not.

    # Inputs

    `function`
    : name of the function whose arguments these are

    `rules`
    : what must hold. A rule is only looked at when those before it hold, so it may build on them.

    `result`
    : what to give back

    # Type

    ```
    checked :: String -> [ Rule ] -> a -> a
    Rule = { argument :: String, is :: String, wanted :: String, ok :: Bool }
    ```
  */
  checked =
    function: rules: result:
    lib.foldr (
      {
        argument,
        is,
        wanted,
        ok,
      }:
      rest:
      if ok then
        rest
      else
        throw "polyarch.${function}: argument `${argument}` is ${is}, but should be ${wanted}."
    ) result rules;

  # Rules for the arguments that functions take, each `argument name → value found → Rule`; then those that look
  # into a list or set, `argument name → value found → [ Rule ]`.

  compression = oneOf [
    "gzip"
    "zstd"
    "none"
    "keep"
  ];

  check = oneOf [
    "error"
    "warn"
    "off"
  ];

  # The levels are those of `polyarch merge --compression-level`.
  compressionLevel =
    compression: argument: found:
    let
      highest =
        {
          gzip = 12;
          zstd = 19;
        }
        .${compression} or 0;
    in
    rule argument found (found == null || (builtins.isInt found && 1 <= found && found <= highest)) (
      if highest == 0 then
        "null, as the compression \"${compression}\" has no levels"
      else
        "a whole number from 1 to ${toString highest}, or null for the default of ${compression}"
    );

  format = oneOf [
    "oci-archive"
    "oci-layout"
  ];

  # A derivation is the rule; a file of the source tree or an output of another flake is an image just as well.
  image =
    argument: found:
    rule argument found (isImage found)
      "an image: a derivation such as dockerTools.buildLayeredImage gives, or a path";

  # Whether it is an image and what its config is made to say, and not an image as such.
  isWithPlatform = found: builtins.isAttrs found && found ? image && !isImage found;

  imageWithPlatform =
    asserted: argument: found:
    let
      others = removeAttrs found [
        "image"
        "setPlatform"
      ];
    in
    [
      {
        inherit argument;
        is = "a set with ${quoted (builtins.attrNames others)} in it";
        wanted = "an image, or a set of `image` and `setPlatform`";
        ok = others == { };
      }
      (image "${argument}.image" found.image)
    ]
    ++ setPlatform asserted "${argument}.setPlatform" (found.setPlatform or null);

  imageName =
    argument: found:
    rule argument found (reference.isName found)
      "the name of an image, in lower case and without a tag, such as \"ghcr.io/me/app\"";

  imageTag =
    argument: found:
    rule argument found (reference.isTag found)
      "a tag: up to 128 letters, digits, \"_\", \".\" and \"-\", the last two not first";

  platform =
    argument: found:
    rule argument found (found == null || platforms.isPlatform found) (platforms.wanted found);

  # `asserted` is what the image is said to be, which holds for the changed one; null: nothing.
  setPlatform = asserted: argument: found: [
    (platform argument found)
    (rule argument found (
      found == null || asserted == null || platforms.agree asserted found
    ) "the platform that the image is given for, ${toString asserted}")
  ];

  collection =
    argument: found:
    rule argument found
      (
        lib.isFunction found
        || (builtins.isList found && found != [ ])
        || (builtins.isAttrs found && !lib.isDerivation found && found != { })
      )
      "a set of images keyed by platform or a list of images, with at least one image, or a function from package set to image";

  set =
    wanted: argument: found:
    rule argument found (builtins.isAttrs found && !lib.isDerivation found) wanted;

  strategy = oneOf [
    "cross"
    "native"
  ];

  # null: the output's hash
  tagOrNull =
    argument: found:
    let
      tag = imageTag argument found;
    in
    tag
    // {
      ok = found == null || tag.ok;
      wanted = "${tag.wanted}; or null for the output's hash";
    };

  tags =
    argument: found:
    [ (rule argument found (builtins.isList found) "a list of tags") ]
    ++ lib.imap0 (index: imageTag "${argument}[${toString index}]") (lib.toList found)
    ++ once "another tag" argument found;

  # Which systems a function makes images for. What is no function has its systems, or needs none.
  systems =
    isFunction: argument: found:
    if !isFunction then
      [
        (rule argument found (
          found == null
        ) "left out, as `images` is no function: the images are there, and need no systems to be made for")
      ]
    else
      [
        (rule argument found (builtins.isList found && found != [ ])
          "a list of the Nix systems that the function `images` makes images for, such as [ \"x86_64-linux\" \"aarch64-linux\" ]"
        )
      ]
      ++ lib.imap0 (
        index: value:
        rule "${argument}[${toString index}]" value (
          platforms.isSystem value && platforms.isPlatform value
        ) (platforms.wantedSystem value)
      ) (lib.toList found)
      ++ once "another system" argument found;

  # `images` are those to choose from; of a list nobody knows the platforms yet.
  dockerManifest =
    images: argument: found:
    let
      offered = map normal (builtins.attrNames images);
      chosen = normal found;
      isOffered =
        builtins.isList images
        # Without a variant it may mean an image that has one.
        || builtins.any (platform: platform == chosen || lib.hasPrefix "${chosen}/" platform) offered;
    in
    [
      (rule argument found (
        builtins.isBool found || platforms.isPlatform found
      ) "true, false, or the platform that the plain tag stands for: ${platforms.wanted found}")
      (rule argument found (
        builtins.isBool found || isOffered
      ) "true, false, or the platform of one of the images: ${quoted offered}")
    ];

  package =
    argument: found:
    rule argument found (
      found == null || (builtins.isAttrs found && found ? meta)
    ) "a package, something with a `meta`, or null";

  images =
    argument: found:
    let
      member =
        asserted: argument: value:
        if isWithPlatform value then
          imageWithPlatform asserted argument value
        else
          [ (image argument value) ];
    in
    if builtins.isList found then
      lib.concatLists (lib.imap0 (index: member null "${argument}[${toString index}]") found)
    else
      let
        keys = builtins.attrNames found;
        samePlatform = key: builtins.filter (other: normal other == normal key) keys;
      in
      lib.concatLists (
        lib.mapAttrsToList (
          key: value:
          [ (keyRule argument key (platforms.isPlatform key) (platforms.wanted key)) ]
          ++ member key (memberOf argument key) value
        ) found
      )
      ++ map (key: {
        inherit argument;
        is = "keyed by ${quoted (samePlatform key)}, which mean the same platform (${platforms.toOci key})";
        wanted = "keyed by each platform once";
        ok = samePlatform key == [ key ];
      }) keys;

  # No image twice, which most often is a forgotten pkgsCross. One image may be for several variants of an architecture.
  distinct =
    sourceOf: argument: found:
    let
      # Only as much of a platform as no image can have two of.
      machine = key: lib.concatStringsSep "/" (lib.take 2 (lib.splitString "/" (platforms.toOci key)));
      member = argument: machine: value: {
        inherit argument machine;
        source = sourceOf value;
      };
      members =
        if builtins.isList found then
          lib.imap0 (index: member "${argument}[${toString index}]" index) found
        else
          lib.mapAttrsToList (key: member (memberOf argument key) (machine key)) found;
    in
    lib.imap0 (
      index: member:
      let
        same = builtins.filter (other: other.source == member.source && other.machine != member.machine) (
          lib.take index members
        );
      in
      {
        inherit (member) argument;
        is = "the same image as `${(lib.head same).argument}`";
        wanted = "one for another platform, from a package set such as pkgsCross.aarch64-multiplatform";
        ok = same == [ ];
      }
    ) members;

  # Whether annotations are given for each level, and not all for the index.
  hasLevels =
    found:
    builtins.any (value: builtins.isAttrs value && !lib.isDerivation value) (builtins.attrValues found);

  annotations =
    argument: found:
    let
      levels = [
        "index"
        "manifest"
        "descriptor"
      ];
      strings =
        argument: found:
        lib.concatLists (
          lib.mapAttrsToList (key: value: [
            (keyRule argument key (
              builtins.match "[^=]+" key != null
            ) "names that are not empty and have no \"=\" in them")
            (rule (memberOf argument key) value (builtins.isString value) "a string")
          ]) found
        );
      mixed = argument: found: {
        inherit argument;
        is = "a set of strings and sets";
        wanted = "either a set of strings, for the index, or one of sets of strings with the names ${quoted levels}";
        ok = !(builtins.any builtins.isString (builtins.attrValues found));
      };
    in
    if hasLevels found then
      [ (mixed argument found) ]
      ++ lib.concatLists (
        lib.mapAttrsToList (
          level: value:
          [
            (keyRule argument level (builtins.elem level levels)
              "one of ${quoted levels}, as its values are sets"
            )
            (set "a set of strings" "${argument}.${level}" value)
          ]
          ++ lib.optionals (builtins.isAttrs value) (strings "${argument}.${level}" value)
        ) found
      )
    else
      strings argument found;
}
