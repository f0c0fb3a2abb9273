{
  description = "A Go program in an image of dockerTools.buildImage";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    { nixpkgs, polyarch, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      packages.${system} = {
        image = polyarch.legacyPackages.${system}.mkMultiArchImage {
          name = "localhost:5000/go-buildimage";
          images = {
            x86_64-linux = pkgs.callPackage ./container.nix { };
            aarch64-linux = pkgs.pkgsCross.aarch64-multiplatform.callPackage ./container.nix { };
          };
          dockerManifest = true; # for `docker load` with Docker's classic image store
        };

        # The image with `copyToRoot = [ hello ]`, for comparison: see the README.
        naive = pkgs.callPackage ./container.nix { buildEnv = { paths, ... }: paths; };
      };
    };
}
