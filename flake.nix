# The flake: nix/ as flake outputs. Everything that does not need flakes is in nix/.
{
  description = "Merge single-platform container images into one multi-platform OCI image";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      # Where the tool is built and scripts run. The images can be for any platform.
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      # Newer nixpkgs have dropped x86_64-darwin, so only the systems that this nixpkgs has.
      forEachSystem =
        f:
        nixpkgs.lib.genAttrs (builtins.filter (system: nixpkgs.legacyPackages ? ${system}) systems) (
          system: f nixpkgs.legacyPackages.${system}
        );
      release = nixpkgs.lib.importJSON ./nix/release.json;
      # An output of this flake for the system of a package set.
      outputFor = pkgs: output: output.${pkgs.stdenv.hostPlatform.system};
    in
    {
      # `mkLib pkgs` returns the functions, on a package set of the caller.
      lib.mkLib = pkgs: pkgs.callPackage ./nix { };

      # The functions, on the package set of this flake's nixpkgs: legacyPackages.<system>.mkMultiArchImage
      legacyPackages = forEachSystem self.lib.mkLib;

      packages = forEachSystem (pkgs: rec {
        inherit (outputFor pkgs self.legacyPackages) polyarch;
        default = polyarch;
        # The program of a release, for the systems that the newest release has it for.
        ${if release.hashes ? ${pkgs.stdenv.hostPlatform.system} then "polyarch-bin" else null} =
          (outputFor pkgs self.legacyPackages).polyarch-bin;
      });

      overlays.default = import ./nix/overlay.nix;

      flakeModules.default = ./nix/flake-module.nix;

      # Each example is a template; quick-start is the default one. A template does not contain the README of its
      # example: Nix does not overwrite files, so it would refuse the template in a project with a README. Not
      # `builtins.path` with a filter instead: since Nix 2.18, `nix flake check --no-build` fails on the store path that
      # this would not create.
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
            default = "Images for two architectures, merged (the quick start of the README)";
            ci-matrix = "A Python program, each architecture built by its own CI runner";
            deploy = "A deployment that names its image by digest";
            flake-parts = "A multi-platform image as an option of flake-parts";
            go-buildimage = "A Go program in an image of dockerTools.buildImage";
            go-goarch = "A Go program, cross-compiled with GOARCH";
            linux-builder = "A Python program, each architecture built on its own machine; also from a Mac";
            nix2container = "Images of nix2container";
            no-flakes = "A default.nix instead of a flake";
            rust-pkgscross = "A Rust program, cross-compiled with pkgsCross";
            stream = "Streamed images of dockerTools: no archive in the store";
          };

      # The tool with its own tests, and a merge of two images from dockerTools that is read back. `make test` tests more.
      checks = forEachSystem (pkgs: {
        polyarch = (outputFor pkgs self.packages).polyarch.override { withTests = true; };
        image =
          ((outputFor pkgs self.legacyPackages).mkMultiArchImage {
            name = "hello";
            images = {
              x86_64-linux = ./tests/fixtures/amd64-bli-hello-gz.tar.gz;
              aarch64-linux = ./tests/fixtures/arm64-bli-hello-gz.tar.gz;
            };
          }).tests.readsBack;
      });

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (outputFor pkgs self.packages).polyarch ];
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
