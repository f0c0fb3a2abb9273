# shellcheck shell=bash
# The part of push.sh that runs skopeo. Uses `layout` and `digest` of that script.
#
# shellcheck disable=SC2034,SC2154

tool=skopeo
tool_command='skopeo copy'
tool_examples='--dest-tls-verify=false or --dest-authfile FILE'
tool_without_tls=--dest-tls-verify=false
tool_with_tls=--dest-tls-verify=true
tool_authority='--dest-cert-dir DIR'
tool_credentials="skopeo finds the credentials: in \$REGISTRY_AUTH_FILE, where \`nix run .#image.login\` wrote them, or in ~/.docker/config.json."

# Keeps the options for `skopeo copy`, and those of `skopeo inspect` that correspond to what they say about the
# destination.
tool_options() {
  local takes_value="" option
  copy_options=("$@") inspect_options=()
  for option in "$@"; do
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
}

# - --preserve-digests: skopeo may change the manifests otherwise, and with them the digest.
# - --insecure-policy: the signature policy of the machine is for images that it gets from others. This image comes from
#   the Nix store.
tool_push() { # DESTINATION
  local image=oci:$layout left_out
  # With several entries, skopeo needs the name of one.
  [ "$(jq '.manifests | length' "$layout/index.json")" -eq 1 ] ||
    image+=:$(jq -r "($image_of_index).annotations.\"org.opencontainers.image.ref.name\"" "$layout/index.json")
  left_out=$(artifacts | wc -l)
  [ "$left_out" -eq 0 ] ||
    message "warning: referrers that skopeo leaves out (SBOMs, signatures): $left_out; pushWith = \"oras\" pushes them"
  skopeo --insecure-policy copy --all --preserve-digests --retry-times 3 "${copy_options[@]}" "$image" "docker://$1"
}

tool_digest() { # DESTINATION
  local sum
  # bash ignores `errexit` in a command substitution, and sha256sum would print the digest of empty input.
  sum=$(skopeo inspect --raw --retry-times 3 "${inspect_options[@]}" "docker://$1" | sha256sum) || return 1
  printf 'sha256:%s\n' "${sum%% *}"
}
