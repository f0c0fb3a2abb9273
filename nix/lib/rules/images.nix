# Rules of images, alone and as a collection.
{
  lib,
  distinctPlatforms,
  imageArgument,
  platforms,
  rule,
  setPlatform,
}:

let
  inherit (imageArgument) isImage isImageWithArguments sourceOf;

  # A set of an image and other arguments of mkImageLayout. `asserted` as in `setPlatform`.
  imageWithArguments =
    asserted: argument: value:
    let
      others = removeAttrs value imageArgument.ofOneImage;
      platform = value.platform or null;
    in
    [
      {
        inherit argument;
        found = "a set with ${rule.quotedList (builtins.attrNames others)} in it";
        expected = "an image, or a set of `image` and perhaps `platform`, `select` and `setPlatform`";
        ok = others == { };
      }
    ]
    ++ image "${argument}.image" value.image
    ++ setPlatform asserted "${argument}.platform" platform
    ++ select "${argument}.select" (value.select or null)
    ++ setPlatform (if platform != null then platform else asserted) "${argument}.setPlatform" (
      value.setPlatform or null
    );

  member =
    asserted: argument: value:
    (if isImageWithArguments value then imageWithArguments asserted else image) argument value;

  image = argument: value: [
    (rule.forValue argument value (isImage value)
      "an image: a derivation such as dockerTools.buildLayeredImage returns, or a path"
    )
    (rule.forValue argument value (!(isFile value && lib.hasSuffix ".nix" (toString value)))
      "an image: the file has an expression; give its value, `import ${toString value}` or `pkgs.callPackage ${toString value} { }`"
    )
    (rule.forValue argument value (!isProgram value)
      "an image: this derivation has a program; put it into an image, such as dockerTools.buildLayeredImage returns"
    )
  ];

  # Layouts and results of mkMultiArchImage.
  reuse =
    argument: value:
    [
      (rule.forValue argument value (builtins.isList value)
        "a list of results of mkImageLayout or mkMultiArchImage"
      )
    ]
    ++ rule.forElements (argument: value: [
      (rule.forValue argument value (
        isImage value && (lib.isDerivation value -> value ? layouts || value.isImageLayout or false)
      ) "a result of mkImageLayout or mkMultiArchImage, or the path of such a layout")
    ]) argument value;

  isFile = value: builtins.isPath value || builtins.isString value;

  # A package with a main program, or a script of writeShellScript. An image of this library has a name, a stream of
  # dockerTools `isExe`.
  isProgram =
    value:
    lib.isDerivation value
    && !(value ? imageName || value.isExe or false)
    && (value.meta or { } ? mainProgram || value.executable or false == true);

  select = argument: value: [
    (rule.forValue argument value (
      value == null || (builtins.isString value && value != "")
    ) "the name, \"@POSITION\" or \"@DIGEST\" of an image in the file, or null")
  ];

  # A function that takes some packages and no others fails when it is called with all packages, without a word about
  # polyarch.
  functionOfAllPackages =
    argument: value:
    let
      names = builtins.attrNames (builtins.functionArgs value);
      # Only this builtin shows whether a function takes other arguments too.
      takesOthers = builtins.match ".*<attrspat [^>]*ellipsis=.*" (builtins.toXML value) != null;
    in
    {
      inherit argument;
      found = "a function of ${rule.quotedList names}";
      expected = "a function of a whole package set, such as `pkgs: pkgs.callPackage ({ ${lib.concatStringsSep ", " names} }: …) { }`";
      ok = !builtins.isFunction value || names == [ ] || takesOthers;
    };
in
{
  inherit image reuse select;

  # What `images` can be. `images` has the rules of its members, once they are known.
  imageCollection = argument: value: [
    (rule.forValue argument value
      (
        lib.isFunction value
        || (builtins.isList value && value != [ ])
        || (builtins.isAttrs value && !lib.isDerivation value && value != { })
      )
      "a set of images keyed by platform or a list of images, with at least one image, or a function from package set to image"
    )
    (functionOfAllPackages argument value)
  ];

  images =
    argument: value:
    if builtins.isList value then
      rule.forElements (member null) argument value
    else
      lib.concatLists (
        lib.mapAttrsToList (
          key: value:
          [ (rule.forKey argument key (platforms.isPlatform key) (platforms.expected key)) ]
          ++ member key (rule.member argument key) value
        ) value
      )
      ++ distinctPlatforms argument (builtins.attrNames value);

  # No image occurs twice, which usually is a forgotten pkgsCross. One image can be for several variants of an
  # architecture.
  distinctImages =
    argument: value:
    let
      # The part of a platform of which an image has only one.
      architectureOf =
        key: lib.concatStringsSep "/" (lib.take 2 (lib.splitString "/" (platforms.toOci key)));
      describe = argument: architecture: value: {
        inherit argument architecture;
        source = sourceOf value;
      };
      members =
        if builtins.isList value then
          # An index is unlike any other: no two images of a list may be the same.
          lib.imap0 (index: describe (rule.element argument index) index) value
        else
          lib.mapAttrsToList (key: describe (rule.member argument key) (architectureOf key)) value;
    in
    lib.imap0 (
      index: member:
      let
        same = builtins.filter (
          other: other.source == member.source && other.architecture != member.architecture
        ) (lib.take index members);
      in
      {
        inherit (member) argument;
        found = "the same image as `${(lib.head same).argument}`";
        expected = "one for another platform, from a package set such as pkgsCross.aarch64-multiplatform, or `{ image = …; platform = …; }` of a multi-platform image";
        ok = same == [ ];
      }
    ) members;
}
