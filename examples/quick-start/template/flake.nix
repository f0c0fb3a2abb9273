{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    { nixpkgs, polyarch, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};

      # What you have today: one image, for whatever package set it is given.
      image =
        pkgs:
        pkgs.dockerTools.buildLayeredImage {
          name = "hello";
          config.Cmd = [ "${pkgs.hello}/bin/hello" ];
        };
    in
    {
      packages.${system}.image = polyarch.legacyPackages.${system}.mkMultiArchImage {
        name = "localhost:5000/hello"; # where it is pushed, and what it is called where it is loaded
        tag = "v1";
        images = {
          x86_64-linux = image pkgs;
          # or nixpkgs.legacyPackages.aarch64-linux, where there is a builder for it
          aarch64-linux = image pkgs.pkgsCross.aarch64-multiplatform;
        };
      };
    };
}
