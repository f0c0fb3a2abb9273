# What a push costs: requests and bytes.
# shellcheck shell=bash disable=SC2154 # tests/push/run and common.sh assign the variables

case_nothing_is_uploaded_twice() {
  start_registry "$world/cost"
  start_proxy cost
  push "$proxy/hello" $no_tls
  same 'blobs of the first push' "$(blobs)" 10
  [ "$(uploaded)" -le "$size" ]

  # Again, and under another tag: manifests only.
  local tag
  for tag in v1 v2; do
    forget
    push "$proxy/hello:$tag" $no_tls
    same "bytes of blobs for $tag" "$(uploaded)" 0
    same "uploads for $tag" "$(requests '.method == "POST"')" 0
  done

  # Another image of the same registry: its layers are mounted. skopeo uploads configs, which are small.
  forget
  push "$proxy/other/hello" $no_tls
  [ "$(uploaded)" -lt 1000 ]
  same 'mounted layers' "$(requests '.method == "POST" and (.path | test("mount=sha256")) and .status == 201')" 8
}
