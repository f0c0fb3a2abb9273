# Pinning, gates and images from elsewhere.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_a_diff_check_accepts_the_same_image_and_a_small_push() {
  local report
  report=$(cat "$(physical "$(build -A deploy.checks.same)")")
  has "$report" 'linux/arm64: the same'
  has "$report" 'a push sends nothing'
  has "$(cat "$(physical "$(build -A deploy.checks.small)")")" 'linux/arm64: changed'
  build -A deploy.checks.exact >/dev/null
}

case_a_diff_check_refuses_another_image_and_a_large_push() {
  refuse nix-build --no-out-link "$cases" -A deploy.checks.different
  has "$said" 'linux/arm64: changed'
  has "$said" 'error: the images differ'
  builder_failed image-diff
  refuse nix-build --no-out-link "$cases" -A deploy.checks.large
  has "$said" 'which is more than --max-push allows: 500 B'
}

case_the_reference_has_the_digests_of_the_image_and_of_its_platforms() {
  local digest json index
  digest=$(archive_digest "$(physical "$(build -A deploy.image)")")
  same ref "$(cat "$(physical "$(build -A deploy.image.ref)")")" "hello@$digest"
  json=$(cat "$(physical "$(build -A deploy.image.ref.json)")")
  same fields "$(jq -c '[.ref, .name, .tag, .tags, .digest]' <<<"$json")" \
    "[\"hello@$digest\",\"hello\",\"v1\",[\"v1\",\"latest\"],\"$digest\"]"
  index=$(skopeo inspect --raw "oci-archive:$(physical "$(build -A deploy.image)")")
  same platforms "$(jq -c '[.platforms[] | [.platform, .digest, .ref]]' <<<"$json")" \
    "$(jq -c '[.manifests[] | ["\(.platform.os)/\(.platform.architecture)", .digest, "hello@\(.digest)"]]' <<<"$index")"
  none references "$(nix-store --query --references "$(build -A deploy.image.ref)" "$(build -A deploy.image.ref.json)")"
}

# A script of the image of another name, for the registry of the test.
deploy_script() { # ATTRIBUTE
  nix-build --no-out-link 2>/dev/null -E \
    "(import $cases { polyarch = import $source { pkgs = import <nixpkgs> { }; }; }).deploy.named \"$registry/team/hello\"" -A "$1"
}

case_check_pushed_tells_whether_the_registry_serves_this_image() {
  local check push other digest bytes data
  start_registry "$world/check-pushed"
  check=$(deploy_script checkPushed)/bin/check-pushed-hello
  push=$(deploy_script push)/bin/push-hello
  digest=$(layout_digest "$(physical "$(deploy_script layout)")")
  other=$(physical "$(build -A deploy.other)")
  shellcheck "$(physical "$check")"
  code() { # EXIT-CODE ARGUMENT…: sets $said to what the script prints
    local wanted=$1 status=0
    shift
    said=$(in_store "$check" "$@" -- --tls-verify=false 2>&1) || status=$?
    [ "$status" = "$wanted" ] || fail "exit code $status, wanted $wanted: $said"
  }

  # Nothing is there yet.
  code 1
  has "$said" "$registry/team/hello:v1: not in the registry, $digest here"
  has "$said" 'linux/amd64: only here: sha256:'
  bytes=$(sed -n 's/.*would send .* (\([0-9]*\) bytes).*/\1/p' <<<"$said" | head -n 1)
  same 'bytes of the push' "$bytes" \
    "$(in_store find "$(deploy_script layout)/blobs/" -mindepth 2 -printf '%p\n' | while read -r blob; do in_store stat -Lc %s "$blob"; done | awk '{ n += $1 } END { print n }')"
  code 0 --max-push "$bytes"
  code 1 --max-push "$((bytes - 1))"
  has "$said" "would send $bytes bytes, more than the $((bytes - 1)) of --max-push"
  code 0 --max-push=1GiB

  # This image.
  in_store "$push" --dest-tls-verify=false >/dev/null 2>&1
  code 0
  same lines "$(wc -l <<<"$said")" 2
  has "$said" "$registry/team/hello:v1: $digest, as built"

  # Another one, in one of the tags.
  skopeo copy --quiet --all --preserve-digests --dest-tls-verify=false "oci-archive:$other" "docker://$registry/team/hello:latest"
  code 1
  has "$said" "$registry/team/hello:v1: $digest, as built"
  has "$said" "$registry/team/hello:latest: $(archive_digest "$other") in the registry, $digest here"
  has "$said" 'linux/amd64: the same'
  has "$said" 'linux/arm64: sha256:'
  code 0 "$registry/team/hello:v1"
  code 1 "docker://$registry/team/hello:latest"
  # The size of that push, as `polyarch diff` counts it.
  same 'bytes of the push' "$(sed -n 's/.*would send .* (\([0-9]*\) bytes).*/\1/p' <<<"$said")" \
    "$(in_store "$POLYARCH" diff --json "$other" "$(deploy_script layout)" | jq .push.bytes)"

  # One image for one platform, without an index.
  skopeo copy --quiet --dest-tls-verify=false --override-arch arm64 "oci-archive:$(physical "$(build -A deploy.image)")" \
    "docker://$registry/team/hello:one"
  code 1 "$registry/team/hello:one"
  has "$said" 'an image without an index: only in the registry'

  # The index is there, but a manifest of it is not.
  data=$world/check-pushed/registry/data/docker/registry/v2/repositories/team/hello/_manifests/revisions/sha256
  bytes=$(jq -r '.manifests[1].digest' "$(physical "$(deploy_script layout)")/blobs/${digest/://}")
  rm -r "${data:?}/${bytes#sha256:}"
  code 1 "$registry/team/hello:v1"
  has "$said" "linux/arm64: the registry does not serve $bytes"

  # Answers and failures have different exit codes.
  code 2 --max-push 10X
  code 2 --max-push
  code 2 --unknown
  code 2 "hello@$digest"
  stop_registry
  code 2
  has "$said" 'connection refused'
  has "$(in_store "$check" --help)" "$registry/team/hello:latest"
}

