# Stands in for the flake of nix2container, which needs Go packages that are not here: `buildImage` for a name, an
# architecture and a config, with one layer. The JSON has the form that nix2container's tool writes (commit 20d3395),
# and the digests are of the layer as that makes it: so polyarch, which makes the layers of nix2container and compares,
# finds here what it would find there.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs";

  outputs =
    { nixpkgs, ... }:
    {
      packages = builtins.mapAttrs (_: pkgs: {
        nix2container.buildImage =
          {
            name,
            arch,
            config,
          }:
          pkgs.runCommand "image-${name}.json"
            {
              json = builtins.toJSON { inherit arch config; };
              exportReferencesGraph = [
                "graph"
                (pkgs.runCommand "config.json" { text = builtins.toJSON config; } ''printf '%s' "$text" > "$out"'')
              ];
              passthru.imageName = name;
            }
            ''
              printf '%s' "$json" > arguments.json
              ${pkgs.python3}/bin/python3 ${./nix2container.py} > "$out"
            '';
      }) nixpkgs.legacyPackages;
    };
}
