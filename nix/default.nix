# The scope, and so the table of contents of nix/: everything a user of polyarch gets, one file per function.
#
#   pkgs.callPackage ./nix { }  →  { polyarch, mkImageLayout, mkMultiArchImage, … }
#
# All of it runs on the machine that builds: merging is a build step, and the scripts that hang off an image
# are started by the person who built it. Under pkgsCross that machine is not the one the packages are for, so
# the scope is made from `buildPackages`; in a package set that does not cross-compile the two are the same.
{ lib, buildPackages }:

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
  mkPushScript = self.callPackage ./push.nix { };

  /**
    The script behind `passthru.copyToPodman`.
  */
  mkCopyToPodmanScript = self.callPackage ./copy-to-podman.nix { };

  /**
    The script behind `passthru.copyToDocker`.
  */
  mkCopyToDockerScript = self.callPackage ./copy-to-docker.nix { };

  /**
    The script behind `passthru.inspect`.
  */
  mkInspectScript = self.callPackage ./inspect.nix { };

  # What the functions share. Not meant for users, but nothing is hidden.
  merge = self.callPackage ./merge.nix { };
  arguments = self.callPackage ./arguments.nix { };
  platforms = self.callPackage ./platforms.nix { };
  packageSets = self.callPackage ./package-sets.nix { };
  labelsOf = self.callPackage ./labels-of.nix { };
  inputOf = self.callPackage ./input-of.nix { };
  reference = self.callPackage ./reference.nix { };
})
