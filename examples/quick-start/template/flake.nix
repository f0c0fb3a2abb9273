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

      # Your image: a function from a package set to an image.
      image =
        pkgs:
        pkgs.dockerTools.buildLayeredImage {
          name = "hello";
          config.Cmd = [ "${pkgs.hello}/bin/hello" ];
        };
    in
    {
      # A machine of either system builds both images; it cross-compiles the one for the other system.
      packages = nixpkgs.lib.genAttrs systems (system: {
        image = (polyarch.lib.mkLib nixpkgs.legacyPackages.${system}).mkMultiArchImage {
          name = "localhost:5000/hello"; # the registry and the name to push to
          tag = "v1";
          images = image;
          inherit systems;
        };
      });
    };
}
