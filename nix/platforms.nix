# Platform keys: what a user may write (a Nix system or an OCI platform) → the OCI platform polyarch asserts.
{ lib }:

let
  # os/arch[/variant], each part as image-spec has them: Go's names, lower case.
  isOci = key: builtins.match "[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?" key != null;

  isSystem = key: builtins.elem key lib.systems.doubles.all;

  # nixpkgs knows the Go names of every system it can build for; a table of our own would only go stale.
  goNames = system: (lib.systems.elaborate system).go or { };

  # A system that an old nixpkgs has no Go names of.
  isUnknown = key: builtins.isString key && isSystem key && goNames key == { };
  noGoNames = "the lib.systems of this nixpkgs has no Go names, so it cannot tell the platform of a Nix system";

  # Which system somebody may have meant by an architecture alone, in Nix's word for it or in Go's: the first of these.
  usualSystems = builtins.filter isSystem [
    "x86_64-linux"
    "aarch64-linux"
    "armv7l-linux"
    "armv6l-linux"
    "riscv64-linux"
    "powerpc64le-linux"
    "s390x-linux"
    "i686-linux"
  ];
  byNix = key: builtins.filter (system: system == "${key}-linux") usualSystems;
  byGo = key: builtins.filter (system: (goNames system).GOARCH or null == key) usualSystems;
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
    key: builtins.isString key && (isOci key || (isSystem key && (goNames key).GOARCH or null != null));

  /**
    The OCI platform of a key for which `isPlatform` holds.

    32-bit ARM gets its variant: dockerTools never writes one, and an image for ARMv6 without it would be taken
    for ARMv7.

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
    if isOci key then
      key
    else
      "${go.GOOS}/${go.GOARCH}" + lib.optionalString (go.GOARM or "" != "") "/v${go.GOARM}";

  /**
    Whether an image can be of both platforms: one is the other, or says no more than which variant of it.

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
    What `isPlatform` asks for, in words, for an error about a key that is none.

    # Type

    ```
    wanted :: Any -> String
    ```

    # Examples

    ```nix
    wanted "arm64"
    => "a Nix system such as \"aarch64-linux\" or an OCI platform such as \"linux/arm/v7\" (did you mean \"linux/arm64\"?)"
    ```
  */
  wanted =
    key:
    let
      meant = lib.optionals (builtins.isString key) (byNix key ++ map toOci (byGo key));
    in
    if isUnknown key then
      ''an OCI platform such as "linux/arm64" (${noGoNames})''
    else
      ''a Nix system such as "aarch64-linux" or an OCI platform such as "linux/arm/v7"''
      + lib.optionalString (meant != [ ]) " (did you mean ${builtins.toJSON (lib.head meant)}?)";

  /**
    The same where it must be a Nix system.

    # Type

    ```
    wantedSystem :: Any -> String
    ```
  */
  wantedSystem =
    key:
    if isUnknown key then
      "left out, and `images` a set keyed by OCI platforms such as \"linux/arm64\" (${noGoNames})"
    else
      ''a Nix system such as "aarch64-linux"'';
}
