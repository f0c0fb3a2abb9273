# Sourced by the scripts that run the commands of a document (after tests/nix/common.sh): the machine of a reader, with
# real commands, and the blocks of the document.
#
# Different from the machine of a reader: the inputs of a flake are this tree and the stand-ins of tests/ (there is no internet),
# `result` leads into the scratch store, containers have no network, and the port of the registry is another one if that
# is taken.
# shellcheck shell=bash disable=SC2154

# Sets `here`, where the reader is, and `commands`, which is first on the reader's PATH.
reader_environment() {
  here=$world/here
  commands=$world/commands
  mkdir -p "$here" "$commands"

  # A document's flake is that of an x86_64 machine. To another one this Nix says it is one: the programs of the
  # stand-in are the machine's own in any case.
  export NIX_CONFIG='system = x86_64-linux'

  name_flakes
  # The inputs of a template are in the lock file of the project, as `nix flake init` knows no --override-input.
  cp -R "$source" "$world/locked"
  nix flake lock --override-input nixpkgs "$nixpkgs_flake" "path:$world/locked" 2>/dev/null
  in_store true # sets in_store_path

  ln -s "$POLYARCH" "$commands/polyarch"
  cat >"$commands/nix" <<WRAPPER
#!/usr/bin/env bash
set -euo pipefail
nix=$(type -P nix)
case "\$*" in
  'flake init --template github:polyarch/polyarch'*)
    "\$nix" shell '$in_store_path' --command env NIX_STATE_DIR='$store/nix/var/nix' \\
      "\$nix" --option store local flake init --template "path:$world/locked\${4#github:polyarch/polyarch}"
    # A flake is in a git repository, and \`result\` no part of it.
    git init --quiet && git add .
    exit
    ;;
esac
# What the registries of flakes and GitHub would have.
arguments=()
for argument; do
  case \$argument in
    nixpkgs#*) argument='$nixpkgs_flake'#\${argument#*#} ;;
    github:polyarch/polyarch | github:polyarch/polyarch/v* | github:polyarch/polyarch#*)
      case \$argument in
        *#*) argument='$source_flake'#\${argument#*#} ;;
        *) argument='$source_flake' ;;
      esac
      ;;
  esac
  arguments+=("\$argument")
