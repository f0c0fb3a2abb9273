# The scope, which is the table of contents of nix/: every function and package, and the file that it is in.
#
#   pkgs.callPackage ./nix { }  →  { polyarch, mkImageLayout, mkMultiArchImage, … }
#
# Everything in it runs on the machine that builds: merging is a build step, and the user who built an image starts its
# scripts. Under pkgsCross the packages of `pkgs` are for another machine, so the scope is made from `pkgsBuildBuild`.
# Not from `buildPackages`: its programs run here too, but what builds for a target builds for that other machine, and
# dockerTools reads the architecture of an image from its Go. In a package set that does not cross-compile, all three
# are the same.
{ lib, pkgsBuildBuild }:

/**
  # polyarch for Nix

  These functions merge single-platform container images into one multi-platform OCI image, in a Nix build.

  `pkgs.callPackage ./nix { }` returns a set with the functions below and the tool itself as `polyarch`. The flake has
  the same as:

  - `legacyPackages.<system>`: that set, on the nixpkgs that the flake locks
  - `lib.mkLib pkgs`: that set, on a package set of your own
  - `overlays.default`: an overlay with `polyarch`, `mkImageLayout` and `mkMultiArchImage`
  - `flakeModules.default`: a module for flake-parts. `perSystem.multiArchImages.<name>` takes the arguments of
    `mkMultiArchImage`, and `packages.<name>` is the image.

  `overrideScope` replaces any part of the set.

  ## Your own polyarch

  To use another package of the tool, define `polyarch` in the package set, with an overlay before or after
  `overlays.default` or without it. All functions then use that package, whichever of the ways above they come from:

  ```
  pkgs.extend (final: prev: { polyarch = final.callPackage ./my-polyarch.nix { }; })
  ```

  `polyarch-bin`, the program of the newest release, is such a package: nothing is compiled. It is for Linux on x86_64
  and aarch64, and evaluation fails until the first release.

  For `flakeModules.default`, this package set is the module argument `pkgs`. A `polyarch` that is older than these
  functions is ignored, because it may lack options that they use.

  Evaluation reads only files of polyarch and nixpkgs: it works with `--pure-eval` and `--restrict-eval`, without import
  from derivation and without `builtins.getEnv`. Wrong arguments fail at evaluation; the error names the function, the
  argument, what was found and what was expected.

  A plain `nix build` does not show warnings, such as the one about a program for another platform. `nix build -L`
  shows the warnings of what it builds. For what is built already, `nix log '.#image.layouts."linux/arm64"'` shows
  those of one image, and `nix log .#image` those of the merge.

  The tool is compiled with the Rust of the given nixpkgs, which must be 1.88 or newer: nixpkgs has it since 25.11, and
  needs Nix 2.18 or newer itself. With an older nixpkgs, evaluation fails and the error says so.

  ## Who builds what

  Each image is an ordinary derivation. Its layout is another derivation (`layouts`), and the merge is the last one; it
  links to the layouts or packs them. Nix distributes these builds like any others: `nix build --builders …` sends an
  image and its layout to different machines, and changing the arm64 image rebuilds that image, its layout and the
  merge.

  - With `pkgsCross` or `strategy = "cross"`, one Linux machine builds everything.
  - With `nixpkgs.legacyPackages.aarch64-linux` or `strategy = "native"`, a machine of the image's system builds it: a
    remote builder, or the same machine with `boot.binfmt.emulatedSystems`. Much of it comes from binary caches.
  - On a Mac, images are for Linux and need a Linux builder (`nix.linux-builder` of nix-darwin); use `"native"`. The
    merge and the scripts run on the Mac itself.

  Layouts and the merge are built on the system of the package set that the functions come from. Building a layout on
  the machine of its image would save nothing with remote builders: Nix copies each output that a builder makes to this
  machine, the image too.

  It does save copies with a binary cache between CI runners. Make each layout with the functions of the package set of
  its image. A runner of that system builds `image.layouts."linux/arm64"` and pushes it to the cache; the machine that
  merges takes the layout, compressed layers that refer to nothing, from the cache, and neither the image nor the store
  paths in it:

  ```
  images = pkgs: (polyarch.lib.mkLib pkgs).mkImageLayout { image = …; };
  strategy = "native";
  ```

  ## What stays in the store

  An archive and the layout of one image refer to nothing, although their bytes contain store paths (the history of a
  layered image contains all of them). A merged layout refers to the layouts that it links to. This uses
  `unsafeDiscardReferences`, whose effect depends on the Nix of the machine that builds:

  - Nix 2.18 and later support it.
  - Nix 2.14 to 2.17 fail the build, unless the experimental feature `discard-references` is enabled in the `nix.conf`
    of that machine.
  - Nix before 2.14 ignores it: an archive keeps the closures alive that Nix finds in it.

  The derivations are the same with all versions. The tests run with Nix 2.8 and with the newest one, 2.34, and compare
  the two. With 2.8, `nix build .#image.digest` builds the output `digest`; newer versions also take `.#image^digest`.
*/
lib.makeScope pkgsBuildBuild.newScope (
  self:
  let
    # What the functions share. They find it among their arguments, but it is not in the set: it may change in any
    # release.
    callPackage = self.newScope internal;
    internal = {
      # Images and what is built from them.
      attestedDocuments = callPackage ./lib/attested-documents.nix { };
      packageSets = callPackage ./lib/package-sets.nix { };
      clocks = import ./lib/clocks.nix;
      clockWarning = callPackage ./lib/clock-warning.nix { };
      imageAttributes = callPackage ./lib/image-attributes.nix { };
      imageArgument = callPackage ./lib/image-argument.nix { };
      imagesToMerge = callPackage ./lib/images-to-merge.nix { };
      inputOf = callPackage ./lib/input-of.nix { };
      matchTest = callPackage ./lib/match-test.nix { };
      merge = callPackage ./lib/merge.nix { };
      mergedImage = callPackage ./lib/merged-image.nix { };
      mergeOptions = callPackage ./lib/merge-options.nix { };
      provenanceOf = callPackage ./lib/provenance-of.nix { };
      reusedLayouts = callPackage ./lib/reused-layouts.nix { };
      readBackTest = callPackage ./lib/read-back-test.nix { };
      sbomOf = callPackage ./lib/sbom-of.nix { };
      mkLoadScript = callPackage ./scripts/load.nix { };
      mkCosignScript = callPackage ./scripts/cosign.nix { };

      # Names, platforms, annotations and `meta`.
      reference = callPackage ./lib/reference.nix { };
      hashTag = callPackage ./lib/hash-tag.nix { };
      platforms = callPackage ./lib/platforms.nix { };
      annotationLevels = callPackage ./lib/annotation-levels.nix { };
      labelsOf = callPackage ./lib/labels-of.nix { };
      packageMetadata = callPackage ./lib/package-metadata.nix { };
      spdxLicense = callPackage ./lib/spdx-license.nix { };

      # Errors in arguments.
      checkArguments = callPackage ./lib/check-arguments.nix { };
      rules = callPackage ./lib/rules { };
    };
  in
  {
    /**
      The tool itself: that of the package set, if it has one. If you override it here, every function uses the other one.
    */
    polyarch = import ./lib/choose-polyarch.nix { inherit lib; } {
      given = pkgsBuildBuild.polyarch or null;
      own = self.callPackage ./package.nix { };
    };

    /**
      The program of the newest release, linked statically, for Linux on x86_64 and aarch64: nothing is compiled. Give it
      to all functions as "Your own polyarch" describes, with `polyarch = final.callPackage "${polyarch}/nix/polyarch-bin.nix" { }`.
      Evaluation of this attribute fails until the first release.
    */
    polyarch-bin = self.callPackage ./polyarch-bin.nix { };

    /**
      One image derivation of any kind → OCI image layout.
    */
    mkImageLayout = callPackage ./mk-image-layout.nix { };

    /**
      One image per platform → one multi-platform OCI image.
    */
    mkMultiArchImage = callPackage ./mk-multi-arch-image.nix { };

    /**
      A multi-platform image of a registry, as the base of others.
    */
    pullMultiArchImage = callPackage ./pull-multi-arch-image.nix { };

    /**
      The files of a deployment → the same with digests instead of tags.
    */
    withImageRefs = callPackage ./with-image-refs.nix { };

    /**
      Two images → a check that they are the same, or that a push of the second one is small.
    */
    mkDiffCheck = callPackage ./mk-diff-check.nix { };

    /**
      The script `passthru.push`.
    */
    mkPushScript = callPackage ./scripts/push.nix { };

    /**
      The script `passthru.login`.
    */
    mkLoginScript = callPackage ./scripts/login.nix { };

    /**
      The script `passthru.checkPushed`.
    */
    mkCheckPushedScript = callPackage ./scripts/check-pushed.nix { };

    /**
      The files `passthru.ref`.
    */
    mkImageRef = callPackage ./mk-image-ref.nix { };

    /**
      The script `passthru.copyToPodman`.
    */
    mkCopyToPodmanScript = callPackage ./scripts/copy-to-podman.nix { };

    /**
      The script `passthru.copyToDocker`.
    */
    mkCopyToDockerScript = callPackage ./scripts/copy-to-docker.nix { };

    /**
      The script `passthru.inspect`.
    */
    mkInspectScript = callPackage ./scripts/inspect.nix { };

    /**
      The script `passthru.sign`.
    */
    mkSignScript = callPackage ./scripts/sign.nix { };

    /**
      The script `passthru.verifySignature`.
    */
    mkVerifySignatureScript = callPackage ./scripts/verify-signature.nix { };

    /**
      The script `passthru.reproduce`.
    */
    mkReproduceScript = callPackage ./scripts/reproduce.nix { };

    /**
      The page `passthru.analyze`.
    */
    mkAnalysis = callPackage ./scripts/analysis.nix { };

    /**
      skopeo for machines whose `registries.conf` has the v1 format, as for all others.
    */
    skopeo = callPackage ./scripts/skopeo.nix { inherit (pkgsBuildBuild) skopeo; };
  }
)
