# The images that are built, and their content.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_the_sandbox_of_these_tests_is_a_real_one() { build -A sandbox; }

case_the_rebuild_check_finds_an_unreproducible_build() {
  build -A unstable
  refuse nix-build --no-out-link --check "$cases" -A unstable
  has "$said" 'may not be deterministic'
}

# ---- Builds

case_an_archive_is_built_in_the_sandbox() {
  local archive entries
  archive=$(build -A bySystem)
  has "$archive" '-hello.tar'
  [ -f "$(physical "$archive")" ]
  mapfile -t -n 2 entries < <(tar -tf "$(physical "$archive")")
  same 'first entries' "${entries[*]}" 'oci-layout index.json'
}

case_a_rebuild_finds_the_same_bytes() {
  local what
  for what in bySystem layout zstd 'bySystem.layouts."linux/amd64"' 'bySystem.layouts."linux/arm64"'; do
    build -A "$what" >/dev/null
    build --check -A "$what" >/dev/null || fail "$what is not stable"
  done
}

case_sets_and_lists_in_any_order_give_the_same_archive() {
  local first other
  first=$(build -A bySystem)
  for other in byPlatform asList asListReversed paths; do
    cmp "$(physical "$first")" "$(physical "$(build -A "$other")")"
  done
}

case_the_layout_has_the_digest_of_the_archive() {
  local layout
  layout=$(build -A layout)
  same digest "$(layout_digest "$(physical "$layout")")" "$(archive_digest "$(physical "$(build -A bySystem)")")"
  same 'passthru.layout' "$(build -A bySystem.layout)" "$layout"
  same 'passthru.layout of a layout' "$(build -A layout.layout)" "$layout"
}

