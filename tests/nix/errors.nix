# Mistakes that must show at evaluation: `value` is what a user wrote, `message` what the error must say.
{
  pkgs ? import <nixpkgs> { },
}:

let
  polyarch = import ../.. { inherit pkgs; };
  images = pkgs.callPackage ./images.nix { };
  hello =
    arguments:
    polyarch.mkMultiArchImage (
      {
        name = "hello";
        images = [ images.amd64 ];
      }
      // arguments
    );
  keyed = arguments: hello ({ images.x86_64-linux = images.amd64; } // arguments);
  pulled =
    arguments:
    polyarch.pullMultiArchImage (
      {
        imageName = "debian";
        imageDigest = "sha256:${builtins.hashString "sha256" ""}";
        hash = pkgs.lib.fakeHash;
        platforms = [ "x86_64-linux" ];
      }
      // arguments
    );
  layout = arguments: polyarch.mkImageLayout ({ image = images.amd64; } // arguments);

  # A nixpkgs from before lib.systems had Go names.
  oldLib = pkgs.lib // {
    systems = pkgs.lib.systems // {
      elaborate = system: { inherit system; };
    };
  };
  onOldNixpkgs = polyarch.overrideScope (_final: _prev: { lib = oldLib; });
  withOldRust = polyarch.overrideScope (_final: _prev: { rustc.version = "1.86.0"; });
