# The script `passthru.reproduce`.
{
  lib,
  coreutils,
  gnugrep,
  jq,
  polyarch,
  skopeo,
  writeShellApplication,
}:

/**
  Makes a script that builds an image again, and compares it with what a registry serves.

  ```
  reproduce-NAME [--skip-rebuild] [NAME[:TAG]] [-- OPTION…]
  ```

  `nix-store --realise --check` builds each derivation again: the images (unless they are files), their layouts, the SBOMs
  and the provenance, and the merged layout. It fails if a result differs from that in the store, which may be from a binary cache. Then the digest that the
  registry serves is compared with that of the build. The last line on standard output is one statement:

  - `REPRODUCED: NAME:TAG is sha256:…, as this build`, with exit code 0
  - `NOT REPRODUCIBLE: …` or `DIFFERENT: …`, with exit code 1; before it are the differences that `polyarch diff` finds
    between the image in the registry and that of the build

  If a build fails or the registry cannot be read, there is no statement, and the exit code is 2.

  The default is the first name and tag of the image. The options after `--` are those of `skopeo inspect` and
  `skopeo copy` for the registry, each with its value in the same word, such as `--tls-verify=false`.
  `--skip-rebuild` only compares. The script uses the `nix-store` of the user who starts it.

  # Type

  ```
  mkReproduceScript :: {
    layout :: Derivation,
    derivations :: [ String ],
    imageName :: String,
    imageRefs :: [ String ],
  } -> Derivation
  ```

  `derivations` are the paths of the derivations that are built again, in this order.

  # Examples

  ```console
  $ nix run .#image.reproduce -- ghcr.io/me/hello:v1
  REPRODUCED: ghcr.io/me/hello:v1 is sha256:…, as this build
  ```
*/
{
  layout,
  derivations,
  imageName,
  imageRefs,
}:
let
  script = "reproduce-${baseNameOf imageName}";
in
writeShellApplication {
  name = script;
  runtimeInputs = [
    coreutils
    gnugrep
    jq
    polyarch
    skopeo
  ];
  # The derivations are texts: as dependencies of the script, they would have to be copied with it.
  text = ''
    script=${lib.escapeShellArg script}
    layout=${lib.escapeShellArg "${layout}"}
    reference=${lib.escapeShellArg (lib.head imageRefs)}
    derivations=(${lib.escapeShellArgs (map builtins.unsafeDiscardStringContext derivations)})

    ${builtins.readFile ./common.sh}
    ${builtins.readFile ./reproduce.sh}
  '';
}
