# Other tools read the images.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_skopeo_reads_both_outputs() {
  local archive layout index
  archive=$(physical "$(build -A bySystem)")
  layout=$(build -A layout)
  index=$(skopeo inspect --raw "oci-archive:$archive")
  same platforms "$(jq -c '[.manifests[].platform | "\(.os)/\(.architecture)"] | sort' <<<"$index")" \
    '["linux/amd64","linux/arm64"]'
  same 'digest of the archive' "$(raw_digest "oci-archive:$archive")" "$(archive_digest "$archive")"
  in_store skopeo --insecure-policy inspect --raw "oci:$layout" >"$world/index"
  same 'digest of the layout' "$(file_digest "$world/index")" "$(archive_digest "$archive")"
}

case_skopeo_reads_the_archive_as_an_ordinary_user() {
  # skopeo unpacks an archive first, and who is not root may not give directories to root, as it does with those
  # that files are in but the archive has no entry for.
  local archive as_user=()
  archive=$(physical "$(build -A bySystem)")
  if [ "$(id -u)" -eq 0 ]; then as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
  "${as_user[@]}" env HOME=/ skopeo --insecure-policy inspect --raw "oci-archive:$archive" >"$world/index"
  same digest "$(file_digest "$world/index")" "$(archive_digest "$archive")"
}

case_skopeo_copies_all_of_both_outputs() {
  local archive layout copy=$world/copy
  archive=$(physical "$(build -A bySystem)")
  layout=$(build -A layout)
  skopeo copy --quiet --all --preserve-digests "oci-archive:$archive" "oci:$copy-of-archive"
  in_store skopeo --insecure-policy copy --quiet --all --preserve-digests "oci:$layout" "oci:$copy-of-layout"
  same 'copied archive' "$(raw_digest "oci:$copy-of-archive")" "$(archive_digest "$archive")"
  same 'copied layout' "$(raw_digest "oci:$copy-of-layout")" "$(archive_digest "$archive")"
  same blobs "$(ls "$copy-of-archive/blobs/sha256")" "$(tar -tf "$archive" | sed -n 's|^blobs/sha256/\(.\)|\1|p' | sort)"
  same blobs "$(ls "$copy-of-layout/blobs/sha256")" "$(ls "$copy-of-archive/blobs/sha256")"
}

case_podman_loads_the_archive_under_its_name_and_runs_it() {
  local wanted
  has "$(podman load --input "$(physical "$(build -A bySystem)")" 2>&1)" 'Loaded image: docker.io/library/hello:latest'
  has "$(podman load --input "$(physical "$(build -A named)")" 2>&1)" \
    'Loaded image: registry.example:5000/team/hello:v1.2'
  wanted="Hello, world! from $(uname -m) built for $(uname -m)-linux"
  same 'words of the container' "$(podman run --rm --network=none docker.io/library/hello:latest)" "$wanted"
}
