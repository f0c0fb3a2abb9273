# Nix system → the package set that `images`, where it is a function, is applied to.
{ lib, pkgs }:

let
  here = pkgs.stdenv.hostPlatform.system;

  again = arguments: import pkgs.path ({ inherit (pkgs) config overlays; } // arguments);

  # By system, and not a function of it: so each is evaluated once, however many images ask for it.
  forEachSystem =
    packageSet:
    lib.genAttrs lib.systems.doubles.all (system: if system == here then pkgs else packageSet system);
in
{
  /**
    The package sets that this machine builds for other systems: nixpkgs as `pkgs` has it (`path`, `config`,
    `overlays`), with `crossSystem`. For `aarch64-linux` it is `pkgsCross.aarch64-multiplatform`.

    # Type

    ```
    cross :: AttrsOf PackageSet
    ```
  */
  cross = forEachSystem (
    system:
    again {
      localSystem.system = here;
      crossSystem = { inherit system; };
    }
  );

  /**
    The package sets of the systems themselves, which machines of these systems build: remote ones, or this one
    with binfmt.

    # Type

    ```
    native :: AttrsOf PackageSet
    ```
  */
  native = forEachSystem (system: again { localSystem = { inherit system; }; });
}
