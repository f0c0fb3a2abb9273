{
  description = "Images of nix2container";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.nix2container.url = "github:nlewo/nix2container";
  inputs.nix2container.inputs.nixpkgs.follows = "nixpkgs";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    {
      nixpkgs,
      nix2container,
      polyarch,
      ...
    }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};

      image =
        arch: pkgs:
        nix2container.packages.${system}.nix2container.buildImage {
          name = "nix2container";
          inherit arch;
          config.Cmd = [ "${pkgs.hello}/bin/hello" ];
        };
    in
    {
      packages.${system}.image = polyarch.legacyPackages.${system}.mkMultiArchImage {
        name = "localhost:5000/nix2container";
        images = {
          "linux/amd64" = image "amd64" pkgs;
          "linux/arm64" = image "arm64" pkgs.pkgsCross.aarch64-multiplatform;
        };
      };
    };
}