done
set -- "\${arguments[@]}"
inputs=(nixpkgs '$nixpkgs_flake' polyarch '$source_flake' polyarch/nixpkgs '$nixpkgs_flake')
! grep -qs 'inputs.flake-parts' flake.nix || inputs+=(flake-parts 'path:$world/flake-parts')
! grep -qs 'inputs.nix2container' flake.nix || inputs+=(nix2container 'path:$world/nix2container')
options=()
for ((i = 0; i < \${#inputs[@]}; i += 2)); do options+=(--override-input "\${inputs[@]:i:2}"); done
$(declare -f hidden_results visible_results)
hidden_results
"\$nix" "\$1" "\${options[@]}" "\${@:2}"
store=\${READER_STORE:-$store} visible_results
WRAPPER
  cat >"$commands/nix-build" <<WRAPPER
#!/usr/bin/env bash
set -euo pipefail
$(declare -f hidden_results visible_results)
hidden_results
$(type -P nix-build) --arg polyarch 'import $source { pkgs = import <nixpkgs> { }; }' "\$@"
store='$store' visible_results
WRAPPER
  cat >"$commands/podman" <<WRAPPER
#!/usr/bin/env bash
command=\$1
shift
[ "\$command" != run ] || set -- --network=none "\$@"
[ "\$command \$1" != 'kube play' ] || set -- play --network=none "\${@:2}"
exec $(type -P podman) --tmpdir '$podman_tmp' "\$command" "\$@"
WRAPPER
  chmod +x "$commands/nix" "$commands/nix-build" "$commands/podman"

  # The policy that distributions install with skopeo and podman.
  mkdir -p "$HOME/.config/containers"
  echo '{ "default": [{ "type": "insecureAcceptAnything" }] }' >"$HOME/.config/containers/policy.json"
}

# For those outside of the scratch store, `result` and others lead to where that really is.
visible_results() {
  local link
  for link in *; do
    case $(readlink "$link" || true) in
      /nix/store/*) ln -sfn "$store$(readlink "$link")" "$link" ;;
    esac
  done
}

# Nix only replaces links that lead into its store.
hidden_results() {
  local link target
  for link in *; do
    target=$(readlink "$link" || true)
    case $target in
      ?*/nix/store/*) ln -sfn "/nix/store/${target##*/nix/store/}" "$link" ;;
    esac
  done
}

# At the reader's machine: any command, or a block.
as_reader() { (cd "$here" && PATH=$commands:$PATH "$@"); }
run_block() { as_reader bash -euo pipefail "$@"; }

# Put each fenced block of a document, indented ones, those of a quote and those with tildes too, into a file in
# DIRECTORY, called by the line it starts at. Prints LINE LANGUAGE of each.
blocks_of() { # DOCUMENT DIRECTORY
  mkdir -p "$2"
  awk -v blocks="$2" '
    match($0, /^[ \t>]*(```+|~~~+)/) {
      if (start) { start = 0; next }
      language = substr($0, RLENGTH + 1)
      gsub(/[ \t]+/, "-", language)
      start = NR
      printf "" >(blocks "/" start)
      print start, language
      next
    }
    start { print >(blocks "/" start) }
    END { if (start) print start, "without-an-end" }
  ' "$1"
}

# A registry at the port that the files name, or at another one, which they then name.
reader_registry() { # FILE…
  local port
  port=$(grep -oh 'localhost:[0-9]*' "$@" | sort -u)
  [[ $port =~ ^localhost:[0-9]+$ ]] || die "the blocks should name one registry on localhost, found: ${port:-none}"
  port=${port#localhost:}
  if (: <"/dev/tcp/localhost/$port") 2>/dev/null; then
    start_registry "$world"
    sed -i "s/localhost:$port/localhost:${registry##*:}/g" "$@"
  else
    start_registry "$world" "$port"
  fi
}

exits() { # CODE COMMAND…: sets $said to its output
  local wanted=$1 found=0
  shift
  said=$("$@" 2>&1) || found=$?
  [ "$found" -eq "$wanted" ] || fail "exit code $found, wanted $wanted: $*: $said"
}

# Images, whether archives or directories.
image() { if [ -d "$1" ]; then echo "oci:$1"; else echo "oci-archive:$1"; fi; }
blob() { if [ -d "$1" ]; then cat "$1/blobs/${2/://}"; else tar -xOf "$1" "blobs/${2/://}"; fi; }
platforms() { skopeo inspect --raw "$1" | jq -r '.manifests[].platform | "\(.os)/\(.architecture)"' | sort; }
both=$'linux/amd64\nlinux/arm64'

# The files that documents name: real images of two architectures, and one made out of them for a third.
reader_images() {
  local arch riscv64
  for arch in amd64 arm64; do
    cp "$project/tests/fixtures/$arch-bli-hello-gz.tar.gz" "$here/hello-$arch.tar.gz"
  done
  riscv64=$(nix-build --no-out-link -E "((import <nixpkgs> { }).callPackage $source/tests/nix/images.nix { }).riscv64" \
    2>"$world/log") || die "$(cat "$world/log")"
  gzip -nc "$(physical "$riscv64")" >"$here/hello-riscv64.tar.gz"
}

# Runs a document block by block: shells are run, consoles compared, flakes evaluated. Blocks under a heading "Before"
# use other tools, and are only parsed. The output of the shells is written to FILE.
follow() { # DOCUMENT BLOCKS FILE
  local line language block list
  list=$(blocks_of "$1" "$2")
  while read -r line language; do
    block=$2/$line
    grep -qE '^\{\{#include' "$block" && include "$1" "$block"
    if [ "$(sed -n "1,${line}s/^#* //p" "$1" | tail -n 1)" = Before ]; then
      case $language in
        sh) bash -n "$block" ;;
        nix) nix-instantiate --parse "$block" >/dev/null ;;
        *) fail "$1:$line: no test for a block of '$language'" ;;
      esac
      continue
    fi
    case $language in
      sh) run_block "$block" >>"$3" ;;
      console) console_says "$block" "$1" ;;
      nix) the_flake_evaluates "$block" ;;
      text) ;;
      *) fail "$1:$line: no test for a block of '${language:-no language}'" ;;
    esac
  done <<<"$list"
}

include() { # DOCUMENT BLOCK: as mdBook does
  local file
  file=$(sed -n 's/^{{#include \(.*\)}}$/\1/p' "$2")
  cp "$(dirname "$1")/$file" "$2"
}

# Commands after "$ ", and their output. With $rewrite set, the output is written to the document of the project instead.
console_says() { # BLOCK DOCUMENT
  local typed command
  typed=$(sed -n 's/^\$ //p' "$1")
  [ -n "$typed" ] || fail "no commands in $1"
  while read -r command; do
    printf '$ %s\n' "$command"
    as_reader bash -c "$command" 2>&1 || true
  done <<<"$typed" >"$1.output"
  if [ -n "${rewrite:-}" ]; then
    rewrite_block "$1" "$1.output" "${2/#"$world/documents"/$project}"
  else
    diff "$1" "$1.output" || fail 'a console block differs from the output; --write replaces it'
  fi
}

# Replaces the lines of a block in a document, at any place.
rewrite_block() { # BLOCK REPLACEMENT DOCUMENT
  /usr/bin/python3 - "$@" <<'PROGRAM'
import sys
from pathlib import Path
old, new, document = (Path(name) for name in sys.argv[1:])
text, old = document.read_text(), f"```console\n{old.read_text()}```\n"
if text.count(old) != 1:
    raise SystemExit(f"{document} does not have this block once:\n{old}")
document.write_text(text.replace(old, f"```console\n{new.read_text()}```\n"))
PROGRAM
}

the_flake_evaluates() { # BLOCK: the flake in the current directory, or that of the block
  local directory=$here
  if [ -e "$here/flake.nix" ]; then
    diff "$1" "$here/flake.nix"
  else
    directory=$world/flakes/$(basename "$1")
    mkdir -p "$directory"
    cp "$1" "$directory/flake.nix"
  fi
  # shellcheck disable=SC2016 # Nix's variables
  (cd "$directory" && "$commands/nix" eval --json .#packages.x86_64-linux \
    --apply 'set: map (name: set.${name}.drvPath) (builtins.attrNames set)') | jq -e 'length > 0' >/dev/null
}
