# shellcheck shell=bash
# The script of push.nix, which sets these variables before it:
#
#   script   name of the script
#   layout   the image, as skopeo names it: oci:PATH
#   tag      tag of destinations without one
#   refs     the destinations if the user gives none
#
# shellcheck disable=SC2154

usage() {
  cat <<HELP
Usage: $script [--dry-run] [--digest-file FILE] [DEST…] [-- OPTION…]

Pushes the image for all platforms. Prints its digest after checking that the registry serves the same one.

  DEST                NAME[:TAG], with or without docker://; default:
HELP
  printf '                        %s\n' "${refs[@]}"
  cat <<'HELP'
  --dry-run           print the destinations and push nothing
  --digest-file FILE  also write the digest to FILE
  -- OPTION…          options of `skopeo copy`, such as --dest-tls-verify=false or --dest-authfile FILE

skopeo finds the credentials: in $REGISTRY_AUTH_FILE, where `skopeo login` wrote them, or in ~/.docker/config.json.
HELP
}

message() { printf '%s: %s\n' "$script" "$*" >&2; }
usage_error() {
  message "error: $* (see --help)"
  exit 2
}

dry_run="" digest_file=""
destinations=() copy_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h)
      usage
      exit
      ;;
    --dry-run) dry_run=yes ;;
    --digest-file)
      [ $# -gt 1 ] || usage_error '--digest-file needs a FILE'
      digest_file=$2
      shift
      ;;
    --digest-file=*) digest_file=${1#*=} ;;
    --)
      shift
      copy_options+=("$@")
      break
      ;;
    -*=*) copy_options+=("$1") ;;
    -*) usage_error "unknown option $1; options of skopeo go after --" ;;
    oci:* | oci-archive:* | docker-archive:* | docker-daemon:* | containers-storage:* | dir:*)
      usage_error "'$1' is not a registry; skopeo can copy $layout to other places"
      ;;
    "" | *@*) usage_error "'$1' is not a destination; expected NAME[:TAG]" ;;
    *)
      destination=${1#docker://}
      case ${destination##*/} in
        *:*) ;;
        *) destination=$destination:$tag ;;
      esac
      destinations+=("$destination")
      ;;
  esac
  shift
done
[ ${#destinations[@]} -gt 0 ] || destinations=("${refs[@]}")

if [ -n "$dry_run" ]; then
  for destination in "${destinations[@]}"; do
    printf '%s -> docker://%s\n' "$layout" "$destination"
  done
  exit
fi

# The options of `skopeo inspect` that correspond to what the options of `skopeo copy` say about the destination.
inspect_options=()
takes_value=""
for option in "${copy_options[@]}"; do
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
    --tls-verify | --tls-verify=* | --dest-tls-verify | --dest-tls-verify=* | --dest-no-creds | --dest-no-creds=*) ;;
    *) continue ;;
  esac
  case $option in
    --authfile* | --tls-verify*) inspect_options+=("$option") ;;
    *) inspect_options+=("--${option#--dest-}") ;;
  esac
done

digest_of() { # OPTION… IMAGE
  local sum
  # bash ignores `errexit` in a command substitution, and sha256sum would print the digest of empty input.
  sum=$(skopeo inspect --raw --retry-times 3 "$@" | sha256sum) || return 1
  printf 'sha256:%s\n' "${sum%% *}"
}

digest=$(digest_of "$layout")
for destination in "${destinations[@]}"; do
  message "pushing to $destination"
  # --preserve-digests: skopeo may change the manifests otherwise, and with them the digest.
  # --insecure-policy: the signature policy of the machine is for images that it gets from others. This image comes from
  # the Nix store.
  skopeo --insecure-policy copy --all --preserve-digests --retry-times 3 \
    "${copy_options[@]}" "$layout" "docker://$destination" >&2 || {
    status=$?
    echo 'hint: for a registry without TLS, add: -- --dest-tls-verify=false; to log in: skopeo login REGISTRY' >&2
    exit "$status"
  }
  found=$(digest_of "${inspect_options[@]}" "docker://$destination") || {
    message "error: $destination was pushed, but reading it back failed; its digest was not checked against $digest"
    exit 1
  }
  if [ "$found" != "$digest" ]; then
    message "error: $destination has the digest $found; expected $digest: the image was changed on the way, or another push has replaced it"
    exit 1
  fi
done
[ -z "$digest_file" ] || printf '%s\n' "$digest" >"$digest_file"
printf '%s\n' "$digest"
