# shellcheck shell=bash
# The script of reproduce.nix, which sets these variables before it:
#
#   script        name of the script
#   layout        the image: directory of an OCI image layout
#   reference     name and tag in the registry, if the user gives none
#   derivations   what is built again
#
# shellcheck disable=SC2154

conclude() { # STATUS STATEMENT
  printf '%s\n' "$2"
  exit "$1"
}

rebuild=yes options=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h)
      cat <<HELP
Usage: $script [--skip-rebuild] [NAME[:TAG]] [-- OPTION…]

Builds the image again, and compares it with what a registry serves. The last line is the result.

  NAME[:TAG]      the image in the registry; default: $reference
  --skip-rebuild  compare only
  -- OPTION…      options of \`skopeo inspect\`, such as --tls-verify=false or --authfile=FILE
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
    *) reference=${1#docker://} ;;
  esac
  shift
done

if [ -n "$rebuild" ]; then
  command -v nix-store >/dev/null || usage_error 'nix-store is not on PATH; --skip-rebuild only compares'
  for derivation in "${derivations[@]}"; do
    [ -e "$derivation" ] || {
      message "error: $derivation is not in the store; evaluate the image again on this machine"
      exit 1
    }
    message "building $derivation again"
    # --check compares with results that exist.
    nix-store --realise "$derivation" >/dev/null
    status=0
    nix-store --realise --check "$derivation" >/dev/null || status=$?
    case $status in
      0) ;;
      104) conclude 1 "NOT REPRODUCIBLE: a second build of $derivation gives another result" ;;
      *)
        message "error: the second build of $derivation failed"
        exit "$status"
        ;;
    esac
  done
fi

digest=$(jq -er '.manifests[0].digest' "$layout/index.json")
served=$(mktemp -d)
trap 'rm -rf "$served"' EXIT
skopeo inspect --raw "${options[@]}" "docker://$reference" >"$served/index"
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
skopeo --insecure-policy copy --quiet --all --preserve-digests "${copy_options[@]}" \
  "docker://$reference" "oci:$served/image:served" >&2
polyarch diff "$served/image" "$layout"
first=$(jq -rn --slurpfile served "$served/index" --slurpfile built "$layout/blobs/${digest/://}" '
  def platform: .platform | [.os, .architecture, .variant // empty] | join("/");
  [$served[0].manifests[]?] as $old
  | first(
      ($built[0].manifests[] | select(.platform.os != "unknown")
        | select(.digest as $digest | $old | any(.digest == $digest) | not)
        | "the image for \(platform) differs first"),
      "the images are the same, but the index differs: its annotations, or the documents that are attached"
    )')
conclude 1 "DIFFERENT: $reference is $found, and this build is $digest; $first"
