{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    { nixpkgs, polyarch, ... }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];

      # What you have today: one image, for whatever package set it is given.
      image =
        pkgs:
        pkgs.dockerTools.buildLayeredImage {
          name = "hello";
          config.Cmd = [ "${pkgs.hello}/bin/hello" ];
        };
    in
    {
      # On a machine of either system, an image for both: what is not for this machine is cross-compiled.
      packages = nixpkgs.lib.genAttrs systems (system: {
        image = (polyarch.lib.mkLib nixpkgs.legacyPackages.${system}).mkMultiArchImage {
          name = "localhost:5000/hello"; # where it is pushed, and what it is called where it is loaded
          tag = "v1";
          images = image;
          inherit systems;
        };
      });
    };
}
