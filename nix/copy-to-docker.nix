# The script that loads a merged image into Docker.
{
  lib,
  skopeo,
  writeShellApplication,
}:

/**
  Make a script that loads an OCI image layout into Docker, under all of `imageRefs`: the image of the platform that
  the daemon runs on. It is the `docker` on `PATH`, with its own context, so the daemon may be on another machine.

  The image goes through `docker load` as a docker-archive, which both of Docker's stores take, the classic one
  and containerd's. To have all platforms in the containerd store, load the image with `format = "oci-archive"`.

  # Type

  ```
  mkCopyToDockerScript :: { layout :: Derivation, imageName :: String, imageRefs :: [ String ] } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.copyToDocker
  ```
*/
{
  layout,
  imageName,
  imageRefs,
}:
let
  script = "copy-to-docker-${baseNameOf imageName}";
in
writeShellApplication {
  name = script;
  runtimeInputs = [
    skopeo
  ];
  # Not `docker-daemon:`, which knows no contexts, and so not where the daemon of a Docker Desktop is.
  text = ''
    refs=(${lib.concatMapStringsSep " " lib.escapeShellArg imageRefs})
    command -v docker >/dev/null || {
      echo "${script}: error: there is no docker on PATH" >&2
      exit 1
    }
    platform=$(docker info --format '{{.OSType}} {{.Architecture}}')
    variant=()
    # The daemon says what uname says; images have the names of Go.
    case ''${platform#* } in
      x86_64) architecture=amd64 ;;
      aarch64) architecture=arm64 ;;
      i[3-6]86) architecture=386 ;;
      armv[5-8]*)
        architecture=arm
        machine=''${platform#* arm}
        variant=(--override-variant "''${machine:0:2}")
        ;;
      *) architecture=''${platform#* } ;;
    esac
    skopeo --insecure-policy --override-os "''${platform% *}" --override-arch "$architecture" \
      "''${variant[@]}" \
      copy --quiet ${lib.escapeShellArg "oci:${layout}"} "docker-archive:/dev/stdout:''${refs[0]}" | docker load
    for ref in "''${refs[@]:1}"; do
      docker tag "''${refs[0]}" "$ref"
    done
  '';
}
