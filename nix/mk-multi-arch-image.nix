# One image per platform → one multi-platform OCI image, as a store path.
{
  lib,
  arguments,
  merge,
  mkImageLayout,
  mkPushScript,
  platforms,
}:

/**
  Merge images, one per platform, into one multi-platform OCI image.

  Each image is brought into shape by `mkImageLayout` in a derivation of its own; putting them together is a
  second, small one. Changing one image rebuilds its layout and the index, nothing of the others.

  # Inputs

  `name`
  : Name of the image, with or without registry: `"ghcr.io/me/app"`. Where it is loaded, this is what it is
    called; `push` pushes there.

  `tag`
  : Its tag. Default: `"latest"`.

  `images`
  : The images, each as `mkImageLayout` takes it. Either a set keyed by platform, a Nix system
    (`aarch64-linux`) or an OCI platform (`"linux/arm/v7"`), and the build fails if an image is not of the
    platform that its key says; or a list, which takes each image for what its config says. The order of a list
    does not matter.

    Where the config of an image names a wrong platform, give a set `{ image, setPlatform }` instead of the image,
    with `setPlatform` as in `mkImageLayout`. Under a key the two must agree.

  `format`
  : `"oci-archive"`: one tar file, for `podman load` and `skopeo copy --all oci-archive:…`.
    `"oci-layout"`: a directory that links to the layouts of the images instead of copying their blobs.
    Default: `"oci-archive"`.

  `compression`, `compressionLevel`
  : As in `mkImageLayout`, for all images.

  `annotations`
  : Set of strings, annotations of the image index. Default: `{ }`.

  # Output

  A derivation whose output is the archive or the layout. Beside the usual ones it has the attributes

  `images`
  : the argument, as it was given

  `layouts`
  : the layout of each image: a set keyed by OCI platform, or a list

  `layout`
  : the merged image as a layout, whatever the `format`. It has the same digest as the archive.

  `imageName`, `imageTag`
  : the arguments `name` and `tag`

  `push`
  : a script that pushes the image to where its name says, see `mkPushScript`

  # Type

  ```
  mkMultiArchImage :: {
    name :: String,
    tag :: String ? "latest",
    images :: AttrsOf (Image | WithPlatform) | [ Image | WithPlatform ],
    format :: String ? "oci-archive",
    compression :: String ? "gzip",
    compressionLevel :: Int | Null ? null,
    annotations :: AttrsOf String ? { },
  } -> Derivation
  WithPlatform = { image :: Image, setPlatform :: String | Null ? null }
  ```

  # Examples

  ```nix
  let
    image = pkgs: pkgs.dockerTools.buildLayeredImage { name = "hello"; contents = [ pkgs.hello ]; };
  in
  mkMultiArchImage {
    name = "ghcr.io/me/hello";
    images = {
      x86_64-linux = image pkgs;
      aarch64-linux = image pkgs.pkgsCross.aarch64-multiplatform;
    };
  }
  => «derivation /nix/store/…-hello.tar.drv»
  ```
*/
{
  name,
  tag ? "latest",
  images,
  format ? "oci-archive",
  compression ? "gzip",
  compressionLevel ? null,
  annotations ? { },
}:

let
  layoutOf =
    platform: value:
    mkImageLayout (
      {
        inherit platform compression compressionLevel;
      }
      // (if arguments.isWithPlatform value then value else { image = value; })
    );

  layouts =
    if builtins.isList images then
      map (layoutOf null) images
    else
      lib.mapAttrs' (key: value: lib.nameValuePair (platforms.toOci key) (layoutOf key value)) images;

  # Options and values in one word, as a value may begin with a dash.
  options = [
    "--name=${name}"
    "--tag=${tag}"
    # The layers are as they shall be: that was the work of the layouts.
    "--compression=keep"
  ]
  ++ lib.mapAttrsToList (key: value: "--annotation=${key}=${value}") annotations;

  # Not told their platforms once more: the layouts carry them, with the variant that a key may have added.
  mergeInputs = map toString (
    if builtins.isList layouts then layouts else builtins.attrValues layouts
  );

  baseName = baseNameOf name;

  mergeLayout =
    passthru:
    merge {
      name = "${baseName}-layout";
      options = options ++ [
        "--format=oci-layout"
        "--link"
      ];
      images = mergeInputs;
      # Its blobs are links to the layouts of the images.
      discardReferences = false;
      inherit passthru;
    };

  # Packed from the layouts of the images and not from the merged one: it is the same work, and does not wait.
  mergeArchive =
    passthru:
    merge {
      name = "${baseName}.tar";
      options = options ++ [ "--format=oci-archive" ];
      images = mergeInputs;
      discardReferences = true;
      inherit passthru;
    };

  passthru = {
    inherit images layouts layout;
    imageName = name;
    imageTag = tag;
    push = mkPushScript {
      inherit layout;
      imageName = name;
      imageTag = tag;
    };
  };

  # `passthru` is no part of a derivation, so for `format = "oci-layout"` this is the same store path.
  layout = mergeLayout { };

  check = arguments.checked "mkMultiArchImage";
in
check
  [
    (arguments.imageName "name" name)
    (arguments.imageTag "tag" tag)
    (arguments.collection "images" images)
    (arguments.format "format" format)
    (arguments.compression "compression" compression)
    (arguments.compressionLevel "compressionLevel" compressionLevel)
    (arguments.set "annotations" annotations)
  ]
  (
    check (arguments.images "images" images ++ arguments.annotations "annotations" annotations) (
      if format == "oci-layout" then mergeLayout passthru else mergeArchive passthru
    )
  )
