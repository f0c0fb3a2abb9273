# The script that pushes a merged image to a registry. No part of any build: it is for the network that builds do
# not have, and runs as the person who starts it.
{
  lib,
  coreutils,
  skopeo,
  writeShellApplication,
}:

/**
  Make a script that pushes an OCI image layout to a registry, all platforms, every digest kept.

  ```
  push-NAME [--dry-run] [--digest-file FILE] [DEST…] [-- OPTION…]
  ```

  `DEST` is `NAME[:TAG]`, with or without `docker://`; without a tag it gets `imageTag`. Default: all of `imageRefs`.
  The options after `--` are those of `skopeo copy`; one with its value in the same word, such as
  `--dest-tls-verify=false`, can stand before it too.

  After each push the script asks the registry what it has, and fails if that is not the digest of the layout. It
  prints the digest on standard output and all else on standard error. `--dry-run` prints where it would push, and
  needs no network. Credentials are found where skopeo finds them: `$REGISTRY_AUTH_FILE`, what `skopeo login` and
  `podman login` wrote, `~/.docker/config.json`.

  Those who prefer another tool point it at the layout, `passthru.layout`: `crane push LAYOUT NAME:TAG`,
  `regctl image copy ocidir://LAYOUT NAME:TAG`, `oras cp --recursive --from-oci-layout LAYOUT:TAG NAME:TAG`. (The
  tests have none of these three.)

  # Inputs

  `layout`
  : the image: an OCI image layout whose `index.json` has one descriptor. A layout rather than an archive,
    because skopeo unpacks an archive into a temporary folder first.

  `imageName`, `imageTag`
  : what the image is called

  `imageRefs`
  : where to. Default: `[ "${imageName}:${imageTag}" ]`.

  # Type

  ```
  mkPushScript :: {
    layout :: Derivation,
    imageName :: String,
    imageTag :: String,
    imageRefs :: [ String ] ? [ "${imageName}:${imageTag}" ],
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
}:
let
  script = "push-${baseNameOf imageName}";
in
writeShellApplication {
  name = script;
  runtimeInputs = [
    coreutils
    skopeo
  ];
  # - Without --preserve-digests, skopeo may rewrite what it copies, and the digest in the registry is another.
  # - --insecure-policy: the policy of the machine (which need not have one) says whose signatures to ask for when
  #   it *takes* images. This one comes from the Nix store, which vouches for it.
  # - "''${a[@]}": the bash of macOS and others take an empty array for an unset variable.
  text = ''
    layout=${lib.escapeShellArg "oci:${layout}"}
    tag=${lib.escapeShellArg imageTag}
    refs=(${lib.concatMapStringsSep " " lib.escapeShellArg imageRefs})

    usage() {
      cat <<'HELP'
    Usage: ${script} [--dry-run] [--digest-file FILE] [DEST…] [-- OPTION…]

    Pushes the image, all platforms, and prints its digest once the registry has it.

      DEST                NAME[:TAG], with or without docker://; default:
    ${lib.concatMapStringsSep "\n" (ref: "                            ${ref}") imageRefs}
      --dry-run           only say where to
      --digest-file FILE  also write the digest to FILE
      -- OPTION…          options of `skopeo copy`, such as --dest-tls-verify=false or --dest-authfile FILE

    Credentials are found where skopeo finds them ($REGISTRY_AUTH_FILE, what `skopeo login` wrote,
    ~/.docker/config.json).
    HELP
    }
    say() { printf '%s: %s\n' ${script} "$*" >&2; }
    wrong() {
      say "$* (see --help)"
      exit 2
    }

    dry_run="" digest_file=""
    destinations=() copy_options=() inspect_options=()
    while [ $# -gt 0 ]; do
      case $1 in
        --help | -h)
          usage
          exit
          ;;
        --dry-run) dry_run=yes ;;
        --digest-file)
          [ $# -gt 1 ] || wrong '--digest-file needs a FILE'
          digest_file=$2
          shift
          ;;
        --digest-file=*) digest_file=''${1#*=} ;;
        --)
          shift
          copy_options+=("$@")
          break
          ;;
        -*=*) copy_options+=("$1") ;;
        -*) wrong "unknown option $1; options of skopeo go after --" ;;
        oci:* | oci-archive:* | docker-archive:* | docker-daemon:* | containers-storage:* | dir:*)
          wrong "'$1' is no registry; skopeo copies $layout to other places"
          ;;
        "" | *@*) wrong "a destination is NAME:TAG, not '$1'" ;;
        *)
          destination=''${1#docker://}
          case ''${destination##*/} in
            *:*) ;;
            *) destination=$destination:$tag ;;
          esac
          destinations+=("$destination")
          ;;
      esac
      shift
    done
    [ ''${#destinations[@]} -gt 0 ] || destinations=("''${refs[@]}")

    if [ -n "$dry_run" ]; then
      for destination in "''${destinations[@]}"; do
        printf '%s -> docker://%s\n' "$layout" "$destination"
      done
      exit
    fi

    # What the copy is told about its destination goes for looking there, too.
    takes_value=""
    for option in "''${copy_options[@]}"; do
      if [ -n "$takes_value" ]; then
        inspect_options+=("$option")
        takes_value=""
        continue
      fi
      case $option in
        --dest-creds | --dest-cert-dir | --dest-authfile | --dest-registry-token | --dest-username | --dest-password | --authfile)
          takes_value=yes
          ;;
        --dest-creds=* | --dest-cert-dir=* | --dest-authfile=* | --dest-registry-token=* | --dest-username=* | --dest-password=* | --authfile=*) ;;
        --dest-tls-verify | --dest-tls-verify=* | --dest-no-creds | --dest-no-creds=*) ;;
        *) continue ;;
      esac
      inspect_options+=("--''${option#--dest-}")
      case $option in --authfile*) inspect_options[''${#inspect_options[@]}-1]=$option ;; esac
    done

    digest_of() {
      local sum
      # Bash forgets `errexit` in a command substitution, and nothing has a digest, too.
      sum=$(skopeo inspect --raw --retry-times 3 "$@" | sha256sum) || return 1
      printf 'sha256:%s\n' "''${sum%% *}"
    }

    digest=$(digest_of "$layout")
    for destination in "''${destinations[@]}"; do
      say "pushing to $destination"
      skopeo --insecure-policy copy --all --preserve-digests --retry-times 3 \
        "''${copy_options[@]}" "$layout" "docker://$destination" >&2 || {
        status=$?
        echo 'hint: for a registry without TLS, add: -- --dest-tls-verify=false; to log in: skopeo login REGISTRY' >&2
        exit "$status"
      }
      found=$(digest_of "''${inspect_options[@]}" "docker://$destination") || {
        say "error: $destination was pushed, but what the registry has now cannot be read, so it is not compared with $digest"
        exit 1
      }
      if [ "$found" != "$digest" ]; then
        say "error: $destination is $found, but the image is $digest: something on the way has changed it, or someone else has pushed there just now"
        exit 1
      fi
    done
    [ -z "$digest_file" ] || printf '%s\n' "$digest" >"$digest_file"
    printf '%s\n' "$digest"
  '';
}
