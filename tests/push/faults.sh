# Registries and networks that fail.
# shellcheck shell=bash disable=SC2154 # tests/push/run and common.sh assign the variables

# The second push has no faults, succeeds, and uploads no blob that the first one has.
second_push_finishes() { # BLOBS OF THE FIRST PUSH
  no_faults
  forget
  same 'second push' "$(push "$proxy/hello" $no_tls 2>"$world/said")" "$digest"
  same 'blobs of both pushes' "$((${1} + $(blobs)))" 10
  serves "$registry/hello:v1"
}

case_a_user_without_permission_gets_a_clear_error() {
  start_registry "$world/forbidden"
  start_proxy forbidden
  faults '[{ "method": "POST", "path": "/blobs/uploads/", "status": 403, "headers": { "Content-Type": "application/json" },
    "body": "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"requested access to the resource is denied\"}]}" }]'
  fails push "$proxy/hello" $no_tls
  has "$said" "push-hello: error: pushing to $proxy/hello:v1 failed"
  has "$said" "hint: ask for permission to push to $proxy/hello, or log in as another user: nix run .#image.login -- $proxy"
  second_push_finishes 0
}

case_a_rate_limit_is_waited_for() {
  start_registry "$world/limit"
  start_proxy limit
  faults '[{ "method": "POST", "path": "/blobs/uploads/", "times": 2, "status": 429, "headers": { "Retry-After": "1" } }]'
  same 'printed digest' "$(push "$proxy/hello" $no_tls)" "$digest"
  same 'refused requests' "$(requests '.status == 429')" 2
}

case_a_rate_limit_that_does_not_end_gets_a_clear_error() {
  start_registry "$world/limits"
  start_proxy limits
  faults '[{ "method": "PUT", "path": "/manifests/", "status": 429, "headers": { "Retry-After": "0", "Content-Type": "application/json" },
    "body": "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"pull request limit exceeded\"}]}" }]'
  fails push "$proxy/hello" $no_tls
  has "$said" "hint: wait until $proxy accepts requests again, then push again; blobs that the registry has are not uploaded again"
  second_push_finishes "$(blobs)"
}

case_a_registry_that_has_no_space_says_so() {
  start_registry "$world/no-space"
  start_proxy no-space
  faults '[{ "method": "PATCH", "path": "/blobs/uploads/", "skip": 3, "status": 507, "body": "Insufficient Storage" }]'
  fails push "$proxy/hello" $no_tls
  has "$said" "hint: free space at $proxy, then push again; blobs that the registry has are not uploaded again"
  second_push_finishes "$(blobs)"
}

case_an_error_of_the_server_in_the_middle_of_a_push() {
  local first
  start_registry "$world/server-error"
  start_proxy server-error
  faults '[{ "method": "PATCH", "path": "/blobs/uploads/", "skip": 3, "status": 503 }]'
  fails push "$proxy/hello" $no_tls
  has "$said" 'hint: push again; blobs that the registry has are not uploaded again'
  first=$(blobs)
  [ "$first" -ge 1 ] && [ "$first" -lt 10 ]
  second_push_finishes "$first"
}

case_a_connection_that_breaks_in_the_middle_of_a_blob() {
  local first
  start_registry "$world/cut"
  start_proxy cut
  faults '[{ "method": "PATCH", "path": "/blobs/uploads/", "skip": 3, "cut": 100000 }]'
  fails push "$proxy/hello" $no_tls
  has "$said" 'hint: push again; blobs that the registry has are not uploaded again'
  [ "$(requests .cut)" -ge 1 ]
  first=$(blobs)
  [ "$first" -ge 1 ] && [ "$first" -lt 10 ]
  second_push_finishes "$first"
}

case_a_registry_that_stores_another_digest() {
  start_registry "$world/changed"
  start_proxy changed
  faults '[{ "method": "GET", "path": "/manifests/v1$", "suffix": " " }]'
  fails push "$proxy/hello" $no_tls --digest-file "$world/no-digest"
  has "$said" "push-hello: error: $proxy/hello:v1 has the digest sha256:"
  has "$said" "; expected $digest: the image was changed on the way, or another push has replaced it"
  none 'digest of a failed push' "$printed"
  [ ! -e "$world/no-digest" ]
}

case_a_full_disk_at_the_registry() {
  local first user=()
  [ "$(id -u)" -eq 0 ] || user=(--map-root-user)
  # The registry stores its files in a file system of 1 MB.
  mkdir -p "$world/full/registry/data"
  docker-registry() {
    # shellcheck disable=SC2016 # the variables are the inner shell's
    exec unshare --mount "${user[@]}" sh -ec 'mount -t tmpfs -o size=1m tmpfs "$0"; exec docker-registry "$@"' \
      "$world/full/registry/data" "$@"
  }
  start_registry "$world/full"
  unset -f docker-registry
  start_proxy full
  fails push "$proxy/hello" $no_tls
  has "$said" "push-hello: error: pushing to $proxy/hello:v1 failed"
  first=$(blobs)
  # It answers 500 without a reason.
  has "$said" "hint: look for the cause in the log of $proxy, such as a full disk; then push again; blobs that the registry has"
  nsenter --target "$registry_pid" --mount mount -o remount,size=100m "$world/full/registry/data"
  second_push_finishes "$first"
}

case_one_destination_that_fails_does_not_stop_the_others() {
  local nowhere=127.0.0.1:1 status=0
  start_registry "$world/several"
  fails push --json --digest-file "$world/no-digest" "$registry/a" "$nowhere/b" "$registry/c:d" $no_tls
  same 'results' "$(jq -cS '.destinations | map({ destination, pushed })' <<<"$printed")" \
    "[{\"destination\":\"$registry/a:v1\",\"pushed\":true},{\"destination\":\"$nowhere/b:v1\",\"pushed\":false},{\"destination\":\"$registry/c:d\",\"pushed\":true}]"
  same 'digest' "$(jq -r '.digest, .destinations[0].digest' <<<"$printed" | sort -u)" "$digest"
  has "$(jq -r '.destinations[1].error' <<<"$printed")" 'connection refused'
  has "$said" "push-hello: 2 of 3 destinations have $digest"
  has "$said" "  pushed  $registry/a:v1@$digest"
  has "$said" "  failed  $nowhere/b:v1"
  has "$said" "hint: check the name and the port: no registry answers at $nowhere"
  [ ! -e "$world/no-digest" ]
  serves "$registry/a:v1"
  serves "$registry/c:d"

  fails push "$nowhere/b" "$registry/a" $no_tls
  none 'digest, although one push failed' "$printed"
  printed=$(push --json "$registry/a" $no_tls 2>/dev/null)
  same 'result of one destination' "$(jq -cS . <<<"$printed")" \
    "{\"destinations\":[{\"destination\":\"$registry/a:v1\",\"digest\":\"$digest\",\"pushed\":true}],\"digest\":\"$digest\"}"
}
