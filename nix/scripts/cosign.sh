# shellcheck shell=bash
# What the scripts that run cosign share. cosign.nix sets these variables before it:
#
#   script   name of the script
#   layout   the image: directory of an OCI image layout
#   names    the name of the image in a registry, if the user gives none
#
# shellcheck disable=SC2154

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
      *) given+=("$(without_tag "${1#docker://}")") ;;
    esac
    shift
  done
  [ ${#given[@]} -eq 0 ] || names=("${given[@]}")
  digest=$(jq -er '.manifests[0].digest' "$layout/index.json")
}

without_tag() { # NAME[:TAG]
  case ${1##*/} in
    *:*) printf '%s' "${1%:*}" ;;
    *) printf '%s' "$1" ;;
  esac
}

run() { # COMMAND…
  if [ -n "$dry_run" ]; then
    printf '%s' "$1"
    printf ' %q' "${@:2}"
    printf '\n'
    return
  fi
  # What cosign prints of a success is not a result of the script.
  "$@" >&2 || {
    message "error: $1 $2 failed for $name@$digest; push the image first, and give cosign what signs it: -- --key FILE"
    exit 1
  }
}
