# The script `passthru.copyToPodman`.
{
  lib,
  gnutar,
  mkLoadScript,
}:

/**
  Makes a script that loads an OCI image layout into podman, under all of `imageRefs`. podman loads the image for the
  platform that it runs on. The script uses the `podman` on `PATH` with its own settings, so podman may run on another
  machine (as on a Mac).

  # Type

  ```
  mkCopyToPodmanScript :: { layout :: Derivation, imageName :: String, imageRefs :: [ String ] } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.copyToPodman
  ```
*/
mkLoadScript {
  engine = "podman";
  runtimeInputs = [ gnutar ];
  # - A stream: `podman load` reads archives only, and podman on another machine cannot read this store.
  # - `podman load` takes only files, but the blobs are symbolic links, and hard links to one file if the store is
  #   optimised.
  load =
    layout:
    "tar -C ${lib.escapeShellArg layout} --dereference --hard-dereference -cf - oci-layout index.json blobs | podman load";
}
