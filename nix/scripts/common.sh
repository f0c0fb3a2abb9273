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

# shellcheck disable=SC2317,SC2329
hint() { printf 'hint: %s\n' "$*" >&2; }

# Whether the tool has printed something to the file $log.
# shellcheck disable=SC2154,SC2317,SC2329
log_has() { grep -qiE -- "$1" "$log"; } # REGEX

# Prints a hint for an error of a tool that cannot reach a registry or is not logged in, from what it has printed to the
# file $log. `tool_without_tls` and `tool_authority` are options of the tool. Returns 1 for other errors.
# shellcheck disable=SC2154,SC2317,SC2329
explain_connection() { # REGISTRY
  if log_has 'server gave HTTP response to HTTPS client'; then
    hint "the registry has no TLS; add: -- $tool_without_tls"
  elif log_has 'x509: |certificate signed by unknown authority|tls: failed to verify'; then
    hint "trust the registry's certificate authority: set SSL_CERT_FILE to its certificate, or add: -- $tool_authority"
  elif log_has 'invalid username/password|unauthorized|authentication required|status:? 401|basic credential not found'; then
    hint "log in: nix run .#image.login -- $1"
  elif log_has 'no such host|connection refused|network is unreachable|i/o timeout'; then
    hint "check the name and the port: no registry answers at $1"
  else
    return 1
  fi
}

# Whether skopeo has printed to the file $log that the registry does not have an image.
# shellcheck disable=SC2317,SC2329
is_unknown() { log_has 'manifest unknown|name unknown|not known to registry|status(code)?:? 404|404 \(?not found'; }
