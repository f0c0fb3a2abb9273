# Nix system → the package set that the argument `images` is applied to where it is a function.
{ lib, pkgs }:

let
  ownSystem = pkgs.stdenv.hostPlatform.system;

  importNixpkgs = arguments: import pkgs.path ({ inherit (pkgs) config overlays; } // arguments);

  # A set, not a function: each package set is evaluated once, however many images use it.
  forEachSystem =
    packageSet:
    lib.genAttrs lib.systems.doubles.all (
      system: if system == ownSystem then pkgs else packageSet system
    );
in
{
  /**
    The package sets that cross-compile on this system for another one: the nixpkgs of `pkgs` (`path`, `config`,
    `overlays`) with `crossSystem`. For `aarch64-linux` it is `pkgsCross.aarch64-multiplatform`.

    # Type

    ```
    cross :: AttrsOf PackageSet
    ```
  */
  cross = forEachSystem (
    system:
    importNixpkgs {
      localSystem.system = ownSystem;
      crossSystem = { inherit system; };
    }
  );

  /**
    The package sets that machines of each system build: remote builders, or this machine with binfmt.

    # Type

    ```
    native :: AttrsOf PackageSet
    ```
  */
  native = forEachSystem (system: importNixpkgs { localSystem = { inherit system; }; });
}
