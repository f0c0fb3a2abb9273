# Builders of other systems, binary caches, and what goes over the wires between them.
# shellcheck shell=bash disable=SC2154,SC2034 # tests/nix/run and common.sh have the variables

# A builder has its own store and settings. Nix reaches it through `ssh-ng` without ssh, since it is on this machine.
# Its connections go through remote-daemon.py, which counts their bytes, and breaks
# each connection after the number of bytes in $world/NAME-limit.
remote_builder() { # NAME SYSTEM [SETTING…]: prints a line for `builders`
  local dir=$world/$1
  mkdir -p "$dir-conf"
  {
    sed "s|^store = .*|store = $dir|" "$NIX_CONF_DIR/nix.conf"
    printf '%s\n' "${@:3}"
  } >"$dir-conf/nix.conf"
  cat >"$dir-daemon" <<WRAPPER
#!/usr/bin/env bash
export NIX_CONF_DIR='$dir-conf' NIX_CONFIG='system = $2'
exec /usr/bin/python3 '$source/tests/nix/remote-daemon.py' '$dir' "\$@"
WRAPPER
  chmod +x "$dir-daemon"
  printf 'ssh-ng://localhost?remote-store=%s&remote-program=%s %s - 2\n' "$dir" "$dir-daemon" "$2"
}
# Nix here, with an own store and these builders.
with_builders() { # NAME BUILDERS [SETTING…] -- COMMAND…
  local settings="store = $world/$1"$'\n'"builders = $2"
  shift 2
  while [ "$1" != -- ]; do
    settings+=$'\n'$1
    shift
  done
  NIX_CONFIG=$settings "${@:2}"
}
sent() { awk '{ sum += $1 } END { print sum + 0 }' "$world/$1-$2".*; } # NAME to|from
images_on() { compgen -G "$world/$1/nix/store/*-hello.tar.gz" | wc -l; }
layouts_on() { find "$world/$1/nix/store" -maxdepth 1 -name '*-hello-layout*' ! -name '*.drv' | wc -l; }
other_system() { case $this_system in x86_64-linux) echo aarch64-linux ;; *) echo x86_64-linux ;; esac; }

# Writes a line to the file $POLYARCH_FIGURES: the figures of docs/several-machines.md.
# shellcheck disable=SC2059 # the first argument is a format
figure() { [ -z "${POLYARCH_FIGURES:-}" ] || printf "$1\n" "${@:2}" >>"$POLYARCH_FIGURES"; }

