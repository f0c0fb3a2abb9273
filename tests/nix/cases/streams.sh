# Images that are streamed, or made from the conf of their stream.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

inputs_of_layouts() { # IMAGE: the derivations that its layouts are made from
  # shellcheck disable=SC2046 # several words
  nix-store --query --references $(nix-store --query --references "$(drv "$1")" | grep -- '-layout[^/]*\.drv$')
}

case_a_stream_and_its_archive_give_the_same_image() {
  local first other
  first=$(build -A bySystem)
  for other in streams tarballs; do
    cmp "$(physical "$first")" "$(physical "$(build -A "$other")")"
  done
  [ "$(drv streams)" != "$(drv tarballs)" ]
}

case_the_archive_of_an_image_with_a_stream_is_not_built() {
  local what found
  same 'image and its stream' "$(drv asList)" "$(drv streams)"
  for what in asList streams; do
    found=$(requisites "$what")
    has "$found" '-stream-hello.drv'
    none "archives of $what" "$(grep -E -- '-hello\.tar(\.gz)?\.drv$' <<<"$found" | grep -vFx "$(drv "$what")")"
  done
  # With the option, it is set.
  found=$(inputs_of_layouts tarballs)
  has "$found" '-hello.tar.gz.drv'
  none 'streams' "$(grep -F -- '-stream-' <<<"$found")"
}

case_an_image_with_changed_attributes_is_read_from_its_archive() {
  local found
  found=$(inputs_of_layouts overriddenInput)
  has "$found" '-hello.tar.gz.drv'
  none 'streams' "$(grep -F -- '-stream-' <<<"$found")"
  same image "$(archive_digest "$(physical "$(build -A overriddenInput)")")" \
    "$(archive_digest "$(physical "$(build -A overriddenInputFlat)")")"
}

case_a_stream_of_another_machine_is_made_into_an_archive_by_that_machine() {
  local found archives archive first
  # The archive of a buildLayeredImage is the image.
  found=$(inputs_of_layouts otherMachineImages)
  for archive in $(evaluate "$cases" -A otherMachinePaths | jq -r '.[]'); do
    has "$(show_derivations -r "$(drv otherMachineImages)" | jq -r '.[].outputs.out.path')" "$archive"
  done
  none 'streams' "$(grep -F -- '-stream-' <<<"$found")"

  # That of a stream is a derivation more, of the machine of the stream.
  archives=$(requisites otherMachineStreams | grep -E -- '-hello\.tar\.drv$' | grep -vFx "$(drv otherMachineStreams)")
  same 'number of archives' "$(wc -l <<<"$archives")" 2
  # shellcheck disable=SC2086 # several words
  same 'what makes the archives' "$(show_derivations $archives | jq -r '.[].system' | sort -u)" riscv64-linux
  # shellcheck disable=SC2046
  same 'what makes the layouts' "$(
    show_derivations $(requisites otherMachineStreams | grep -- '-layout.drv$') | jq -r '.[].system' | sort -u
  )" "$(evaluate -E builtins.currentSystem | jq -r .)"

  # This machine's programs stand in for that one's, so both can be built here.
  first=$(build -A bySystem)
  for what in otherMachineImages otherMachineStreams; do
    cmp "$(physical "$first")" "$(physical "$(build --option extra-platforms riscv64-linux -A "$what")")"
  done
}

case_a_stream_may_be_a_program_or_a_script_that_only_bash_can_start() {
  local first form
  # The kernel itself does not know what to do with the interpreter.
  build -A foreignProgramIsRefused
  first=$(build -A bySystem)
  for form in program script; do
    cmp "$(physical "$first")" "$(physical "$(build -A "streamForms.$form")")" || fail "$form"
  done
}

