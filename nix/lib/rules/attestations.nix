# Rules of the documents that are attached to images.
{
  lib,
  distinctPlatforms,
  platforms,
  rule,
}:

let
  isSet = value: builtins.isAttrs value && !lib.isDerivation value;

  isFile =
    value:
    lib.isDerivation value
    || builtins.isPath value
    || (builtins.isString value && lib.hasPrefix "${builtins.storeDir}/" value);

  # A document belongs to one platform, and the platforms of a list are only known in the build.
  keyedImages = images: argument: value: isUnset: [
    (rule.forValue argument value (
      isUnset || !builtins.isList images
    ) "left out, as `images` is a list: key the images by platform")
  ];

  # A key of a set of documents.
  keyOfImage =
    images: argument: key:
    let
      keys = builtins.attrNames images;
      sameAs = other: platforms.toOci other == platforms.toOci key;
    in
    [
      (rule.forKey argument key (platforms.isPlatform key) (platforms.expected key))
      (rule.forKey argument key (builtins.any sameAs keys)
        "the platform of one of the images: ${rule.quotedList keys}"
      )
    ];

  document = content: argument: value: [
    (rule.forValue argument value (isFile value) "a file with ${content}: a path or a derivation")
  ];

  package = argument: value: [
    (rule.forValue argument value (lib.isDerivation value && value ? drvPath) "a package")
  ];
in
{
  attestAs =
    {
      attestations,
      provenance,
      sbom,
    }:
    argument: value:
    [
      (rule.forValue argument value (builtins.isList value) "a list of \"index\" and \"referrers\"")
    ]
    ++ rule.forElements (rule.oneOf [
      "index"
      "referrers"
    ]) argument value
    ++ rule.distinct "place" argument value
    ++ [
      (rule.forValue argument value (
        value != [ ] || attestations == { }
      ) "[ \"index\" ], [ \"referrers\" ] or both, as `attestations` has documents")
      (rule.forValue argument value (
        value == [ ] || attestations != { } || provenance != false || sbom != false
      ) "left out, as there is nothing to attach: set `sbom`, `provenance` or `attestations`")
    ];

  attestations =
    images: argument: value:
    [
      (rule.forValue argument value (isSet value) "a set of files or lists of files, keyed by platform")
    ]
    ++ keyedImages images argument value (value == { })
    ++ lib.optionals (isSet value) (
      lib.concatLists (
        lib.mapAttrsToList (
          key: files:
          keyOfImage images argument key
          ++ rule.forElements (document "an SBOM or an in-toto statement") (rule.member argument key) files
        ) value
      )
      ++ distinctPlatforms argument (builtins.attrNames value)
    );

  sbom =
    images: argument: value:
    [
      (rule.forValue argument value (
        builtins.isBool value
        || isSet value
        || builtins.elem value [
          "spdx"
          "cyclonedx"
        ]
      ) "true, false, \"spdx\", \"cyclonedx\", or a set of files keyed by platform")
    ]
    ++ keyedImages images argument value (value == false)
    ++ lib.optionals (isSet value) (
      lib.concatLists (
        lib.mapAttrsToList (
          key: file: keyOfImage images argument key ++ document "an SBOM" (rule.member argument key) file
        ) value
      )
      ++ distinctPlatforms argument (builtins.attrNames value)
    );

  # `isFunction`: whether `images` is a function.
  sbomPackages =
    { sbom, isFunction }:
    argument: value: [
      (rule.forValue argument value (
        value == [ ] || sbom == true || builtins.isString sbom
      ) "left out, as `sbom` is ${if sbom == false then "false" else "a set of files"}")
      (rule.forValue argument value (
        !lib.isFunction value || isFunction
      ) "a list, as `images` is not a function")
      (rule.forValue argument value (
        builtins.isList value || lib.isFunction value
      ) "a list of packages, or a function from a package set to such a list")
    ];

  # The lists that the function returns are keyed by system.
  packagesOfSbom =
    argument: value:
    let
      list =
        argument: value:
        [ (rule.forValue argument value (builtins.isList value) "a list of packages") ]
        ++ rule.forElements package argument value;
    in
    if builtins.isAttrs value then
      lib.concatLists (lib.mapAttrsToList (key: list (rule.member argument key)) value)
    else
      list argument value;

  sbomCheck = rule.oneOf [
    "error"
    "allow-changed"
    "off"
  ];

  provenance =
    images: argument: value:
    let
      known = [
        "builderId"
        "flake"
        "inputs"
        "url"
      ];
      uri = name: [
        (rule.forValue "${argument}.${name}" value.${name} (
          builtins.isString value.${name} && builtins.match "[A-Za-z][A-Za-z0-9+.-]*:.+" value.${name} != null
        ) "a URI, such as \"https://github.com/me/app\"")
      ];
      # A flake, or any other input of one.
      source =
        isNamed: argument: value:
        [
          (rule.forValue argument value (
            builtins.isAttrs value && (value ? outPath || isNamed)
          ) "a flake or another input of one: a set with `outPath`")
        ]
        ++
          builtins.concatMap
            (
              name:
              lib.optionals (value ? ${name}) [
                (rule.forValue "${argument}.${name}" value.${name} (builtins.isString value.${name}) "a string")
              ]
            )
            [
              "dirtyRev"
              "narHash"
              "rev"
            ];
      inputs =
        argument: value:
        [
          (rule.forValue argument value (
            builtins.isAttrs value && !(value ? outPath)
          ) "the inputs of a flake, keyed by their names")
        ]
        ++ lib.optionals (builtins.isAttrs value) (
          lib.concatLists (
            lib.mapAttrsToList (name: source false (rule.member argument name)) (removeAttrs value [ "self" ])
          )
        );
    in
    [
      (rule.forValue argument value (
        builtins.isBool value || isSet value
      ) "true, false, or a set of ${rule.quotedList known}")
    ]
    ++ keyedImages images argument value (value == false)
    ++ lib.optionals (isSet value) (
      lib.mapAttrsToList (
        key: _: rule.forKey argument key (builtins.elem key known) "one of ${rule.quotedList known}"
      ) value
      ++ builtins.concatMap (name: lib.optionals (value ? ${name}) (uri name)) [
        "builderId"
        "url"
      ]
      ++ lib.optionals (value ? flake) (source (value ? url) "${argument}.flake" value.flake)
      ++ lib.optionals (value ? inputs) (inputs "${argument}.inputs" value.inputs)
    );
}
