{
  description = "A Python program, each architecture built on its own machine";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    {
      self,
      nixpkgs,
      polyarch,
    }:
    let
      inherit (nixpkgs) lib;
      linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];

      container =
        pkgs:
        pkgs.dockerTools.buildLayeredImage {
          name = "linux-builder";
          config.Cmd = [ "${pkgs.writers.writePython3Bin "hello" { } ./hello.py}/bin/hello" ];
        };
    in
    {
      packages = lib.genAttrs (linux ++ [ "aarch64-darwin" ]) (
        system:
        {
          # The merge runs on the machine that calls it, which can be a Mac.
          image = polyarch.legacyPackages.${system}.mkMultiArchImage {
            name = "localhost:5000/linux-builder";
            tag = "v1";
            images = lib.genAttrs linux (system: self.packages.${system}.container);
          };
        }
        // lib.optionalAttrs (lib.elem system linux) {
          container = container nixpkgs.legacyPackages.${system};
        }
      );
    };
}
