{
  description = "A Python program, each architecture built by its own CI runner";

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
        # A runner of this system builds this image.
        container =
          let
            pkgs = nixpkgs.legacyPackages.${system};
          in
          pkgs.dockerTools.buildLayeredImage {
            name = "ci-matrix";
            config.Cmd = [ "${pkgs.writers.writePython3Bin "app" { } ./app.py}/bin/app" ];
          };

        # The last job builds this merge; the image of the other system comes from a binary cache. The string selects
        # the archive, which the cache has. Without it polyarch would run the image's stream script, whose dependencies
        # the cache does not have.
        image = polyarch.legacyPackages.${system}.mkMultiArchImage {
          name = "localhost:5000/ci-matrix";
          tag = "v1";
          tags = [ "latest" ];
          images = systems (system: "${self.packages.${system}.container}");
        };
      });
    };
}
