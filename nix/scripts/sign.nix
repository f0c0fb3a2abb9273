# The script `passthru.sign`. Signing happens outside the build: the key belongs to the user who starts the script.
{ mkCosignScript }:

/**
  Makes a script that signs a pushed image with cosign: the image index and each manifest in it.

  ```
  sign-NAME [--dry-run] [NAME…] [-- OPTION…]
  ```

  `NAME` is the name of the image in a registry. The default is that of the image. The script signs `NAME@DIGEST` with
  the digest of this build, never what a tag means at that moment, and prints `NAME@DIGEST`. Push the image first.

  The options after `--` are those of `cosign sign`, and decide what signs: `--key cosign.key`, `--key awskms:///…`
  (also `gcpkms://`, `azurekms://`, `hashivault://`), or none of them, which asks for a certificate of an identity
  (keyless). `--yes` answers the question about the transparency log. `--dry-run` prints the commands and signs nothing.

  The script runs `cosign sign --recursive` and adds no other option. `docs/attestations.md` explains how to sign without the
  public transparency log, and with services of your own. `verifySignature` verifies these signatures.

  # Type

  ```
  mkSignScript :: { layout :: Derivation, imageName :: String } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.sign -- -- --key cosign.key
  ghcr.io/me/hello@sha256:…
  ```
*/
{
  layout,
  imageName,
}:
mkCosignScript {
  verb = "sign";
  inherit layout imageName;
  run = ''
    parse sign 'signs the image index and its manifests' "$@"
    for name in "''${names[@]}"; do
      run cosign sign --recursive "''${options[@]}" "$name@$digest"
      printf '%s\n' "$name@$digest"
    done
  '';
}
