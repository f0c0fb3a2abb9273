# shellcheck shell=bash
# The part of push.sh that runs oras. Uses `layout`, `digest`, `destination` and `log` of that script.
#
# shellcheck disable=SC2034,SC2154

tool=oras
tool_command='oras cp'
tool_examples='--to-plain-http or --to-registry-config FILE'
tool_without_tls=--to-plain-http
tool_with_tls=--to-plain-http=false
tool_authority='--to-ca-file FILE'
tool_credentials="oras gets the file of credentials that \`nix run .#image.login\` wrote, or reads ~/.docker/config.json."

# Keeps the options for `oras cp`, and those of other commands that correspond to what they say about the destination.
tool_options() {
  local takes_value="" option
  copy_options=("$@") read_options=() authentication=""
  for option in "$@"; do
    if [ -n "$takes_value" ]; then
      read_options+=("$option")
      takes_value=""
      continue
    fi
    case $option in
      --to-registry-config | --to-username | --to-password | --to-identity-token) takes_value=yes authentication=yes ;;
      --to-ca-file | --to-cert-file | --to-key-file | --to-header | --to-resolve) takes_value=yes ;;
      --to-registry-config=* | --to-username=* | --to-password=* | --to-identity-token=*) authentication=yes ;;
      --to-ca-file=* | --to-cert-file=* | --to-key-file=* | --to-header=* | --to-resolve=*) ;;
      --to-plain-http | --to-plain-http=* | --to-insecure | --to-insecure=*) ;;
      *) continue ;;
    esac
    read_options+=("--${option#--to-}")
  done
}

# oras reads one file only, so it gets the first of those of skopeo that has the registry.
credentials_file() { # REGISTRY
  local file key=$1 config=${XDG_CONFIG_HOME-~/.config}/containers
  # The name of Docker Hub in files of `docker login` and `oras login`; oras does not read the one of `skopeo login`.
  [ "$key" != docker.io ] || key=https://index.docker.io/v1/
  for file in "${REGISTRY_AUTH_FILE:-}" "${XDG_RUNTIME_DIR:-/run/containers/$UID}"/{containers/,}auth.json "$config/auth.json"; do
    if [ -f "$file" ] && jq -e --arg key "$key" '.auths[$key] // .credHelpers[$key]' "$file" >/dev/null; then
      printf '%s\n' "$file"
      return
    fi
  done
}

# Sets `name`, as oras wants it, and `credentials` for it.
prepare() { # DESTINATION
  local file="" first=${1%%/*}
  name=$1 credentials=()
  # Docker's short names, which oras does not know.
  case $1 in
    */*) [[ $first == *[.:]* || $first == localhost ]] || name=docker.io/$1 ;;
    *) name=docker.io/library/$1 ;;
  esac
  [ -n "$authentication" ] || file=$(credentials_file "${name%%/*}")
  [ -z "$file" ] || credentials=("$file")
}

tool_push() { # DESTINATION
  prepare "$1"
  oras cp --recursive --no-tty "${copy_options[@]}" "${credentials[@]/#/--to-registry-config=}" \
    --from-oci-layout "$layout@$digest" "$name"
}

tool_digest() { # DESTINATION
  local sum
  prepare "$1"
  read_options+=("${credentials[@]/#/--registry-config=}")
  sum=$(oras manifest fetch "${read_options[@]}" "$name" | sha256sum) || return 1
  referrers_arrived || return 1
  printf 'sha256:%s\n' "${sum%% *}"
}

# Checks that the registry lists each artifact of the layout (an SBOM, a signature) as a referrer of its subject.
referrers_arrived() {
  local artifact subject listed
  while read -r artifact subject; do
    listed=$(oras discover --format json "${read_options[@]}" "${name%:*}@$subject") || return 1
    jq -e --arg artifact "$artifact" 'any(.. | .digest? // empty; . == $artifact)' <<<"$listed" >/dev/null || {
      message "error: the registry does not list the artifact $artifact as a referrer of $subject"
      return 1
    }
  done < <(artifacts)
}
