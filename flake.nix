# The thin face of nix/ for flakes. Whatever can be said without flakes is said in there.
{
  description = "Merge single-platform container images into one multi-platform OCI image";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      # Where the tool is built and scripts run. The images may be for any platform.
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      # Those of them that this nixpkgs (still) has.
      forEachSystem =
        f:
        nixpkgs.lib.genAttrs (builtins.filter (system: nixpkgs.legacyPackages ? ${system}) systems) (
          system: f nixpkgs.legacyPackages.${system}
        );
      # Of this flake, for the system of a package set.
      here = outputs: pkgs: outputs.${pkgs.stdenv.hostPlatform.system};
    in
    {
      # `mkLib pkgs` gives the functions on a package set of your own.
      lib.mkLib = pkgs: pkgs.callPackage ./nix { };

      # The functions, on the package set of this flake's nixpkgs: legacyPackages.<system>.mkMultiArchImage
      legacyPackages = forEachSystem self.lib.mkLib;

      packages = forEachSystem (pkgs: rec {
        inherit (here self.legacyPackages pkgs) polyarch;
        default = polyarch;
      });

      overlays.default = import ./nix/overlay.nix;

      flakeModules.default = ./nix/flake-module.nix;

      # Each example is a template, the first one under another name. Its README is beside the template and no part of it:
      # Nix writes over no file, so it could not be had in a project with a README. Not `builtins.path` with a filter:
      # from Nix 2.18 on, `nix flake check --no-build` would miss what that did not put into the store.
      templates =
        builtins.mapAttrs
          (
            name: description:
            let
              example = if name == "default" then "quick-start" else name;
            in
            {
              path = ./examples + "/${example}/template";
              inherit description;
              welcomeText = "What this does and what comes next: https://github.com/polyarch/polyarch/tree/main/examples/${example}";
            }
          )
          {
            default = "Two images, one for each architecture, merged (the quick start of the README)";
            ci-matrix = "Each architecture built by a CI runner of its own, joined without a registry";
            flake-parts = "An image as a module of flake-parts";
            go-buildimage = "Go in an image of dockerTools.buildImage, in a container.nix of its own";
            go-goarch = "Go, cross-compiled by GOARCH";
            linux-builder = "Python, each architecture built on a machine of its own, as from a Mac";
            nix2container = "Images of nix2container";
            no-flakes = "A default.nix and no flake";
            rust-pkgscross = "Rust, cross-compiled by pkgsCross";
            stream = "Streams of dockerTools: no archive of an image is ever built";
          };

      # The tool with its own tests, and images that dockerTools once wrote, merged and read back. `make test` is more.
      checks = forEachSystem (pkgs: {
        polyarch = (here self.packages pkgs).polyarch.override { withTests = true; };
        image =
          ((here self.legacyPackages pkgs).mkMultiArchImage {
            name = "hello";
            images = {
              x86_64-linux = ./tests/fixtures/amd64-bli-hello-gz.tar.gz;
              aarch64-linux = ./tests/fixtures/arm64-bli-hello-gz.tar.gz;
            };
          }).tests.readsBack;
      });

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (here self.packages pkgs).polyarch ];
          packages = [
            pkgs.clippy
            pkgs.deadnix
            pkgs.jq
            pkgs.nixfmt
            pkgs.rustfmt
            pkgs.shellcheck
            pkgs.skopeo
          ];
        };
      });

      formatter = forEachSystem (pkgs: pkgs.nixfmt-tree);
    };
}