in
{
  nameWithTag = {
    value = hello { name = "hello:v1"; };
    message = ''polyarch.mkMultiArchImage: argument `name` is "hello:v1", but should be the name of an image'';
  };
  nameInUpperCase = {
    value = hello { name = "Hello"; };
    message = ''polyarch.mkMultiArchImage: argument `name` is "Hello", but should be the name of an image, in lower case'';
  };
  nameIsNoString = {
    value = hello { name = 5; };
    message = "polyarch.mkMultiArchImage: argument `name` is 5, but should be the name of an image";
  };
  tag = {
    value = hello { tag = "-x"; };
    message = ''polyarch.mkMultiArchImage: argument `tag` is "-x", but should be a tag'';
  };
  format = {
    value = hello { format = "docker-archive"; };
    message = ''polyarch.mkMultiArchImage: argument `format` is "docker-archive", but should be one of "oci-archive", "oci-layout".'';
  };
  diffOfNoImage = {
    value = polyarch.mkDiffCheck {
      old = 5;
      new = images.amd64;
    };
    message = "polyarch.mkDiffCheck: argument `old` is 5, but should be an image";
  };
  maxPush = {
    value = polyarch.mkDiffCheck {
      old = images.amd64;
      new = images.amd64;
      maxPush = "50X";
    };
    message = ''polyarch.mkDiffCheck: argument `maxPush` is "50X", but should be a number of bytes, or a string with a number and a unit (kB'';
  };
  refsOfNoSource = {
    value = polyarch.withImageRefs {
      src = "deploy";
      images.app = hello { };
    };
    message = ''polyarch.withImageRefs: argument `src` is "deploy", but should be a path, a derivation or a result of lib.fileset.toSource.'';
  };
  refsOfNoImages = {
    value = polyarch.withImageRefs {
      src = ./.;
      images = { };
    };
    message = "polyarch.withImageRefs: argument `images` is an empty set, but should be a set of results of mkMultiArchImage";
  };
  refsOfAnotherImage = {
    value = polyarch.withImageRefs {
      src = ./.;
      images.app = images.amd64;
    };
    message = ''polyarch.withImageRefs: argument `images."app"` is the derivation hello.tar.gz, but should be a result of mkMultiArchImage.'';
  };
  refsKey = {
    value = polyarch.withImageRefs {
      src = ./.;
      images."my app" = hello { };
    };
    message = ''polyarch.withImageRefs: argument `images` is keyed by "my app", but should be keyed by the names of placeholders'';
  };
  refsName = {
    value = polyarch.withImageRefs {
      src = ./.;
      images.app = hello { };
      name = "a b";
    };
    message = ''polyarch.withImageRefs: argument `name` is "a b", but should be the name of a derivation'';
  };
  pulledName = {
    value = pulled { imageName = "debian:13"; };
    message = ''polyarch.pullMultiArchImage: argument `imageName` is "debian:13", but should be the name of an image'';
  };
  pulledDigest = {
    value = pulled { imageDigest = "sha256:0"; };
    message = ''polyarch.pullMultiArchImage: argument `imageDigest` is "sha256:0", but should be the digest of an image index'';
  };
  pulledWithAPath = {
    value = pulled { authFile = ./errors.nix; };
    message = "polyarch.pullMultiArchImage: argument `authFile` is the path ${toString ./errors.nix}, but should be the absolute path of a file that is not in the store, as a string";
  };
  pulledWithAFileOfTheStore = {
    value = pulled { authFile = "${./errors.nix}"; };
    message = ''but should be the absolute path of a file that is not in the store, as a string, such as "/run/keys/registry.json"; or null.'';
  };
  pulledHash = {
    value = pulled { hash = ""; };
    message = ''polyarch.pullMultiArchImage: argument `hash` is "", but should be a hash such as "sha256-…"; give lib.fakeHash if it is unknown.'';
  };
  pulledPlatform = {
    value = pulled { platforms = [ "arm64" ]; };
    message = ''polyarch.pullMultiArchImage: argument `platforms[0]` is "arm64", but should be a Nix system such as "aarch64-linux"'';
  };
  pulledPlatforms = {
    value = pulled { platforms = "linux/arm64"; };
    message = ''polyarch.pullMultiArchImage: argument `platforms` is "linux/arm64", but should be a list of platforms'';
  };
  pulledTwice = {
    value = pulled {
      platforms = [
        "linux/arm64"
        "linux/arm64"
      ];
    };
    message = ''polyarch.pullMultiArchImage: argument `platforms[1]` is "linux/arm64", the same platform as `platforms[0]`'';
  };
  pulledTag = {
    value = pulled { imageTag = "a/b"; };
    message = ''polyarch.pullMultiArchImage: argument `imageTag` is "a/b", but should be a tag'';
  };
  pulledTls = {
    value = pulled { tlsVerify = "no"; };
    message = ''polyarch.pullMultiArchImage: argument `tlsVerify` is "no", but should be true or false.'';
  };
  compression = {
    value = hello { compression = "xz"; };
    message = ''polyarch.mkMultiArchImage: argument `compression` is "xz", but should be one of "gzip", "zstd", "none", "keep".'';
  };
  defaultVariant = {
    value = hello {
      images = {
        aarch64-linux = images.arm64;
        "linux/arm64/v8" = images.arm64;
      };
    };
    message = ''polyarch.mkMultiArchImage: argument `images` is keyed by "aarch64-linux", "linux/arm64/v8", which mean the same platform'';
  };
  dockerManifestOfNoImage = {
    value = hello {
      images.x86_64-linux = images.amd64;
      dockerManifest = "aarch64-linux";
    };
    message = ''polyarch.mkMultiArchImage: argument `dockerManifest` is "aarch64-linux", but should be true, false, or the platform of one of the images: "linux/amd64".'';
  };
  platformCheck = {
    value = hello { platformCheck = true; };
    message = ''polyarch.mkMultiArchImage: argument `platformCheck` is true, but should be one of "error", "warn", "off".'';
  };
  platformCheckOfLayout = {
    value = layout { platformCheck = "on"; };
    message = ''polyarch.mkImageLayout: argument `platformCheck` is "on", but should be one of "error", "warn", "off".'';
  };
  reuse = {
    value = hello { reuse = layout { }; };
    message = "polyarch.mkMultiArchImage: argument `reuse` is the derivation ";
  };
  reuseOfImage = {
    value = layout { reuse = [ images.amd64 ]; };
    message = "but should be a result of mkImageLayout or mkMultiArchImage, or the path of such a layout";
  };
  consistency = {
    value = hello { consistency = "strict"; };
    message = ''polyarch.mkMultiArchImage: argument `consistency` is "strict", but should be one of "error", "warn", "off".'';
  };
  compressionLevel = {
    value = hello { compressionLevel = "9"; };
    message = ''polyarch.mkMultiArchImage: argument `compressionLevel` is "9", but should be a whole number from 1 to 12, or null for the default of gzip.'';
  };
  compressionLevelTooHigh = {
    value = layout {
      compression = "zstd";
      compressionLevel = 20;
    };
    message = "polyarch.mkImageLayout: argument `compressionLevel` is 20, but should be a whole number from 1 to 19, or null for the default of zstd.";
  };
  compressionLevelOfNone = {
    value = hello {
      compression = "keep";
      compressionLevel = 1;
    };
    message = ''polyarch.mkMultiArchImage: argument `compressionLevel` is 1, but should be null, as the compression "keep" has no levels.'';
  };
  noImages = {
    value = hello { images = { }; };
    message = "polyarch.mkMultiArchImage: argument `images` is an empty set, but should be a set of images keyed by platform";
  };
  emptyList = {
    value = hello { images = [ ]; };
    message = "polyarch.mkMultiArchImage: argument `images` is an empty list, but should be";
  };
  imagesIsOneImage = {
    value = hello { images = images.amd64; };
    message = "polyarch.mkMultiArchImage: argument `images` is the derivation hello.tar.gz, but should be";
  };
  unknownSystem = {
    value = hello { images.x86-linux = images.amd64; };
    message = ''polyarch.mkMultiArchImage: argument `images` is keyed by "x86-linux", but should be keyed by a Nix system such as "aarch64-linux" or an OCI platform such as "linux/arm/v7".'';
  };
  systemWithoutGoName = {
    value = hello { images.avr-none = images.amd64; };
    message = ''polyarch.mkMultiArchImage: argument `images` is keyed by "avr-none", but should be keyed by a Nix system'';
  };
  architectureAlone = {
    value = hello { images.arm64 = images.amd64; };
    message = ''argument `images` is keyed by "arm64", but should be keyed by a Nix system such as "aarch64-linux" or an OCI platform such as "linux/arm/v7" (did you mean "linux/arm64"?).'';
  };
  architectureOfNixAlone = {
    value = hello { images.aarch64 = images.amd64; };
    message = ''is keyed by "aarch64", but should be keyed by a Nix system such as "aarch64-linux" or an OCI platform such as "linux/arm/v7" (did you mean "aarch64-linux"?).'';
  };
  armAlone = {
    value = layout { platform = "arm"; };
    message = ''(did you mean "linux/arm/v7"?)'';
  };
  riscv64Alone = {
    value = layout { setPlatform = "riscv64"; };
    message = ''(did you mean "riscv64-linux"?)'';
  };
  functionOnOldNixpkgs = {
    value = onOldNixpkgs.mkMultiArchImage {
      name = "hello";
      images = _: images.amd64;
      systems = [ "x86_64-linux" ];
    };
    message = ''argument `systems[0]` is "x86_64-linux", but should be left out, and `images` a set keyed by OCI platforms such as "linux/arm64" (the lib.systems of this nixpkgs has no Go names, so the platform of a Nix system is unknown).'';
  };
  oldRust = {
    value = withOldRust.polyarch;
    message = "polyarch needs Rust 1.88 or newer, but this nixpkgs has 1.86.0. nixpkgs 25.11 or newer has it; or give the package another one: polyarch.override { rustc = …; rustPlatform = …; }";
  };
  oldRustOfImage = {
    value = withOldRust.mkMultiArchImage {
      name = "hello";
      images = [ images.amd64 ];
    };
    message = "polyarch needs Rust 1.88 or newer, but this nixpkgs has 1.86.0.";
  };
  sameImageInList = {
    value = hello {
      images = [
        images.amd64
        images.arm64
        images.amd64
      ];
    };
    message = "polyarch.mkMultiArchImage: argument `images[2]` is the same image as `images[0]`, but should be one for another platform, from a package set such as pkgsCross.aarch64-multiplatform, or `{ image = …; platform = …; }` of a multi-platform image.";
  };
  sameImageInSet = {
    value = hello {
      images = {
        x86_64-linux = images.amd64Zstd;
        aarch64-linux.image = images.amd64Zstd;
      };
    };
    message = ''argument `images."x86_64-linux"` is the same image as `images."aarch64-linux"`, but should be one for another platform'';
  };
  samePathTwice = {
    value = hello {
      format = "oci-layout";
      images = [
        ../fixtures/amd64-bli-hello-gz.tar.gz
        ../fixtures/amd64-bli-hello-gz.tar.gz
      ];
    };
    message = "argument `images[1]` is the same image as `images[0]`";
  };
  sameStreamTwice = {
    value = hello {
      images = [
        images.amd64
        images.amd64.stream
      ];
    };
    message = "argument `images[1]` is the same image as `images[0]`";
  };
  sameImageOfAFunction = {
    value = hello {
      images = _: images.amd64;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
    };
    message = ''argument `images."x86_64-linux"` is the same image as `images."aarch64-linux"`'';
  };
  sameImageWithAPlatform = {
    value = hello {
      images = [
        {
          image = images.arm;
          setPlatform = "armv7l-linux";
        }
        {
          image = images.arm;
          setPlatform = "linux/arm/v7";
        }
      ];
    };
    message = "argument `images[1]` is the same image as `images[0]`";
  };
  overridden = {
    value = (hello { }).override { tag = "-x"; };
    message = ''polyarch.mkMultiArchImage: argument `tag` is "-x", but should be a tag'';
  };
  layoutOverridden = {
    value = (layout { }).override (before: {
      platform = before.platform or "no";
    });
    message = ''polyarch.mkImageLayout: argument `platform` is "no", but should be a Nix system'';
  };
  tagTwice = {
    value = hello {
      tags = [
        "latest"
        "1.2"
        "latest"
      ];
    };
    message = ''polyarch.mkMultiArchImage: argument `tags[2]` is "latest", the same tag as `tags[0]`, but should be another tag.'';
  };
  systemOnOldNixpkgs = {
    value = onOldNixpkgs.mkMultiArchImage {
      name = "hello";
      images.x86_64-linux = images.amd64;
    };
    message = ''argument `images` is keyed by "x86_64-linux", but should be keyed by an OCI platform such as "linux/arm64" (the lib.systems of this nixpkgs has no Go names'';
  };
  samePlatformTwice = {
    value = hello {
      images = {
        x86_64-linux = images.amd64;
        "linux/amd64" = images.amd64;
      };
    };
    message = ''polyarch.mkMultiArchImage: argument `images` is keyed by "linux/amd64", "x86_64-linux", which mean the same platform (linux/amd64), but should be keyed by each platform once.'';
  };
  imageInSet = {
    value = hello { images.x86_64-linux = "hello.tar"; };
    message = ''polyarch.mkMultiArchImage: argument `images."x86_64-linux"` is "hello.tar", but should be an image'';
  };
  imageInList = {
    value = hello {
      images = [
        images.amd64
        (_: images.arm64)
      ];
    };
    message = "polyarch.mkMultiArchImage: argument `images[1]` is a function, but should be an image";
  };
  setPlatformInSet = {
    value = hello {
      images.armv6l-linux = {
        image = images.arm;
        setPlatform = "armv7l-linux";
      };
    };
    message = ''polyarch.mkMultiArchImage: argument `images."armv6l-linux".setPlatform` is "armv7l-linux", but should be the platform that the image is given for, armv6l-linux.'';
  };
  setPlatformInList = {
    value = hello {
      images = [
        {
          image = images.arm;
          setPlatform = true;
        }
      ];
    };
    message = "polyarch.mkMultiArchImage: argument `images[0].setPlatform` is true, but should be a Nix system";
  };
  setPlatformOfNoImage = {
    value = hello {
      images.armv7l-linux = {
        image = [ images.arm ];
        setPlatform = "armv7l-linux";
      };
    };
    message = ''polyarch.mkMultiArchImage: argument `images."armv7l-linux".image` is a list, but should be an image'';
  };
  setPlatformAlone = {
    value = hello { images = [ { setPlatform = "armv7l-linux"; } ]; };
    message = "polyarch.mkMultiArchImage: argument `images[0]` is a set, but should be an image";
  };
  imageWithOtherAttributes = {
    value = hello {
      images = [
        {
          image = images.arm;
          format = "oci-layout";
        }
      ];
    };
    message = ''polyarch.mkMultiArchImage: argument `images[0]` is a set with "format" in it, but should be an image, or a set of `image` and perhaps `platform`, `select` and `setPlatform`.'';
  };
  annotationsList = {
    value = hello { annotations = [ "a=b" ]; };
    message = "polyarch.mkMultiArchImage: argument `annotations` is a list, but should be a set of strings.";
  };
  annotationValue = {
    value = hello { annotations."a.b" = 5; };
    message = ''polyarch.mkMultiArchImage: argument `annotations."a.b"` is 5, but should be a string.'';
  };
  annotationName = {
    value = hello { annotations."a=b" = "c"; };
    message = ''polyarch.mkMultiArchImage: argument `annotations` is keyed by "a=b", but should be keyed by names that are not empty and have no "=" in them.'';
  };
  layoutPlatform = {
    value = layout { platform = "amd64"; };
    message = ''polyarch.mkImageLayout: argument `platform` is "amd64", but should be a Nix system such as "aarch64-linux" or an OCI platform'';
  };
  layoutSetPlatform = {
    value = layout { setPlatform = "amd64"; };
    message = ''polyarch.mkImageLayout: argument `setPlatform` is "amd64", but should be a Nix system'';
  };
  layoutSetOtherPlatform = {
    value = layout {
      platform = "x86_64-linux";
      setPlatform = "linux/386";
    };
    message = ''polyarch.mkImageLayout: argument `setPlatform` is "linux/386", but should be the platform that the image is given for, x86_64-linux.'';
  };
  layoutImage = {
    value = layout { image = null; };
    message = "polyarch.mkImageLayout: argument `image` is null, but should be an image";
  };
  layoutCompression = {
    value = layout { compression = true; };
    message = "polyarch.mkImageLayout: argument `compression` is true, but should be one of";
  };

  tags = {
    value = hello { tags = "latest"; };
    message = ''polyarch.mkMultiArchImage: argument `tags` is "latest", but should be a list of tags.'';
  };
  tagsMember = {
    value = hello {
      tags = [
        "a"
        "a b"
      ];
    };
    message = ''polyarch.mkMultiArchImage: argument `tags[1]` is "a b", but should be a tag'';
  };
  annotationsMixed = {
    value = hello {
      annotations = {
        manifest.a = "b";
        c = "d";
      };
    };
    message = "polyarch.mkMultiArchImage: argument `annotations` is a set of strings and sets, but should be either a set of strings, for the index, or one of sets";
  };
  annotationsLevel = {
    value = hello { annotations.manifests.a = "b"; };
    message = ''polyarch.mkMultiArchImage: argument `annotations` is keyed by "manifests", but should be keyed by one of "index", "manifest", "descriptor", as its values are sets.'';
  };
  annotationsLevelOfNumber = {
    value = hello {
      annotations = {
        index.a = "b";
        manifest = 5;
      };
    };
    message = "polyarch.mkMultiArchImage: argument `annotations.manifest` is 5, but should be a set of strings.";
  };
  annotationsLevelValue = {
    value = hello { annotations.descriptor."a" = null; };
    message = ''polyarch.mkMultiArchImage: argument `annotations.descriptor."a"` is null, but should be a string.'';
  };
  annotationIsADerivation = {
    value = hello { annotations.a = images.amd64; };
    message = ''polyarch.mkMultiArchImage: argument `annotations."a"` is the derivation hello.tar.gz, but should be a string.'';
  };
  attestAs = {
    value = hello { attestAs = [ "registry" ]; };
    message = ''polyarch.mkMultiArchImage: argument `attestAs[0]` is "registry", but should be one of "index", "referrers".'';
  };
  attestAsTwice = {
    value = hello {
      attestAs = [
        "index"
        "index"
      ];
    };
    message = ''polyarch.mkMultiArchImage: argument `attestAs[1]` is "index", the same place as `attestAs[0]`'';
  };
  attestAsWithoutDocuments = {
    value = hello { attestAs = [ "index" ]; };
    message = "polyarch.mkMultiArchImage: argument `attestAs` is a list, but should be left out, as there is nothing to attach: set `sbom`, `provenance` or `attestations`.";
  };
  attestationsAsAList = {
    value = hello {
      images.x86_64-linux = images.amd64;
      attestations = [ ./errors.nix ];
      attestAs = [ "index" ];
    };
    message = "polyarch.mkMultiArchImage: argument `attestations` is a list, but should be a set of files or lists of files, keyed by platform.";
  };
  attestationsNotAttached = {
    value = hello {
      images.x86_64-linux = images.amd64;
      attestations.x86_64-linux = [ ];
    };
    message = "polyarch.mkMultiArchImage: argument `attestAs` is an empty list, but should be [ \"index\" ], [ \"referrers\" ] or both, as `attestations` has documents.";
  };
  attestationsOfOnePlatformTwice = {
    value = hello {
      images.x86_64-linux = images.amd64;
      attestations = {
        x86_64-linux = ./errors.nix;
        "linux/amd64" = ./errors.nix;
      };
      attestAs = [ "index" ];
    };
    message = ''polyarch.mkMultiArchImage: argument `attestations` is keyed by "linux/amd64", "x86_64-linux", which mean the same platform (linux/amd64), but should be keyed by each platform once.'';
  };
  sbomOfOnePlatformTwice = {
    value = hello {
      images.x86_64-linux = images.amd64;
      sbom = {
        x86_64-linux = ./errors.nix;
        "linux/amd64" = ./errors.nix;
      };
    };
    message = ''polyarch.mkMultiArchImage: argument `sbom` is keyed by "linux/amd64", "x86_64-linux", which mean the same platform (linux/amd64), but should be keyed by each platform once.'';
  };
  attestationsOfAList = {
    value = hello { attestations.x86_64-linux = ./errors.nix; };
    message = "polyarch.mkMultiArchImage: argument `attestations` is a set, but should be left out, as `images` is a list: key the images by platform.";
  };
  attestationsOfAnotherPlatform = {
    value = hello {
      images.x86_64-linux = images.amd64;
      attestations.aarch64-linux = ./errors.nix;
    };
    message = ''polyarch.mkMultiArchImage: argument `attestations` is keyed by "aarch64-linux", but should be keyed by the platform of one of the images: "x86_64-linux".'';
  };
  attestationsOfNoPlatform = {
    value = hello {
      images.x86_64-linux = images.amd64;
      attestations.sbom = ./errors.nix;
    };
    message = ''polyarch.mkMultiArchImage: argument `attestations` is keyed by "sbom", but should be keyed by a Nix system'';
  };
  attestationIsNoFile = {
    value = hello {
      images.x86_64-linux = images.amd64;
      attestations.x86_64-linux = [ { } ];
    };
    message = ''polyarch.mkMultiArchImage: argument `attestations."x86_64-linux"[0]` is an empty set, but should be a file with an SBOM'';
  };
  sbom = {
    value = hello { sbom = "syft"; };
    message = ''polyarch.mkMultiArchImage: argument `sbom` is "syft", but should be true, false, "spdx", "cyclonedx", or a set of files keyed by platform.'';
  };
  sbomOfAnotherPlatform = {
    value = hello {
      images.x86_64-linux = images.amd64;
      sbom.format = "spdx";
    };
    message = ''polyarch.mkMultiArchImage: argument `sbom` is keyed by "format", but should be keyed by a Nix system'';
  };
  sbomIsNoFile = {
    value = hello {
      images.x86_64-linux = images.amd64;
      sbom.x86_64-linux = "spdx";
    };
    message = ''polyarch.mkMultiArchImage: argument `sbom."x86_64-linux"` is "spdx", but should be a file with an SBOM: a path or a derivation.'';
  };
  sbomPackagesWithoutSbom = {
    value = hello { sbomPackages = [ images.amd64 ]; };
    message = "polyarch.mkMultiArchImage: argument `sbomPackages` is a list, but should be left out, as `sbom` is false.";
  };
  sbomPackagesIsNoList = {
    value = keyed {
      sbom = true;
      sbomPackages = images.amd64;
    };
    message = "polyarch.mkMultiArchImage: argument `sbomPackages` is the derivation hello.tar.gz, but should be a list of packages, or a function";
  };
  sbomPackagesIsAFunction = {
    value = keyed {
      sbom = true;
      sbomPackages = pkgs: [ pkgs.hello ];
    };
    message = "polyarch.mkMultiArchImage: argument `sbomPackages` is a function, but should be a list, as `images` is not a function.";
  };
  sbomPackagesOfAnotherKind = {
    value = keyed {
      sbom = true;
      sbomPackages = [
        images.amd64
        "hello"
      ];
    };
    message = ''polyarch.mkMultiArchImage: argument `sbomPackages[1]` is "hello", but should be a package.'';
  };
  sbomPackagesOfOneSystem = {
    value = hello {
      systems = [ "x86_64-linux" ];
      images = _: images.amd64;
      sbom = true;
      sbomPackages = pkgs: pkgs.hello;
    };
    message = ''polyarch.mkMultiArchImage: argument `sbomPackages."x86_64-linux"` is the derivation hello-x86_64-linux, but should be a list of packages.'';
  };
  sbomCheck = {
    value = hello { sbomCheck = "warn"; };
    message = ''polyarch.mkMultiArchImage: argument `sbomCheck` is "warn", but should be one of "error", "allow-changed", "off".'';
  };
  provenance = {
    value = hello { provenance = "slsa"; };
    message = ''polyarch.mkMultiArchImage: argument `provenance` is "slsa", but should be true, false, or a set of "builderId", "flake", "inputs", "url".'';
  };
  provenanceOfAList = {
    value = hello { provenance = true; };
    message = "polyarch.mkMultiArchImage: argument `provenance` is true, but should be left out, as `images` is a list: key the images by platform.";
  };
  provenanceKey = {
    value = hello {
      images.x86_64-linux = images.amd64;
      provenance.builder = "x";
    };
    message = ''polyarch.mkMultiArchImage: argument `provenance` is keyed by "builder", but should be keyed by one of "builderId", "flake", "inputs", "url".'';
  };
  provenanceUrl = {
    value = hello {
      images.x86_64-linux = images.amd64;
      provenance.url = "me/app";
    };
    message = ''polyarch.mkMultiArchImage: argument `provenance.url` is "me/app", but should be a URI, such as "https://github.com/me/app".'';
  };
  provenanceFlake = {
    value = keyed { provenance.flake = "github:me/app"; };
    message = ''polyarch.mkMultiArchImage: argument `provenance.flake` is "github:me/app", but should be a flake or another input of one: a set with `outPath`.'';
  };
  provenanceFlakeWithoutSource = {
    value = keyed { provenance.flake.rev = "0"; };
    message = "polyarch.mkMultiArchImage: argument `provenance.flake` is a set, but should be a flake or another input of one: a set with `outPath`.";
  };
  provenanceRevision = {
    value = keyed {
      provenance = {
        url = "https://github.com/me/app";
        flake.rev = 5;
      };
    };
    message = "polyarch.mkMultiArchImage: argument `provenance.flake.rev` is 5, but should be a string.";
  };
  provenanceInputs = {
    value = keyed { provenance.inputs = [ "nixpkgs" ]; };
    message = "polyarch.mkMultiArchImage: argument `provenance.inputs` is a list, but should be the inputs of a flake, keyed by their names.";
  };
  provenanceInputIsAFlake = {
    value = keyed { provenance.inputs.outPath = "/nix/store/source"; };
    message = "polyarch.mkMultiArchImage: argument `provenance.inputs` is a set, but should be the inputs of a flake, keyed by their names.";
  };
  provenanceInputWithoutSource = {
    value = keyed { provenance.inputs.nixpkgs.url = "github:NixOS/nixpkgs"; };
    message = ''polyarch.mkMultiArchImage: argument `provenance.inputs."nixpkgs"` is a set, but should be a flake or another input of one: a set with `outPath`.'';
  };
  provenanceInputIsAString = {
    value = keyed { provenance.inputs.nixpkgs = "github:NixOS/nixpkgs"; };
    message = ''polyarch.mkMultiArchImage: argument `provenance.inputs."nixpkgs"` is "github:NixOS/nixpkgs", but should be a flake or another input of one: a set with `outPath`.'';
  };
  labelsFrom = {
    value = hello { labelsFrom = "hello"; };
    message = ''polyarch.mkMultiArchImage: argument `labelsFrom` is "hello", but should be a package'';
  };
  dockerManifest = {
    value = hello { dockerManifest = "arm64"; };
    message = ''polyarch.mkMultiArchImage: argument `dockerManifest` is "arm64", but should be true, false, or the platform'';
  };
  meta = {
    value = hello { meta = "x"; };
    message = ''polyarch.mkMultiArchImage: argument `meta` is "x", but should be a set.'';
  };
  pushWith = {
    value = hello { pushWith = "docker"; };
    message = ''polyarch.mkMultiArchImage: argument `pushWith` is "docker", but should be one of "skopeo", "oras".'';
  };

  strategy = {
    value = hello { strategy = "emulated"; };
    message = ''polyarch.mkMultiArchImage: argument `strategy` is "emulated", but should be one of "cross", "native".'';
  };
  systemsOfNoFunction = {
    value = hello { systems = [ "x86_64-linux" ]; };
    message = "polyarch.mkMultiArchImage: argument `systems` is a list, but should be left out, as `images` is not a function that makes images for systems.";
  };
  noSystems = {
    value = hello { images = _: images.amd64; };
    message = "polyarch.mkMultiArchImage: argument `systems` is null, but should be a list of the Nix systems";
  };
  systemsUnknown = {
    value = hello {
      images = _: images.amd64;
      systems = [
        "x86_64-linux"
        "linux/arm64"
      ];
    };
    message = ''polyarch.mkMultiArchImage: argument `systems[1]` is "linux/arm64", but should be a Nix system such as'';
  };
  systemsOfGo = {
    value = hello {
      images = _: images.amd64;
      systems = [ "amd64-linux" ];
    };
    message = ''argument `systems[0]` is "amd64-linux", but should be a Nix system such as "aarch64-linux" (did you mean "x86_64-linux"?).'';
  };
  systemOfAPlatform = {
    value = hello {
      images = _: images.amd64;
      systems = [ "linux/arm64" ];
    };
    message = ''(did you mean "aarch64-linux"?).'';
  };
  keyOfGo = {
    value = hello { images.amd64-linux = images.amd64; };
    message = ''is keyed by "amd64-linux", but should be keyed by a Nix system such as "aarch64-linux" or an OCI platform such as "linux/arm/v7" (did you mean "x86_64-linux"?).'';
  };
  functionOfPackages = {
    value = hello {
      images = { runCommand, hello }: runCommand "x" { } hello;
      systems = [ "x86_64-linux" ];
    };
    message = ''polyarch.mkMultiArchImage: argument `images` is a function of "hello", "runCommand", but should be a function of a whole package set, such as `pkgs: pkgs.callPackage ({ hello, runCommand }: …) { }`.'';
  };
  imageIsAnExpression = {
    value = layout { image = ./images.nix; };
    message = "but should be an image: the file has an expression; give its value, `import ";
  };
  imageIsAProgram = {
    value = hello { images = [ polyarch.polyarch ]; };
    message = "polyarch.mkMultiArchImage: argument `images[0]` is the derivation polyarch-0.1.0, but should be an image: this derivation has a program; put it into an image";
  };
  imageIsAScript = {
    value = layout {
      image = pkgs.runCommand "start" {
        text = "#!/bin/sh";
        executable = true;
      } "";
    };
    message = "argument `image` is the derivation start, but should be an image: this derivation has a program";
  };
  imageIsAScriptOfAnImage = {
    value = layout { image = (hello { }).push; };
    message = "argument `image` is the derivation push-hello, but should be an image: this derivation has a program";
  };
  selectIsNoName = {
    value = layout { select = 0; };
    message = ''argument `select` is 0, but should be the name, "@POSITION" or "@DIGEST" of an image in the file, or null.'';
  };
  selectedPlatformOfAnotherKey = {
    value = hello {
      images.aarch64-linux = {
        image = images.arm64;
        platform = "x86_64-linux";
      };
    };
    message = ''argument `images."aarch64-linux".platform` is "x86_64-linux", but should be the platform that the image is given for, aarch64-linux.'';
  };
  systemsTwice = {
    value = hello {
      images = _: images.amd64;
      systems = [
        "x86_64-linux"
        "x86_64-linux"
      ];
    };
    message = ''polyarch.mkMultiArchImage: argument `systems[1]` is "x86_64-linux", the same system as `systems[0]`, but should be another system.'';
  };
  functionOfNoImage = {
    value = hello {
      images = pkgs: pkgs;
      systems = [ "x86_64-linux" ];
    };
    message = ''polyarch.mkMultiArchImage: argument `images."x86_64-linux"` is a set, but should be an image'';
  };
}
