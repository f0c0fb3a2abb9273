# One image → OCI image layout, in a separate derivation: the unit that Nix caches and sends to builders.
{
  lib,
  checkArguments,
  clockWarning,
  inputOf,
  merge,
  platforms,
  reusedLayouts,
  rules,
}:

/**
  Turns one image of any supported format into an OCI image layout with compressed and verified layers.

  An image that has an OCI manifest and compressed layers keeps its digest.

  # Inputs

  `image`
  : The image, as a derivation or a path: the result of `dockerTools.buildImage`, `buildLayeredImage` or
    `streamLayeredImage`, the result of `nix2container.buildImage`, an OCI image layout, or an oci-archive.

    The build reads a `buildLayeredImage` or `streamLayeredImage` from its `conf`, a JSON file that names the store paths
    of each layer. It makes the layers from these store paths on all cores, with the image ID that the archive has. It
    runs neither the stream nor any other program of the image, so the image can be for any system. A Mac does not do
    this: in its store, Nix renames files whose names differ only in case (`use-case-hack`).

    The build runs the stream instead, and never writes its output to a file, in three cases: polyarch does not support
    the conf, as with `created = "now"` (the log of the layout then has a warning with the reason); `overrideAttrs`
    changed the program of the stream; or nixpkgs is too old to have a `conf`. This needs a stream for the system that
    builds this derivation. If that system cannot run the stream, a conf that is not supported is an error; with
    `created = "now"`, in the other two cases and on a Mac, the build reads the archive, which another machine makes.

    If `overrideAttrs` changed what a `buildLayeredImage` builds, the build reads the archive. To read the archive in any
    case, give the image as a string, `"${image}"`: for example because a binary cache has the archive but not its
    contents.

    The machine that builds the layout reads an image of nix2container from the store paths that it names. Build it on
    Linux, for example with the functions of `legacyPackages.aarch64-linux`: in the store of a Mac, the digest of a layer
    with renamed files does not match.

  `platform`
  : The platform that the image must have, as a Nix system (`"aarch64-linux"`) or an OCI platform
    (`"linux/arm/v7"`). The build fails if the image's config has another one. Default: `null`, any platform.

  `select`
  : Which image to take from a file with several, as the command line has it after `#`: a name and tag
    (`"hello:v1"`), a position (`"@0"`) or a digest (`"@sha256:…"`). `platform` selects an image too, from a
    multi-platform image. Default: `null`, the file has one image, or one for `platform`.

  `setPlatform`
  : The platform to write into the image's config, in the same form as `platform`: for a config with a wrong
    architecture, such as `aarch64` instead of `arm64`, without the variant of a 32-bit ARM, or without a platform. Config
    and manifest get other digests; the layers do not change. Default: `null`, the config is not changed.

  `compression`
  : Compression of the layers. `"gzip"` and `"zstd"` compress the uncompressed layers, `"none"` decompresses all layers,
    `"keep"` changes no layer. Default: `"gzip"`.

  `compressionLevel`
  : Level for `compression`. Default: `null`, the default of polyarch.

  `platformCheck`
  : What to do when a program is built for a platform other than the image's. `"error"` fails the build if it is the
    program that the image starts (`Entrypoint` or `Cmd`), and warns about other programs; `"warn"` only warns; `"off"`
    does not check. Default: `"error"`.

  `reuse`
  : Other results of `mkImageLayout`, or results of `mkMultiArchImage`, that have some of the layers: of an image with only
    the dependencies, for example, which changes less often. Layers with the same store paths are copied from there, and
    the files in them are not read. The result is the same as without this argument. Default: `[ ]`.

  # Output

  A derivation whose output is the layout: a directory with `oci-layout`, `index.json`, `blobs/` and
  `polyarch-layers.json`, which records how the layers were made for `reuse`. It refers to no
  other store path, whatever paths the image's layers and config mention (see "What stays in the store"). It has
  `override`, as packages have. Its attribute `source` is what the build reads: the conf of a layered image, a stream, or
  the image.

  # Type

  ```
  mkImageLayout :: {
    image :: Derivation | Path,
    platform :: String | Null ? null,
    select :: String | Null ? null,
    setPlatform :: String | Null ? null,
    compression :: String ? "gzip",
    compressionLevel :: Int | Null ? null,
    platformCheck :: String ? "error",
    reuse :: [ Derivation | Path ] ? [ ],
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
    select ? null,
    setPlatform ? null,
    compression ? "gzip",
    compressionLevel ? null,
    platformCheck ? "error",
    reuse ? [ ],
  }:

  let
    input = inputOf image;
    path = input.path + lib.optionalString (select != null) "#${select}";

    platformOfName = if platform != null then platform else setPlatform;
    platformSuffix = "-${platforms.inName (platforms.toOci platformOfName)}";
  in
  checkArguments "mkImageLayout"
    [
      (rules.image "image" image)
      (rules.platformOrNull "platform" platform)
      (rules.select "select" select)
      (rules.setPlatform platform "setPlatform" setPlatform)
      (rules.compression "compression" compression)
      (rules.compressionLevel compression "compressionLevel" compressionLevel)
      (rules.severity "platformCheck" platformCheck)
      (rules.reuse "reuse" reuse)
    ]
    (
      clockWarning image (merge {
        name = "${input.name}-layout" + lib.optionalString (platformOfName != null) platformSuffix;
        options = [
          "--format=oci-layout"
          "--compression=${compression}"
          "--layer-records"
        ]
        ++ lib.optional (compressionLevel != null) "--compression-level=${toString compressionLevel}"
        ++ lib.optional (platformCheck != "error") "--platform-check=${platformCheck}"
        ++ map (layout: "--reuse=${layout}") (reusedLayouts platform reuse)
        ++ lib.optional (setPlatform != null) "--set-platform=${path}=${platforms.toOci setPlatform}";
        images = [
          (lib.optionalString (platform != null) "${platforms.toOci platform}=" + path)
        ];
        inherit (input) conf stream;
        passthru = {
          isImageLayout = true;
          inherit (input) source;
        };
      })
    )
)
