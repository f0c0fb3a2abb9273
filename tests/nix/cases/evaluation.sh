# What evaluation reads, gives, warns of and refuses.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_docs_nix_md_is_current() {
  "$project/nix/docs" | diff "$project/docs/nix.md" - || fail 'docs/nix.md is stale; generate it again with: make docs-nix'
}

case_examples_in_the_docs_evaluate() {
  local example examples=$world/examples
  mkdir "$examples"
  # One file for each block of Nix, without the results that it shows.
  awk -v dir="$examples" '
    /^ *```nix/ { file = dir "/" NR ".nix"; printf "" >file; next }
    /^ *```/ { file = "" }
    file && !/^ *=>/ { print >file }
  ' "$project/docs/nix.md"
  [ "$(find "$examples" -type f | wc -l)" -ge 3 ]
  for example in "$examples"/*; do
    nix-instantiate -E "let pkgs = import <nixpkgs> { }; in with import $source { inherit pkgs; }; $(cat "$example")" ||
      fail "$(cat "$example")"
  done
}

case_platform_keys_have_their_go_names() {
  same platforms "$(evaluate "$cases" -A platforms)" "$(jq -cS . <<<'{
    "x86_64-linux": "linux/amd64", "aarch64-linux": "linux/arm64", "i686-linux": "linux/386",
    "armv6l-linux": "linux/arm/v6", "armv7l-linux": "linux/arm/v7",
    "linux/arm/v7": "linux/arm/v7", "windows/amd64": "windows/amd64" }')"
}

case_layouts_are_named_after_their_images() {
  same names "$(evaluate "$cases" -A layoutNames | jq -r 'map(rtrimstr("-layout")) | join(" ")')" \
    'hello hello hello docker-image-hello hello image-hello arm64-bi-hello-gz arm64-bi-hello-gz arm64 a-b'
}

case_an_image_has_override_and_keeps_the_arguments_of_its_function() {
  same image "$(drv overriddenImage)" "$(drv named)"
  same 'image overridden twice' "$(drv overriddenTwice)" "$(drv givenTwice)"
  same 'layout of an image' "$(drv overriddenImageLayout)" "$(drv platformSetLayout)"
  same 'push of another image' "$(drv overriddenImage.push)" "$(drv named.push)"
  same 'arguments' "$(evaluate "$cases" -A functionArguments | jq -c '[.[0].images, .[0].tag, .[1].image, .[1].platform]')" \
    '[false,true,false,true]'
  has "$(drv overriddenAttributes)" '-other.tar.drv'
  same 'layout of another derivation' "$(drv overriddenAttributes.layout)" "$(drv bySystem.layout)"
  same 'push of another derivation' "$(drv overriddenAttributes.push)" "$(drv bySystem.push)"
}

case_one_image_may_be_for_several_variants() {
  local what
  for what in arm armTwiceInList; do
    same "platforms of $what" "$(skopeo inspect --raw "oci-archive:$(physical "$(build -A "$what")")" |
      jq -c '[.manifests[].platform.variant] | sort')" '["v6","v7"]'
  done
}

case_one_image_is_evaluated_without_the_others() {
  has "$(drv 'oneIsWrong.layouts."linux/amd64"')" '-hello-layout-linux-amd64.drv'
  has "$(evaluate "$cases" -A oneIsWrong.imageRefs)" 'hello:latest'
  refuse nix-instantiate "$cases" -A oneIsWrong
  has "$said" 'this one is not looked at'
}

case_a_warning_is_in_the_log() {
  build -A wrongProgramWarned
  has "$(nix-store --read-log "$(nix-store --query --references "$(drv wrongProgramWarned)" | grep -- '-layout.drv$')")" \
    'is a program for AArch64; expected linux/riscv64'
}

case_logs_have_no_colors() {
  build -A wrongProgramWarned
  local derivation
  for derivation in $(requisites wrongProgramWarned | grep hello); do
    none "colors in the log of $derivation" "$(nix-store --read-log "$derivation" 2>/dev/null | grep -a $'\e')"
  done
}

case_an_image_with_the_time_of_its_build_is_a_warning() {
  local what
  for what in layered mtime flat; do
    nix-instantiate "$cases" -A "clocks.$what" 2>"$world/warning"
    grep -q "the image hello has [a-z]* = \"now\": its digest changes with every build" "$world/warning" ||
      fail "$what: $(cat "$world/warning")"
  done
  nix-instantiate "$cases" -A clocks.none 2>"$world/warning"
  none warning "$(grep 'its digest changes' "$world/warning")"
}

case_changing_one_image_leaves_the_layout_of_the_other_alone() {
  same 'layout of amd64' "$(drv 'otherArm64.layouts."linux/amd64"')" "$(drv 'bySystem.layouts."linux/amd64"')"
  [ "$(drv 'otherArm64.layouts."linux/arm64"')" != "$(drv 'bySystem.layouts."linux/arm64"')" ]
  [ "$(drv otherArm64)" != "$(drv bySystem)" ]
}

case_annotations_and_names_leave_the_layouts_of_the_images_alone() {
  same 'layout of arm64' "$(drv 'annotated.layouts."linux/arm64"')" "$(drv 'bySystem.layouts."linux/arm64"')"
  same 'layout of arm64' "$(drv 'named.layouts."linux/arm64"')" "$(drv 'bySystem.layouts."linux/arm64"')"
}

case_a_user_sees_the_public_functions_and_no_internal_ones() {
  local public
  public='mkAnalysis mkCheckPushedScript mkCopyToDockerScript mkCopyToPodmanScript mkDiffCheck mkImageLayout mkImageRef mkInspectScript mkLoginScript mkMultiArchImage'
  public+=' mkPushScript mkReproduceScript mkSignScript mkVerifySignatureScript polyarch polyarch-bin pullMultiArchImage skopeo withImageRefs'
  # The rest is what makeScope and callPackage of nixpkgs add.
  same functions "$(evaluate -E "builtins.attrNames (removeAttrs (import $source { }) [
    \"callPackage\" \"newScope\" \"override\" \"overrideDerivation\" \"overrideScope\" \"overrideScope'\" \"packages\" ])" | jq -r 'join(" ")')" "$public"
  same 'functions in an overlay' "$(evaluate -E "builtins.attrNames (import $source/nix/overlay.nix (import <nixpkgs> { }) { })" |
    jq -r 'join(" ")')" 'mkImageLayout mkMultiArchImage polyarch'
}

case_the_tool_can_be_overridden() {
  has "$(nix-store --query --requisites "$(drv otherTool)")" '-polyarch-other.drv'
  none 'the other tool' "$(nix-store --query --requisites "$(drv asList)" | grep 'polyarch-other')"
}

case_the_tool_of_the_package_set_is_used_by_all_functions() {
  local way
  for way in byImport withoutVersion overlayBefore overlayAfter cross; do
    has "$(requisites "ownTool.$way")" '-polyarch-own.drv' || fail "$way"
  done
  same 'instead of one that is too old' "$(drv oldTool)" "$(drv package)"
}

case_a_function_gives_the_same_image_in_a_package_set_that_crosses() {
  local way
  for way in byImport byOverlay; do
    same "$way" "$(drv "functionOfCrossSet.$way")" "$(drv functionCross)"
  done
}

case_under_cross_compilation_all_programs_run_on_the_build_machine() {
  same derivation "$(drv cross)" "$(drv bySystem)"
  same script "$(drv cross.push)" "$(drv bySystem.push)"
}

case_default_nix_takes_nixpkgs_from_the_path_or_as_an_argument() {
  local from_path from_argument
  from_path=$(nix-instantiate "$source" -A polyarch 2>/dev/null)
  from_argument=$(NIX_PATH='' nix-instantiate "$source" -A polyarch --arg pkgs "import $world/nixpkgs { }" 2>/dev/null)
  has "$from_path" '-polyarch-'
  same derivation "$from_argument" "$from_path"
}

case_evaluation_reads_nothing_but_the_project_and_nixpkgs() {
  local strict=(--option restrict-eval true -I "project=$source")
  local what
  for what in bySystem hashTag functionCross functionNative; do
    same "$what" "$(nix-instantiate "${strict[@]}" "$cases" -A "$what" 2>/dev/null)" "$(drv "$what")"
  done
  refuse nix-instantiate "${strict[@]}" --eval -E 'builtins.readFile /etc/hostname'
}
