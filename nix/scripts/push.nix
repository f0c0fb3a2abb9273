# The script `passthru.push`. Pushing happens outside the build: builds have no network, and the script runs with the
# credentials of the user who starts it.
{
  lib,
  coreutils,
  gnugrep,
  jq,
  oras,
  skopeo,
  writeShellApplication,
}:

/**
  Makes a script that pushes an OCI image layout to a registry, with all platforms and unchanged digests.

  ```
  push-NAME [--dry-run] [--json] [--digest-file FILE] [DEST…] [-- OPTION…]
  ```

  `DEST` is `NAME[:TAG]`, with or without `docker://`. The default tag is `imageTag`; the default destinations are all
  of `imageRefs`. The options after `--` are those of `skopeo copy`. An option with its value in the same word, such as
  `--dest-tls-verify=false`, can also come before `--`.

  After each push the script reads the digest from the registry, and fails if it differs from that of the layout. It
  prints the digest to standard output and everything else to standard error. `--dry-run` prints the destinations and
  needs no network. skopeo finds the credentials: in `$REGISTRY_AUTH_FILE`, where `image.login` and `podman login`
  wrote them, or in `~/.docker/config.json`. A password in an option (`--dest-creds`) is visible in the list of processes.

  If one destination fails, the script pushes to the others. It then prints which destinations have the image, no digest,
  and ends with the exit code of the first failure. Another push uploads only the blobs that are missing. With `--json`
  it prints `{ digest, destinations }` instead of the digest, after failures too. Each of the `destinations` has
  `destination`, `digest` and `pushed`, and `error` if `pushed` is false.

  Other tools can push the layout, `passthru.layout`: `crane push LAYOUT NAME:TAG`,
  `regctl image copy ocidir://LAYOUT NAME:TAG`, `oras cp --recursive --from-oci-layout LAYOUT:TAG NAME:TAG`. (The tests
  run crane and oras, not regctl.)

  # Inputs

  `layout`
  : The image: an OCI image layout whose `index.json` has one descriptor. Not an archive, because skopeo unpacks an
    archive into a temporary directory first.

  `imageName`, `imageTag`
  : Name and tag of the image.

  `imageRefs`
  : The default destinations. Default: `[ "${imageName}:${imageTag}" ]`.

  `pushWith`
  : `"skopeo"`, or `"oras"`, which asks the registry for manifests first: a push of an image that the registry has, or
    one more tag of it, takes three requests instead of one for each layer. oras also pushes the artifacts of the layout
    that refer to the image (SBOMs, signatures), and the script checks that the registry lists them as referrers. skopeo
    leaves them out. Options after `--` are then those of `oras cp`. For Docker Hub, log in with `docker login` or
    `oras login`: oras does not read what skopeo writes for it. Default: `"skopeo"`.

  # Type

  ```
  mkPushScript :: {
    layout :: Derivation,
    imageName :: String,
    imageTag :: String,
    imageRefs :: [ String ] ? [ "${imageName}:${imageTag}" ],
    pushWith :: String ? "skopeo",
  } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.push -- --digest-file digest registry.example/app:v2
  sha256:…
  ```
*/
{
  layout,
  imageName,
  imageTag,
  imageRefs ? [ "${imageName}:${imageTag}" ],
  pushWith ? "skopeo",
}:
let
  script = "push-${baseNameOf imageName}";
  tools = {
    skopeo = {
      package = skopeo;
      script = ./push-skopeo.sh;
    };
    oras = {
      package = oras;
      script = ./push-oras.sh;
    };
  };
in
writeShellApplication {
  name = script;
  runtimeInputs = [
    coreutils
    gnugrep
    jq
    tools.${pushWith}.package
  ];
  text = ''
    script=${lib.escapeShellArg script}
    layout=${lib.escapeShellArg "${layout}"}
    tag=${lib.escapeShellArg imageTag}
    refs=(${lib.escapeShellArgs imageRefs})

    ${builtins.readFile ./common.sh}
    ${builtins.readFile tools.${pushWith}.script}
    ${builtins.readFile ./push.sh}
  '';
}
