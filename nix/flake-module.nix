# The module for flake-parts: `perSystem.multiArchImages.<name>` takes the arguments of mkMultiArchImage, and
# `packages.<name>` is the image. flake-parts is not an input of polyarch: the flake that imports this module has it.
{ lib, flake-parts-lib, ... }:

{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    { config, pkgs, ... }:
    {
      options.multiArchImages = lib.mkOption {
        # Not one option per argument: mkMultiArchImage has the arguments, their defaults and their checks.
        type = lib.types.lazyAttrsOf (lib.types.lazyAttrsOf lib.types.raw);
        default = { };
        description = ''
          Multi-platform images. Each value has the arguments of polyarch's `mkMultiArchImage`; `name` defaults to the
          name of the attribute. The images are in `packages`, under the same names.
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

      # One scope for all images: with a scope each, every image would evaluate the package sets of the other systems
      # again.
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
