# Platforms as users write them (a Nix system or an OCI platform) → the OCI platform that polyarch checks.
{ lib }:

let
  # os/arch[/variant], each part as image-spec has it: Go's name in lower case.
  isOciPlatform = key: builtins.match "[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?" key != null;

  isSystem = key: builtins.elem key lib.systems.doubles.all;

  # nixpkgs has the Go names of every system that it can build for. A table in this file would go stale.
  goNames = system: (lib.systems.elaborate system).go or { };

  # A Nix system, in a nixpkgs that is too old to have Go names.
  lacksGoNames = key: builtins.isString key && isSystem key && goNames key == { };
  noGoNames = "the lib.systems of this nixpkgs has no Go names, so the platform of a Nix system is unknown";

  # The systems to suggest for an architecture alone, written as in Nix or as in Go. The first match is suggested.
  commonSystems = builtins.filter isSystem [
    "x86_64-linux"
    "aarch64-linux"
    "armv7l-linux"
    "armv6l-linux"
    "riscv64-linux"
    "powerpc64le-linux"
    "s390x-linux"
    "i686-linux"
  ];
  systemsOfCpu = cpu: builtins.filter (system: system == "${cpu}-linux") commonSystems;
  systemsOfGoarch =
    goarch: builtins.filter (system: (goNames system).GOARCH or null == goarch) commonSystems;
  # The systems to suggest for a name that has the architecture as Go writes it: amd64, amd64-linux, linux/amd64.
  systemsMeant =
    name:
    let
      architecture = lib.removePrefix "linux/" (lib.removeSuffix "-linux" name);
    in
    systemsOfCpu architecture ++ systemsOfGoarch architecture;
in
rec {
  inherit isSystem;

  /**
    Whether a value names a platform: a Nix system that has a Go name, or an OCI platform.

    # Type

    ```
    isPlatform :: Any -> Bool
    ```
  */
  isPlatform =
    key:
    builtins.isString key
    && (isOciPlatform key || (isSystem key && (goNames key).GOARCH or null != null));

  /**
    The OCI platform of a key for which `isPlatform` holds.

    A system of 32-bit ARM gets its variant: dockerTools never writes one, and clients take an image for ARMv6 without
    a variant for ARMv7.

    # Type

    ```
    toOci :: String -> String
    ```

    # Examples

    ```nix
    toOci "x86_64-linux"
    => "linux/amd64"
    toOci "armv6l-linux"
    => "linux/arm/v6"
    toOci "linux/arm64"
    => "linux/arm64"
    ```
  */
  toOci =
    key:
    let
      go = goNames key;
    in
    if isOciPlatform key then
      key
    else
      "${go.GOOS}/${go.GOARCH}" + lib.optionalString (go.GOARM or "" != "") "/v${go.GOARM}";

  # An OCI platform as a part of the name of a derivation.
  inName = lib.replaceStrings [ "/" ] [ "-" ];

  /**
    The OCI platform of a key, without the variant that clients assume where none is given.

    # Type

    ```
    withoutDefaultVariant :: String -> String
    ```

    # Examples

    ```nix
    withoutDefaultVariant "linux/arm64/v8"
    => "linux/arm64"
    withoutDefaultVariant "linux/arm/v6"
    => "linux/arm/v6"
    ```
  */
  withoutDefaultVariant =
    key:
    let
      platform = toOci key;
    in
    {
      "linux/arm64/v8" = "linux/arm64";
      "linux/amd64/v1" = "linux/amd64";
    }
    .${platform} or platform;

  /**
    Whether one image can have both platforms: they are equal, or only one of them has a variant.

    # Type

    ```
    agree :: String -> String -> Bool
    ```

    # Examples

    ```nix
    agree "armv7l-linux" "linux/arm/v7"
    => true
    agree "aarch64-linux" "linux/arm64/v8"
    => true
    agree "armv6l-linux" "armv7l-linux"
    => false
    ```
  */
  agree =
    a: b:
    let
      first = "${toOci a}/";
      second = "${toOci b}/";
    in
    lib.hasPrefix first second || lib.hasPrefix second first;

  /**
    Describes what `isPlatform` accepts, for the error about a key that it does not accept.

    # Type

    ```
    expected :: Any -> String
    ```

    # Examples

    ```nix
    expected "arm64"
    => "a Nix system such as \"aarch64-linux\" or an OCI platform such as \"linux/arm/v7\" (did you mean \"linux/arm64\"?)"
    ```
  */
  expected =
    key:
    let
      suggestions = lib.optionals (builtins.isString key) (
        if lib.hasSuffix "-linux" key then
          systemsMeant key
        else
          systemsOfCpu key ++ map toOci (systemsOfGoarch key)
      );
    in
    if lacksGoNames key then
      ''an OCI platform such as "linux/arm64" (${noGoNames})''
    else
      ''a Nix system such as "aarch64-linux" or an OCI platform such as "linux/arm/v7"''
      + lib.optionalString (
        suggestions != [ ]
      ) " (did you mean ${builtins.toJSON (lib.head suggestions)}?)";

  /**
    Describes what is expected where only a Nix system will do.

    # Type

    ```
    expectedSystem :: Any -> String
    ```
  */
  expectedSystem =
    key:
    if lacksGoNames key then
      "left out, and `images` a set keyed by OCI platforms such as \"linux/arm64\" (${noGoNames})"
    else
      ''a Nix system such as "aarch64-linux"''
      + lib.optionalString (
        builtins.isString key && systemsMeant key != [ ]
      ) " (did you mean ${builtins.toJSON (lib.head (systemsMeant key))}?)";
}
