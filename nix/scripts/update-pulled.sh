# shellcheck shell=bash
# The script `update` of pull-multi-arch-image.nix, which sets these variables before it:
#
#   script      name of the script
#   name, tag   the image
#   old_digest  the digest and the hash that the Nix file has
#   old_hash
#   work        an empty directory
#
# shellcheck disable=SC2154

usage() {
  cat <<HELP
Usage: $script [--tag TAG] [FILE]

Prints the digest and the hash of the image that $name:$tag is now.

  --tag TAG   another tag
  FILE        a Nix file: the old digest and hash in it are replaced
HELP
}

fail() {
  message "error: $*"
  exit 1
}

file=""
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h)
      usage
      exit
      ;;
    --tag)
      [ $# -gt 1 ] || usage_error '--tag needs a TAG'
      tag=$2
      shift
      ;;
    --tag=*) tag=${1#*=} ;;
    -*) usage_error "unknown option $1" ;;
    *) file=$1 ;;
  esac
  shift
done

content=""
if [ -n "$file" ]; then
  # The last line break would get lost.
  content=$(cat "$file" && printf x) || fail "$file cannot be read"
  content=${content%x}
  for old in "$old_digest" "$old_hash"; do
    [[ $content == *"$old"* ]] || fail "$file does not have $old"
  done
fi

skopeo inspect --raw --retry-times 3 --tls-verify="$tls_verify" "docker://$name:$tag" >"$work/current" || exit 1
digest=$(sha256_of "$work/current")
pull "$name" "$digest" "$work/layout" || exit 1
hash=$(nix --extra-experimental-features nix-command hash path "$work/layout") ||
  fail 'nix hash path failed; nix must be on PATH'

printf 'imageDigest = "%s";\nhash = "%s";\n' "$digest" "$hash"
if [ -n "$file" ]; then
  content=${content//"$old_digest"/"$digest"}
  content=${content//"$old_hash"/"$hash"}
  printf '%s' "$content" >"$file"
fi
