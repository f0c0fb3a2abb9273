# Platforms of images, and errors.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_set_platform_changes_the_config_and_the_index() {
  local archive found
  archive=$(physical "$(build -A platformSet)")
  found=$(
    for digest in $(skopeo inspect --raw "oci-archive:$archive" | jq -r '.manifests[].digest'); do
      config=$(tar -xOf "$archive" "blobs/${digest/://}" | jq -r .config.digest)
      tar -xOf "$archive" "blobs/${config/://}" | jq -r '[.os, .architecture, .variant // empty] | join("/")'
    done
  )
  same configs "${found//$'\n'/ }" 'linux/amd64 linux/arm/v6 linux/arm64/v8'
  cmp "$archive" "$(physical "$(build -A platformSetInList)")"
  has "$(drv platformSetLayout)" '-hello-layout-linux-arm-v6.drv'
  same layout "$(layout_digest "$(physical "$(build -A platformSetLayout)")")" \
    "$(layout_digest "$(physical "$(build -A 'platformSet.layouts."linux/arm/v6"')")")"
}

case_one_image_of_several_is_taken_by_platform_or_name() {
  local index
  cmp "$(physical "$(build -A onePlatformEach)")" "$(physical "$(build -A bySystem)")"
  index=$(skopeo inspect --raw "oci-archive:$(physical "$(build -A onePlatform)")")
  same platforms "$(jq -c '[.manifests[].platform.architecture]' <<<"$index")" '["arm64"]'
  index=$(skopeo inspect --raw "oci-archive:$(physical "$(build -A selected)")")
  same platforms "$(jq -c '[.manifests[].platform.architecture]' <<<"$index")" '["amd64","arm64"]'
  index=$(skopeo inspect --raw "oci-archive:$(physical "$(build -A selectedWithPlatform)")")
  same platforms "$(jq -c '[.manifests[].platform.variant]' <<<"$index")" '["v8"]'
  refuse nix-build --no-out-link "$cases" -A selectedMissing
  has "$said" 'no image #hello:missing'
}

case_platform_check_decides_whether_a_foreign_program_fails_the_build() {
  refuse nix-build --no-out-link "$cases" -A wrongProgram
  grep -q 'error: .*-hello.tar: the program that it starts, /nix/store/[^ ]*/bin/hello in layer 1 of 2 .*, is a program for AArch64; expected linux/riscv64, the platform in its config' <<<"$said"
  # It is the layout of that one image that fails.
  builder_failed 'hello-layout'
  build -A wrongProgramWarned
  build -A wrongProgramWarned.tests.readsBack
}

case_consistency_error_refuses_images_that_differ() {
  build -A consistent
  refuse nix-build --no-out-link "$cases" -A inconsistent
  has "$said" 'the images differ in more than their platform: Cmd: ['
}

# ---- Failures

case_a_wrong_platform_key_fails_with_the_error_of_the_tool() {
  refuse nix-build --no-out-link "$cases" -A wrongPlatform
  has "$said" 'platform'
  has "$said" 'linux/arm64'
  has "$said" 'linux/amd64'
  has "$said" '(Nix: architecture = "arm64" in dockerTools, or setPlatform = "linux/arm64")'
  # It is the layout of that one image that fails, before anything is merged.
  builder_failed hello-layout-linux-arm64
}

case_wrong_arguments_fail_at_evaluation_naming_function_and_argument() {
  local errors=$source/tests/nix/errors.nix messages name message
  messages=$(evaluate -E "builtins.mapAttrs (_: error: error.message) (import $errors { })" | jq -r 'to_entries[] | "\(.key) \(.value)"')
  [ "$(wc -l <<<"$messages")" -ge 20 ]
  while read -r name message; do
    refuse nix-instantiate --eval "$errors" -A "$name.value.drvPath"
    has "$said" "$message"
  done <<<"$messages"
}

# As docs/faq.md has it.
case_a_string_with_a_position_names_an_image_of_a_merged_one() {
  local what wanted
  wanted=$(build -A fromMerged.bySet)
  for what in archive layout; do
    cmp "$(physical "$(build -A "fromMerged.$what")")" "$(physical "$wanted")"
  done
  same platforms "$(skopeo inspect --raw "oci-archive:$(physical "$wanted")" | jq -c '[.manifests[].platform.architecture]')" '["arm64"]'
}

# As docs/faq.md says: Linux builds the images, and the rest is for the Mac.
case_on_a_mac_everything_but_the_images_is_for_the_mac() {
  same systems "$(evaluate -E "let
    polyarch = import $source { pkgs = import <nixpkgs> { system = \"aarch64-darwin\"; }; };
    image = polyarch.mkMultiArchImage {
      name = \"hello\";
      systems = [ \"x86_64-linux\" \"aarch64-linux\" ];
      strategy = \"native\";
      images = pkgs: pkgs.dockerTools.buildLayeredImage { name = \"hello\"; config.Cmd = [ \"\${pkgs.hello}/bin/hello\" ]; };
    };
  in map (drv: drv.system) (
    builtins.attrValues image.images ++ builtins.attrValues image.layouts ++ [ image image.push image.copyToPodman image.inspect ])" |
    jq -r 'join(" ")')" "aarch64-linux x86_64-linux aarch64-darwin aarch64-darwin aarch64-darwin aarch64-darwin aarch64-darwin aarch64-darwin"
}
