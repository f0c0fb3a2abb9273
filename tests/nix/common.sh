# Sourced by the test scripts of Nix and of what is documented: a scratch world in which the real Nix, podman and a
# registry work without touching anything of the machine's or the user's own, and which is removed afterwards; and the
# assertions of the tests.
# Its locals must not be called as variables of those scripts: their traps run in the middle of these functions.
# shellcheck shell=bash

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Servers and container tools live in sbin on some systems.
PATH=$PATH:/usr/sbin:/sbin

# The tool, linked statically: nothing else runs in a sandbox without nixpkgs.
POLYARCH=${POLYARCH:-$project/target/$(rustc -vV | sed -n 's/^host: //p')/release/polyarch}

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Nix: a store under $1, the sandbox as strict as it gets, and no setting but ours. In here the store's paths are
# where Nix says (/nix/store/…) only for what `in_store` runs; `physical` prints their real path.
nix_environment() {
  local dir=$1
  store=$dir/store
  mkdir -p "$dir/nix-conf" "$dir/home" "$dir/tmp"
  cat >"$dir/nix-conf/nix.conf" <<CONF
store = $store
sandbox = true
sandbox-fallback = false
substituters =
build-users-group =
allow-import-from-derivation = false
experimental-features = nix-command flakes
flake-registry =
warn-dirty = false
CONF
  export NIX_CONF_DIR=$dir/nix-conf NIX_USER_CONF_FILES='' NIX_PATH=nixpkgs=$dir/nixpkgs
  users_home=$HOME
  export HOME=$dir/home XDG_CONFIG_HOME=$dir/home XDG_CACHE_HOME=$dir/home XDG_DATA_HOME=$dir/home
  export TMPDIR=$dir/tmp # `nix shell` and `nix run` leave empty directories there
  unset NIX_REMOTE NIX_CONFIG NIX_STORE_DIR NIX_STATE_DIR

  # The stand-in for nixpkgs, with the programs that its builds use.
  mkdir -p "$dir/nixpkgs/bin"
  cp "$project/tests/nix/pkgs.nix" "$dir/nixpkgs/default.nix"
  cp "$project/tests/nix/lib.nix" "$dir/nixpkgs/lib.nix"
  cp "$project/tests/nix/nixpkgs-flake.nix" "$dir/nixpkgs/flake.nix"
  mkdir -p "$dir/flake-parts"
  cp "$project/tests/nix/flake-parts.nix" "$dir/flake-parts/flake.nix"
  cp "$(command -v bash-static)" "$dir/nixpkgs/bin/bash"
  cp "$(command -v busybox)" "$dir/nixpkgs/bin/busybox"
  cp "$POLYARCH" "$dir/nixpkgs/bin/polyarch"
  # Only scripts run these, outside of the sandbox, where they find the machine's libraries.
  local newer
  for newer in "$project"/target/newer/usr/{lib/cargo/bin/toml2json,bin/oras}; do
    [ ! -e "$newer" ] || cp "$newer" "$dir/nixpkgs/bin"
  done
  cp -R "$project/tests/fixtures" "$dir/nixpkgs/fixtures"
  "$project/tests/nix/bundle" skopeo "$dir/nixpkgs/bundles/skopeo"
  "$project/tests/nix/bundle" jq "$dir/nixpkgs/bundles/jq"
  (cd "$dir/nixpkgs" && hashes_of bin/{bash,busybox,polyarch} bundles/*) >"$dir/nixpkgs/hashes.json"

  # The project as a clone would have it, without target/.
  source=$dir/source
  mkdir -p "$source"
  (cd "$project" && cp -R Cargo.toml Cargo.lock build.rs benches default.nix docs examples flake.lock flake.nix nix src tests "$source")
}

# Names the flakes of the project and of the stand-in for nixpkgs, which must be complete. With its hash, Nix does not copy
# a directory that is in the store already.
name_flakes() {
  source_flake="path:$source?narHash=$(nix hash path "$source")"
  nixpkgs_flake="path:$world/nixpkgs?narHash=$(nix hash path "$world/nixpkgs")"
}

# The hashes of files and directories, as an object of JSON.
hashes_of() { # PATH…
  local path
  for path; do printf '%s %s\n' "$path" "$(nix-hash --type sha256 --base32 "$path")"; done |
    jq -nR '[inputs | split(" ") | { (.[0]): .[1] }] | add'
}

# A command that needs what the user has in the home directory, as cargo does.
as_the_user() { HOME=$users_home "$@"; }

physical() { printf '%s%s\n' "$store" "$1"; }

# Run a command where /nix/store is the scratch store.
in_store() {
  # Any store path will do as the one that `nix shell` wants to be given.
  : "${in_store_path:=$(nix-build --no-out-link '<nixpkgs>' -A bash 2>/dev/null)}"
  nix shell "$in_store_path" --command "$@"
}

# nix where the scratch store is at /nix/store: elsewhere this version takes no template for one in the store.
locally() {
  in_store env NIX_STATE_DIR="$store/nix/var/nix" "$(type -P nix)" --option store local "$@"
}

# podman: storage under $1 and no setting but ours. vfs works on every file system and leaves no mounts behind.
podman_environment() {
  local dir=$1/podman
  mkdir -p "$dir"
  cat >"$dir/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
[network]
network_backend = "netavark"
CONF
  cat >"$dir/storage.conf" <<CONF
[storage]
driver = "vfs"
graphroot = "$dir/storage"
runroot = "$dir/run"
CONF
  export CONTAINERS_CONF=$dir/containers.conf CONTAINERS_STORAGE_CONF=$dir/storage.conf
  export CONTAINERS_REGISTRIES_CONF=/dev/null
  podman_tmp=$dir/tmp
}

podman() { command podman --tmpdir "$podman_tmp" "$@"; }

# docker-registry on the loopback interface, at port $2 or any that is free; sets `registry` to its HOST:PORT. Further
# settings, and those for TLS, are in $registry_settings and $registry_tls.
start_registry() {
  local dir=$1/registry port=${2:-0} tries=100
  mkdir -p "$dir"
  cat >"$dir/config.yml" <<CONF
version: 0.1
storage: { filesystem: { rootdirectory: "$dir/data" } }
http: { addr: "127.0.0.1:$port"${registry_tls:+, $registry_tls} }
${registry_settings:-}
CONF
  : >"$dir/log"
  docker-registry serve "$dir/config.yml" >>"$dir/log" 2>&1 &
  registry_pid=$!
  until registry=$(grep -o 'listening on 127.0.0.1:[0-9]*' "$dir/log"); do
    if [ $((tries -= 1)) -eq 0 ] || ! kill -0 "$registry_pid" 2>/dev/null; then
      cat "$dir/log" >&2
      die 'docker-registry did not start'
    fi
    sleep 0.1
  done
  registry=${registry#listening on }
}

stop_registry() {
  [ -n "${registry_pid:-}" ] || return 0
  kill "$registry_pid" 2>/dev/null || true
  wait "$registry_pid" 2>/dev/null || true
  registry_pid=
}

# The user `me` with the password of the tests.
password="pass-$RANDOM$RANDOM-word"
password_file() {
  PASSWORD=$password /usr/bin/python3 -W ignore -c 'import crypt, os
print("me:" + crypt.crypt(os.environ["PASSWORD"], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))'
}

# A registry that wants this password, in $world/NAME, and the place of its credentials.
start_registry_with_password() { # NAME
  mkdir -p "$world/$1"
  password_file >"$world/$1/users"
  registry_settings="auth: { htpasswd: { realm: test, path: \"$world/$1/users\" } }"
  start_registry "$world/$1"
  export REGISTRY_AUTH_FILE=$world/$1/auth.json
}

start_in_background() { exec "$@"; }

# Other servers of a test: their processes, which end with the test.
servers=()
stop_servers() {
  [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null || true
  servers=()
}

# dockerd with all it has under $1, the settings in $docker_settings and no networks; `docker` then talks to this one. Only root can start one.
start_docker() {
  local dir=$1 tries=300
  mkdir -p "$dir"
  # Other tools read credentials from DOCKER_CONFIG, and some fail if it does not exist.
  mkdir -p "$dir/config"
  echo '{}' >"$dir/config/config.json"
  echo "${docker_settings:-{\}}" >"$dir/daemon.json"
  export DOCKER_HOST=unix://$dir/socket DOCKER_CONFIG=$dir/config
  start_in_background dockerd --host="$DOCKER_HOST" --data-root="$dir/data" --exec-root="$dir/exec" --pidfile="$dir/pid" \
    --config-file="$dir/daemon.json" --storage-driver="${docker_driver:-vfs}" --bridge=none --iptables=false --ip6tables=false \
    >"$dir/log" 2>&1 &
  docker_pid=$!
  until docker version >/dev/null 2>&1; do
    if [ $((tries -= 1)) -eq 0 ] || ! kill -0 "$docker_pid" 2>/dev/null; then
      cat "$dir/log" >&2
      die 'dockerd did not start'
    fi
    sleep 0.1
  done
}

stop_docker() {
  [ -n "${docker_pid:-}" ] || return 0
  kill "$docker_pid" 2>/dev/null || true
  wait "$docker_pid" 2>/dev/null || true
  docker_pid=
}

# Removes a scratch directory: files of a store are read-only, files of podman's storage may belong to other users of
# the user namespace.
remove_world() {
  [ -d "$1" ] || return 0
  chmod -R u+w "$1" 2>/dev/null || true
  rm -rf "$1" 2>/dev/null || command podman unshare rm -rf "$1"
}

# Digests: of the document of any reference of skopeo, computed from its bytes; and of the image index that a layout names.
skopeo() { command skopeo --insecure-policy "$@"; }
file_digest() { sha256sum "$@" | sed 's/^\([0-9a-f]*\) .*/sha256:\1/'; }
raw_digest() { skopeo inspect --raw "$@" | file_digest; }
layout_digest() { jq -er '.manifests[0].digest' "$1/index.json"; }
archive_digest() { tar -xOf "$1" index.json | jq -er '.manifests[0].digest'; }

# Helpers of tests.
fail() {
  printf '%s\n' "$*" >&2
  return 1
}
same() { # WHAT FOUND WANTED
  # A command that fails prints an empty text, and two empty texts would be equal.
  [ -n "$3" ] || fail "$1: nothing to compare with"
  [ "$2" = "$3" ] || fail "$1: found '$2', wanted '$3'"
}
none() { # WHAT FOUND
  [ -z "$2" ] || fail "$1: found '$2', wanted nothing"
}
has() { # TEXT PART
  grep -qF -- "$2" <<<"$1" || fail "'$2' is not in: $1"
}
refuse() { # COMMAND…: must fail; sets $said to its output
  ! said=$("$@" 2>&1) || fail "this should have failed: $*"
}

# Runs a test in a separate shell, and prints its log if it fails. A registry that it starts is stopped.
passed=0 failed=0
try() { # TITLE COMMAND…
  local title=$1 status
  shift
  # Not as a condition: bash would ignore `set -e` in there.
  set +e
  (
    registry_pid='' docker_pid='' servers=()
    trap 'stop_registry; stop_docker; stop_servers' EXIT
    set -euo pipefail
    "$@"
  ) >"$world/log" 2>&1
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
    printf 'ok      %s\n' "$title"
  else
    failed=$((failed + 1))
    printf 'FAILED  %s\n' "$title"
    sed 's/^/        /' "$world/log"
  fi
}

# The last line of a test script, and its exit code.
score() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
