# Rules of platforms and Nix systems.
{
  lib,
  platforms,
  rule,
}:

rec {
  platformOrNull = argument: value: [
    (rule.forValue argument value (value == null || platforms.isPlatform value) (
      platforms.expected value
    ))
  ];

  platformList =
    argument: value:
    [
      (rule.forValue argument value (
        builtins.isList value && value != [ ]
      ) "a list of platforms, such as [ \"x86_64-linux\" \"aarch64-linux\" ]")
    ]
    ++ rule.forElements (argument: value: [
      (rule.forValue argument value (platforms.isPlatform value) (platforms.expected value))
    ]) argument value
    ++ rule.distinct "platform" argument value;

  # No two keys mean the same platform.
  distinctPlatforms =
    argument: keys:
    map (
      key:
      let
        normalized = platforms.withoutDefaultVariant key;
        same = builtins.filter (other: platforms.withoutDefaultVariant other == normalized) keys;
      in
      {
        inherit argument;
        found = "keyed by ${rule.quotedList same}, which mean the same platform (${platforms.toOci key})";
        expected = "keyed by each platform once";
        ok = same == [ key ];
      }
    ) keys;

  # `asserted` is the platform that the caller gives the image for, or null. It holds for the changed image.
  setPlatform =
    asserted: argument: value:
    platformOrNull argument value
    ++ [
      (rule.forValue argument value (
        value == null || asserted == null || platforms.agree asserted value
      ) "the platform that the image is given for, ${toString asserted}")
    ];

  # The systems that a function makes images for. Images that are not a function need no systems.
  systems =
    isFunction: argument: value:
    if !isFunction then
      [
        (rule.forValue argument value (
          value == null
        ) "left out, as `images` is not a function that makes images for systems")
      ]
    else
      [
        (rule.forValue argument value (builtins.isList value && value != [ ])
          "a list of the Nix systems that the function `images` makes images for, such as [ \"x86_64-linux\" \"aarch64-linux\" ]"
        )
      ]
      ++ rule.forElements system argument value
      ++ rule.distinct "system" argument value;

  system = argument: value: [
    (rule.forValue argument value (platforms.isSystem value && platforms.isPlatform value) (
      platforms.expectedSystem value
    ))
  ];

  # The platform must be one of the keys of `images`. A list of images has no keys, and its platforms are only known in
  # the build.
  dockerManifest =
    images: argument: value:
    let
      available = map platforms.withoutDefaultVariant (builtins.attrNames images);
      chosen = platforms.withoutDefaultVariant value;
      isAvailable =
        builtins.isList images
        # A platform without a variant can mean an image that has one.
        || builtins.any (platform: platform == chosen || lib.hasPrefix "${chosen}/" platform) available;
    in
    [
      (rule.forValue argument value (
        builtins.isBool value || platforms.isPlatform value
      ) "true, false, or the platform that the plain tag stands for: ${platforms.expected value}")
      (rule.forValue argument value (
        builtins.isBool value || isAvailable
      ) "true, false, or the platform of one of the images: ${rule.quotedList available}")
    ];
}
