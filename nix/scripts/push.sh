# shellcheck shell=bash
# The script of push.nix, which sets these variables and defines these functions before it:
#
#   script      name of the script
#   layout      the image: directory of an OCI image layout
#   tag         tag of destinations without one
#   refs        the destinations if the user gives none
#   tool        the program that pushes, for messages
#
#   tool_options OPTION…    checks the options of the user and keeps them
#   tool_push DESTINATION   pushes the image; prints progress and errors to standard error
#   tool_digest DESTINATION prints the digest that the registry serves, followed by a newline
#
# shellcheck disable=SC2154

usage() {
  cat <<HELP
Usage: $script [--dry-run] [--json] [--digest-file FILE] [DEST…] [-- OPTION…]

Pushes the image for all platforms. Prints its digest after checking that each registry serves the same one.

  DEST                NAME[:TAG], with or without docker://; default:
HELP
  printf '                        %s\n' "${refs[@]}"
  cat <<HELP
  --dry-run           print the destinations and push nothing
  --json              print the digest and the result of each destination as JSON
  --digest-file FILE  also write the digest to FILE, if all pushes succeed
  -- OPTION…          options of \`$tool_command\`, such as $tool_examples

If one destination fails, the others are still pushed, and the exit code is not 0. A second push uploads only what is missing.
$tool_credentials
HELP
}

# Sets the variables that follow from the command line.
parse() {
  dry_run="" json="" digest_file="" destinations=()
  local options=()
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h)
        usage
        exit
        ;;
      --dry-run) dry_run=yes ;;
      --json) json=yes ;;
      --digest-file)
        [ $# -gt 1 ] || usage_error '--digest-file needs a FILE'
        digest_file=$2
        shift
        ;;
      --digest-file=*) digest_file=${1#*=} ;;
      --)
        shift
        options+=("$@")
        break
        ;;
      -*=*) options+=("$1") ;;
      -*) usage_error "unknown option $1; options of $tool go after --" ;;
      oci:* | oci-archive:* | docker-archive:* | docker-daemon:* | containers-storage:* | dir:*)
        usage_error "'$1' is not a registry; skopeo can copy oci:$layout to other places"
        ;;
      "" | *@*) usage_error "'$1' is not a destination; expected NAME[:TAG]" ;;
      *) destinations+=("$(with_tag "${1#docker://}")") ;;
    esac
    shift
  done
  [ ${#destinations[@]} -gt 0 ] || destinations=("${refs[@]}")
  tool_options "${options[@]}"
}

# In jq: the image is the only entry of the layout, or the one with a tag. The others are artifacts that refer to it, or
# lists of such with names like sha256-…, the tags that stand in for the referrers API.
image_of_index='first(.manifests[] | select(.annotations."org.opencontainers.image.ref.name" // "sha256-" | startswith("sha256-") | not))
  // .manifests[0]'

# Prints the digests of each artifact that refers to the image or to a manifest of it, and of its subject.
artifacts() {
  local entry document
  while read -r entry; do
    for document in "$entry" $(jq -r '.manifests[]?.digest' "$layout/blobs/${entry/://}"); do
      jq -r --arg artifact "$document" '.subject.digest // empty | "\($artifact) \(.)"' "$layout/blobs/${document/://}"
    done
  done < <(jq -r --arg image "$digest" '.manifests[].digest | select(. != $image)' "$layout/index.json")
}

# Prints a hint for the errors in $log that users meet. Registries and tools word them in different ways.
explain() {
  local registry=${destination%%/*} again='push again; blobs that the registry has are not uploaded again'
  # The first pattern that occurs counts.
  if log_has 'must be in v2 format but is in v1'; then
    hint "unset CONTAINERS_REGISTRIES_CONF, which names a file in the v1 format"
  elif log_has 'is blocked in'; then
    hint "push to another registry, or remove it from the blocked ones in registries.conf"
  elif log_has 'no space left on device|Insufficient Storage|status:? 507|disk quota'; then
    hint "free space at $registry, then $again"
  elif log_has 'toomanyrequests|too many requests|status:? 429'; then
    hint "wait until $registry accepts requests again, then $again"
  elif log_has 'error getting credentials|docker-credential-'; then
    hint "check the credential helper that the auth file names for $registry: echo $registry | docker-credential-NAME get"
  elif log_has 'http://[^ ]+: response status code 400'; then
    # oras takes a registry on this machine for one without TLS.
    hint "if the registry has TLS, add: -- $tool_with_tls"
  elif explain_connection "$registry"; then
    return
  elif log_has 'denied|forbidden|insufficient_scope|status:? 403'; then
    hint "ask for permission to push to ${destination%:*}, or log in as another user: nix run .#image.login -- $registry"
  elif log_has 'Internal Server Error|status:? 500'; then
    # docker-registry answers so if its disk is full.
    hint "look for the cause in the log of $registry, such as a full disk; then $again"
  elif log_has 'EOF|connection reset|broken pipe|status( code)?:? 5[0-9][0-9]|Bad Gateway|Service Unavailable|Gateway Time'; then
    hint "$again"
  fi
}

# The error itself: the message of skopeo's last line that has one, or the last line.
error_of() {
  local line
  line=$(grep -E 'level=fatal|^Error' "$log" | tail -n 1) || line=$(tail -n 1 "$log")
  line=${line#*level=fatal msg=\"} line=${line%\"}
  printf '%s\n' "${line//\\\"/\"}"
}

# Pushes to $destination and reads it back. Sets `problem`.
push() {
  local found status=0
  message "pushing to $destination"
  # The errors are shown when they appear, and kept; `tee` does not swallow the exit code (pipefail). Progress goes past it:
  # it is a bar only on a terminal.
  { tool_push "$destination" 2>&1 >&3 | tee "$log" >&2; } 3>&2 || status=$?
  if [ "$status" -ne 0 ]; then
    problem=$(error_of)
    problem=${problem:-$tool ended with exit code $status}
    message "error: pushing to $destination failed"
    explain
    return "$status"
  fi
  found=$(tool_digest "$destination" 2>"$log") || status=$?
  cat "$log" >&2
  [ "$status" -eq 0 ] || {
    problem="$destination was pushed, but reading it back failed; its digest was not checked against $digest"
    message "error: $problem"
    return 1
  }
  [ "$found" = "$digest" ] || {
    problem="$destination has the digest $found; expected $digest: the image was changed on the way, or another push has replaced it"
    message "error: $problem"
    return 1
  }
}

result() { # ERROR, empty after a push that succeeded
  jq -n --arg destination "$destination" --arg digest "$digest" --arg error "$1" '
    { destination: $destination, digest: $digest, pushed: ($error == "") }
    + if $error == "" then {} else { error: $error } end'
}

summary() {
  local succeeded=$((${#destinations[@]} - ${#failures[@]})) destination
  message "$succeeded of ${#destinations[@]} destinations have $digest"
  for destination in "${destinations[@]}"; do
    if [ -n "${failures[$destination]-}" ]; then
      printf '  failed  %s\n' "$destination" >&2
    else
      printf '  pushed  %s@%s\n' "$destination" "$digest" >&2
    fi
  done
}

parse "$@"
if [ -n "$dry_run" ]; then
  for destination in "${destinations[@]}"; do
    printf '%s -> docker://%s\n' "oci:$layout" "$destination"
  done
  exit
fi

digest=$(jq -r "($image_of_index).digest" "$layout/index.json")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
exit_code=0 results=() problem=""
declare -A failures=()
for destination in "${destinations[@]}"; do
  status=0
  push || status=$?
  if [ "$status" -ne 0 ]; then
    failures[$destination]=$problem
    [ "$exit_code" -ne 0 ] || exit_code=$status
  fi
  [ -z "$json" ] || results+=("$(result "${failures[$destination]-}")")
done
[ ${#destinations[@]} -eq 1 ] || summary
[ -z "$json" ] || printf '%s\n' "${results[@]}" | jq -s --arg digest "$digest" '{ digest: $digest, destinations: . }'
[ "$exit_code" -eq 0 ] || exit "$exit_code"
[ -z "$digest_file" ] || printf '%s\n' "$digest" >"$digest_file"
[ -n "$json" ] || printf '%s\n' "$digest"
