# The package of the tool.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_the_package_is_built_from_cargo_files_only() {
  local files without
  files=$(cd "$(package_source plain)" && find . -type f | sort)
  has "$files" ./Cargo.lock
  has "$files" ./src/main.rs
  none 'other files' "$(grep -vE '^\./(Cargo\.(toml|lock)|build\.rs|(src|benches)/.*)$' <<<"$files")"
  without=$files
  files=$(cd "$(package_source tests)" && find . -type f | sort)
  has "$files" ./tests/fixtures/amd64-bli-hello-gz.tar.gz
  none 'missing files' "$(comm -23 <(echo "$without") <(echo "$files"))"
  none 'other files' "$(comm -13 <(echo "$without") <(echo "$files") |
    grep -vE '^\./(docs/(json|verify)\.md|tests/(fixtures|snapshots|fuzz/corpus)/.*|tests/.*\.rs)$')"
}
package_source() { physical "$(evaluate --read-write-mode "$cases" -A "packageSources.$1" | jq -r .)"; }

# Compiling the copies would take a minute. The compiler has listed the files that it read for the project.
case_cargo_finds_all_it_needs_in_the_sources_of_the_package_and_in_the_crate() {
  local artifacts crate=$world/crate
  # Nothing in here depends on the version of Nix.
  [ ! -e /usr/lib/polyarch-newer-tools ] || return 0
  (cd "$project" && as_the_user cargo package --offline --allow-dirty --no-verify --quiet --target-dir target)
  mkdir "$crate"
  tar -xzf "$project"/target/package/polyarch-*.crate -C "$crate" --strip-components 1
  artifacts=$(cd "$project" && as_the_user cargo test --offline --locked --no-run --quiet --message-format=json |
    jq -r --arg manifest "$project/Cargo.toml" 'select(.manifest_path == $manifest and .executable and .profile.test).executable')

  # Of the program, without its tests.
  cargo_finds "$(package_source plain)" "$(tr ' ' '\n' <"$POLYARCH.d" | sed 1d)"
  cargo_finds "$(package_source tests)" "$(files_of .)"
  # The seeds of the fuzz targets are not in the crate.
  cargo_finds "$crate" "$(files_of '/(polyarch|integration)-[0-9a-f]*$')"
}
files_of() { # REGEX: what was read for these artifacts
  grep -E "$1" <<<"$artifacts" | while read -r artifact; do sed -n 's/:$//p' "$artifact.d"; done
}
# Checks that a copy of the project has its manifest, and these files of the project.
cargo_finds() { # DIRECTORY FILES
  local files
  (cd "$1" && as_the_user cargo metadata --offline --locked --format-version 1 >/dev/null)
  files=$(cd "$project" && xargs realpath --no-symlinks --canonicalize-missing --relative-to=. build.rs <<<"$2" |
    grep -v -e '^\.\./' -e '^target/' | sort -u)
  has "$files" src/main.rs
  none "missing in $1" "$(cd "$1" && while read -r file; do [ -e "$file" ] || echo "$file"; done <<<"$files")"
}

