# The script that pushes a merged image to a registry. No part of any build: it is for the network that builds do
# not have, and runs as the person who starts it.
{
  lib,
  skopeo,
  writeShellApplication,
}:

/**
  Make a script that pushes an OCI image layout to `docker://NAME:TAG`, all platforms, every digest kept.

  The script hands its arguments to `skopeo copy` (`--dest-authfile`, `--dest-tls-verify=false`, …); credentials
  are found the way skopeo finds them. It prints the digest that it pushed on standard output and all else on
  standard error.

  # Inputs

  `layout`
  : the image: an OCI image layout whose `index.json` has one descriptor. A layout rather than an archive,
    because skopeo unpacks an archive into a temporary folder first.

  `imageName`, `imageTag`
  : where to

  # Type

  ```
  mkPushScript :: { layout :: Derivation, imageName :: String, imageTag :: String } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.push -- --dest-creds "$USER:$TOKEN"
  sha256:…
  ```
*/
{
  layout,
  imageName,
  imageTag,
}:
writeShellApplication {
  name = "push-${baseNameOf imageName}";
  runtimeInputs = [ skopeo ];
  # - Without --preserve-digests, skopeo may rewrite what it copies, and the digest in the registry is another.
  # - --insecure-policy: the policy of the machine (which need not have one) says whose signatures to ask for when
  #   it *takes* images. This one comes from the Nix store, which vouches for it.
  # - skopeo's own words go to standard error; descriptor 3 carries the digest.
  text = ''
    digest=$(
      skopeo --insecure-policy copy --all --preserve-digests "$@" --digestfile /dev/fd/3 \
        ${lib.escapeShellArg "oci:${layout}"} \
        ${lib.escapeShellArg "docker://${imageName}:${imageTag}"} \
        3>&1 >&2
    )
    printf '%s\n' "$digest"
  '';
}
