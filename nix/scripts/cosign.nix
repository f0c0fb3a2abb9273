# The builder of the scripts that run cosign.
{
  lib,
  cosign,
  coreutils,
  gnugrep,
  jq,
  writeShellApplication,
}:

/**
  Makes a script that runs cosign for an image in a registry, by the digests of its build.

  # Inputs

  `verb`
  : The beginning of the name of the script.

  `layout`, `imageName`
  : The image.

  `run`
  : Shell commands. `cosign.sh` defines the function `parse`, which they begin with.

  # Type

  ```
  mkCosignScript :: { verb, run, imageName :: String, layout :: Derivation } -> Derivation
  ```
*/
{
  verb,
  layout,
  imageName,
  run,
}:
let
  script = "${verb}-${baseNameOf imageName}";
in
writeShellApplication {
  name = script;
  runtimeInputs = [
    cosign
    coreutils
    gnugrep
    jq
  ];
  text = ''
    script=${lib.escapeShellArg script}
    layout=${lib.escapeShellArg "${layout}"}
    names=(${lib.escapeShellArg imageName})

    ${builtins.readFile ./common.sh}
    ${builtins.readFile ./cosign.sh}
    ${run}
  '';
}
