# The script `passthru.verifySignature`.
{ mkCosignScript }:

/**
  Makes a script that verifies the signatures of an image in a registry with cosign: of the image index of this build, and of
  each manifest in it.

  ```
  verify-signature-NAME [--dry-run] [NAME…] [-- OPTION…]
  ```

  The names and options are those of `mkSignScript`, except that the options after `--` are those of `cosign verify`:
  `--key cosign.pub`, or `--certificate-identity` and `--certificate-oidc-issuer` of a keyless signature. The script
  prints one line for each name, and fails if a signature is missing or wrong.

  # Type

  ```
  mkVerifySignatureScript :: { layout :: Derivation, imageName :: String } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.verifySignature -- -- --key cosign.pub
  ghcr.io/me/hello@sha256:… is signed, and so are its 2 manifests
  ```
*/
{
  layout,
  imageName,
}:
mkCosignScript {
  verb = "verify-signature";
  inherit layout imageName;
  run = ''
    parse verify 'verifies the signatures of the image index and its manifests' "$@"
    # bash ignores the exit code of a command in <(…).
    list=$(jq -r '.manifests[].digest' "$layout/blobs/''${digest/://}")
    mapfile -t manifests <<<"$list"
    for name in "''${names[@]}"; do
      run cosign verify "''${options[@]}" "$name@$digest" "''${manifests[@]/#/"$name@"}"
      [ -n "$dry_run" ] || printf '%s is signed, and so are its %d manifests\n' "$name@$digest" "''${#manifests[@]}"
    done
  '';
}
