# shellcheck shell=bash
# What the scripts that run cosign share. cosign.nix sets these variables before it:
#
#   script   name of the script
#   layout   the image: directory of an OCI image layout
#   names    the name of the image in a registry, if the user gives none
#
# shellcheck disable=SC2034,SC2154

# Sets dry_run, names, options and digest. SUBCOMMAND is that of cosign, PURPOSE says what the script does with it.
parse() { # SUBCOMMAND PURPOSE ARGUMENT…
  local subcommand=$1 purpose=$2 given=()
  shift 2
  dry_run='' options=()
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h)
        cat <<HELP
Usage: $script [--dry-run] [NAME…] [-- OPTION…]

cosign $purpose, by the digests of this build.

  NAME       name in a registry, without a tag; default: ${names[0]}
  --dry-run  print the commands of cosign and run none
  OPTION…    options of \`cosign $subcommand\`, such as --key FILE
HELP
        exit
        ;;
      --dry-run) dry_run=yes ;;
      --)
        shift
        options=("$@")
        break
        ;;
      -*=*) options+=("$1") ;;
      -*) usage_error "unknown option $1; options of cosign go after --" ;;
      *@*) usage_error "'$1' has a digest; the script adds that of this build" ;;
      "" | oci:* | oci-archive:* | docker-archive:* | docker-daemon:*) usage_error "'$1' is not the name of an image in a registry" ;;
      *) given+=("$(without_tag "${1#docker://}")") ;;
    esac
    shift
  done
  [ ${#given[@]} -eq 0 ] || names=("${given[@]}")
  digest=$(jq -er '.manifests[0].digest' "$layout/index.json")
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  tool_without_tls=--allow-http-registry
  tool_authority='--registry-cacert FILE'
}

without_tag() { # NAME[:TAG]
  case ${1##*/} in
    *:*) printf '%s' "${1%:*}" ;;
    *) printf '%s' "$1" ;;
  esac
}

# Prints a hint for the errors of cosign in $log that users meet. `tool_*` are for explain_connection.
explain() { # SUBCOMMAND
  local registry=${name%%/*} errors
  # Its warnings name services that it can do without.
  errors=$(grep -i '^error' "$log") || return 0
  printf '%s\n' "$errors" >"$log"
  # The first pattern that occurs counts.
  if log_has 'MANIFEST_UNKNOWN|entity not found|manifest unknown|NAME_UNKNOWN'; then
    hint "push this build first: nix run .#image.push -- $name"
  elif log_has 'no signatures found|no matching signatures'; then
    hint "push this build and sign it first, or give the key that signed it: nix run .#image.sign -- $name -- --key FILE"
  elif log_has 'tlog-upload=false is not supported'; then
    hint 'sign with a configuration without services: cosign signing-config create --out FILE, and -- --signing-config FILE'
  elif log_has 'certificate-identity|certificate-oidc-issuer'; then
    hint 'give the key, or the identity of a keyless signature: -- --key FILE, or -- --certificate-identity ID --certificate-oidc-issuer URL'
  elif log_has 'sigstore\.(dev|org).*(no such host|connection refused|timeout)'; then
    hint "without the services of Sigstore, $1 with a key; docs/attestations.md has the options (Signatures)"
  else
    explain_connection "$registry" || true
  fi
}

run() { # COMMAND…
  if [ -n "$dry_run" ]; then
    printf '%s' "$1"
    printf ' %q' "${@:2}"
    printf '\n'
    return
  fi
  # What cosign prints of a success is not a result of the script. `tee` does not swallow the exit code (pipefail).
  "$@" 2>&1 | tee "$log" >&2 || {
    message "error: $1 $2 failed for $name@$digest"
    explain "$2"
    exit 1
  }
}
