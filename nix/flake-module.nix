# For flake-parts: `perSystem.multiArchImages.<name>` are the arguments of mkMultiArchImage, `packages.<name>` the
# images. polyarch has no flake-parts among its inputs: who imports this module has it.
{ lib, flake-parts-lib, ... }:

{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    { config, pkgs, ... }:
    {
      options.multiArchImages = lib.mkOption {
        # Not an option for each argument: mkMultiArchImage knows them, their defaults and what is wrong with them.
        type = lib.types.lazyAttrsOf (lib.types.lazyAttrsOf lib.types.raw);
        default = { };
        description = ''
          Images for several platforms, each the arguments of polyarch's `mkMultiArchImage`; `name` is by default the
          name of the attribute. `packages` has the results.
        '';
        example = lib.literalExpression ''
          {
            image = {
              name = "ghcr.io/me/hello";
              systems = [ "x86_64-linux" "aarch64-linux" ];
              images = pkgs: pkgs.dockerTools.buildLayeredImage { name = "hello"; config.Cmd = [ "''${pkgs.hello}/bin/hello" ]; };
            };
          }
        '';
      };

      # One scope for all images: each would evaluate the package sets of the other systems anew.
      config.packages =
        let
          inherit (pkgs.callPackage ./. { }) mkMultiArchImage;
        in
        lib.mapAttrs (
          name: arguments: mkMultiArchImage ({ inherit name; } // arguments)
        ) config.multiArchImages;
    }
  );
}
