# Sourced by scripts that take Debian's packages without installing them: those of another architecture, or those that
# would stand in the way of what the machine has.
# shellcheck shell=bash

# apt with lists and a cache under $debian_dir, of the architectures amd64 and arm64, apart from the machine's own.
debian_apt() { # COMMAND ARGUMENT…
  local command=$1
  shift
  "apt-$command" -q -o Dir::State="$debian_dir/apt" -o Dir::State::status=/var/lib/dpkg/status \
    -o Dir::Cache="$debian_dir/apt/cache" -o Dir::Etc::sourcelist=/dev/null \
    -o Dir::Etc::sourceparts="$debian_dir/sources" -o APT::Architectures=amd64,arm64 -o APT::Sandbox::User=root "$@"
}

# Begin with an empty $debian_dir and the lists of today.
debian_update() {
  rm -rf "$debian_dir"
  mkdir -p "$debian_dir/apt/lists/partial" "$debian_dir/apt/cache/archives/partial" "$debian_dir/sources" \
    "$debian_dir/debs"
  sed '/^Architectures:/d; s/^Components:/Architectures: amd64 arm64\n&/' /etc/apt/sources.list.d/debian.sources \
    >"$debian_dir/sources/debian.sources"
  debian_apt get update >&2
}

# Fetch packages and leave them in $debian_dir/debs.
debian_download() { # PACKAGE:ARCHITECTURE…
  (cd "$debian_dir/debs" && debian_apt get download "$@" >&2)
}
