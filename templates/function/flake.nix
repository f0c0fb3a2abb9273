{
  description = "One function, an image for each system";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    { nixpkgs, polyarch, ... }:
    let
      # The machines that build. For each of them the image is for all of `systems` below.
      forEachSystem = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
      ];
    in
    {
      packages = forEachSystem (system: {
        # On this flake's nixpkgs, which then also makes the package sets of the other systems.
        image = (polyarch.lib.mkLib nixpkgs.legacyPackages.${system}).mkMultiArchImage {
          name = "localhost:5000/hello";
          tag = null; # the hash of the image
          tags = [ "latest" ];
          systems = [
            "x86_64-linux"
            "aarch64-linux"
          ];
          strategy = "cross"; # or "native", where there is a builder for each system
          images =
            pkgs:
            pkgs.dockerTools.buildLayeredImage {
              name = "hello";
              config.Cmd = [ "${pkgs.hello}/bin/hello" ];
            };
          labelsFrom = nixpkgs.legacyPackages.${system}.hello;
        };
      });
    };
}
