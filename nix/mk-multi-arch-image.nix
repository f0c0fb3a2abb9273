# One image per platform → one multi-platform OCI image, as an archive or a layout.
{
  lib,
  checkArguments,
  imageAttributes,
  imagesToMerge,
  mergedImage,
  packageSets,
  rules,
}:

/**
  Merges images, one per platform, into one multi-platform OCI image.

  `mkImageLayout` turns each image into an OCI layout, in a separate derivation. A second, small derivation merges the
  layouts. Changing one image rebuilds its layout and the merge, and no other layout.

  # Inputs

  `name`
  : Name of the image, with or without a registry: `"ghcr.io/me/app"`. `push` pushes to this name, and podman and Docker
    load the image under it.

  `tag`
  : Tag of the image. Default: `"latest"`. `null`: a hash that changes whenever the image does, as in dockerTools. It is
    the same for both formats.

  `tags`
  : More tags, for pushing and loading. The archive itself has one name, with `tag`. Default: `[ ]`.

  `images`
  : The images, each as `mkImageLayout` takes it, in one of three forms:

    - a set keyed by platform, either a Nix system (`aarch64-linux`) or an OCI platform (`"linux/arm/v7"`). The build
      fails if the platform of an image is not that of its key.
    - a list. The platform of each image is the one in its config. The order does not matter.
    - a function from a package set to an image, see `systems`.

    No image can occur twice, except for variants of one architecture.

    A layout that `mkImageLayout` made is used as it is, with its compression.

    Instead of an image, give a set `{ image, platform, select, setPlatform }` with arguments of `mkImageLayout`:
    `platform` takes one platform of a multi-platform image, `select` one image of several, and `setPlatform` corrects a
    config with a wrong platform. Both platforms must agree with the key.

  `systems`
  : List of Nix systems to apply the function `images` to. Only for a function. Default: `null`.

  `strategy`
  : Which package sets the function `images` is applied to. `"cross"`: package sets that cross-compile on this system,
    so any machine can build the images. `"native"`: the package set of each system, which a machine of that system
    builds (a remote builder, the Linux builder of a Mac, or this machine with binfmt), or a binary cache has. For this
    system it is always the package set that polyarch was made from; the others get its `config` and `overlays`.
    Default: `"cross"`.

  `format`
  : `"oci-archive"`: one tar file, for `podman load` and `skopeo copy --all oci-archive:…`.
    `"oci-layout"`: a directory that links to the layouts of the images instead of copying their blobs.
    Default: `"oci-archive"`.

  `compression`, `compressionLevel`
  : As in `mkImageLayout`, for all images.

  `platformCheck`
  : As in `mkImageLayout`, for all images.

  `reuse`
  : Results of `mkMultiArchImage` or `mkImageLayout` that have some of the layers, as in `mkImageLayout`. Default: `[ ]`.

  `consistency`
  : What to do when the configs of the images differ in Entrypoint, Cmd, Env, User, WorkingDir, ExposedPorts, Volumes,
    Labels or created: `"error"`, `"warn"` or `"off"`. Store paths are compared by name and version, not by hash.
    Default: `"off"`.

  `annotations`
  : Annotations of the image index, as a set of strings; or a set of up to three such sets: `index`, `manifest` (for the
    manifest of each image) and `descriptor` (for the descriptor of each image in the index). The two forms cannot be
    mixed. Default: `{ }`.

  `labelsFrom`
  : A package. Its description, homepage, license and version become the annotations
    `org.opencontainers.image.description`, `.url`, `.licenses` and `.version` of the index and the manifests.
    `annotations` take precedence, on their level. The license is left out if any part of it has no SPDX identifier, or
    if it is a list of several: a list does not say whether all of them hold or one can be chosen. `lib.licenses.AND`
    and `OR` of newer nixpkgs do. Default: `null`.

  `sbom`
  : Whether to make an SBOM of each image: `true` or `"spdx"` for SPDX 2.3, `"cyclonedx"` for CycloneDX 1.6, or a set of
    files of your own, keyed by platform. Default: `false`. `images` must be keyed by platform.

  `sbomPackages`
  : Packages whose `meta` is added to the components of `sbom = true`, `"spdx"` or `"cyclonedx"`: license, homepage,
    description, CPE and package URL. Dependencies need not be listed: those in `buildInputs`, `propagatedBuildInputs` and
    `paths`, and the C library, are found at evaluation. The components are those in the layers, with or without a `meta`.
    A list of packages of all platforms, or a function like `images`, from a package set to a list. Default: `[ ]`.

  `sbomCheck`
  : Whether the SBOM of a layered image of dockerTools must agree with the closure that Nix has registered. `"error"`: the
    build fails if the layers have other store paths than the closure, or if files in them were changed.
    `"allow-changed"`: the SBOM lists changed store paths as changed. `"off"`: no comparison, for an image on a base image that has
    store paths. Default: `"error"`.

  `provenance`
  : Whether to make the provenance of each image: an in-toto statement with SLSA provenance 1, which names the
    derivations of the image and of its layout, the system, and the version and options of polyarch. It has no time, so
    the same expression gives the same bytes. Instead of `true`, a set gives more of what Nix cannot know:

    - `url`: URI of the source, such as `"git+https://github.com/me/app"`
    - `flake`: the `self` of the flake; its revision and NAR hash are added
    - `inputs`: the inputs of the flake, with their revisions and NAR hashes
    - `builderId`: URI of the machine or service that builds, such as that of a CI workflow. Default:
      `"https://github.com/NixOS/nix"`, any Nix

    A statement with a revision changes with each commit, and so does the digest of the index that it is attached to; the
    images do not change. `images` must be keyed by platform. Default: `false`.

  `attestations`
  : Documents to attach, as a set keyed by platform: files with an SBOM in JSON (SPDX 2 or CycloneDX) or an in-toto
    statement, one or a list for each platform. Default: `{ }`.

  `attestAs`
  : Where the documents of `sbom`, `provenance` and `attestations` are stored: `"index"` as attestations of BuildKit in the image
    index, `"referrers"` as referrers (OCI 1.1) beside the image. An archive has no place for referrers; `layout` has
    them, and `push` sends them with `pushWith = "oras"`. Default: `[ ]`, they are not attached; with `attestations` it is
    an error. Places without any document are an error too.

  `dockerManifest`
  : Whether to add a `manifest.json`, for `docker load` with Docker's classic store. Docker then loads every image as
    NAME:TAG-os-arch, and one of them as NAME:TAG: the first of the index, or that of the platform given here instead of
    `true`. Tools that prefer `manifest.json` (crane, `docker-archive:`) do not read the index of such an image.
    Default: `false`.

  `pushWith`
  : The program of the script `push`: `"skopeo"`, or `"oras"`, which needs fewer requests if the registry has the image,
    and pushes referrers too, see `mkPushScript`. Default: `"skopeo"`.

  `meta`
  : As in `mkDerivation`. Default: `{ }`.

  # Output

  A derivation whose output is the archive or the layout. A second output, `digest`, is a file with the digest of the
  image index and a newline.

  `image.override { tag = "v2"; format = "oci-layout"; }` is the same image with other arguments. `overrideAttrs`
  changes this derivation only: `layout`, `push` and the other attributes still belong to the original image.

  Attributes besides those of every derivation:

  `images`
  : the argument `images`; for a function, its results, keyed by system

  `layouts`
  : the layout of each image: a set keyed by OCI platform, or a list

  `layout`
  : the merged image as a layout, for every `format`. It has the same digest as the archive.

  `sbom`, `provenance`
  : derivations with the SBOM and the provenance of each image: directories with a file for each platform, such as
    `linux-amd64.spdx.json`. `sbom."linux/amd64"` is the file of one platform. Missing if the argument is `false`.

  `imageName`, `imageTag`
  : the arguments `name` and `tag`; the hash, if `tag` is `null`

  `imageRefs`
  : `NAME:TAG` for `tag` and each of `tags`

  `push`
  : a script that pushes the image to `imageRefs` or to other destinations, see `mkPushScript`

  `login`
  : a script that logs in to the registry of the image, see `mkLoginScript`

  `checkPushed`
  : a script that compares the image with what a registry has, see `mkCheckPushedScript`

  `ref`
  : files with `NAME@sha256:…` and with the digests of all platforms, see `mkImageRef`

  `copyToPodman`, `copyToDocker`
  : scripts that load the image into podman or Docker, see `mkCopyToPodmanScript` and `mkCopyToDockerScript`. They need
    the image for this machine's architecture, and build no other (unless `images` is a list). If podman or Docker runs
    on a machine of another architecture, use `copyToPodman.allPlatforms` or `copyToDocker.allPlatforms`.

  `inspect`
  : a script that shows the image, see `mkInspectScript`. All scripts are for the machine that runs them, Linux or macOS.

  `sign`, `verifySignature`
  : scripts that sign the pushed image with cosign, and verify its signatures, see `mkSignScript`. No build has a key.

  `reproduce`
  : a script that builds the image again and compares it with what a registry serves, see `mkReproduceScript`

  `analyze`
  : a derivation that makes an HTML page about the sizes in the image, see `mkAnalysis`

  `tests.readsBack`
  : a derivation that reads every byte of the image and verifies it

  `tests.matchesDockerTools`
  : a derivation that builds the layout of each layered image from its conf and through its stream, and compares the
    image IDs. It compares the images that have a conf, and a stream for the system that builds. If no image has both,
    this attribute is missing.

  # Type

  ```
  mkMultiArchImage :: {
    name :: String,
    tag :: String | Null ? "latest",
    tags :: [ String ] ? [ ],
    images :: AttrsOf (Image | ImageWithArguments) | [ Image | ImageWithArguments ] | (PackageSet -> Image | ImageWithArguments),
    systems :: [ String ] | Null ? null,
    strategy :: String ? "cross",
    format :: String ? "oci-archive",
    compression :: String ? "gzip",
    compressionLevel :: Int | Null ? null,
    platformCheck :: String ? "error",
    reuse :: [ Derivation | Path ] ? [ ],
    consistency :: String ? "off",
    annotations :: AttrsOf String | { index, manifest, descriptor :: AttrsOf String ? { } } ? { },
    labelsFrom :: Package | Null ? null,
    sbom :: Bool | String | AttrsOf Path ? false,
    sbomPackages :: [ Package ] | (PackageSet -> [ Package ]) ? [ ],
    sbomCheck :: String ? "error",
    provenance :: Bool | { url :: String ?, flake :: AttrSet ?, inputs :: AttrSet ?, builderId :: String ? } ? false,
    attestations :: AttrsOf (Path | [ Path ]) ? { },
    attestAs :: [ String ] ? [ ],
    dockerManifest :: Bool | String ? false,
    pushWith :: String ? "skopeo",
    meta :: AttrSet ? { },
  } -> Derivation
  ImageWithArguments = { image :: Image, platform, select, setPlatform :: String | Null ? null }
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
    reuse ? [ ],
    consistency ? "off",
    annotations ? { },
    labelsFrom ? null,
    sbom ? false,
    sbomPackages ? [ ],
    sbomCheck ? "error",
    provenance ? false,
    attestations ? { },
    attestAs ? [ ],
    dockerManifest ? false,
    pushWith ? "skopeo",
    meta ? { },
  }:

  let
    ofSystems =
      value:
      if lib.isFunction value then
        lib.genAttrs systems (system: value packageSets.${strategy}.${system})
      else
        value;
    allImages = ofSystems images;
    allSbomPackages = ofSystems sbomPackages;

    toMerge = imagesToMerge {
      images = allImages;
      layoutArguments = {
        inherit
          compression
          compressionLevel
          platformCheck
          reuse
          ;
      };
    };

    merged = mergedImage {
      inherit
        toMerge
        name
        tag
        format
        annotations
        labelsFrom
        platformCheck
        consistency
        dockerManifest
        attestations
        attestAs
        provenance
        sbom
        sbomCheck
        ;
      sbomPackages = allSbomPackages;
      passthru = imageAttributes {
        images = allImages;
        inherit
          toMerge
          merged
          name
          tags
          attestAs
          platformCheck
          provenance
          pushWith
          sbom
          ;
      };
      meta = {
        description = "Multi-platform container image ${name}";
        # `nix run` of an image fails in any case; its error shows this name.
        mainProgram = "(an image is not a program; run its attribute push, copyToPodman, copyToDocker or inspect)";
      }
      // meta;
    };
  in
  checkArguments "mkMultiArchImage" [
    (rules.imageName "name" name)
    (rules.imageTagOrNull "tag" tag)
    (rules.imageTags "tags" tags)
    (rules.imageCollection "images" images)
    (rules.systems (lib.isFunction images) "systems" systems)
    (rules.strategy "strategy" strategy)
    (rules.format "format" format)
    (rules.compression "compression" compression)
    (rules.compressionLevel compression "compressionLevel" compressionLevel)
    (rules.severity "platformCheck" platformCheck)
    (rules.reuse "reuse" reuse)
    (rules.severity "consistency" consistency)
    (rules.packageOrNull "labelsFrom" labelsFrom)
    (rules.pushWith "pushWith" pushWith)
    (rules.meta "meta" meta)
    (rules.images "images" allImages)
    (rules.annotations "annotations" annotations)
    (rules.sbom allImages "sbom" sbom)
    (rules.sbomPackages {
      inherit sbom;
      isFunction = lib.isFunction images;
    } "sbomPackages" sbomPackages)
    (rules.packagesOfSbom "sbomPackages" allSbomPackages)
    (rules.sbomCheck "sbomCheck" sbomCheck)
    (rules.provenance allImages "provenance" provenance)
    (rules.attestations allImages "attestations" attestations)
    (rules.attestAs { inherit attestations provenance sbom; } "attestAs" attestAs)
    (rules.dockerManifest allImages "dockerManifest" dockerManifest)
  ] merged.image
)
