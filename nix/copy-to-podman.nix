# The script that loads a merged image into podman.
{
  lib,
  gnutar,
  writeShellApplication,
}:

/**
  Make a script that loads an OCI image layout into podman, under all of `imageRefs`: the image of the platform that
  podman runs on. It is the podman on `PATH`, with its own settings, which may be on another machine (as on a Mac).

  # Type

  ```
  mkCopyToPodmanScript :: { layout :: Derivation, imageName :: String, imageRefs :: [ String ] } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.copyToPodman
  ```
*/
{
  layout,
  imageName,
  imageRefs,
}:
let
  script = "copy-to-podman-${baseNameOf imageName}";
in
writeShellApplication {
  name = script;
  runtimeInputs = [
    gnutar
  ];
  # - As a stream: `podman load` takes archives only, and a podman on another machine does not see this store.
  # - The blobs are links, and may be links to one file where the store is optimised; a load takes files.
  text = ''
    refs=(${lib.concatMapStringsSep " " lib.escapeShellArg imageRefs})
    command -v podman >/dev/null || {
      echo "${script}: error: there is no podman on PATH" >&2
      exit 1
    }
    tar -C ${layout} --dereference --hard-dereference -cf - oci-layout index.json blobs | podman load
    for ref in "''${refs[@]:1}"; do
      podman tag "''${refs[0]}" "$ref"
    done
  '';
}
