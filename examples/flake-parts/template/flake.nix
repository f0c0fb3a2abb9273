{
  description = "An image for several architectures, with flake-parts";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.flake-parts.url = "github:hercules-ci/flake-parts";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    inputs:
    inputs.flake-parts.lib.mkFlake { inherit inputs; } {
      imports = [ inputs.polyarch.flakeModules.default ];
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      perSystem.multiArchImages.image = {
        name = "localhost:5000/flake-parts";
        tag = "v1";
        systems = [
          "x86_64-linux"
          "aarch64-linux"
        ];
        images =
          pkgs:
          pkgs.dockerTools.buildLayeredImage {
            name = "flake-parts";
            config.Cmd = [ "${pkgs.hello}/bin/hello" ];
          };
      };
    };
}
