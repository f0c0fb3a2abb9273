# shellcheck shell=bash
# Of pull-multi-arch-image.nix, which sets these variables before it:
#
#   work        an empty directory
#   platforms   the OCI platforms to pull
#   tls_verify  true or false
#   auth_file   a file with credentials, or empty for that of the user
#
# shellcheck disable=SC2154

# Writes the images for the platforms into an OCI image layout, byte for byte. Not with `skopeo copy --all … oci:`:
# that pulls all platforms, changes the manifests of Docker, and its index.json depends on the version of skopeo.
pull() { # NAME DIGEST LAYOUT
  local name=$1 digest=$2 layout=$3 index=$work/index platform manifest file wanted is_there credentials=()
  [ -z "$auth_file" ] || credentials=(--authfile "$auth_file")
  skopeo inspect --raw --retry-times 3 --tls-verify="$tls_verify" "${credentials[@]}" "docker://$name@$digest" >"$index" || return 1
  if [ "$(sha256_of "$index")" != "$digest" ]; then
    echo "error: $name@$digest: the registry serves $(sha256_of "$index")" >&2
    return 1
  fi
  if ! jq -e '.manifests' "$index" >/dev/null; then
    {
      echo "error: $name@$digest is an image for one platform; expected the digest of an image index"
      echo "hint: to print the digest of the index: skopeo inspect --raw docker://$name:TAG | sha256sum"
    } >&2
    return 1
  fi
  mkdir -p "$layout/blobs/sha256"

  # Each line: the platform and the digest of a manifest. Attestations have the platform `unknown`.
  jq -r '.manifests[] | select(.platform.os != "unknown")
    | [(.platform | [.os, .architecture, .variant // empty] | join("/")), .digest] | @tsv' "$index" >"$work/manifests"
  for wanted in "${platforms[@]}"; do
    is_there=
    while IFS=$'\t' read -r platform manifest; do
      # One image can have both platforms: they are equal, or only one of them has a variant.
      case "$platform/" in "$wanted/"*) ;; *) case "$wanted/" in "$platform/"*) ;; *) continue ;; esac ;; esac
      is_there=yes
      [ ! -e "$layout/blobs/${manifest/://}" ] || continue
      skopeo --insecure-policy --tmpdir="$work" copy --quiet --preserve-digests --retry-times 3 \
        --src-tls-verify="$tls_verify" "${credentials[@]}" "docker://$name@$manifest" "dir:$work/image" || return 1
      mv "$work/image/manifest.json" "$layout/blobs/${manifest/://}"
      for file in "$work/image"/*; do
        # Other files are those of skopeo.
        [[ ${file##*/} =~ ^[0-9a-f]{64}$ ]] || continue
        mv -f "$file" "$layout/blobs/sha256/"
      done
      rm -r "$work/image"
    done <"$work/manifests"
    if [ -z "$is_there" ]; then
      {
        echo "error: $name@$digest has no image for $wanted; it has images for:"
        cut -f 1 "$work/manifests" | sort -u | while read -r platform; do printf '  %s\n' "$platform"; done
      } >&2
      return 1
    fi
  done

  jq -cj --arg digest "$digest" --argjson size "$(wc -c <"$index")" '{
    schemaVersion: 2,
    manifests: [{ mediaType: (.mediaType // "application/vnd.oci.image.index.v1+json"), digest: $digest, size: $size }]
  }' "$index" >"$layout/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  mv "$index" "$layout/blobs/${digest/://}"
}