case_references_in_the_files_of_a_deployment_become_digests() {
  local out digest other
  out=$(physical "$(build -A deploy.deployments.pinned)")
  digest=$(archive_digest "$(physical "$(build -A deploy.image)")")
  other=$(sed -n 's/docker run registry.example:5000\/me\/other@\(sha256:[0-9a-f]\{64\}\) registry.*/\1/p' "$out/run.sh")
  same pod "$(cat "$out/pod.yaml")" "# hello:v1 is the image
spec:
  containers:
  - image: hello@$digest  # now
  - { image: hello@$digest }"
  same values "$(cat "$out/deep/values.yaml")" "image:
  repository: hello
  tag: \"v1@$digest\"
  pullPolicy: Always"
  same job "$(cat "$out/deep/job.nomad")" "config {
  image = \"hello@$digest\" # hello:v1
}"
  # The digest of an image whose tag is a hash.
  grep -qE "^docker run registry.example:5000/me/other@$other registry.example:5000/me/other [0-9a-z]{32}\$" "$out/run.sh"
  same 'a single file' "$(cat "$(physical "$(build -A deploy.aFile)")")" "image: hello@$digest"
  has "$(build -A deploy.aFile)" '-pod.yaml'
}

case_a_deployment_with_a_reference_that_would_be_left_is_refused() {
  refuse nix-build --no-out-link "$cases" -A deploy.deployments.otherTag
  has "$said" 'pod.yaml: line 1: found hello:v2, which is not the image: its tags are v1, latest'
  refuse nix-build --no-out-link "$cases" -A deploy.deployments.unused
  has "$said" 'registry.example:5000/me/other@sha256:'
  has "$said" 'does not occur in it'
  refuse nix-build --no-out-link "$cases" -A deploy.deployments.shell
  has "$said" 'run.sh: line 1: found hello:v1, but references are only replaced in YAML, JSON and HCL'
}

# Attributes of a pulled image.
pulled() { # NIX-BUILD-OPTION… ATTRIBUTE: of the image $base_digest with the hash $base_hash, for $base_platforms
  nix-build --no-out-link -E "(import $cases { }).deploy.pulled {
    imageName = \"$registry/team/base\"; imageDigest = \"$base_digest\"; hash = \"$base_hash\"; platforms = [ $base_platforms ]; ${base_auth:-} }" \
    "${@:1:$#-1}" -A "${*: -1}"
}
fake_hash=sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

