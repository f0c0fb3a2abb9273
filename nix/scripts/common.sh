# shellcheck shell=bash
# Functions of the scripts that users start. Those files set `script`, the name of the script, and some `tag`, the tag of
# names without one.
#
# No script uses all of them, which versions of shellcheck report by one of two codes (in functions that are never called).
# A version that does not know a code ignores it.
#
# shellcheck disable=SC2154

# shellcheck disable=SC2317,SC2329
message() { printf '%s: %s\n' "$script" "$*" >&2; }

# shellcheck disable=SC2317,SC2329
usage_error() {
  message "error: $* (see --help)"
  exit 2
}

# shellcheck disable=SC2154,SC2317,SC2329
with_tag() { # NAME[:TAG]
  case ${1##*/} in
    *:*) printf '%s\n' "$1" ;;
    *) printf '%s:%s\n' "$1" "$tag" ;;
  esac
}

# shellcheck disable=SC2317,SC2329
sha256_of() { # FILE
  local sum
  sum=$(sha256sum <"$1")
  printf 'sha256:%s\n' "${sum%% *}"
}
