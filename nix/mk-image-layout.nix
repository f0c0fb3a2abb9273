# One image → OCI image layout. The unit of work that Nix caches and hands to builders: one derivation per image.
{
  lib,
  arguments,
  inputOf,
  merge,
  platforms,
}:

/**
  Turn one image of any kind into an OCI image layout, its layers compressed and verified.

  An image whose manifest already is OCI and whose layers already are compressed keeps its digest.

  # Inputs

  `image`
  : The image: what `dockerTools.buildImage`, `buildLayeredImage` and `streamLayeredImage` give, what
    `nix2container.buildImage` gives, an OCI image layout or an oci-archive, as a derivation or a path.

    A stream is run in the build, and its output never becomes a file; a `buildLayeredImage` is read through its
    `stream` too, so its archive is not even built. That takes a stream of the system that this derivation is
    built on; any other is made into an archive on its own system. To have the archive of a `buildLayeredImage`
    read where it could be a stream, because it is in a binary cache and what is in it is not, or because it was
    changed with `overrideAttrs`, give it as a string: `"${image}"`.

    An image of nix2container is read from the store paths that it names, by the machine that builds the layout.
    Build it on Linux (with the functions of `legacyPackages.aarch64-linux`, say): in the store of a Mac, Nix renames
    files whose names differ only in case (`use-case-hack`), and a layer with such files fails for its digest.

  `platform`
  : The platform that the image must be of, as a Nix system (`"aarch64-linux"`) or an OCI platform
    (`"linux/arm/v7"`). The build fails if the image's config says another. Default: `null`, whatever it says.

  `setPlatform`
  : The platform that the image's config is made to say, written like `platform`: for an image whose config is
    wrong, such as one that says `aarch64`, or should have the variant of an ARM. Config and manifest get other
    digests, the layers stay as they are. Default: `null`, the config is not changed.

  `compression`
  : For layers: `"gzip"` and `"zstd"` compress what is not compressed yet, `"none"` leaves all uncompressed,
    `"keep"` changes none. Default: `"gzip"`.

  `compressionLevel`
  : Level for `compression`. Default: `null`, polyarch's default.

  `platformCheck`
  : What to do about a program for another machine than the image is for: `"error"` fails the build if it is the one
    that the image starts (`Entrypoint` or `Cmd`), and warns of others; `"warn"` only warns; `"off"` does not look.
    Default: `"error"`.

  # Output

  A derivation whose output is the layout: a directory with `oci-layout`, `index.json` and `blobs/`. It refers to
  no other store path, whatever paths the image's layers and config mention (see "What stays in the store"). It has
  `override`, as packages have.

  # Type

  ```
  mkImageLayout :: {
    image :: Derivation | Path,
    platform :: String | Null ? null,
    setPlatform :: String | Null ? null,
    compression :: String ? "gzip",
    compressionLevel :: Int | Null ? null,
    platformCheck :: String ? "error",
  } -> Derivation
  ```

  # Examples

  ```nix
  mkImageLayout {
    image = pkgs.dockerTools.buildLayeredImage { name = "hello"; config.Cmd = [ "${pkgs.hello}/bin/hello" ]; };
    platform = "x86_64-linux";
  }
  => «derivation /nix/store/…-hello-layout-linux-amd64.drv»
  ```
*/
lib.makeOverridable (
  {
    image,
    platform ? null,
    setPlatform ? null,
    compression ? "gzip",
    compressionLevel ? null,
    platformCheck ? "error",
  }:

  let
    input = inputOf image;

    # For the name of the derivation.
    knownPlatform = if platform != null then platform else setPlatform;
    platformSuffix = "-${lib.replaceStrings [ "/" ] [ "-" ] (platforms.toOci knownPlatform)}";
  in
  arguments.checked "mkImageLayout"
    (
      [
        (arguments.image "image" image)
        (arguments.platform "platform" platform)
      ]
      ++ arguments.setPlatform platform "setPlatform" setPlatform
      ++ [
        (arguments.compression "compression" compression)
        (arguments.compressionLevel compression "compressionLevel" compressionLevel)
        (arguments.check "platformCheck" platformCheck)
      ]
    )
    (merge {
      name = "${input.name}-layout" + lib.optionalString (knownPlatform != null) platformSuffix;
      options = [
        "--format=oci-layout"
        "--compression=${compression}"
      ]
      ++ lib.optional (compressionLevel != null) "--compression-level=${toString compressionLevel}"
      ++ lib.optional (platformCheck != "error") "--platform-check=${platformCheck}"
      ++ lib.optional (setPlatform != null) "--set-platform=${input.path}=${platforms.toOci setPlatform}";
      images = [
        (lib.optionalString (platform != null) "${platforms.toOci platform}=" + input.path)
      ];
      inherit (input) stream;
    })
)
