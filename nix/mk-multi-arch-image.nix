# One image per platform → one multi-platform OCI image, as a store path.
{
  lib,
  arguments,
  inputOf,
  labelsOf,
  merge,
  mkAnalysis,
  mkCopyToDockerScript,
  mkCopyToPodmanScript,
  mkImageLayout,
  mkInspectScript,
  mkPushScript,
  packageSets,
  platforms,
  polyarch,
  runCommand,
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
  : Its tag. Default: `"latest"`. `null`: a hash that is another one whenever the image is, as in dockerTools; the
    same for both formats.

  `tags`
  : Further tags, for where it is pushed and loaded; the archive itself has one name. Default: `[ ]`.

  `images`
  : The images, each as `mkImageLayout` takes it. Either a set keyed by platform, a Nix system
    (`aarch64-linux`) or an OCI platform (`"linux/arm/v7"`), and the build fails if an image is not of the
    platform that its key says; or a list, which takes each image for what its config says. The order of a list
    does not matter. No image can be there twice, except for variants of one architecture.

    Where the config of an image names a wrong platform, give a set `{ image, setPlatform }` instead of the image,
    with `setPlatform` as in `mkImageLayout`. Under a key the two must agree.

  `systems`
  : List of Nix systems, for `images` that is a function, and only then.

  `strategy`
  : Which package sets that function gets. `"cross"`: this machine's, cross-compiling for each system; any machine
    can build it. `"native"`: each system's own, which is built on a machine of that system (a remote builder, the
    Linux builder of a Mac, or this one with binfmt) and comes out of binary caches. This system's own package
    set is the one that polyarch was made from in any case; the others have its `config` and `overlays`.
    Default: `"cross"`.

  `format`
  : `"oci-archive"`: one tar file, for `podman load` and `skopeo copy --all oci-archive:…`.
    `"oci-layout"`: a directory that links to the layouts of the images instead of copying their blobs.
    Default: `"oci-archive"`.

  `compression`, `compressionLevel`
  : As in `mkImageLayout`, for all images.

  `platformCheck`
  : As in `mkImageLayout`, for all images.

  `consistency`
  : What to do about images whose configs say different things, of Entrypoint, Cmd, Env, User, WorkingDir,
    ExposedPorts, Volumes, Labels or created: `"error"`, `"warn"` or `"off"`. Store paths are the same if they have
    the same name and version. Default: `"off"`.

  `annotations`
  : Set of strings, annotations of the image index; or a set of such sets, `index`, `manifest` (of each image) and
    `descriptor` (of each image in the index). The two cannot be mixed. Default: `{ }`.

  `labelsFrom`
  : A package whose description, homepage, license and version become the annotations
    `org.opencontainers.image.description`, `.url`, `.licenses` and `.version` of index and manifests. The license is
    left out where part of it has no SPDX identifier, and where it is a list of several, which does not say whether
    all of them hold or one can be chosen; `lib.licenses.AND` and `OR` of newer nixpkgs say it. Those in `annotations`
    come first, each on its level. Default: `null`.

  `dockerManifest`
  : Whether to add a `manifest.json` for `docker load` with Docker's classic store. It loads all images, as
    NAME:TAG-os-arch, and as NAME:TAG the first of the index, or that of the platform given here instead of `true`.
    Readers that prefer a `manifest.json` (crane, `docker-archive:`) then see no index. Default: `false`.

  `meta`
  : As in `mkDerivation`. Default: `{ }`.

  # Output

  A derivation whose output is the archive or the layout. A second output, `digest`, is a file with the digest of the
  image index and a newline.

  `image.override { tag = "v2"; format = "oci-layout"; }` is the same image with other arguments. `overrideAttrs`
  changes that one derivation and nothing of what hangs off it: `layout`, `push` and the others are still those of the
  image before.

  Beside the usual ones it has the attributes

  `images`
  : the argument; of a function, what it gave, a set keyed by system

  `layouts`
  : the layout of each image: a set keyed by OCI platform, or a list

  `layout`
  : the merged image as a layout, whatever the `format`. It has the same digest as the archive.

  `imageName`, `imageTag`
  : the arguments `name` and `tag`; the hash, where `tag` is `null`

  `imageRefs`
  : `NAME:TAG` for `tag` and each of `tags`

  `push`
  : a script that pushes the image to `imageRefs` or elsewhere, see `mkPushScript`

  `copyToPodman`, `copyToDocker`, `inspect`
  : scripts that load the image into podman or Docker and show what is in it, see `mkCopyToPodmanScript`,
    `mkCopyToDockerScript` and `mkInspectScript`. All scripts are for the machine that runs them, Linux or macOS.

  `analyze`
  : a derivation that is a page for a browser: where the bytes of the image go and which of them need not be there,
    see `mkAnalysis`

  `tests.readsBack`
  : a derivation that reads the image back, every byte of it

  # Type

  ```
  mkMultiArchImage :: {
    name :: String,
    tag :: String | Null ? "latest",
    tags :: [ String ] ? [ ],
    images :: AttrsOf (Image | WithPlatform) | [ Image | WithPlatform ] | (PackageSet -> Image | WithPlatform),
    systems :: [ String ] | Null ? null,
    strategy :: String ? "cross",
    format :: String ? "oci-archive",
    compression :: String ? "gzip",
    compressionLevel :: Int | Null ? null,
    platformCheck :: String ? "error",
    consistency :: String ? "off",
    annotations :: AttrsOf String | { index, manifest, descriptor :: AttrsOf String ? { } } ? { },
    labelsFrom :: Package | Null ? null,
    dockerManifest :: Bool | String ? false,
    meta :: AttrSet ? { },
  } -> Derivation
  WithPlatform = { image :: Image, setPlatform :: String | Null ? null }
  ```

  # Examples

  ```nix
  let
    image = pkgs: pkgs.dockerTools.buildLayeredImage { name = "hello"; config.Cmd = [ "${pkgs.hello}/bin/hello" ]; };
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

  ```nix
  mkMultiArchImage {
    name = "ghcr.io/me/hello";
    tag = pkgs.hello.version;
    tags = [ "latest" ];
    systems = [ "x86_64-linux" "aarch64-linux" ];
    images = pkgs: pkgs.dockerTools.buildLayeredImage { name = "hello"; config.Cmd = [ "${pkgs.hello}/bin/hello" ]; };
    labelsFrom = pkgs.hello;
  }
  => «derivation /nix/store/…-hello.tar.drv»
  ```
*/
lib.makeOverridable (
  {
    name,
    tag ? "latest",
    tags ? [ ],
    images,
    systems ? null,
    strategy ? "cross",
    format ? "oci-archive",
    compression ? "gzip",
    compressionLevel ? null,
    platformCheck ? "error",
    consistency ? "off",
    annotations ? { },
    labelsFrom ? null,
    dockerManifest ? false,
    meta ? { },
  }:

  let
    givenImages =
      if lib.isFunction images then
        lib.genAttrs systems (system: images packageSets.${strategy}.${system})
      else
        images;

    layoutOf =
      platform: value:
      mkImageLayout (
        {
          inherit
            platform
            compression
            compressionLevel
            platformCheck
            ;
        }
        // (if arguments.isWithPlatform value then value else { image = value; })
      );

    layouts =
      if builtins.isList givenImages then
        map (layoutOf null) givenImages
      else
        lib.mapAttrs' (
          key: value: lib.nameValuePair (platforms.toOci key) (layoutOf key value)
        ) givenImages;

    # Not told their platforms once more: the layouts carry them, with the variant that a key may have added. Whether
    # they are of different images is looked at here, where all images have to be evaluated in any case.
    mergeInputs = check (arguments.distinct sourceOf "images" givenImages) (
      map toString (if builtins.isList layouts then layouts else builtins.attrValues layouts)
    );

    # What an image is made of: the same gives the same image.
    sourceOf =
      value:
      let
        withPlatform = if arguments.isWithPlatform value then value else { image = value; };
        input = inputOf withPlatform.image;
        setPlatform = withPlatform.setPlatform or null;
      in
      [
        (if input.stream == null then input.path else "${input.stream}")
        (if setPlatform == null then null else platforms.toOci setPlatform)
      ];

    # By level, called as the tool calls them.
    allAnnotations =
      let
        given = if arguments.hasLevels annotations then annotations else { index = annotations; };
        labels = lib.optionalAttrs (labelsFrom != null) (labelsOf labelsFrom);
      in
      {
        index = labels // given.index or { };
        manifest = labels // given.manifest or { };
        manifest-descriptor = given.descriptor or { };
      };

    # Options and values in one word, as a value may begin with a dash.
    options = [
      "--name=${name}"
      # The layers are as they shall be: that was the work of the layouts.
      "--compression=keep"
    ]
    ++ lib.concatLists (
      lib.mapAttrsToList (
        level:
        # The level is always said: a key may have a colon in it and look as if it began with one.
        lib.mapAttrsToList (key: value: "--annotation=${level}:${key}=${value}")
      ) allAnnotations
    )
    ++ lib.optional (platformCheck != "error") "--platform-check=${platformCheck}"
    ++ lib.optional (consistency != "off") "--consistency=${consistency}"
    ++
      lib.optional (dockerManifest != false)
        "--docker-manifest${
          lib.optionalString (dockerManifest != true) "=${platforms.toOci dockerManifest}"
        }";

    baseName = baseNameOf name;

    mergeLayout =
      options: more:
      merge (
        {
          name = "${baseName}-layout";
          options = options ++ [ "--format=oci-layout" ];
          images = mergeInputs;
          links = true;
          isImage = true;
        }
        // more
      );

    # Packed from the layouts of the images and not from the merged one: it is the same work, and does not wait.
    mergeArchive =
      options: more:
      merge (
        {
          name = "${baseName}.tar";
          options = options ++ [
            "--format=oci-archive"
            # Their layers were held against the diff IDs when they were made.
            "--trust-diff-ids"
          ];
          images = mergeInputs;
          isImage = true;
        }
        // more
      );

    # The hash is the one of a layout that has no tag in it, or it would have to know itself. Nothing builds that one.
    imageTag =
      if tag != null then
        tag
      else
        lib.head (
          lib.splitString "-" (
            baseNameOf (builtins.unsafeDiscardStringContext (mergeLayout options { }).outPath)
          )
        );

    optionsWithTag = options ++ [ "--tag=${imageTag}" ];

    # `passthru` and `meta` are no part of a derivation, so for `format = "oci-layout"` this is the same store path.
    layout = mergeLayout optionsWithTag { };

    image = (if format == "oci-layout" then mergeLayout else mergeArchive) optionsWithTag {
      inherit passthru meta;
    };

    imageRefs = map (tag: "${name}:${tag}") (lib.unique ([ imageTag ] ++ tags));

    forScript = {
      inherit layout imageRefs;
      imageName = name;
    };

    passthru = {
      images = givenImages;
      inherit layouts layout;
      imageName = name;
      inherit imageTag imageRefs;
      push = mkPushScript {
        inherit layout imageTag imageRefs;
        imageName = name;
      };
      copyToPodman = mkCopyToPodmanScript forScript;
      copyToDocker = mkCopyToDockerScript forScript;
      inspect = mkInspectScript forScript;
      analyze = mkAnalysis {
        inherit layout;
        imageName = name;
      };
      tests.readsBack =
        runCommand "${baseName}-reads-back"
          {
            nativeBuildInputs = [ polyarch ];
          }
          ''
            cmp ${image.digest} ${layout.digest}
            polyarch verify --platform-check=${platformCheck} ${image} ${layout}
            cp ${image.digest} "$out"
          '';
    };

    check = arguments.checked "mkMultiArchImage";
  in
  check
    (
      [
        (arguments.imageName "name" name)
        (arguments.tagOrNull "tag" tag)
      ]
      ++ arguments.tags "tags" tags
      ++ [
        (arguments.collection "images" images)
      ]
      ++ arguments.systems (lib.isFunction images) "systems" systems
      ++ [
        (arguments.strategy "strategy" strategy)
        (arguments.format "format" format)
        (arguments.compression "compression" compression)
        (arguments.compressionLevel compression "compressionLevel" compressionLevel)
        (arguments.check "platformCheck" platformCheck)
        (arguments.check "consistency" consistency)
        (arguments.set "a set of strings" "annotations" annotations)
        (arguments.package "labelsFrom" labelsFrom)
        (arguments.set "a set" "meta" meta)
      ]
    )
    (
      check (
        arguments.images "images" givenImages
        ++ arguments.annotations "annotations" annotations
        ++ arguments.dockerManifest givenImages "dockerManifest" dockerManifest
      ) image
    )
)
