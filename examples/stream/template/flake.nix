{
  description = "Streamed images: no archive of an image in the store";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    { nixpkgs, polyarch, ... }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
    in
    {
      # The machines that build. Each of them builds the image for all of `systems`.
      packages = nixpkgs.lib.genAttrs systems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          image = (polyarch.lib.mkLib pkgs).mkMultiArchImage {
            name = "localhost:5000/stream";
            tag = null; # the hash of the image
            tags = [ "latest" ];
            format = "oci-layout"; # links to the blobs of each image instead of another copy
            inherit systems;
            images =
              pkgs:
              pkgs.dockerTools.streamLayeredImage {
                name = "stream";
                config.Cmd = [ "${pkgs.hello}/bin/hello" ];
              };
            labelsFrom = pkgs.hello;
          };
        }
      );
    };
}
