# shellcheck shell=bash
# The script of skopeo.nix, which sets these variables before it:
#
#   skopeo            the program
#   merge_registries  registries.jq
#
# shellcheck disable=SC2154

# The files that skopeo 1.23 reads, in its order: containers-registries.conf(5). Older versions read fewer, take v1 files
# as they are, and ignore CONTAINERS_REGISTRIES_CONF.
registries_files() {
  local user=${XDG_CONFIG_HOME-~/.config}/containers dir part file kind=rootless
  local -A drop_ins=()
  for dir in "$user" /etc/containers /usr/share/containers; do
    if [ -e "$dir/registries.conf" ]; then
      printf '%s\n' "$dir/registries.conf"
      break
    fi
  done
  # Of drop-in files with one name, skopeo reads the one in the directory that is last here.
  [ "$UID" -ne 0 ] || kind=rootful
  for dir in /usr/share/containers /etc/containers "$user"; do
    for part in conf.d "$kind.conf.d" "$kind.conf.d/$UID"; do
      for file in "$dir/registries.$part"/*.conf; do
        [ ! -f "$file" ] || drop_ins[${file##*/}]=$file
      done
      [ "$dir" != "$user" ] || break
    done
  done
  [ ${#drop_ins[@]} -eq 0 ] || printf '%s\n' "${!drop_ins[@]}" | LC_ALL=C sort | while IFS= read -r file; do
    printf '%s\n' "${drop_ins[$file]}"
  done
}

# If the user has chosen a file, that is the one.
[ -z "${CONTAINERS_REGISTRIES_CONF:-}" ] || exec "$skopeo" "$@"

mapfile -t files < <(registries_files)
tables=()
v1=()
for file in "${files[@]}"; do
  # skopeo prints a better error than this script about a file that it cannot read.
  table=$(toml2json "$file" 2>/dev/null) || exec "$skopeo" "$@"
  tables+=("$table")
  if jq -e '.registries | type == "object"' <<<"$table" >/dev/null; then v1+=("$file"); fi
done
[ ${#v1[@]} -gt 0 ] || exec "$skopeo" "$@"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
printf '%s\n' "${tables[@]}" | jq -rs -f "$merge_registries" >"$dir/registries.conf"
status=0
CONTAINERS_REGISTRIES_CONF=$dir/registries.conf "$skopeo" "$@" || status=$?
# A message of skopeo's may name the temporary file.
[ "$status" -eq 0 ] || printf 'skopeo: note: %s has the v1 format; skopeo got the same settings in the v2 format, in %s\n' \
  "${v1[0]}" "$dir/registries.conf" >&2
exit "$status"
