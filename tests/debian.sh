# Sourced by scripts that take Debian's packages without installing them: those of another architecture or release, or
# those that would conflict with packages of the machine.
# shellcheck shell=bash

# apt with its lists, cache and (empty) list of installed packages under $debian_dir, separate from those of the machine.
debian_apt() { # COMMAND ARGUMENT…
  local command=$1
  shift
  "apt-$command" -q -o Dir::State="$debian_dir/apt" -o Dir::State::status="$debian_dir/status" \
    -o Dir::Cache="$debian_dir/apt/cache" -o Dir::Cache::archives="$debian_dir/debs" -o Dir::Etc::sourcelist=/dev/null \
    -o Dir::Etc::sourceparts="$debian_dir/sources" -o Acquire::Languages=none -o APT::Sandbox::User=root \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    -o APT::Architectures="$debian_architectures" "$@"
}

# Begins with an empty $debian_dir and the current lists: of this machine's release for amd64 and arm64, or, where
# $debian_suite names another release, of that one for this machine's architecture.
debian_update() {
  debian_architectures=amd64,arm64
  [ -z "${debian_suite:-}" ] || debian_architectures=$(dpkg --print-architecture)
  rm -rf "$debian_dir"
  mkdir -p "$debian_dir/apt/lists/partial" "$debian_dir/apt/cache" "$debian_dir/sources" "$debian_dir/debs/partial"
  : >"$debian_dir/status"
  # The first paragraph of the machine's file names the mirror; another release has no separate security updates.
  sed "${debian_suite:+/^\$/q; s/^Suites:.*/Suites: $debian_suite/; }/^Architectures:/d; s/^Components:/Architectures: ${debian_architectures/,/ }\n&/" \
    /etc/apt/sources.list.d/debian.sources >"$debian_dir/sources/debian.sources"
  debian_apt get update >&2
}

# Leaves packages in $debian_dir/debs.
debian_download() { # PACKAGE:ARCHITECTURE…
  (cd "$debian_dir/debs" && debian_apt get download "$@" >&2)
}

# Leaves packages and all their dependencies in $debian_dir/debs.
debian_download_with_dependencies() { # PACKAGE…
  debian_apt get -qq install --download-only --no-install-recommends --yes "$@" >&2
}
