# The script `passthru.inspect`.
{
  lib,
  polyarch,
  writeShellApplication,
}:

/**
  Makes a script that shows an OCI image layout: its names and digest, and the manifest, sizes and command for each
  platform. It takes the options of `polyarch inspect`: `--platform linux/arm64` shows one image in full, `--json`
  prints JSON, `--raw` prints the image index byte for byte.

  # Type

  ```
  mkInspectScript :: { layout :: Derivation, imageName :: String, imageRefs :: [ String ] } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.inspect
  $ nix run .#image.inspect -- --json | jq '.platforms[].size'
  ```
*/
{
  layout,
  imageName,
  imageRefs,
}:
let
  otherRefs = lib.drop 1 imageRefs;
in
writeShellApplication {
  name = "inspect-${baseNameOf imageName}";
  runtimeInputs = [ polyarch ];
  # polyarch prints the first name itself: it is in the layout.
  text =
    lib.optionalString (otherRefs != [ ]) ''
      if [ $# -eq 0 ]; then
        printf '%s\n' ${lib.escapeShellArgs otherRefs}
      fi
    ''
    + ''
      exec polyarch inspect "$@" -- ${lib.escapeShellArg layout}
    '';
}
