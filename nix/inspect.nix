# The script that shows what is in a merged image.
{
  lib,
  jq,
  writeShellApplication,
}:

/**
  Make a script that shows an OCI image layout: its names and digest, then platform, digest and size of each image
  (config and layers as they are transferred). With `--raw` it prints the image index as it is.

  # Type

  ```
  mkInspectScript :: { layout :: Derivation, imageName :: String, imageRefs :: [ String ] } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.inspect
  ```
*/
{
  layout,
  imageName,
  imageRefs,
}:
writeShellApplication {
  name = "inspect-${baseNameOf imageName}";
  runtimeInputs = [ jq ];
  text = ''
    layout=${lib.escapeShellArg "${layout}"}
    refs=(${lib.concatMapStringsSep " " lib.escapeShellArg imageRefs})
    blob() { printf '%s/blobs/%s/%s' "$layout" "''${1%%:*}" "''${1#*:}"; }

    digest=$(jq -r '.manifests[0].digest' "$layout/index.json")
    if [ "''${1-}" = --raw ]; then
      exec jq . "$(blob "$digest")"
    fi
    for ref in "''${refs[@]}"; do
      printf '%s@%s\n' "$ref" "$digest"
    done
    while read -r platform manifest; do
      printf '%s  %s  ' "$platform" "$manifest"
      jq -r '"\(.layers | length) layers, \([.config.size, .layers[].size] | add) bytes"' "$(blob "$manifest")"
    done < <(jq -r '
      .manifests[]
      | "\([.platform.os, .platform.architecture, .platform.variant // empty] | join("/")) \(.digest)"
    ' "$(blob "$digest")")
  '';
}