case_the_files_for_nixpkgs_give_the_package_and_the_image() {
  local digest what
  build -A forNixpkgs.package
  same name "$(evaluate "$cases" -A forNixpkgs.archive.imageName)" '"hello"'
  digest=$(archive_digest "$(physical "$(build -A bySystem)")")
  for what in archive tarballs; do
    cmp "$(physical "$(build -A "forNixpkgs.$what")")" "$(physical "$(build -A bySystem)")"
  done
  same 'digest of the layout' "$(layout_digest "$(physical "$(build -A forNixpkgs.asList)")")" "$digest"
  same 'output digest' "$(cat "$(physical "$(build -A forNixpkgs.archive.digest)")")" "$digest"
  same overridden "$(drv forNixpkgs.overridden)" "$(drv forNixpkgs.archive)"
  [[ $(evaluate "$cases" -A forNixpkgs.hashTag.imageTag) =~ ^\"[0-9a-z]{32}\"$ ]]
  # A package that contains the tag does not need the image without it.
  same context "$(nix-instantiate --eval --read-write-mode -E "builtins.hasContext (import $cases { }).forNixpkgs.hashTag.imageTag")" false
  has "$(tar -xOf "$(physical "$(build -A forNixpkgs.hashTag)")" index.json)" \
    "docker.io/library/hello:$(evaluate "$cases" -A forNixpkgs.hashTag.imageTag | jq -r .)"
  same annotations "$(skopeo inspect --raw "oci-archive:$(physical "$(build -A forNixpkgs.annotated)")" | jq -S .annotations)" \
    "$(evaluate "$cases" -A annotations | jq -S .)"
  refuse nix-build --no-out-link "$cases" -A forNixpkgs.wrongPlatform
  has "$said" 'its platform is linux/amd64'
  refuse nix-instantiate "$cases" -A forNixpkgs.wrongFormat
  has "$said" 'buildMultiArchImage: format must be one of'
  refuse nix-instantiate "$cases" -A forNixpkgs.wrongKey
  has "$said" 'arm64 is neither a Nix system nor an OCI platform'
  refuse nix-instantiate "$cases" -A forNixpkgs.otherMachineStream
  has "$said" 'runs on riscv64-linux'
  # This machine's programs stand in for those of the other one.
  cmp "$(physical "$(build --option extra-platforms riscv64-linux -A forNixpkgs.otherMachine)")" \
    "$(physical "$(build -A bySystem)")"
}

# shellcheck disable=SC2016 # sed and jq have their own $ and `
case_the_section_for_the_manual_of_nixpkgs_has_a_true_example_and_all_its_identifiers() {
  local section=$project/nix/nixpkgs/doc/build-helpers/images/dockertools-multi-arch.section.md example=$world/example-of-manual.nix
  awk '/^```nix/ { on = 1; next } /^```/ { on = 0 } on' "$section" >"$example"
  cmp "$(physical "$(nix-build --no-out-link -E "(import $cases { }).forNixpkgs.example $example")")" \
    "$(physical "$(build -A bySystem)")"
  same identifiers "$(sed -n '/^```json/,/^```/p' "$project/nix/nixpkgs/README.md" | sed '/^```/d' | jq -r 'keys | sort[]')" \
    "$(grep -o '{[^}]*#[^}]*}' "$section" | sed 's/.*#\(.*\)}/\1/' | sort)"
  same arguments "$(sed -n '/-inputs}/,/-outputs}/s/^`\([a-z]*\)` (.*/\1 &/p' "$section" | sed 's/ .*_optional_.*/ true/; s/ `.*/ false/' | sort)" \
    "$(evaluate "$cases" -A forNixpkgs.arguments | jq -r 'to_entries[] | "\(.key) \(.value)"')"
}

# The commands of the NixOS test run on this machine, because a virtual machine cannot run in here.
case_the_test_for_nixpkgs_passes() {
  local tools=$world/tools-of-the-test program
  mkdir -p "$tools"
  for program in podman skopeo; do
    # shellcheck disable=SC2016 # $@ is that of the script
    printf '#!/bin/sh\nexec %s %s "$@"\n' "$(type -P "$program")" \
      "$([ "$program" = skopeo ] && echo --insecure-policy || echo "--tmpdir $podman_tmp")" >"$tools/$program"
    chmod +x "$tools/$program"
  done
  sed "s|/nix/store|$store/nix/store|g" "$(physical "$(build -A forNixpkgs.testScript)")" >"$tools/script.py"
  (cd "$tools" && PATH=$tools:$PATH python3 - script.py) <<'DRIVER'
import contextlib, subprocess, sys

class Machine:
    def wait_for_unit(self, unit):
        assert unit == "multi-user.target", unit

    def succeed(self, command):
        shell = ["bash", "-euo", "pipefail", "-c", command]
        return subprocess.run(shell, check=True, stdout=subprocess.PIPE, text=True).stdout

passed = []

@contextlib.contextmanager
def subtest(name):
    yield
    passed.append(name)

exec(open(sys.argv[1]).read(), {"machine": Machine(), "subtest": subtest})
assert len(passed) == 2, passed
DRIVER
}

case_the_package_for_nixpkgs_has_the_hash_of_the_crates() {
  # Nothing in here depends on the version of Nix.
  [ ! -e /usr/lib/polyarch-newer-tools ] || return 0
  same cargoHash "$(sed -n 's/.*cargoHash = "\(.*\)";/\1/p' "$project/nix/nixpkgs/pkgs/by-name/po/polyarch/package.nix")" \
    "$(as_the_user "$project/nix/nixpkgs/cargo-hash")"
}

case_the_check_of_the_flake_is_the_package_with_its_tests() {
  same doCheck "$(for what in package packageWithTests; do
    show_derivations "$(drv "$what")" | jq -c '.[].env.doCheck'
  done)" $'""\n"1"'
  same check "$(flake_nix eval --raw --override-input nixpkgs "$nixpkgs_flake" \
    "$source_flake#checks.$this_system.polyarch.drvPath")" "$(drv packageWithTests)"
  has "$(drv packageOfAnotherRust)" '-polyarch-'
}

case_the_package_of_a_release_is_its_program() {
  local directory=$world/release package hash expression
  mkdir "$directory"
  cp "$POLYARCH" "$directory/polyarch-$(uname -m)-unknown-linux-gnu"
  hash=$(nix hash file "$directory"/polyarch-*)
  expression="let cases = import $cases { }; package = hash: cases.packageOfRelease { url = \"file://$directory\"; inherit hash; }; in"
  # The builder that downloads is in the sandbox, too.
  package=$(nix-build --no-out-link --option extra-sandbox-paths "$directory" -E "$expression package \"$hash\"")
  cmp "$POLYARCH" "$(physical "$package")/bin/polyarch"
  grep -q 'SH NAME' "$(physical "$package")/share/man/man1/polyarch.1"
  has "$(in_store "$package/bin/polyarch" --version)" 'polyarch 0.1.0'
  # A program with another hash is refused.
  refuse nix-build --no-out-link --option extra-sandbox-paths "$directory" -E "$expression package \"sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""
  has "$said" 'hash mismatch'
  # There is no release of the project to get.
  if [ "$(jq -r .version "$project/nix/release.json")" = null ]; then
    refuse nix-instantiate "$cases" -A packageOfNoRelease
    has "$said" 'polyarch-bin: there is no release for'
  fi
}

case_the_package_has_manual_pages_and_completions() {
  local package
  package=$(physical "$(build -A package)")
  grep -q 'SH NAME' "$package/share/man/man1/polyarch-merge.1"
  grep -q 'SH NAME' "$package/share/man/man1/polyarch.1"
  bash -n "$package/share/bash-completion/completions/polyarch.bash"
  grep -q compdef "$package/share/zsh/site-functions/_polyarch"
  grep -q 'complete -c polyarch' "$package/share/fish/vendor_completions.d/polyarch.fish"
}
