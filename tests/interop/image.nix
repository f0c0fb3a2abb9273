# What tests/interop gives to every consumer: one image of two architectures, in each form that mkMultiArchImage makes.
{
  pkgs ? import <nixpkgs> { },
}:

let
  inherit (import ../.. { inherit pkgs; }) mkMultiArchImage;
  images = pkgs.callPackage ../nix/images.nix { };
  image =
    more:
    mkMultiArchImage (
      {
        name = "registry.example/team/hello";
        tag = "v1";
        images = {
          x86_64-linux = images.amd64;
          aarch64-linux = images.arm64;
        };
      }
      // more
    );
in
{
  archive = image { };
  layout = image { format = "oci-layout"; };
  docker = image { dockerManifest = true; };
  zstdArchive = image { compression = "zstd"; };
  zstdLayout = image {
    compression = "zstd";
    format = "oci-layout";
  };
}
