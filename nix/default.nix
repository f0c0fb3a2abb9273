# The scope, and so the table of contents of nix/: everything a user of polyarch gets, one file per function.
#
#   pkgs.callPackage ./nix { }  →  { polyarch, mkImageLayout, mkMultiArchImage, … }
#
# All of it runs on the machine that builds: merging is a build step, and the scripts that hang off an image
# are started by the person who built it. Under pkgsCross that machine is not the one the packages are for, so
# the scope is made from `buildPackages`; in a package set that does not cross-compile the two are the same.
{ lib, buildPackages }:

/**
  # polyarch for Nix

  `pkgs.callPackage ./nix { }` gives a set with the functions below and the tool itself as `polyarch`. A flake has it
  as `legacyPackages.<system>`, as `lib.mkLib pkgs` for a package set of your own, in part as `overlays.default`, and
  as a module for flake-parts, `flakeModules.default`: there `perSystem.multiArchImages.<name>` takes the arguments of
  `mkMultiArchImage`, and `packages.<name>` is the image. `overrideScope` replaces any part of it.

  Nothing is read at evaluation but the files of polyarch and nixpkgs: it works with `--pure-eval` and
  `--restrict-eval`, there is no import from derivation and no `builtins.getEnv`. Mistakes in arguments show at
  evaluation; the error names function, argument, what was found and what was wanted.

  Warnings, such as that of a program for another machine, do not show with a plain `nix build`: they are in the logs.
  `nix build -L` shows those of what it builds, `nix log '.#image.layouts."linux/arm64"'` (of one image) and
  `nix log .#image` (of the merge) those of what is built already.

  The tool is compiled by the nixpkgs that it is given, which must have Rust 1.88: nixpkgs 25.11 or newer, which wants
  Nix 2.18 or newer itself. With an older nixpkgs, evaluation says so.

  ## Who builds what

  Each image is an ordinary derivation; bringing it into shape is one more for each image (`layouts`), and the merge a
  last one, which links to the layouts or packs them. So Nix distributes the work as it does any other:
  `nix build --builders …` sends an image and its layout to different machines, and a change of the arm64 image redoes
  that image, its layout and the merge.

  - With `pkgsCross` or `strategy = "cross"` one Linux machine builds all of it.
  - With `nixpkgs.legacyPackages.aarch64-linux` or `strategy = "native"` an image is built on a machine of its system:
    a remote builder, or the same machine with `boot.binfmt.emulatedSystems`. Much of it comes out of binary caches.
  - On a Mac, images are for Linux and need a Linux builder (`nix.linux-builder` of nix-darwin); use `"native"`. The
    merge itself, and the scripts, are programs of the Mac.

  Layouts and merge are built where the functions' own package set is built.

  ## What stays in the store

  An archive and the layout of one image refer to nothing, though their bytes name store paths (the history of a
  layered image names all of them). A merged layout refers to the layouts that it links to. That is
  `unsafeDiscardReferences`, and depends on the Nix of the machine that builds:

  - Nix 2.18 and later know it.
  - Nix 2.14 to 2.17 fail the build, unless the experimental feature `discard-references` is enabled in the `nix.conf`
    of that machine.
  - Nix before 2.14 does not look at it: an archive keeps the closures alive that Nix finds in it.

  The derivations are the same with all versions.
*/
lib.makeScope buildPackages.newScope (self: {
  /**
    The tool itself. Override it here and every function uses the other one.
  */
  polyarch = self.callPackage ./package.nix { };

  /**
    One image derivation of any kind → OCI image layout.
  */
  mkImageLayout = self.callPackage ./mk-image-layout.nix { };

  /**
    One image per platform → one multi-platform OCI image.
  */
  mkMultiArchImage = self.callPackage ./mk-multi-arch-image.nix { };

  /**
    The script behind `passthru.push`.
  */
  mkPushScript = self.callPackage ./scripts/push.nix { };

  /**
    The script behind `passthru.copyToPodman`.
  */
  mkCopyToPodmanScript = self.callPackage ./scripts/copy-to-podman.nix { };

  /**
    The script behind `passthru.copyToDocker`.
  */
  mkCopyToDockerScript = self.callPackage ./scripts/copy-to-docker.nix { };

  /**
    The script behind `passthru.inspect`.
  */
  mkInspectScript = self.callPackage ./scripts/inspect.nix { };

  /**
    The page behind `passthru.analyze`.
  */
  mkAnalysis = self.callPackage ./scripts/analysis.nix { };

  # What the functions share. Not meant for users, but nothing is hidden.
  merge = self.callPackage ./merge.nix { };
  mkLoadScript = self.callPackage ./scripts/load.nix { };
  arguments = self.callPackage ./arguments.nix { };
  platforms = self.callPackage ./platforms.nix { };
  packageSets = self.callPackage ./package-sets.nix { };
  labelsOf = self.callPackage ./labels-of.nix { };
  inputOf = self.callPackage ./input-of.nix { };
  reference = self.callPackage ./reference.nix { };
})
