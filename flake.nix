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
      forEachSystem = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      # `mkLib pkgs` gives the functions on a package set of your own.
      lib.mkLib = pkgs: pkgs.callPackage ./nix { };

      # The functions, on the package set of this flake's nixpkgs: legacyPackages.<system>.mkMultiArchImage
      legacyPackages = forEachSystem self.lib.mkLib;

      packages = forEachSystem (pkgs: rec {
        inherit (self.legacyPackages.${pkgs.stdenv.hostPlatform.system}) polyarch;
        default = polyarch;
      });

      overlays.default = import ./nix/overlay.nix;
    };
}
