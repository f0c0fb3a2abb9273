{
  description = "Each architecture built by a CI runner of its own, joined without a registry";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    {
      self,
      nixpkgs,
      polyarch,
    }:
    let
      systems = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
      ];
    in
    {
      packages = systems (system: {
        # What a runner of this system builds.
        container =
          let
            pkgs = nixpkgs.legacyPackages.${system};
          in
          pkgs.dockerTools.buildLayeredImage {
            name = "ci-matrix";
            config.Cmd = [ "${pkgs.hello}/bin/hello" ];
          };

        # What the last job builds. The image of the other system comes out of a binary cache. It is given as a string,
        # so that this is the archive: polyarch would otherwise run its stream, which no cache has what it needs for.
        image = polyarch.legacyPackages.${system}.mkMultiArchImage {
          name = "localhost:5000/ci-matrix";
          tag = "v1";
          tags = [ "latest" ];
          images = systems (system: "${self.packages.${system}.container}");
        };
      });
    };
}
