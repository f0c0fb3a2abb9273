# Stands in for the flake of flake-parts, and for the module system of nixpkgs' lib that it runs on: neither is to be
# had on a machine without the internet. It does what those two do for one module with options under `perSystem` and
# one flake that sets them: defaults, what the flake sets, and what the module makes of it. It merges nothing and
# checks no types. (flakeModules.default was tried by hand with the real ones: flake-parts and nixpkgs.lib of 2026-06.)
{
  outputs = _: {
    lib.mkFlake =
      { inputs }:
      {
        imports,
        systems,
        perSystem,
      }:
      let
        inherit (inputs.nixpkgs) lib;
        modules = map (
          module:
          import module {
            inherit lib;
            flake-parts-lib.mkPerSystemOption = module: module;
          }
        ) imports;
        configOf =
          system:
          let
            pkgs = inputs.nixpkgs.legacyPackages.${system};
            inner = map (module: module.options.perSystem { inherit config pkgs; }) modules;
            defaults = map (module: builtins.mapAttrs (_: option: option.default) module.options) inner;
            config = builtins.foldl' (all: more: all // more) { } (
              defaults ++ [ perSystem ] ++ map (module: module.config) inner
            );
          in
          config;
      in
      {
        packages = lib.genAttrs systems (system: (configOf system).packages);
      };
  };
}
