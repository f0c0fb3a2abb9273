# One image → OCI image layout. The unit of work that Nix caches and hands to builders: one derivation per image.
{
  lib,
  arguments,
  merge,
  platforms,
}:

/**
  Turn one image of any kind into an OCI image layout, its layers compressed and verified.

  An image whose manifest already is OCI and whose layers already are compressed keeps its digest.

  # Inputs

  `image`
  : The image: what `dockerTools.buildImage` and `dockerTools.buildLayeredImage` give, an OCI image layout or an
    oci-archive, as a derivation or a path.

  `platform`
  : The platform that the image must be of, as a Nix system (`"aarch64-linux"`) or an OCI platform
    (`"linux/arm/v7"`). The build fails if the image's config says another. Default: `null`, whatever it says.

  `compression`
  : For layers: `"gzip"` and `"zstd"` compress what is not compressed yet, `"none"` leaves all uncompressed,
    `"keep"` changes none. Default: `"gzip"`.

  `compressionLevel`
  : Level for `compression`. Default: `null`, polyarch's default.

  # Output

  A derivation whose output is the layout: a directory with `oci-layout`, `index.json` and `blobs/`. It refers to
  no other store path, whatever paths the image's layers and config mention (from Nix 2.14 on).

  # Type

  ```
  mkImageLayout :: {
    image :: Derivation | Path,
    platform :: String | Null ? null,
    compression :: String ? "gzip",
    compressionLevel :: Int | Null ? null,
  } -> Derivation
  ```

  # Examples

  ```nix
  mkImageLayout {
    image = pkgs.dockerTools.buildLayeredImage { name = "hello"; contents = [ pkgs.hello ]; };
    platform = "x86_64-linux";
  }
  => «derivation /nix/store/…-hello-layout-linux-amd64.drv»
  ```
*/
{
  image,
  platform ? null,
  compression ? "gzip",
  compressionLevel ? null,
}:

let
  # `hello.tar.gz` → `hello`; a path has no name that would be worth showing.
  imageName = lib.head (lib.splitString ".tar" image.name or "image");
  ociPlatform = platforms.toOci platform;
in
arguments.checked "mkImageLayout"
  [
    (arguments.image "image" image)
    (arguments.platform "platform" platform)
    (arguments.compression "compression" compression)
    (arguments.compressionLevel "compressionLevel" compressionLevel)
  ]
  (merge {
    name =
      "${imageName}-layout"
      + lib.optionalString (platform != null) "-${lib.replaceStrings [ "/" ] [ "-" ] ociPlatform}";
    options = [
      "--format=oci-layout"
      "--compression=${compression}"
    ]
    ++ lib.optional (compressionLevel != null) "--compression-level=${toString compressionLevel}";
    images = [ (lib.optionalString (platform != null) "${ociPlatform}=" + "${image}") ];
    discardReferences = true;
  })