# Two machines with a store each, and a binary cache between them: the one of the other system builds its layout, the one
# of this system merges.
case_a_layout_in_a_binary_cache_is_all_that_the_merge_needs_of_another_system() {
  local here=$world/here there=$world/there other=aarch64-linux oci=linux/arm64 layout image
  [ "$this_system" = x86_64-linux ] || other=x86_64-linux oci=linux/amd64
  layout=$(NIX_CONFIG=$'system = '"$other"$'\nstore = '"$there" \
    nix-build --no-out-link "$cases" -A "functionOfLayouts.layouts.\"$oci\"")
  [ "$(compgen -G "$there/nix/store/*-hello.tar.gz" | wc -l)" -eq 1 ]
  nix copy --from "$there" --to "file://$world/cache?compression=none" "$layout" --no-check-sigs
  image=$(NIX_CONFIG=$'substituters = file://'"$world/cache"$'\nrequire-sigs = false\nstore = '"$here" \
    nix-build --no-out-link "$cases" -A functionOfLayouts)
  cmp "$here$image" "$(physical "$(build -A bySystem)")"
  same 'from the other machine' "$(
    comm -12 <(cd "$here/nix/store" && ls) <(cd "$there/nix/store" && ls) | grep -- '-hello' | grep -v '\.drv$'
  )" \
    "$(basename "$layout")"
}

case_an_image_and_its_layout_come_from_a_remote_builder() {
  local builder out what
  builder=$(remote_builder far "$(other_system)")
  for what in functionNative functionOfLayouts; do
    out=$(with_builders near "$builder" 'builders-use-substitutes = true' -- nix-build --no-out-link "$cases" -A "$what")
    cmp "$world/near$out" "$(physical "$(build -A bySystem)")"
    same "images of $what on the builder" "$(images_on far)" 1
    # The layout is made there only by the functions of the package set of that machine.
    same "layouts of $what on the builder" "$(layouts_on far)" "$([ "$what" = functionNative ] && echo 0 || echo 1)"
  done
}

# A machine that coordinates and builds nothing, not even what it prefers to build itself.
case_remote_builders_alone_build_all_of_an_image_and_each_part_once() {
  local own other out what
  for what in functionNative functionOfLayouts; do
    own=$(remote_builder "own-$what" "$this_system")
    other=$(remote_builder "other-$what" "$(other_system)")
    out=$(with_builders "here-$what" "$own ; $other" 'max-jobs = 0' -- nix-build --no-out-link "$cases" -A "$what" -A "$what.layout" \
      2>"$world/alone-log") || fail "$(cat "$world/alone-log")"
    cmp "$world/here-$what${out%%$'\n'*}" "$(physical "$(build -A bySystem)")"
    none 'built twice' "$(sed -n "s|^building '\([^']*\)' on .*|\1|p" "$world/alone-log" | sort | uniq -d)"
  done
  # The layout of the other system's image is made on a builder of this system, which gets the image for it; or where the
  # image is, and then the layout is all that leaves that builder for another.
  same 'images' "$(images_on own-functionNative) $(images_on other-functionNative)" '2 1'
  same 'images with functionOfLayouts' "$(images_on own-functionOfLayouts) $(images_on other-functionOfLayouts)" '1 1'
}

case_after_a_connection_that_breaks_nothing_is_half_there_and_the_next_build_goes_on() {
  local builder image limit inode out
  builder=$(remote_builder broken "$(other_system)")
  image=$(evaluate "$cases" -A "functionNative.images.$(other_system).outPath" | jq -r .)
  # In the first words, and in the middle of the image on its way back.
  for limit in 40 100000; do
    if [ "$limit" -gt 1000 ]; then
      rm "$world/broken-limit"
      with_builders broken-here "$builder" -- nix-build --no-out-link '<nixpkgs>' --argstr system "$(other_system)" -A hello
    fi
    echo "$limit" >"$world/broken-limit"
    refuse with_builders broken-here "$builder" -- nix-build --no-out-link "$cases" -A functionNative
    refuse with_builders broken-here '' -- nix-store --check-validity "$image"
    with_builders broken-here '' -- nix-store --verify --check-contents
  done
  inode=$(stat -c %i "$world/broken$image")
  rm "$world/broken-limit"
  out=$(with_builders broken-here "$builder" -- nix-build --no-out-link "$cases" -A functionNative)
  cmp "$world/broken-here$out" "$(physical "$(build -A bySystem)")"
  same 'the image on the builder' "$(stat -c %i "$world/broken$image")" "$inode"
}

# The machine loses its power while it builds the image.
case_after_a_builder_that_dies_in_the_middle_of_a_build_the_next_build_begins_again() {
  local builder image out nix tries=200
  builder=$(remote_builder dying "$(other_system)")
  image=$(evaluate "$cases" -A "functionSlow.images.$(other_system).outPath" | jq -r .)
  with_builders dying-here "$builder" -- nix-build --no-out-link "$cases" -A functionSlow >"$world/dying-log" 2>&1 &
  nix=$!
  until grep -q "^building '.*-hello.tar.gz.drv' on 'ssh-ng" "$world/dying-log"; do
    [ $((tries -= 1)) -gt 0 ] || fail "$(cat "$world/dying-log")"
    sleep 0.1
  done
  sleep 0.5
  touch "$world/dying-die"
  ! wait "$nix" || fail 'the builder was too fast'
  refuse with_builders dying-here '' -- nix-store --check-validity "$image"
  refuse env NIX_CONF_DIR="$world/dying-conf" nix-store --check-validity "$image"
  rm "$world/dying-die"
  out=$(with_builders dying-here "$builder" -- nix-build --no-out-link "$cases" -A functionSlow)
  cmp "$world/dying-here$out" "$(physical "$(build -A bySystem)")"
  with_builders dying-here '' -- nix-store --verify --check-contents
}

# The server of the cache ends with the case, as a registry does.
start_cache() { # DIRECTORY: sets `cache` to its address; its log is DIRECTORY.log
  local tries=100
  mkdir -p "$1"
  echo 'StoreDir: /nix/store' >"$1/nix-cache-info"
  : >"$1.log"
  /usr/bin/python3 "$source/tests/nix/cache.py" "$1" >>"$1.log" 2>&1 &
  registry_pid=$!
  until cache=$(grep -o 'http://127.0.0.1:[0-9]*' "$1.log"); do
    [ $((tries -= 1)) -gt 0 ] || fail "the server of $1 did not start"
    sleep 0.1
  done
}
through_cache() { awk -v method="$2" '$1 == method { sum += $2 } END { print sum + 0 }' "$1.log"; } # DIRECTORY PUT|GET

case_builders_take_what_a_binary_cache_has_from_there_if_they_may() {
  local builder bytes=() may paths
  # What the image is made with.
  build -A functionNative --option extra-platforms "$(other_system)" >/dev/null
  mapfile -t paths < <(nix path-info --all | grep -E -- '-(bash|busybox|programs|fixture|setup)$')
  start_cache "$world/http"
  nix copy --to "$cache?compression=none" "${paths[@]}"
  for may in false true; do
    builder=$(remote_builder "may-$may" "$(other_system)" "substituters = $cache" 'require-sigs = false')
    : >"$world/http.log"
    with_builders "may-$may-here" "$builder" "builders-use-substitutes = $may" -- nix-build --no-out-link "$cases" -A functionNative
    bytes+=("$(sent "may-$may" to)")
    same "images on the builder, $may" "$(images_on "may-$may")" 1
  done
  grep -qE '^GET [0-9]+ /nar/' "$world/http.log"
  figure 'inputs sent to the builder: %s bytes; with builders-use-substitutes and a cache: %s bytes' "${bytes[@]}"
  [ $((bytes[1] * 10)) -lt "${bytes[0]}" ] || fail "${bytes[1]} bytes are not a tenth of ${bytes[0]}"
}

# One line of the image of the other system changes.
case_a_change_of_one_image_builds_and_sends_that_image_alone() {
  local what builder before_to before_from built
  for what in functionNative functionOfLayouts; do
    builder=$(remote_builder "line-$what" "$(other_system)")
    with_builders "line-$what-here" "$builder" -- nix-build --no-out-link "$cases" -A "$what.layout"
    before_to=$(sent "line-$what" to) before_from=$(sent "line-$what" from)
    with_builders "line-$what-here" "$builder" -- nix-build --no-out-link "$cases" -A "${what}Changed.layout" 2>"$world/line-log"
    built=$(sed -n "s|^building '/nix/store/[a-z0-9]*-\([^']*\)\.drv'.*|\1|p" "$world/line-log" | sort -u | xargs)
    # The layout of the other image, and the tools, stay as they are.
    case $what in
      functionNative) same "built for $what" "$built" 'hello-layout hello-layout-linux-arm64 hello.tar.gz' ;;
      functionOfLayouts) same "built for $what" "$built" 'hello-layout hello.tar.gz' ;;
    esac
    figure '%s: to the builder %s bytes, from the builder %s; after the change %s and %s' "$what" \
      "$before_to" "$before_from" $(($(sent "line-$what" to) - before_to)) $(($(sent "line-$what" from) - before_from))
    # The builder has all that the image is made with.
    [ $((($(sent "line-$what" to) - before_to) * 10)) -lt "$before_to" ] || fail 'the inputs were sent again'
  done
}

# A cache between the machine that builds and the one that pushes. A layout is one store path, so a changed layer costs its
# layout.
case_a_change_of_one_layer_costs_a_binary_cache_the_layout_of_one_platform() {
  local what layout size first pushed uploaded downloaded
  start_cache "$world/layouts"
  for what in fourLayersBefore fourLayersAfter; do
    : >"$world/layouts.log"
    layout=$(build -A "$what.layout")
    nix copy --to "$cache" "$layout"
    uploaded=$(through_cache "$world/layouts" PUT)
    # Another machine, which has the image of before and builds nothing.
    NIX_CONFIG=$'substituters = '"$cache"$'\nrequire-sigs = false\nmax-jobs = 0\nstore = '"$world/pusher" \
      nix-build --no-out-link "$cases" -A "$what.layout"
    downloaded=$(through_cache "$world/layouts" GET)
    figure '%s: to the cache %s bytes, from the cache %s' "$what" "$uploaded" "$downloaded"
    first=${first:-$uploaded}
  done
  size=$(nix path-info --size "$(build -A 'fourLayersAfter.layouts."linux/arm64"')" | awk '{ print $2 }')
  pushed=$(in_store "$POLYARCH" diff --json "$(build -A fourLayersBefore.layout)" "$(build -A fourLayersAfter.layout)" | jq .push.bytes)
  figure 'the layout: %s bytes; a push: %s' "$size" "$pushed"
  near 'to the registry' "$pushed" $((size / 4))
  # Older versions do not discard references: the store paths of the images go along with their layouts.
  nix_is_at_least 2.18 || return 0
  # The other layout and the images, which have the store paths, stay where they are.
  [ "$((first * 10 / 19))" -gt "$size" ] || fail "the first upload of two layouts of $size bytes: $first"
  near 'to the cache' "$uploaded" "$size"
  near 'from the cache' "$downloaded" "$size"
}
near() { # WHAT FOUND WANTED: at most a tenth more or less
  [ $(($2 * 10)) -gt $(($3 * 9)) ] && [ $(($2 * 10)) -lt $(($3 * 11)) ] && return
  fail "$1: $2 bytes instead of about $3"
}