case_an_image_of_a_registry_is_pulled_by_the_digest_of_its_index() {
  local base base_digest base_hash=$fake_hash base_platforms='"x86_64-linux" "aarch64-linux"' archive system other
  start_registry "$world/pull"
  archive=$(physical "$(build -A deploy.image)")
  base_digest=$(archive_digest "$archive")
  skopeo copy --quiet --all --preserve-digests --dest-tls-verify=false "oci-archive:$archive" "docker://$registry/team/base:v1"

  # The error about the hash has the right one.
  refuse pulled base
  base_hash=$(sed -n 's/^ *got: *\(sha256-.*\)/\1/p' <<<"$said")
  base=$(pulled base)
  same digest "$(layout_digest "$(physical "$base")")" "$base_digest"
  in_store "$POLYARCH" verify "$base"
  none references "$(nix-store --query --references "$base")"
  # Nothing but what the digests say.
  same files "$(cd "$(physical "$base")" && find . -type f ! -path './blobs/*' | sort | xargs)" './index.json ./oci-layout'
  pulled check >/dev/null

  # Each archive has the image of its platform, with its image ID, and a rebuild has the same bytes.
  for system in x86_64-linux:amd64 aarch64-linux:arm64; do
    other=$(physical "$(pulled "base.images.${system%:*}")")
    pulled --check "base.images.${system%:*}" >/dev/null
    same config "sha256:$(tar -xOf "$other" manifest.json | jq -r '.[0].Config | rtrimstr(".json")')" \
      "$(skopeo inspect --raw --override-os linux --override-arch "${system#*:}" --config "oci-archive:$archive" | file_digest)"
    same tag "$(tar -xOf "$other" manifest.json | jq -r '.[0].RepoTags[0]')" "$registry/team/base:v1"
  done
  in_store "$POLYARCH" verify "$(pulled merged)"

  # Some of the platforms; the index stays that of the registry.
  base_platforms='"linux/arm64"' base_hash=$fake_hash
  refuse pulled base
  base_hash=$(sed -n 's/^ *got: *\(sha256-.*\)/\1/p' <<<"$said")
  other=$(pulled base)
  same digest "$(layout_digest "$(physical "$other")")" "$base_digest"
  [ "$(in_store du -s "$other" | cut -f 1)" -lt "$(in_store du -s "$base" | cut -f 1)" ]
  pulled 'base.images."linux/arm64"' >/dev/null

  base_platforms='"riscv64-linux"' base_hash=$fake_hash
  refuse pulled base
  has "$said" "has no image for linux/riscv64; it has images for:"
  has "$said" '  linux/arm64'
}

case_the_digest_of_an_image_for_one_platform_is_not_pulled() {
  local base_digest base_hash=$fake_hash base_platforms='"x86_64-linux"' archive
  start_registry "$world/pull-one"
  archive=$(physical "$(build -A deploy.image)")
  skopeo copy --quiet --all --preserve-digests --dest-tls-verify=false "oci-archive:$archive" "docker://$registry/team/base:v1"
  base_digest=$(skopeo inspect --raw "oci-archive:$archive" | jq -r '.manifests[0].digest')
  refuse pulled base
  has "$said" "$base_digest is an image for one platform; expected the digest of an image index"
  base_digest=sha256:$(printf '%064d' 0)
  refuse pulled base
  has "$said" 'manifest unknown'
}

# `docker manifest` and older registries write manifests of Docker, which must not become those of OCI.
case_the_manifests_of_docker_are_pulled_byte_for_byte() {
  local base_digest base_hash=$fake_hash base_platforms='"x86_64-linux" "aarch64-linux"' archive
  start_registry "$world/pull-docker"
  archive=$(physical "$(build -A deploy.image)")
  skopeo copy --quiet --all --format v2s2 --dest-tls-verify=false "oci-archive:$archive" "docker://$registry/team/base:v1"
  base_digest=$(raw_digest --tls-verify=false "docker://$registry/team/base:v1")
  has "$(skopeo inspect --raw --tls-verify=false "docker://$registry/team/base:v1")" manifest.list.v2
  refuse pulled base
  base_hash=$(sed -n 's/^ *got: *\(sha256-.*\)/\1/p' <<<"$said")
  same digest "$(layout_digest "$(physical "$(pulled base)")")" "$base_digest"
  in_store "$POLYARCH" verify "$(pulled base)"
  pulled base.images.aarch64-linux >/dev/null
}

case_the_update_script_prints_and_writes_digest_and_hash() {
  local base_digest base_hash=$fake_hash base_platforms='"x86_64-linux" "aarch64-linux"' update file=$world/base.nix printed
  start_registry "$world/update"
  base_digest=sha256:$(printf '%064d' 1)
  skopeo copy --quiet --all --preserve-digests --dest-tls-verify=false "oci-archive:$(physical "$(build -A deploy.image)")" \
    "docker://$registry/team/base:v1"
  update=$(pulled base.update)/bin/update-base
  shellcheck "$(physical "$update")"
  printf '{\n  imageDigest = "%s"; # the base\n  hash = "%s";\n}\n\n' "$base_digest" "$base_hash" >"$file"
  printed=$(in_store "$update" "$file")
  same file "$(cat "$file" && echo x)" "{
  imageDigest = \"$(archive_digest "$(physical "$(build -A deploy.image)")")\"; # the base
  hash = \"$(sed -n 's/^hash = "\(.*\)";/\1/p' <<<"$printed")\";
}

x"
  # Nix accepts them.
  base_digest=$(sed -n 's/^imageDigest = "\(.*\)";/\1/p' <<<"$printed")
  base_hash=$(sed -n 's/^hash = "\(.*\)";/\1/p' <<<"$printed")
  pulled base >/dev/null
  refuse in_store "$(pulled base.update)/bin/update-base" "$update"
  has "$said" "does not have $base_digest"
  refuse in_store "$update" --tag v9
  has "$said" 'manifest unknown'
  has "$(in_store "$update" --help)" "$registry/team/base:v1"
}