case_a_stream_that_fails_fails_the_build() {
  local when
  for when in atOnce inTheMiddle atTheEnd; do
    refuse nix-build --no-out-link "$cases" -A "streamFailures.$when"
    grep -q 'error: /nix/store/.*-stream-hello, which writes the image, failed with exit code 7' <<<"$said" ||
      fail "$when: $said"
  done
  refuse nix-build --no-out-link "$cases" -A streamFailures.atOnce
  has "$said" 'no layers today'
  # On the machine of the stream, too.
  refuse nix-build --no-out-link "$cases" -A otherMachineFailure --option extra-platforms riscv64-linux
  grep -q 'error: /nix/store/.*-stream-hello, which writes the image, failed with exit code 7' <<<"$said"
  builder_failed 'hello\.tar'
}

case_the_error_of_a_failed_merge_does_not_name_the_stream() {
  refuse nix-build --no-out-link "$cases" -A wrongPlatformOfStream
  has "$said" 'linux/arm64'
  grep -q '(standard input was the output of /nix/store/.*-stream-hello)' <<<"$said"
  none 'blame' "$(grep 'which writes the image' <<<"$said")"
  # This one still writes much after the merge has failed.
  refuse nix-build --no-out-link "$cases" -A streamOfNoImage
  has "$said" 'error: standard input: '
  none 'blame' "$(grep 'which writes the image' <<<"$said")"
}

# ---- The conf of layered images

# Two layouts of the same image. Only a conf names the store paths of layers, for the records.
same_image() { diff -r --exclude=polyarch-layers.json "$1" "$2"; }

case_a_conf_its_stream_and_its_archive_give_the_same_layout() {
  local image way
  for image in tree allArguments; do
    for way in image stream archive; do
      same_image "$(physical "$(build -A "conf.$image.conf")")" "$(physical "$(build -A "conf.$image.$way")")"
    done
    # Only the archive is built with the stream.
    same 'image and stream' "$(drv "conf.$image.image")" "$(drv "conf.$image.conf")"
    none 'streams and archives' "$(requisites "conf.$image.conf" | grep -E -- '-stream-tree\.drv|-tree\.tar' || true)"
    has "$(requisites "conf.$image.stream")" -stream-tree.drv
    has "$(requisites "conf.$image.archive")" -tree.tar.gz.drv
  done
}

case_the_conf_of_the_real_docker_tools_gives_the_image_id_of_its_archive() {
  local arch way
  for arch in amd64 arm64; do
    import_paths "hello-$arch"
    for way in conf stream; do
      same "image ID of $arch by its $way" "$(image_id "$(build -A "conf.real${arch^}.$way")")" \
        "$(jq -r .image_id "$source/tests/fixtures/conf/hello-$arch/expected.json")"
    done
  done
}
import_paths() { zstd -dc "$source/tests/fixtures/conf/$1/paths.nix-export.zst" | nix-store --import; }
image_id() { # LAYOUT
  local blobs digest
  blobs=$(physical "$1")/blobs
  digest=$(layout_digest "$(physical "$1")")
  digest=$(jq -er '.manifests[0].digest' "$blobs/${digest/://}")
  jq -er .config.digest "$blobs/${digest/://}"
}

case_an_image_of_another_system_is_made_from_its_conf_without_running_anything_of_that_system() {
  import_paths hello-arm64
  none 'what that system runs' "$(
    nix show-derivation -r "$(drv conf.realOfOtherMachine)" | jq -r 'first(.derivations // .)[] | select(.system == "riscv64-linux")'
  )"
  same 'image ID' "$(image_id "$(build -A conf.realOfOtherMachine)")" \
    "$(jq -r .image_id "$source/tests/fixtures/conf/hello-arm64/expected.json")"
}

