{
  description = "A deployment that names its image by digest";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    { nixpkgs, polyarch, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      functions = polyarch.lib.mkLib pkgs;

      image = functions.mkMultiArchImage {
        name = "localhost:5000/deploy";
        tag = "v1";
        systems = [
          "x86_64-linux"
          "aarch64-linux"
        ];
        images =
          pkgs:
          pkgs.dockerTools.buildLayeredImage {
            name = "deploy";
            config.Cmd = [ "${pkgs.hello}/bin/hello" ];
          };
      };
    in
    {
      packages.${system} = {
        inherit image;

        # The files of deploy/, in which localhost:5000/deploy:v1 is the digest of the image.
        deployment = functions.withImageRefs {
          src = ./deploy;
          images.app = image;
        };
      };

      # `nix flake check` reads the image back, and finds references that are not pinned.
      checks.${system} = {
        image = image.tests.readsBack;
        deployment = functions.withImageRefs {
          src = ./deploy;
          images.app = image;
        };
      };
    };
}
