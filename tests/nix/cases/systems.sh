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

# Two machines with a store each, and a binary cache between them: the one of the other system builds its layout, the one
# of this system merges.
case_a_layout_in_a_binary_cache_is_all_that_the_merge_needs_of_another_system() {
  local here=$world/here there=$world/there other=aarch64-linux oci=linux/arm64 layout image
  [ "$this_system" = x86_64-linux ] || other=x86_64-linux oci=linux/amd64
  layout=$(NIX_CONFIG=$'system = '"$other"$'\nstore = '"$there" \
    nix-build --no-out-link "$cases" -A "functionOfLayouts.layouts.\"$oci\"")
  [ "$(compgen -G "$there/nix/store/*-hello.tar.gz" | wc -l)" -eq 1 ]
  nix copy --from "$there" --to "file://$world/cache" "$layout" --no-check-sigs
  image=$(NIX_CONFIG=$'substituters = file://'"$world/cache"$'\nrequire-sigs = false\nstore = '"$here" \
    nix-build --no-out-link "$cases" -A functionOfLayouts)
  cmp "$here$image" "$(physical "$(build -A bySystem)")"
  same 'from the other machine' "$(
    comm -12 <(cd "$here/nix/store" && ls) <(cd "$there/nix/store" && ls) | grep -- '-hello' | grep -v '\.drv$'
  )" \
    "$(basename "$layout")"
}

# Nix reaches a builder through `ssh-ng` without ssh, and copies all that the builder makes.
case_an_image_and_its_layout_come_from_a_remote_builder() {
  local here=$world/remote-here there=$world/remote-there other=aarch64-linux out settings what
  [ "$this_system" = x86_64-linux ] || other=x86_64-linux
  mkdir -p "$world/there-conf"
  sed "s|^store = .*|store = $there|" "$NIX_CONF_DIR/nix.conf" >"$world/there-conf/nix.conf"
  cat >"$world/there-daemon" <<WRAPPER
#!/usr/bin/env bash
export NIX_CONF_DIR='$world/there-conf' NIX_CONFIG='system = $other'
exec nix-daemon "\$@"
WRAPPER
  chmod +x "$world/there-daemon"
  settings="store = $here
builders-use-substitutes = true
builders = ssh-ng://localhost?remote-store=$there&remote-program=$world/there-daemon $other - 2"
  for what in functionNative functionOfLayouts; do
    out=$(NIX_CONFIG=$settings nix-build --no-out-link "$cases" -A "$what")
    cmp "$here$out" "$(physical "$(build -A bySystem)")"
    same "images of $what on the builder" "$(compgen -G "$there/nix/store/*-hello.tar.gz" | wc -l)" 1
    # The layout is made there only by the functions of the package set of that machine.
    same "layouts of $what on the builder" "$(find "$there/nix/store" -maxdepth 1 -name '*-hello-layout*' | wc -l)" \
      "$([ "$what" = functionNative ] && echo 0 || echo 1)"
  done
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
