# shellcheck shell=bash
# The script of check-pushed.nix, which sets these variables before it:
#
#   script   name of the script
#   layout   the path of the image, a layout
#   tag      tag of references without one
#   refs     the references if the user gives none
#   program  the path of check-pushed.jq
#
# shellcheck disable=SC2034,SC2154

usage() {
  cat <<HELP
Usage: $script [--max-push SIZE] [REF…] [-- OPTION…]

Compares this image with what a registry has, without pulling layers. Exit code: 0 the registry serves exactly this
image, 1 it does not, 2 it cannot be read or an argument is wrong.

  REF                NAME[:TAG], with or without docker://; default:
HELP
  printf '                       %s\n' "${refs[@]}"
  cat <<'HELP'
  --max-push SIZE    also accept a registry with another image, if a push would send at most SIZE: bytes, or a number
                     with a unit such as 50MB or 1.5GiB
  -- OPTION…         options of `skopeo inspect`, such as --tls-verify=false or --authfile FILE
HELP
}

# `SIZE` as `polyarch diff --max-push` takes it, in bytes. tests/fixtures/sizes.tsv has examples.
bytes_of() {
  jq -nre --arg size "$1" '
    { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, ki: 1024, mi: 1048576, gi: 1073741824, ti: 1099511627776 } as $units
    | $size | capture("^(?<whole>[0-9]+)(\\.(?<fraction>[0-9]+))?( ?(?<unit>[kKmMgGtT][iI]?[bB]?|[bB]))?$")
    | (.fraction // "") as $fraction
    # Whole numbers: 0.29 * 1000 is less than 290.
    | (.whole + $fraction | tonumber) * $units[.unit // "" | ascii_downcase | rtrimstr("b")] / ([range($fraction | length) | 10] | reduce .[] as $n (1; . * $n))
    | . + 0.5 | floor' 2>/dev/null
}

max_push="" wanted=() options=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h)
      usage
      exit
      ;;
    --max-push | --max-push=*)
      if [ "$1" = --max-push ]; then
        [ $# -gt 1 ] || usage_error '--max-push needs a SIZE'
        shift
      fi
      max_push=$(bytes_of "${1#--max-push=}") || usage_error "--max-push: '${1#--max-push=}' is not a size"
      ;;
    --)
      shift
      options+=("$@")
      break
      ;;
    -*=*) options+=("$1") ;;
    -*) usage_error "unknown option $1; options of skopeo go after --" ;;
    "" | *@*) usage_error "'$1' is not a name; expected NAME[:TAG]" ;;
    *) wanted+=("$(with_tag "${1#docker://}")") ;;
  esac
  shift
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${refs[@]}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
tool_without_tls=--tls-verify=false
tool_authority='--cert-dir DIR'

# Reads a document of a registry into a file, and checks its digest if the reference has one. Returns 1 if the registry
# does not have it.
read_document() { # REF FILE
  skopeo inspect --raw --retry-times 3 "${options[@]}" "docker://$1" >"$2" 2>"$log" || {
    ! is_unknown || return 1
    cat "$log" >&2
    message "error: $1 cannot be read"
    explain_connection "${1%%/*}" || true
    exit 2
  }
}

# The manifests of an index, as lines of PLATFORM DIGEST SIZE; none for a manifest.
manifests_of() { # INDEX
  jq -r 'def platform: .platform // {} | [.os // "unknown", .architecture // empty, .variant // empty] | join("/");
    (.manifests // []) as $all
    | $all[]
    | .annotations."vnd.docker.reference.digest" as $subject
    | [(if .platform.os == "unknown" then
          "attestation" + ([$all[] | select(.digest == $subject) | " of \(platform)"] | first // "")
        else platform end),
        .digest, .size] | @tsv' "$1"
}

# A manifest of an image, as check-pushed.jq takes it.
manifest_entry() { # PLATFORM FILE
  jq -c --arg platform "$1" --arg digest "$(sha256_of "$2")" --argjson size "$(wc -c <"$2")" \
    '{ platform: $platform, digest: $digest, size: $size, blobs: [.config, .layers[]? | select(. != null) | { digest, size }] }' "$2"
}

image() { # INDEX ENTRIES
  jq -s --arg digest "$(sha256_of "$1")" --argjson size "$(wc -c <"$1")" \
    '{ digest: $digest, size: $size, manifests: . }' "$2"
}

digest=$(jq -r '.manifests[0].digest' "$layout/index.json")
blob() { printf '%s/blobs/%s\n' "$layout" "${1/://}"; }
index=$(blob "$digest")
while IFS=$'\t' read -r platform manifest _; do
  manifest_entry "$platform" "$(blob "$manifest")"
done < <(manifests_of "$index") >"$work/new-entries"
image "$index" "$work/new-entries" >"$work/new"

# Prints what the registry has instead. Sets `sends` to the number of bytes that a push sends.
compare() { # REF
  local platform manifest found lines old=$work/old-index
  : >"$work/old-entries"
  if [ -s "$old" ]; then
    if jq -e .manifests "$old" >/dev/null; then
      while IFS=$'\t' read -r platform manifest _; do
        found=$(blob "$manifest")
        [ -e "$found" ] || {
          found=$work/manifest
          # A manifest that the registry lost says nothing about blobs that it has.
          read_document "${1%:*}@$manifest" "$found" || continue
        }
        manifest_entry "$platform" "$found"
      done < <(manifests_of "$old") >"$work/old-entries"
    else
      manifest_entry 'an image without an index' "$old" >"$work/old-entries"
    fi
    image "$old" "$work/old-entries" >"$work/old"
  else
    echo '{ "manifests": [] }' >"$work/old"
  fi
  jq -nr --slurpfile old "$work/old" --slurpfile new "$work/new" \
    "\$old[0] as \$old | \$new[0] as \$new | $(cat "$program")" >"$work/report"
  mapfile -t lines <"$work/report"
  sends=${lines[-1]}
  printf '%s\n' "${lines[@]:0:${#lines[@]}-1}"
}

# Whether the registry has all manifests of the index; prints those that it does not have.
serves_manifests() { # REF
  local platform manifest complete=yes
  while IFS=$'\t' read -r platform manifest _; do
    if ! read_document "${1%:*}@$manifest" "$work/manifest"; then
      printf '  %s: the registry does not serve %s\n' "$platform" "$manifest"
      complete=
    elif [ "$(sha256_of "$work/manifest")" != "$manifest" ]; then
      printf '  %s: the registry serves %s as %s\n' "$platform" "$(sha256_of "$work/manifest")" "$manifest"
      complete=
    fi
  done < <(manifests_of "$index")
  [ -n "$complete" ]
}

accepted=yes
for ref in "${wanted[@]}"; do
  found=$work/old-index
  if read_document "$ref" "$found"; then
    old_digest=$(sha256_of "$found")
    if [ "$old_digest" = "$digest" ]; then
      if serves_manifests "$ref" >"$work/missing"; then
        printf '%s: %s, as built\n' "$ref" "$digest"
      else
        printf '%s: %s, as built, but incomplete\n' "$ref" "$digest"
        cat "$work/missing"
        accepted=
      fi
      continue
    fi
    printf '%s: %s in the registry, %s here\n' "$ref" "$old_digest" "$digest"
  else
    : >"$found"
    printf '%s: not in the registry, %s here\n' "$ref" "$digest"
  fi
  compare "$ref"
  if [ -z "$max_push" ]; then
    accepted=
  elif [ "$sends" -gt "$max_push" ]; then
    message "error: a push to $ref would send $sends bytes, more than the $max_push of --max-push"
    accepted=
  fi
done
[ -n "$accepted" ] || exit 1
