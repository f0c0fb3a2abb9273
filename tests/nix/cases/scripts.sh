# The scripts that load and show an image, and the page.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_copy_to_podman_loads_the_image_of_this_machine_under_all_names() {
  local script ref wanted tools=$world/tools
  registry=registry.example # no test connects to it
  script=$(script_of copyToPodman)/bin/copy-to-podman-hello
  # podman cannot unpack layers where /nix/store is the scratch store (it cannot remount that mount point), so
  # the commands of the script are run again outside.
  mkdir -p "$tools"
  # shellcheck disable=SC2016 # $@ and $1 are those of the script
  printf '#!/bin/sh\necho "$@" >>%s\n[ "$1" != load ] || cat >%s\n' "$tools/said" "$tools/stream" >"$tools/podman"
  chmod +x "$tools/podman"
  PATH=$tools:$PATH in_store "$script"
  same 'what podman is told' "$(cat "$tools/said")" \
    "load"$'\n'"tag $registry/team/hello:v1 $registry/team/hello:latest"
  podman load <"$tools/stream"
  podman tag "$registry/team/hello:v1" "$registry/team/hello:latest"
  wanted="Hello, world! from $(uname -m) built for $(uname -m)-linux"
  for ref in v1 latest; do
    same "words of $ref" "$(podman run --rm --pull=never --network=none "$registry/team/hello:$ref")" "$wanted"
  done
  refuse in_store env PATH=/nowhere "$script"
  has "$said" 'podman is not on PATH'
}

case_copy_to_docker_loads_the_image_of_this_machine_under_all_names() {
  local script ref
  registry=registry.example
  script=$(script_of copyToDocker)/bin/copy-to-docker-hello
  start_docker "$world/docker"
  in_store "$script"
  for ref in v1 latest; do
    same "platform of $ref" "$(docker image inspect --format '{{.Os}}/{{.Architecture}}' "$registry/team/hello:$ref")" \
      "$(uname -m | sed 's|x86_64|linux/amd64|; s|aarch64|linux/arm64|')"
  done
  refuse in_store env PATH=/nowhere "$script"
  has "$said" 'docker is not on PATH'
}

case_loading_an_image_builds_the_one_of_this_machine_alone() {
  local script own other found
  case $this_system in
    x86_64-linux) own=amd64 other=arm64 ;;
    aarch64-linux) own=arm64 other=amd64 ;;
  esac
  for script in copyToPodman copyToDocker; do
    found=$(requisites "manyTags.$script")
    has "$found" "-layout-linux-$own.drv"
    none "layouts for $other" "$(grep -- "-layout-linux-$other.drv" <<<"$found")"
    has "$(requisites "manyTags.$script.allPlatforms")" "-layout-linux-$other.drv"
    # The platform for `manifest.json` is of no use there.
    has "$(requisites "dockerManifestOfArm64.$script")" "-layout-linux-$own.drv"
  done
  build -A manyTags.copyToPodman
  found=$(physical "$(build -A dockerManifestOfArm64.copyToPodman)")
  found=$(physical "$(grep -o '/nix/store/[^ ]*-layout-of-this-machine' "$found"/bin/* | head -n 1 | tr -d \')")
  same platforms "$(jq -c '[.manifests[].platform.architecture]' "$found/blobs/sha256/$(layout_digest "$found" | sed s/sha256://)")" \
    "[\"$own\"]"
}

case_docker_load_takes_an_archive_with_a_manifest_for_docker() {
  start_docker "$world/docker-load"
  docker load --input "$(physical "$(build -A dockerManifest)")"
  same tags "$(docker image ls --format '{{.Repository}}:{{.Tag}}' | sort | xargs)" \
    'hello:latest hello:latest-linux-amd64 hello:latest-linux-arm64'
  same 'plain tag' "$(docker image inspect --format '{{.Architecture}}' hello:latest)" amd64
}

case_inspect_shows_what_is_in_the_image() {
  local script said digest
  registry=registry.example
  script=$(script_of inspect)/bin/inspect-hello
  digest=$(archive_digest "$(physical "$(build -A bySystem)")")
  said=$(in_store "$script")
  same 'first lines' "$(head -n 3 <<<"$said" | sed 's/ .*//')" "$(printf '%s\n' "$registry/team/hello:latest" "$registry/team/hello:v1" format)"
  # One name, once.
  same 'names' "$(in_store "$(build -A bySystem.inspect)/bin/inspect-hello" | grep -c hello:latest)" 1
  has "$said" "$digest"
  same platforms "$(grep -oE '^linux/[a-z0-9]+' <<<"$said" | xargs)" 'linux/amd64 linux/arm64'
  same raw "sha256:$(in_store "$script" --raw | sha256sum | cut -d ' ' -f 1)" "$digest"
  same json "$(in_store "$script" --json | jq -r .index.digest)" "$digest"
}

case_analyze_is_a_page_for_a_browser() {
  local page
  page=$(physical "$(build -A bySystem.analyze)")
  [ -f "$page" ]
  has "$(head -c 300 "$page")" '<!DOCTYPE html>'
  grep -q 'linux/arm64' "$page"
  grep -qE '/nix/store/[a-z0-9]{32}-hello' "$page"
  none 'references of the page' "$(nix-store --query --references "$(build -A bySystem.analyze)")"
}

case_the_scripts_pass_shellcheck() {
  # As nixpkgs' writeShellApplication demands, in older versions when it is built.
  local script
  for script in push login copyToPodman copyToDocker inspect; do
    shellcheck "$(physical "$(build -A "named.$script")")"/bin/*
    has "$(evaluate "$cases" -A "named.$script.meta.mainProgram")" '-hello"'
  done
}

case_the_scripts_are_of_the_machine_that_runs_them() {
  local script
  for script in push login copyToPodman copyToDocker inspect; do
    same "system of $script" "$(show_derivations "$(drv "functionNative.$script")" | jq -r '.[].system')" \
      "$this_system"
    same "$script under cross compilation" "$(drv "cross.$script")" "$(drv "bySystem.$script")"
  done
}
