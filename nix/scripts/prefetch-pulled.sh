# shellcheck shell=bash
# The script `prefetch` of pull-multi-arch-image.nix, which sets these variables before it:
#
#   script      name of the script
#   name        the image
#   old_digest  its digest and its hash
#   old_hash
#   store_path  the path of the image in the store
#   work        an empty directory
#
# shellcheck disable=SC2154

case ${1:-} in
  '') ;;
  --help | -h)
    cat <<HELP
Usage: $script

Pulls $name@$old_digest with your own credentials, and adds it to the store. Builds that need the image then
find it there.
HELP
    exit
    ;;
  *) usage_error "unexpected argument $1" ;;
esac

if nix-store --check-validity "$store_path" 2>/dev/null; then
  printf '%s\n' "$store_path"
  exit
fi
# The name of the file is a part of the name in the store.
base=${store_path##*/}
layout=$work/${base#*-}
pull "$name" "$old_digest" "$layout" || exit 1
# The path depends on the hash: with another one, the build would not find the image.
added=$(nix-store --add-fixed --recursive "${old_hash%%-*}" "$layout") || exit 1
[ "$added" = "$store_path" ] || {
  message "error: the image does not have the hash $old_hash; the script update prints the right one"
  exit 1
}
printf '%s\n' "$added"