case_the_layout_links_to_the_layouts_of_its_images_and_refers_to_nothing_else() {
  local layout amd64 arm64 layers blob target
  layout=$(build -A layout)
  amd64=$(build -A 'layout.layouts."linux/amd64"')
  arm64=$(build -A 'layout.layouts."linux/arm64"')
  same references "$(nix-store --query --references "$layout" | sort)" "$(printf '%s\n' "$amd64" "$arm64" | sort)"
  layers=$(find "$(physical "$amd64")" "$(physical "$arm64")" -path '*/blobs/*' -type f -size +8k -printf '%f\n' | sort -u)
  [ -n "$layers" ]
  for blob in $layers; do
    target=$(readlink "$(physical "$layout")/blobs/sha256/$blob")
    [[ $target == "$amd64"/* || $target == "$arm64"/* ]] || fail "blob $blob links to $target"
  done
  # shellcheck disable=SC2016 # $1 is the inner shell's
  in_store bash -euc 'cd "$1/blobs/sha256" && for blob in *; do echo "$blob  $blob"; done | sha256sum --quiet -c' \
    - "$layout"
}

case_the_layout_has_no_reference_to_paths_in_the_config() {
  local layout
  layout=$(build -A layoutOfNamedPaths)
  in_store grep -Rq -- -busybox "$layout/blobs/sha256" || fail 'no config names busybox'
  same references "$(nix-store --query --references "$layout" | sed 's|.*/[^-]*-||')" hello-layout
}

case_a_linked_layout_is_built_where_its_layouts_are() {
  local what
  for what in layout:true bySystem:null 'bySystem.layouts."linux/amd64":null'; do
    same "preferLocalBuild of ${what%:*}" "$(show_derivations "$(drv "${what%:*}")" |
      jq '.[].structuredAttrs.preferLocalBuild')" "${what##*:}"
    same "allowSubstitutes of ${what%:*}" "$(show_derivations "$(drv "${what%:*}")" |
      jq '.[].structuredAttrs.allowSubstitutes')" null
  done
}

case_archives_and_layouts_of_one_image_discard_references_and_linked_layouts_keep_them() {
  local what wanted found
  for what in bySystem:true 'bySystem.layouts."linux/amd64":true' layout:null; do
    wanted=${what##*:}
    found=$(show_derivations "$(drv "${what%:*}")" |
      jq '.[].structuredAttrs.unsafeDiscardReferences.out')
    same "unsafeDiscardReferences.out of ${what%:*}" "$found" "$wanted"
  done
}

case_an_archive_and_the_layout_of_an_image_refer_to_nothing_where_nix_can_do_that() {
  local what references
  for what in archiveOfNamedPaths archiveOfNamedPaths.digest layoutOfNamedPath conf.tree.conf; do
    references=$(nix-store --query --references "$(build -A "$what")")
    if nix_is_at_least 2.18; then
      none "references of $what" "$references"
    elif [ "$what" = archiveOfNamedPaths ]; then
      # The newer versions do not find nothing because nothing is there.
      has "$references" -busybox
    fi
  done
}

case_images_of_build_image_are_merged_and_keep_their_configs() {
  local image config found
  found=$(tar -tf "$(physical "$(build -A flat)")")
  for image in amd64 arm64; do
    # dockerTools names the config of an image by its digest, which is the image's ID
    config=$(tar -tzf "$source/tests/fixtures/$image-bi-hello-gz.tar.gz" | sed -n 's|^\([0-9a-f]\{64\}\)\.json$|\1|p')
    [ -n "$config" ]
    has "$found" "blobs/sha256/$config"
  done
}

case_an_image_of_nix2container_is_made_from_the_store_paths_that_it_names() {
  local archive digest
  archive=$(physical "$(build -A nix2container)")
  digest=$(skopeo inspect --raw "oci-archive:$archive" |
    jq -r '.manifests[] | select(.platform.architecture == "arm64") | .digest')
  digest=$(tar -xOf "$archive" "blobs/${digest/://}" | jq -r '.layers[0].digest')
  same 'paths in the layer' "$(tar -xOf "$archive" "blobs/${digest/://}" | tar -tzf - 2>/dev/null | xargs)" '/ /nix /nix/store /nix/store/b-file'
}

case_an_image_of_nix2container_with_a_wrong_digest_is_refused() {
  refuse nix-build --no-out-link "$cases" -A nix2containerWrong
  has "$said" 'sha256:0000000000000000000000000000000000000000000000000000000000000000'
  grep -q '/nix/store/[0-9a-z]*-b-file' <<<"$said" || fail "no store path in: $said"
}

case_a_merged_image_merges_again() {
  same digest "$(archive_digest "$(physical "$(build -A nested)")")" \
    "$(archive_digest "$(physical "$(build -A bySystem)")")"
}

case_the_variant_of_a_key_is_in_the_index() {
  local index
  index=$(skopeo inspect --raw "oci-archive:$(physical "$(build -A arm)")")
  same platforms "$(jq -c '[.manifests[].platform | "\(.os)/\(.architecture)/\(.variant)"] | sort' <<<"$index")" \
    '["linux/arm/v6","linux/arm/v7"]'
}

case_compression_is_that_of_the_argument() {
  local what wanted
  for what in bySystem:+gzip zstd:+zstd uncompressed:; do
    wanted=application/vnd.oci.image.layer.v1.tar${what#*:}
    same "layers of ${what%:*}" "$wanted" "$(
      for digest in $(skopeo inspect --raw "oci-archive:$(physical "$(build -A "${what%:*}")")" |
        jq -r '.manifests[].digest'); do
        tar -xOf "$(physical "$(build -A "${what%:*}")")" "blobs/${digest/://}" | jq -r '.layers[].mediaType'
      done | sort -u
    )"
  done
}

case_annotations_survive_exactly() {
  local found wanted
  found=$(skopeo inspect --raw "oci-archive:$(physical "$(build -A annotated)")" | jq -S .annotations)
  wanted=$(evaluate "$cases" -A annotations | jq -S .)
  [ "$(jq length <<<"$wanted")" -ge 8 ]
  same annotations "$found" "$wanted"
}

case_the_name_is_in_the_archive_and_in_the_store_path() {
  local archive
  archive=$(build -A named)
  has "$archive" '-hello.tar'
  same annotations "$(tar -xOf "$(physical "$archive")" index.json | jq -c '.manifests[].annotations | [
    ."io.containerd.image.name", ."org.opencontainers.image.ref.name"]')" \
    '["registry.example:5000/team/hello:v1.2","v1.2"]'
  same imageName "$(evaluate "$cases" -A named.imageName)" '"registry.example:5000/team/hello"'
  same imageTag "$(evaluate "$cases" -A named.imageTag)" '"v1.2"'
}

case_annotations_are_written_at_their_level() {
  local archive index digest manifest
  archive=$(physical "$(build -A levels)")
  index=$(skopeo inspect --raw "oci-archive:$archive")
  same index "$(jq -S .annotations <<<"$index")" "$(evaluate "$cases" -A annotations | jq -S .)"
  same descriptors "$(jq -c '[.manifests[].annotations.on]' <<<"$index")" '["descriptor","descriptor"]'
  for digest in $(jq -r '.manifests[].digest' <<<"$index"); do
    manifest=$(tar -xOf "$archive" "blobs/${digest/://}")
    same manifest "$(jq -cS .annotations <<<"$manifest")" '{"index:x":"a key with a level in it","on":"manifest"}'
  done
}

case_labels_come_from_a_package_and_explicit_annotations_win() {
  local archive index digest wanted
  archive=$(physical "$(build -A labelled)")
  # shellcheck disable=SC2016 # $HOME is to survive
  wanted='{"org.opencontainers.image.description":"Says \"hello\", $HOME","org.opencontainers.image.licenses":"MIT OR Apache-2.0","org.opencontainers.image.url":"https://example.org/hello","org.opencontainers.image.version":"1.2"}'
  index=$(skopeo inspect --raw "oci-archive:$archive")
  same index "$(jq -cS .annotations <<<"$index")" "$wanted"
  for digest in $(jq -r '.manifests[].digest' <<<"$index"); do
    same manifest "$(tar -xOf "$archive" "blobs/${digest/://}" | jq -cS .annotations)" "${wanted/1.2/3}"
  done
  same licenses "$(evaluate "$cases" -A licenses | jq -cS .)" "$(jq -cS . <<<'{
    "one": "MIT", "oneInAList": "MIT", "several": null, "unfree": null, "partlyUnfree": null,
    "none": null, "ownPackage": "MIT OR Apache-2.0", "partOfACompound": null, "plus": "GPL-2.0-only+",
    "compound": "(MIT OR Apache-2.0) AND GPL-2.0-only WITH Classpath-exception-2.0" }')"
}

case_the_output_digest_is_a_file_with_the_digest_of_the_image() {
  local what digest
  for what in bySystem layout; do
    digest=$(build -A "$what.digest")
    has "$digest" -digest
    same "digest of $what" "$(cat "$(physical "$digest")")" "$(archive_digest "$(physical "$(build -A bySystem)")")"
    none references "$(nix-store --query --references "$digest")"
  done
}

case_the_output_digest_can_be_named_on_the_command_line() {
  local command=(nix build --no-link --json --file "$cases" 'bySystem^digest')
  if nix_is_at_least 2.18; then
    same outputs "$("${command[@]}" | jq -r '.[].outputs | keys | join(" ")')" digest
  else
    refuse "${command[@]}"
  fi
}

case_only_the_image_itself_shows_a_digest_in_its_log() {
  local what wanted
  wanted=$(archive_digest "$(physical "$(build -A bySystem)")")
  same 'log of the image' "$(nix-store --read-log "$(drv bySystem)" | grep '^sha256:')" "$wanted"
  for what in 'bySystem.layouts."linux/amd64"' 'bySystem.layouts."linux/arm64"'; do
    none "log of $what" "$(nix-store --read-log "$(drv "$what")" | grep '^sha256:' || true)"
  done
}

case_without_a_tag_the_hash_of_the_image_is_its_tag() {
  local tag
  tag=$(evaluate "$cases" -A hashTag.imageTag | jq -r .)
  [[ $tag =~ ^[0-9a-z]{32}$ ]] || fail "tag: $tag"
  same 'tag of the layout' "$(evaluate "$cases" -A hashTagOfLayout.imageTag | jq -r .)" "$tag"
  [ "$(evaluate "$cases" -A hashTagOfAnother.imageTag | jq -r .)" != "$tag" ]
  same 'tag in the archive' "$(tar -xOf "$(physical "$(build -A hashTag)")" index.json |
    jq -r '.manifests[].annotations."org.opencontainers.image.ref.name"')" "$tag"
}

case_further_tags_are_references_and_change_nothing_else() {
  same imageRefs "$(evaluate "$cases" -A manyTags.imageRefs | jq -c .)" \
    '["registry.example/hello:v1","registry.example/hello:latest","registry.example/hello:1.2"]'
  same 'names in the archive' "$(tar -xOf "$(physical "$(build -A manyTags)")" index.json | jq '.manifests | length')" 1
  same meta "$(evaluate "$cases" -A manyTags.meta.description)" '"An image"'
}

case_docker_manifest_adds_a_manifest_json() {
  local archive layout
  archive=$(physical "$(build -A dockerManifest)")
  same tags "$(tar -xOf "$archive" manifest.json | jq -c '[.[].RepoTags[] | sub("docker.io/library/"; "")] | sort')" \
    '["hello:latest","hello:latest-linux-amd64","hello:latest-linux-arm64"]'
  same digest "$(archive_digest "$archive")" "$(archive_digest "$(physical "$(build -A bySystem)")")"
  layout=$(physical "$(build -A dockerManifestOfArm64)")
  same 'plain tag' "$(jq -c '.[] | select(.RepoTags | index("docker.io/library/hello:latest")) | .RepoTags | sort' "$layout/manifest.json")" \
    '["docker.io/library/hello:latest","docker.io/library/hello:latest-linux-arm64"]'
  none 'manifest.json of others' "$(tar -tf "$(physical "$(build -A bySystem)")" | grep manifest.json || true)"
}

case_the_test_of_an_image_reads_it_back() {
  build -A bySystem.tests.readsBack
  build -A layout.tests.readsBack
}
