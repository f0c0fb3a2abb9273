# The script that pushes.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_nix_run_pushes_and_the_registry_holds_the_digest_of_the_store() {
  local flake image printed
  start_registry "$world/push"
  flake=$(user_flake)
  image=$(physical "$(flake_nix build --no-link --json "$flake#image" | jq -r '.[0].outputs.out')")
  printed=$(flake_nix run "$flake#image.push" -- --dest-tls-verify=false)
  same 'printed digest' "$printed" "$(archive_digest "$image")"
  same 'digest by tag' "$(raw_digest --tls-verify=false "docker://$registry/team/hello:v1")" "$printed"
  same 'digest by digest' "$(raw_digest --tls-verify=false "docker://$registry/team/hello@$printed")" "$printed"
  # What a deployment pins is there without asking the registry.
  same 'output digest' "$(cat "$(physical "$(flake_nix build --no-link --json "$flake#image.digest" |
    jq -r '.[0].outputs.digest')")")" "$printed"
  # Every manifest that the index names is there, not only this machine's.
  for digest in $(skopeo inspect --raw "oci-archive:$image" | jq -r '.manifests[].digest'); do
    same manifest "$(raw_digest --tls-verify=false "docker://$registry/team/hello@$digest")" "$digest"
  done
}

case_a_failed_push_prints_an_error_and_no_digest() {
  local flake status=0 printed
  start_registry "$world/down"
  flake=$(user_flake)
  stop_registry
  printed=$(flake_nix run "$flake#image.push" -- --dest-tls-verify=false 2>"$world/push-log") || status=$?
  [ "$status" -ne 0 ]
  none 'printed digest' "$printed"
  has "$(cat "$world/push-log")" 'connection refused'
}

case_push_takes_destinations_and_options_of_skopeo() {
  local script digest found
  start_registry "$world/destinations"
  script=$(script_of push)/bin/push-hello
  digest=$(archive_digest "$(physical "$(build -A bySystem)")")

  # Nothing is there yet, and a dry run leaves it so.
  found=$(in_store "$script" --dry-run docker://"$registry"/dry "$registry/dry:x")
  same 'dry run' "$(grep -o 'docker://.*' <<<"$found" | xargs)" \
    "docker://$registry/dry:v1 docker://$registry/dry:x"
  [ ! -e "$world/destinations/registry/data/docker" ]

  # All names by default; options before and after `--`.
  found=$(in_store "$script" --digest-file "$world/digest-file" -- --dest-tls-verify=false 2>/dev/null)
  same 'printed digest' "$found" "$digest"
  same 'digest in the file' "$(cat "$world/digest-file")" "$digest"
  same tags "$(skopeo list-tags --tls-verify=false "docker://$registry/team/hello" | jq -c '.Tags | sort')" '["latest","v1"]'
  in_store "$script" --dest-tls-verify=false "$registry/a" "docker://$registry/b/c:d" >/dev/null 2>&1
  for found in a:v1 b/c:d; do
    same "digest of $found" "$(raw_digest --tls-verify=false "docker://$registry/$found")" "$digest"
  done

  has "$(in_store "$script" --help)" 'Usage: push-hello'
  has "$(in_store "$script" --help)" "$registry/team/hello:latest"
  refuse in_store "$script" --dest-creds me:secret
  has "$said" 'options of skopeo go after --'
  refuse in_store "$script" hello@sha256:0
  refuse in_store "$script" oci-archive:hello.tar
  has "$said" "'oci-archive:hello.tar' is not a registry"
}

case_push_fails_where_the_registry_has_another_digest() {
  local script
  script=$(build -A otherSkopeo.push)/bin/push-hello
  refuse in_store "$script" --digest-file "$world/no-digest" -- \
    --dest-creds me:secret --dest-tls-verify=false --authfile=x --dest-authfile y --format v2s2 --dest-no-creds --tls-verify=false
  has "$said" 'error: hello:latest has the digest sha256:'
  has "$said" "; expected $(layout_digest "$(physical "$(build -A otherSkopeo.layout)")")"
  [ ! -e "$world/no-digest" ]
  # The credentials go to where they belong, and what is for the copy only does not.
  has "$said" 'skopeo inspect --raw --retry-times 3 --creds me:secret --tls-verify=false --authfile=x --authfile y --no-creds --tls-verify=false docker://hello:latest'
  has "$said" 'copy --all --preserve-digests --retry-times 3 --dest-creds me:secret'
  # A registry that refuses the push: skopeo cannot reach it, or is not logged in.
  refuse in_store "$script" unreachable
  has "$said" 'hint: the registry has no TLS; add: -- --dest-tls-verify=false'
  in_store "$script" unreachable 2>/dev/null || same 'exit code' "$?" 7
  # A registry that accepts a push but cannot be read: the push is not called checked.
  refuse in_store "$script" write-only
  has "$said" 'error: write-only:latest was pushed, but reading it back failed; its digest was not checked against sha256:'
}
