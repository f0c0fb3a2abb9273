# Pushes with oras.
# shellcheck shell=bash disable=SC2154 # tests/push/run and common.sh assign the variables

# Debian 12 has no oras; this one comes from tests/newer-tools.
oras=$project/target/newer/usr/bin/oras

plain=--to-plain-http=true

case_oras_pushes_with_the_credentials_of_login() {
  start_registry_with_password oras-password
  fails push_with_oras "$registry/hello" $plain
  has "$said" "hint: log in: nix run .#image.login -- $registry"
  printf '%s' "$password" | login "$registry" --tls-verify=false --username me --password-stdin
  same 'printed digest' "$(push_with_oras "$registry/hello" $plain)" "$digest"
  same 'digest at the registry' "$(raw_digest --tls-verify=false "docker://$registry/hello:v1")" "$digest"
  has "$(push_with_oras --help)" 'options of `oras cp`, such as --to-plain-http'
}

case_oras_uses_its_own_options_for_a_private_authority() {
  start_registry "$world/oras-tls"
  make_certificates
  start_proxy oras-tls --tls "$world/tls/server.crt" "$world/tls/server.key"
  fails push_with_oras "$proxy/hello"
  has "$said" "or add: -- --to-ca-file FILE"
  same 'printed digest' "$(push_with_oras "$proxy/hello" -- --to-ca-file "$world/tls/ca.crt")" "$digest"
}

case_oras_asks_for_manifests_first() {
  local tag
  start_registry "$world/oras-cost"
  start_proxy oras-cost
  push_with_oras "$proxy/hello" $plain
  same 'blobs of the first push' "$(blobs)" 10
  for tag in v1 v2; do
    forget
    push_with_oras "$proxy/hello:$tag" $plain
    same "bytes of blobs for $tag" "$(uploaded)" 0
    # The push takes three, and reading the digest back takes two.
    [ "$(requests true)" -le 6 ] || fail "$(cat "$proxy_dir/log")"
  done
}

case_a_push_with_oras_that_fails_is_finished_by_the_next_one() {
  local first
  start_registry "$world/oras-faults"
  start_proxy oras-faults
  faults '[{ "method": "PUT", "path": "/blobs/uploads/", "skip": 4, "status": 403, "headers": { "Content-Type": "application/json" },
    "body": "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"requested access to the resource is denied\"}]}" }]'
  fails push_with_oras "$proxy/hello" $plain
  has "$said" "hint: ask for permission to push to $proxy/hello"
  none 'digest of a failed push' "$printed"
  first=$(blobs)
  [ "$first" -ge 1 ]
  no_faults
  forget
  push_with_oras "$proxy/hello" $plain
  same 'blobs of both pushes' "$((first + $(blobs)))" 10
  faults '[{ "method": "GET", "path": "/manifests/", "suffix": " " }]'
  fails push_with_oras "$proxy/hello" $plain
  # oras compares what the registry serves with the digest itself.
  has "$said" "push-hello: error: pushing to $proxy/hello:v1 failed"
}

case_oras_pushes_referrers_and_finds_out_whether_they_arrived() {
  local listed artifact
  start_registry "$world/referrers"
  start_proxy referrers
  same 'printed digest' "$(push_attested "$proxy/hello" $plain)" "$digest"
  for subject in "$digest" "$amd64"; do
    listed+=$("$oras" discover --plain-http --format json "$registry/hello@$subject")
  done
  for artifact in "${artifacts[@]}"; do has "$listed" "$artifact"; done

  # A registry that takes an artifact and does not list it: the tag with the list answers 404.
  faults '[{ "method": "GET|HEAD", "path": "/manifests/sha256-", "status": 404 }]'
  fails push_attested "$proxy/other" $plain
  has "$said" "error: the registry does not list the artifact ${artifacts[0]} as a referrer of $digest"

  # skopeo pushes the image alone, and says so.
  no_faults
  same 'printed digest' "$(in_store "$scripts/push-attested-with-skopeo" "$registry/alone" $no_tls 2>"$world/said")" "$digest"
  has "$(cat "$world/said")" 'warning: referrers that skopeo leaves out (SBOMs, signatures): 2; pushWith = "oras" pushes them'
}
