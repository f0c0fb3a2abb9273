# The script `passthru.copyToDocker`.
{
  lib,
  mkLoadScript,
  skopeo,
}:

/**
  Makes a script that loads an OCI image layout into Docker, under all of `imageRefs`: the image for the platform that
  the daemon runs on. The script uses the `docker` on `PATH` with its own context, so the daemon may run on another
  machine.

  The script passes the image to `docker load` as a docker-archive, which both of Docker's image stores read: the
  classic one and containerd's. To have all platforms in the containerd store, load the image with
  `format = "oci-archive"`.

  # Type

  ```
  mkCopyToDockerScript :: { layout :: Derivation, imageName :: String, imageRefs :: [ String ] } -> Derivation
  ```

  # Examples

  ```console
  $ nix run .#image.copyToDocker
  ```
*/
mkLoadScript {
  engine = "docker";
  runtimeInputs = [ skopeo ];
  # Not skopeo's `docker-daemon:`: it ignores contexts, so it does not find the daemon of Docker Desktop.
  load = layout: ''
    platform=$(docker info --format '{{.OSType}} {{.Architecture}}')
    variant=()
    # The daemon uses the names of uname, images use those of Go.
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
  '';
}
