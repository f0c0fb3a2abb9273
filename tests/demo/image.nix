# The image of `make demo`: two images that dockerTools.buildLayeredImage wrote, one per architecture, merged.
{
  pkgs ? import <nixpkgs> { },
}:

let
  inherit (import ../.. { inherit pkgs; }) mkMultiArchImage;
  images = pkgs.callPackage ../nix/images.nix { };
in
mkMultiArchImage {
  name = "hello";
  images = {
    x86_64-linux = images.amd64;
    aarch64-linux = images.arm64;
  };
}
