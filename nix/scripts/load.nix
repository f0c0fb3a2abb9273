# The builder of the scripts that load a merged image into a container engine.
{ lib, writeShellApplication }:

/**
  Makes the function that makes the script for one container engine.

  # Inputs

  `engine`
  : The command of the engine, from the `PATH` of the user who starts the script: it has the settings of that user, and
    may control an engine on another machine.

  `runtimeInputs`
  : Packages that `load` uses.

  `load`
  : Shell commands that load a layout under the first of the names in the array `refs`. The engine tags the image with
    the other names afterwards.

  # Type

  ```
  mkLoadScript :: {
    engine :: String,
    runtimeInputs :: [ Package ],
    load :: Derivation -> String,
  } -> { layout :: Derivation, imageName :: String, imageRefs :: [ String ] } -> Derivation
  ```
*/
{
  engine,
  runtimeInputs,
  load,
}:
{
  layout,
  imageName,
  imageRefs,
}:
let
  script = "copy-to-${engine}-${baseNameOf imageName}";
in
writeShellApplication {
  name = script;
  inherit runtimeInputs;
  text = ''
    refs=(${lib.escapeShellArgs imageRefs})
    command -v ${engine} >/dev/null || {
      echo "${script}: error: ${engine} is not on PATH" >&2
      exit 1
    }
    ${load layout}
    for ref in "''${refs[@]:1}"; do
      ${engine} tag "''${refs[0]}" "$ref"
    done
  '';
}