# A registry with a password, with the image `team/base`; sets base_digest.
start_private_registry() { # NAME
  local archive
  archive=$(physical "$(build -A deploy.image)")
  base_digest=$(archive_digest "$archive")
  start_registry_with_password "$1"
  printf '%s' "$password" | skopeo login "$registry" --tls-verify=false --username me --password-stdin
  skopeo copy --quiet --all --preserve-digests --dest-tls-verify=false "oci-archive:$archive" "docker://$registry/team/base:v1"
}

# Searches the store, with derivations and logs, for the password in both forms.
no_credentials_in_the_store() {
  local encoded logs
  encoded=$(printf 'me:%s' "$password" | base64)
  logs=$(find "$store/nix/var/log" -name '*.bz2' -exec bzcat {} +)
  # From the first try.
  has "$logs" 'authentication required'
  none 'files with the password' "$(grep -rlF -e "$password" -e "$encoded" "$store/nix/store" "$world"/log-* || true)"
  none 'logs with the password' "$(grep -F -e "$password" -e "$encoded" <<<"$logs" || true)"
  # The search finds it where it is.
  has "$(cat "$REGISTRY_AUTH_FILE")" "$encoded"
}

case_an_image_of_a_private_registry_is_pulled_with_a_file_of_the_builder() {
  local base base_digest base_hash=$fake_hash base_platforms='"x86_64-linux" "aarch64-linux"' base_auth='' auth=$world/auth.json
  start_private_registry pull-private
  refuse pulled base
  has "$said" 'authentication required'

  # The builder does not have the file.
  install -m 644 "$REGISTRY_AUTH_FILE" "$auth"
  base_auth="authFile = \"$auth\";"
  refuse pulled base
  has "$said" "error: authFile: $auth does not exist in the sandbox, or this user cannot read it"
  has "$said" "hint: add it to nix.conf: extra-sandbox-paths = $auth"

  refuse pulled --option extra-sandbox-paths "$auth" base
  base_hash=$(sed -n 's/^ *got: *\(sha256-.*\)/\1/p' <<<"$said")
  base=$(pulled --option extra-sandbox-paths "$auth" base 2>"$world/log-pull")
  same digest "$(layout_digest "$(physical "$base")")" "$base_digest"
  # The result does not depend on the file.
  base_auth=
  same 'store path' "$(pulled base)" "$base"
  no_credentials_in_the_store
}

case_an_image_of_a_private_registry_is_prefetched_with_the_credentials_of_the_user() {
  # No other case pulls the image for this platform alone.
  local base base_digest base_hash=$fake_hash base_platforms='"x86_64-linux"' prefetch update trace=$world/log-trace
  start_private_registry prefetch
  update=$(pulled base.update)/bin/update-base
  base_hash=$(in_store "$update" | sed -n 's/^hash = "\(.*\)";/\1/p')
  refuse pulled base
  has "$said" 'authentication required'
  prefetch=$(pulled base.prefetch)/bin/prefetch-base
  shellcheck "$(physical "$prefetch")"

  in_store env NIX_STATE_DIR="$store/nix/var/nix" NIX_CONFIG='store = local' \
    strace -f -qq -s 4096 -e trace=execve -o "$trace" "$prefetch" >"$world/log-prefetch" 2>&1
  has "$(cat "$trace")" '"inspect", '
  base=$(pulled base)
  has "$(cat "$world/log-prefetch")" "$base"
  same digest "$(layout_digest "$(physical "$base")")" "$base_digest"
  pulled base.images.x86_64-linux >/dev/null
  no_credentials_in_the_store

  base_hash=$fake_hash
  refuse in_store env NIX_STATE_DIR="$store/nix/var/nix" NIX_CONFIG='store = local' "$(pulled base.prefetch)/bin/prefetch-base"
  has "$said" "error: the image does not have the hash $fake_hash"
  has "$(in_store "$prefetch" --help)" "$registry/team/base@$base_digest"
  refuse in_store "$prefetch" x
  has "$said" 'unexpected argument x'
  # An image that is there is not pulled.
  stop_registry
  same 'store path' "$(in_store env NIX_STATE_DIR="$store/nix/var/nix" NIX_CONFIG='store = local' "$prefetch")" "$base"
}