case_a_conf_of_an_unknown_shape_makes_the_build_run_the_stream_and_say_so() {
  local layout log
  layout=$(build -A conf.unknownConf)
  log=$(nix-store --read-log "$layout")
  grep -q 'warning: /nix/store/.*-tree-conf.json: the conf of the layered image is not supported: it has an unknown key "shape"' <<<"$log"
  has "$log" 'warning: this build runs the stream of the image instead, which takes longer'
  none 'errors and hints' "$(grep -E '^(error|hint):' <<<"$log" || true)"
  same_image "$(physical "$layout")" "$(physical "$(build -A conf.knownConf)")"
  # The script runs without its wrapper.
  none 'wrapper' "$(requisites conf.unknownConf | grep -- -stream-tree.drv || true)"
  none 'streams' "$(nix-store --read-log "$(build -A conf.knownConf)" | grep stream || true)"
  refuse nix-build --no-out-link "$cases" -A conf.unknownThatFails
  grep -q 'error: /nix/store/.*-stream /nix/store/.*-tree-conf.json, which writes the image, failed with exit code 7' <<<"$said"
}

case_a_conf_of_an_unknown_shape_and_of_another_machine_fails_with_a_hint() {
  local others=(--option extra-platforms riscv64-linux)
  refuse nix-build --no-out-link "$cases" -A conf.unknownOfOtherMachine "${others[@]}"
  has "$said" 'it has an unknown key "shape"'
  has "$said" 'hint: this machine cannot run the stream of the image'
  same 'hints' "$(grep -c hint: <<<"$said")" 1
  same_image "$(physical "$(build -A conf.hintFollowed "${others[@]}")")" \
    "$(physical "$(build -A conf.knownOfOtherMachine "${others[@]}")")"
}

case_an_image_of_now_is_streamed() {
  local layout
  layout=$(build -A conf.now)
  has "$(nix-store --read-log "$layout")" 'found "now" for "created", expected a time; polyarch does not read the clock'
  has "$(nix-store --read-log "$layout")" 'warning: this build runs the stream of the image instead'
  # Another machine makes its archive.
  has "$(requisites conf.nowOfOtherMachine)" -tree.tar.gz.drv
  build -A conf.nowOfOtherMachine --option extra-platforms riscv64-linux
}

case_on_a_mac_the_archive_is_read() {
  has "$(requisites conf.onDarwin)" -tree.tar.gz.drv
}

case_a_stream_whose_program_was_changed_is_run() {
  # This one looks for a conf that does not exist.
  refuse nix-build --no-out-link "$cases" -A conf.changed
  grep -q 'error: /nix/store/.*-stream-tree, which writes the image, failed with exit code' <<<"$said"
  same_image "$(physical "$(build -A conf.replaced)")" "$(physical "$(build -A conf.replacement)")"
  refuse diff -rq "$(physical "$(build -A conf.replaced)")" "$(physical "$(build -A conf.tree.conf)")"
  same 'a stream of another name' "$(drv conf.renamed)" "$(drv conf.tree.conf)"
}

case_layers_of_the_same_store_paths_are_taken_from_another_layout() {
  local way
  for way in layout image; do
    diff -r "$(physical "$(build -A conf.tree.conf)")" "$(physical "$(build -A "conf.reusing.$way")")"
    has "$(requisites "conf.reusing.$way")" -dependencies-layout
  done
  # The layouts for other platforms are not built.
  none 'other platforms' "$(requisites conf.reusing.onePlatform | grep -- -layout-linux-amd64.drv || true)"
}

case_the_test_of_an_image_compares_its_conf_with_its_stream() {
  build -A conf.matching.tests.matchesDockerTools
  refuse nix-build --no-out-link "$cases" -A conf.different.tests.matchesDockerTools
  has "$said" "$(image_id "$(build -A conf.tree.conf)")"
  grep -q 'error: tree-layout: the image ID is sha256:[0-9a-f]* by the conf, but sha256:[0-9a-f]* by the stream' <<<"$said"
  same 'tests' "$(evaluate -E "map (image: builtins.attrNames image.tests) (with (import $cases { }).conf; [ matching notCompared ])")" \
    '[["matchesDockerTools","readsBack"],["readsBack"]]'
}
