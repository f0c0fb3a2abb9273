# The script `passthru.checkPushed`.
{
  lib,
  coreutils,
  gnugrep,
  jq,
  skopeo,
  writeShellApplication,
}:

/**
  Makes a script that compares an OCI image layout with what a registry has, without pulling layers: for deployments that
  must be the image of this revision, and for a limit on the size of a push.

  ```
  check-pushed-NAME [--max-push SIZE] [REF…] [-- OPTION…]
  ```

  `REF` is `NAME[:TAG]`, with or without `docker://`; the default is all of `imageRefs`. The options after `--` are those
  of `skopeo inspect`, such as `--tls-verify=false` or `--authfile FILE`.

  The script reads the index of each `REF`, and the manifests that it names. It prints both digests if they differ, what
  differs for each platform, and how many bytes a push would send. The exit code is 0 if the registry serves exactly this
  image; 1 if it does not, or has no such image; 2 if the registry cannot be read or an argument is wrong. With
  `--max-push SIZE`, a registry with another image is accepted too, if a push would send at most SIZE, such as `50MB` or
  `1.5GiB`.

  # Inputs

  `layout`
  : The image: an OCI image layout whose `index.json` has one descriptor.

  `imageName`, `imageTag`, `imageRefs`
  : As in `mkPushScript`.

  # Type

  ```
  mkCheckPushedScript :: {
    layout :: Derivation,
    imageName :: String,
    imageTag :: String,
    imageRefs :: [ String ] ? [ "${imageName}:${imageTag}" ],
  } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.checkPushed
  ghcr.io/me/app:v1: sha256:…, as built
  ```
*/
{
  layout,
  imageName,
  imageTag,
  imageRefs ? [ "${imageName}:${imageTag}" ],
}:
let
  script = "check-pushed-${baseNameOf imageName}";
in
writeShellApplication {
  name = script;
  runtimeInputs = [
    coreutils
    gnugrep
    jq
    skopeo
  ];
  text = ''
    script=${lib.escapeShellArg script}
    layout=${lib.escapeShellArg "${layout}"}
    tag=${lib.escapeShellArg imageTag}
    refs=(${lib.escapeShellArgs imageRefs})
    program=${./check-pushed.jq}

    ${builtins.readFile ./common.sh}
    ${builtins.readFile ./check-pushed.sh}
  '';
}
