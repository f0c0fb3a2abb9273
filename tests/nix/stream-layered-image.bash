# Writes the docker-archive of the conf $1 to standard output: what `streamLayeredImage` of layered.nix runs. The form
# of the layers and of the config is that of dockerTools' script.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C

conf=$1
work=$(mktemp -d)

value() { sed -n "s/^  \"$1\": \"\(.*\)\",\{0,1\}\$/\1/p" "$conf"; }
seconds() { date -u -d "$(sed 's/T/ /; s/+00:00//' <<<"$1")" +%s; }

owner=("$(value uid)" "$(value gid)" "$(value uname)" "$(value gname)")
created=$(value created)
[ "$created" != now ] || created=$(date -u +%Y-%m-%dT%H:%M:%S+00:00)
mtime=$(seconds "$(value mtime)")

# Prints the header of an entry in the form of POSIX.
header() { # NAME MODE(octal) SIZE TYPE TARGET UID GID UNAME GNAME MTIME
  local sum
  fields "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" "${10}" '        ' >"$work/header"
  sum=$(od -An -v -tu1 "$work/header" | awk '{ for (i = 1; i <= NF; i++) sum += $i } END { printf "%06o", sum }')
  fields "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" "${10}" "$sum\\0 "
}
fields() {
  padded "$1" 100
  printf '%07o\0%07o\0%07o\0%011o\0%011o\0' "0$2" "$6" "$7" "$3" "${10}"
  # shellcheck disable=SC2059 # the checksum has a NUL in it
  printf "${11}"
  printf '%s' "$4"
  padded "$5" 100
  printf 'ustar\00000'
  padded "$8" 32
  padded "$9" 32
  nul 183
}
padded() { printf '%s' "$1" && nul $(($2 - ${#1})); }
nul() { head -c "$1" /dev/zero; }

# Prints an entry of a file.
file() { # PATH NAME MODE UID GID UNAME GNAME MTIME
  local size
  size=$(stat -c %s "$1")
  header "$2" "$3" "$size" 0 '' "$4" "$5" "$6" "$7" "$8"
  cat "$1"
  nul $(((512 - size % 512) % 512))
}

# Ends the tar in the file $1: pads it to a multiple of 10240 bytes.
end() {
  local size
  nul 1024 >>"$1"
  size=$(stat -c %s "$1")
  nul $(((10240 - size % 10240) % 10240)) >>"$1"
}

store_layer() { # STORE-PATH…
  local path name
  for name in /nix/ /nix/store/; do header "$name" 755 0 5 '' "${owner[@]}" "$mtime"; done
  # Paths are sorted by their parts.
  for path in "$@"; do find "$path" | tr / '\1' | sort | tr '\1' /; done | while read -r path; do
    if [ -L "$path" ]; then
      header "$path" 777 0 2 "$(readlink "$path")" "${owner[@]}" "$mtime"
    elif [ -d "$path" ]; then
      header "$path/" "$(stat -c %a "$path")" 0 5 '' "${owner[@]}" "$mtime"
    else
      file "$path" "$path" "$(stat -c %a "$path")" "${owner[@]}" "$mtime"
    fi
  done
}

digests=() paths=()
add_layer() { # FILE STORE-PATH…
  digests+=("$(sha256sum "$1" | cut -d ' ' -f 1)")
  paths+=("$(printf ", '%s'" "${@:2}")")
  file "$1" "${digests[-1]}/layer.tar" 644 0 0 '' '' "$mtime"
}

# Each layer is a line of store paths.
sed -n '/^  "store_layers"/,/^  \]/p' "$conf" |
  awk '/^    \]/ { print line; line = "" } /^      "/ { gsub(/[", ]/, ""); line = line " " $0 }' >"$work/layers"
while read -r -a layer; do
  store_layer "${layer[@]}" >"$work/layer.tar"
  end "$work/layer.tar"
  add_layer "$work/layer.tar" "${layer[@]}"
done <"$work/layers"
customisation=$(value customisation_layer)
add_layer "$customisation/layer.tar" "$customisation"

# The members that each layer has in a list, as the script indents them.
members() { # FORMAT VALUE…: "%s" is the value
  local separator='' member
  for member in "${@:2}"; do
    # shellcheck disable=SC2059
    printf "$separator\n        $1" "$member"
    separator=,
  done
}
{
  printf '{\n    "created": "%s",\n    "architecture": "%s",\n    "os": "linux",\n' "$created" "$(value architecture)"
  # jq indents by 2, Python by 4.
  sed -n '/^  "config": {/,/^  },/ s/^ */&&/p' "$conf"
  printf '    "rootfs": {\n        "diff_ids": ['
  members '    "sha256:%s"' "${digests[@]}"
  printf '\n        ],\n        "type": "layers"\n    },\n    "history": ['
  members "{\n            \"created\": \"$created\",\n            \"comment\": \"store paths: [%s]\"\n        }" "${paths[@]#, }"
  printf '\n    ]\n}'
} >"$work/config"
config=$(sha256sum "$work/config" | cut -d ' ' -f 1).json
file "$work/config" "$config" 644 0 0 '' '' "$mtime"

{
  printf '[\n    {\n        "Config": "%s",\n        "RepoTags": [\n            "%s"\n        ],\n        "Layers": [' "$config" "$(value repo_tag)"
  members '    "%s/layer.tar"' "${digests[@]}"
  printf '\n        ]\n    }\n]'
} >"$work/manifest"
file "$work/manifest" manifest.json 644 0 0 '' '' "$mtime"
nul 10240
