# The script that shows what is in a merged image.
{
  lib,
  polyarch,
  writeShellApplication,
}:

/**
  Make a script that shows an OCI image layout: its names and digest, and of each platform's image manifest, sizes
  and command. It takes the options of `polyarch inspect`: `--platform linux/arm64` shows one image in full, `--json`
  is for programs, `--raw` prints the image index byte for byte.

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
  further = lib.drop 1 imageRefs;
in
writeShellApplication {
  name = "inspect-${baseNameOf imageName}";
  runtimeInputs = [ polyarch ];
  # The layout knows one name of the image, the first, and the tool prints that.
  text =
    lib.optionalString (further != [ ]) ''
      if [ $# -eq 0 ]; then
        printf '%s\n' ${lib.concatMapStringsSep " " lib.escapeShellArg further}
      fi
    ''
    + ''
      exec polyarch inspect "$@" -- ${lib.escapeShellArg "${layout}"}
    '';
}
