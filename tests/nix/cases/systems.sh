# Images as a function of a package set: builders of other systems, caches, and versions of Nix.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_a_function_gives_the_image_of_each_system() {
  local first other what
  first=$(physical "$(build -A bySystem)")
  # The package sets are those that a user would import.
  same 'cross' "$(drv functionCross)" "$(drv functionByHand)"
  cmp "$(physical "$(build -A functionCross)")" "$first"
  same 'keys of images' "$(evaluate -E "builtins.attrNames (import $cases { }).functionCross.images")" \
    '["aarch64-linux","x86_64-linux"]'

  # "cross": all on this machine; "native": each on its own.
  other=$(images_of_other_systems functionCross)
  none 'other builders' "$other"
  other=$(images_of_other_systems functionNative)
  same 'other builders' "$other" "$([ "$(uname -m)" = x86_64 ] && echo aarch64-linux || echo x86_64-linux)"
  # This machine's programs stand in for the other's.
  cmp "$(physical "$(build --option extra-platforms "$other" -A functionNative)")" "$first"
  # The merge and the layouts are nevertheless those of this machine.
  for what in functionNative 'functionNative.layouts."linux/amd64"' 'functionNative.layouts."linux/arm64"'; do
    same "system of $what" "$(show_derivations "$(drv "$what")" | jq -r '.[].system')" "$this_system"
  done
}

case_layouts_are_images_that_need_no_other_layout() {
  local what
  for what in functionOfLayouts listOfLayouts; do
    cmp "$(physical "$(build --option extra-platforms 'aarch64-linux x86_64-linux' -A "$what")")" \
      "$(physical "$(build -A bySystem)")"
    none 'layouts of layouts' "$(requisites "$what" | grep -- '-layout.*-layout')"
  done
  refuse nix-build --no-out-link "$cases" -A layoutOfAnotherKey
  has "$said" 'linux/amd64'
}

images_of_other_systems() {
  # shellcheck disable=SC2046 # several words
  show_derivations $(requisites "$1" | grep -E -- '-hello\.tar\.gz\.drv$') |
    jq -r '.[].system' | sort -u | grep -vFx "$this_system" || true
}

case_the_overlays_of_the_package_set_reach_those_of_all_systems() {
  same commands "$(evaluate "$cases" -A functionWithOverlay | jq -r '.[][]' | sort -u)" '{"Cmd":["--loud"]}'
}

# ---- Versions of Nix

# The newest Nix beside the one of this machine, with a separate store. (With the newest one alone there is nothing to
# compare with.)
case_two_versions_of_nix_make_the_same_derivations_and_bytes() {
  local what attributes=() newer=("$project/target/newer/run" env "NIX_CONFIG=store = $world/newer-store")
  [ ! -e /usr/lib/polyarch-newer-tools ] || return 0
  if [ ! -x "${newer[0]}" ]; then
    [ "${POLYARCH_TOOLS:-}" != required ] || fail "${newer[0]} does not exist; tests/newer-tools makes it"
    return 0
  fi
  [ "$("${newer[@]}" nix --version)" != "$(nix --version)" ]
  for what in bySystem layout asList flat arm zstd annotated levels labelled hashTag manyTags functionCross \
    functionNative platformSet conf.tree.conf conf.unknownConf manyTags.push manyTags.copyToPodman manyTags.copyToDocker \
    manyTags.inspect; do
    attributes+=(-A "$what")
  done
  same derivations "$("${newer[@]}" nix-instantiate "$cases" "${attributes[@]}" 2>/dev/null)" \
    "$(nix-instantiate "$cases" "${attributes[@]}" 2>/dev/null)"
  cmp "$world/newer-store$("${newer[@]}" nix-build --no-out-link "$cases" -A bySystem 2>/dev/null)" \
    "$(physical "$(build -A bySystem)")"
}
