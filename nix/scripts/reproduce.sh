# shellcheck shell=bash
# The script of reproduce.nix, which sets these variables before it:
#
#   script        name of the script
#   layout        the image: directory of an OCI image layout
#   reference     name and tag in the registry, if the user gives none
#   derivations   what is built again
#
# shellcheck disable=SC2034,SC2154

conclude() { # STATUS STATEMENT
  printf '%s\n' "$2"
  exit "$1"
}

rebuild=yes options=() given=() tag=${reference##*:}
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h)
      cat <<HELP
Usage: $script [--skip-rebuild] [NAME[:TAG]] [-- OPTION…]

Builds the image again, and compares it with what a registry serves. The last line is the result. Exit code: 0 it is
the same, 1 it is not, 2 there is no result.

  NAME[:TAG]      the image in the registry; default: $reference
  --skip-rebuild  compare only
  -- OPTION…      options of \`skopeo inspect\`, each with its value in the same word, such as --tls-verify=false
HELP
      exit
      ;;
    --skip-rebuild) rebuild='' ;;
    --)
      shift
      options+=("$@")
      break
      ;;
    -*=*) options+=("$1") ;;
    -*) usage_error "unknown option $1; options of skopeo go after --" ;;
    "" | *@*) usage_error "'$1' is not a name; expected NAME[:TAG]" ;;
    *) given+=("$(with_tag "${1#docker://}")") ;;
  esac
  shift
done
[ ${#given[@]} -le 1 ] || usage_error "${#given[@]} names; expected one"
reference=${given[0]:-$reference}
for option in "${options[@]}"; do
  [[ $option == -* ]] || usage_error "'$option' is not an option; write the value of an option in the same word: --OPTION=VALUE"
done

if [ -n "$rebuild" ]; then
  command -v nix-store >/dev/null || usage_error 'nix-store is not on PATH; --skip-rebuild only compares'
  for derivation in "${derivations[@]}"; do
    [ -e "$derivation" ] || {
      message "error: $derivation is not in the store; evaluate the image again on this machine"
      exit 2
    }
    message "building $derivation again"
    # --check compares with results that exist.
    nix-store --realise --no-gc-warning "$derivation" >/dev/null || {
      message "error: the build of $derivation failed"
      exit 2
    }
    status=0
    nix-store --realise --no-gc-warning --check "$derivation" >/dev/null || status=$?
    case $status in
      0) ;;
      104) conclude 1 "NOT REPRODUCIBLE: a second build of $derivation gives another result" ;;
      *)
        message "error: the second build of $derivation failed"
        exit 2
        ;;
    esac
  done
fi

digest=$(jq -er '.manifests[0].digest' "$layout/index.json")
served=$(mktemp -d)
trap 'rm -rf "$served"' EXIT
log=$served/log
tool_without_tls=--tls-verify=false
tool_authority=--cert-dir=DIR

# Shows what skopeo has printed, and exits.
unreadable() {
  cat "$log" >&2
  message "error: $reference cannot be read"
  explain_connection "${reference%%/*}" || true
  exit 2
}

skopeo inspect --raw "${options[@]}" "docker://$reference" >"$served/index" 2>"$log" || {
  ! is_unknown || conclude 1 "DIFFERENT: $reference is not in the registry, and this build is $digest"
  unreadable
}
found=$(sha256_of "$served/index")
if [ "$found" = "$digest" ]; then
  conclude 0 "REPRODUCED: $reference is $digest, as this build"
fi

# The options of `skopeo copy` for what it reads have the prefix `--src-`, except for a few.
copy_options=()
for option in "${options[@]}"; do
  case $option in
    --authfile* | --retry-times* | --*-verify=*) copy_options+=("${option/#--tls-verify/--src-tls-verify}") ;;
    *) copy_options+=("${option/#--/--src-}") ;;
  esac
done
# By its digest: the tag may have moved.
skopeo --insecure-policy copy --quiet --all --preserve-digests "${copy_options[@]}" \
  "docker://${reference%:*}@$found" "oci:$served/image:served" >"$log" 2>&1 || unreadable
polyarch diff "$served/image" "$layout"

# The documents in the index, by platform.
documents() { # LAYOUT
  polyarch inspect --json "$1" | jq '[.platforms[] | .platform as $platform | .attached[]
    | select(.form == "index")
    | { name: "\(.predicateType // .artifactType) of \($platform)", digest }]'
}
documents "$served/image" >"$served/old"
documents "$layout" >"$served/new"
first=$(jq -rn --slurpfile served "$served/index" --slurpfile built "$layout/blobs/${digest/://}" \
  --slurpfile old "$served/old" --slurpfile new "$served/new" '
  def platform: .platform | [.os, .architecture, .variant // empty] | join("/");
  [$served[0].manifests[]?] as $there
  | first(
      ($built[0].manifests[] | select(.platform.os != "unknown")
        | select(.digest as $digest | $there | any(.digest == $digest) | not)
        | "the image for \(platform) differs first"),
      ($new[0] - $old[0] + ($old[0] - $new[0]) | .[]
        | "the images are the same; of the attached documents, \(.name) differs first"),
      "the images are the same, but the index differs"
    )')
conclude 1 "DIFFERENT: $reference is $found, and this build is $digest; $first"
