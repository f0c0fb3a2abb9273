# Machines whose registries.conf has the v1 format, which skopeo 1.23 and later refuse.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

# The scripts on a skopeo that treats files in the v1 format as 1.23 does, and is the machine's own one otherwise.
# Debian's skopeo reads v1 files itself and ignores CONTAINERS_REGISTRIES_CONF; --registries-conf is what it has instead.
strict_script() { # ATTRIBUTE
  # shellcheck disable=SC2016 # the variables are the script's
  nix-build --no-out-link 2>/dev/null -E "
    let
      strict = final: _: {
        skopeo = final.writeShellApplication {
          name = \"skopeo\";
          runtimeInputs = [ final.jq final.toml2json ];
          text = builtins.readFile $world/strict-skopeo;
        };
      };
      pkgs = import <nixpkgs> { overlays = [ strict ]; };
      polyarch = pkgs.callPackage $source/nix { };
      images = pkgs.callPackage $source/tests/nix/images.nix { };
    in
    {
      inherit (polyarch) skopeo;
      image = polyarch.mkMultiArchImage { name = \"$registry/team/hello\"; images = [ images.amd64 images.arm64 ]; };
    }" -A "$1"
}

write_strict_skopeo() {
  cat >"$world/strict-skopeo" <<'STRICT'
printf '%s\n' "${CONTAINERS_REGISTRIES_CONF:-none}" >>"$STRICT_LOG"
options=()
if [ -n "${CONTAINERS_REGISTRIES_CONF:-}" ]; then
  files=("$CONTAINERS_REGISTRIES_CONF")
  options=(--registries-conf "$CONTAINERS_REGISTRIES_CONF")
  cp "$CONTAINERS_REGISTRIES_CONF" "$STRICT_LOG.conf"
else
  files=(/etc/containers/registries.conf.d/*.conf)
  for file in "${XDG_CONFIG_HOME-$HOME/.config}/containers" /etc/containers /usr/share/containers; do
    [ ! -e "$file/registries.conf" ] || { files+=("$file/registries.conf"); break; }
  done
fi
for file in "${files[@]}"; do
  [ -e "$file" ] || continue
  if toml2json "$file" | jq -e '.registries | type == "object"' >/dev/null; then
    echo "level=fatal msg=\"loading registries configuration \\\"$file\\\": registries.conf must be in v2 format but is in v1\"" >&2
    exit 1
  fi
done
exec /usr/bin/skopeo "${options[@]}" "$@"
STRICT
  export STRICT_LOG=$world/strict-log
}

# Runs a script of an image where /etc/containers has the files of a directory, as a user without other settings.
on_machine() { # DIRECTORY COMMAND…
  local user=()
  [ "$(id -u)" -eq 0 ] || user=(--map-root-user)
  in_store true # sets in_store_path
  # Outside of the namespace of in_store, whose root cannot be changed. The new one is private.
  # shellcheck disable=SC2016 # the variables are the inner shell's
  unshare --mount "${user[@]}" sh -ec 'mount --bind "$0" /etc/containers; exec "$@"' "$1" \
    env -u CONTAINERS_REGISTRIES_CONF -u XDG_CONFIG_HOME HOME="$world/user-home" \
    nix shell "$in_store_path" --command "${@:2}"
}

# The v1 files that are found in public: what GitHub's Ubuntu runners had until August 2026, the file of CentOS 7 and
# home-manager with its three tables, and the nested form that OpenShift writes.
machine() { # NAME: makes $world/machines/NAME with a registries.conf from standard input
  mkdir -p "$world/machines/$1/registries.conf.d" "$world/user-home"
  cat >"$world/machines/$1/registries.conf"
  echo '{ "default": [{ "type": "insecureAcceptAnything" }] }' >"$world/machines/$1/policy.json"
}
v1_machines() {
  local insecure=$1
  machine runner <<'CONF'
[registries.search]
registries = ['docker.io', 'quay.io']
CONF
  machine three-tables <<CONF
# This is a system-wide configuration file used to
# keep track of registries for various container backends.
[registries.search]
registries = ['docker.io', 'registry.fedoraproject.org', 'quay.io']

# If you need to access insecure registries, add the registry's fully-qualified name.
[registries.insecure]
registries = ['$insecure']

[registries.block]
registries = ["blocked.example:5000/", 'other.example/team']
CONF
  machine nested <<CONF
[registries]
  [registries.search]
    registries = ["registry.access.redhat.com", "docker.io"]
  [registries.insecure]
    registries = [
      "$insecure", # the registry of this cluster
      "172.30.0.0/16",
    ]
  [registries.block]
    registries = []
CONF
}

case_push_and_login_work_where_registries_conf_has_the_v1_format() {
  local machine push login digest
  write_strict_skopeo
  start_registry "$world/v1"
  v1_machines "$registry"
  push=$(strict_script image.push)/bin/push-hello
  login=$(strict_script image.login)/bin/login-hello
  digest=$(archive_digest "$(physical "$(build -A bySystem)")")
  for machine in runner three-tables nested; do
    # The error that this is about; without it the rest of this test would show nothing.
    rm -f "$STRICT_LOG"*
    refuse on_machine "$world/machines/$machine" \
      "$(grep -o '/nix/store/[^/]*-skopeo/bin/skopeo' "$(physical "$(strict_script skopeo)")/bin/skopeo" | head -n 1)" list-tags "docker://$registry/x"
    has "$said" 'registries.conf must be in v2 format but is in v1'

    # The registry has no TLS: two of the files say that, and the third one needs the option.
    local options=()
    [ "$machine" != runner ] || options=(--dest-tls-verify=false)
    same "digest from $machine" "$(on_machine "$world/machines/$machine" "$push" "${options[@]}" "$registry/from/$machine" 2>"$world/push-log")" \
      "$digest" || cat "$world/push-log"
    same "digest at the registry" "$(raw_digest --tls-verify=false "docker://$registry/from/$machine")" "$digest"
    [ "${#options[@]}" -eq 1 ] || options=()
    on_machine "$world/machines/$machine" "$login" --authfile "$world/auth-$machine.json" --tls-verify=false \
      --username me --password-stdin <<<secret
    # The temporary files are gone, and the machine's files are as before.
    [ "$(grep -vc none "$STRICT_LOG")" -ge 3 ]
    while read -r file; do [ "$file" = none ] || [ ! -e "$file" ] || fail "$file is left"; done <"$STRICT_LOG"
  done
}

case_registries_conf_in_the_v2_format_carries_everything_over() {
  local script dir=$world/machines/three-tables found
  write_strict_skopeo
  registry=127.0.0.1:1
  v1_machines insecure.example:5000
  script=$(strict_script skopeo)/bin/skopeo
  cat >"$dir/registries.conf.d/10-mirror.conf" <<'CONF'
credential-helpers = ["containers-auth.json"]
[aliases]
"hello" = "quay.io/me/hello"
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "mirror.example:5000"
insecure = true
CONF
  cat >"$dir/registries.conf.d/20-unblock.conf" <<'CONF'
[[registry]]
location = "other.example/team"
CONF
  refuse on_machine "$dir" "$script" inspect docker://blocked.example:5000/x
  has "$said" 'registry blocked.example:5000 is blocked in'
  has "$said" 'note: /etc/containers/registries.conf has the v1 format'
  found=$(python3 -c 'import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], "rb"))))' "$STRICT_LOG.conf")
  same 'all settings' "$(jq -cS . <<<"$found")" "$(jq -cS . <<<'{
    "unqualified-search-registries": ["docker.io", "registry.fedoraproject.org", "quay.io"],
    "credential-helpers": ["containers-auth.json"],
    "aliases": { "hello": "quay.io/me/hello" },
    "registry": [
      { "location": "blocked.example:5000", "blocked": true },
      { "location": "insecure.example:5000", "insecure": true },
      { "prefix": "docker.io", "location": "docker.io", "mirror": [{ "location": "mirror.example:5000", "insecure": true }] },
      { "location": "other.example/team" }
    ] }')"

  # A file in the home directory replaces that of the system, and drop-in files of both are read.
  mkdir -p "$world/user-home/.config/containers/registries.conf.d"
  printf '[registries.block]\nregistries = ["mine.example"]\n' >"$world/user-home/.config/containers/registries.conf"
  printf 'short-name-mode = "disabled"\n' >"$world/user-home/.config/containers/registries.conf.d/10-mirror.conf"
  refuse on_machine "$dir" "$script" inspect docker://mine.example/x
  has "$said" 'registry mine.example is blocked in'
  has "$said" "note: $world/user-home/.config/containers/registries.conf has the v1 format"
  found=$(python3 -c 'import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], "rb"))))' "$STRICT_LOG.conf")
  same 'settings of the user' "$(jq -cS . <<<"$found")" "$(jq -cS . <<<'{
    "aliases": {}, "short-name-mode": "disabled",
    "registry": [{ "location": "mine.example", "blocked": true }, { "location": "other.example/team" }] }')"
  rm -r "$world/user-home/.config"
}

case_skopeo_gets_other_registries_files_unchanged() {
  local script dir=$world/machines/v2 v1=$world/v1.conf
  write_strict_skopeo
  registry=127.0.0.1:1
  machine v2 <<<'unqualified-search-registries = ["docker.io"]'
  script=$(strict_script skopeo)/bin/skopeo
  rm -f "$STRICT_LOG"
  on_machine "$dir" "$script" --version
  same 'file of a machine with v2' "$(cat "$STRICT_LOG")" none
  # A file that the user has chosen is used, whatever it contains.
  echo '[registries.search]' >"$v1"
  echo 'registries = ["docker.io"]' >>"$v1"
  refuse on_machine "$dir" env CONTAINERS_REGISTRIES_CONF="$v1" "$script" --version
  has "$said" "loading registries configuration \\\"$v1\\\": registries.conf must be in v2 format"
  # A file that is not TOML.
  echo '[registries.search' >"$dir/registries.conf"
  refuse on_machine "$dir" "$script" inspect docker://localhost:1/x
  has "$said" /etc/containers/registries.conf
  # The exit code is that of skopeo.
  printf '[registries.search]\nregistries = []\n' >"$dir/registries.conf"
  on_machine "$dir" "$script" --no-such-option 2>/dev/null || same 'exit code' "$?" "$(skopeo --no-such-option 2>/dev/null || echo $?)"
}

case_login_names_the_registry_of_the_image() {
  local name wanted given script
  # Image, the registry that the script names, and the options.
  while read -r name wanted given; do
    script=$(nix-build --no-out-link 2>/dev/null -E "((import $source { }).overrideScope (_: _: {
      skopeo = (import <nixpkgs> { }).writeShellApplication { name = \"skopeo\"; text = \"echo \\\"\$*\\\"\"; };
    })).mkLoginScript { imageName = \"$name\"; }")
    [ "$wanted" != given ] || wanted=
    # shellcheck disable=SC2086 # the options are words
    same "login for $name" "$(in_store "$script/bin/login-${name##*/}" $given)" "login${given:+ $given}${wanted:+ $wanted}"
  done <<'LOGINS'
registry.example/team/hello registry.example
hello docker.io --username me
team/hello docker.io --username me
localhost/hello localhost --username=me
a.example:5000/x a.example:5000 --password-stdin -u me
registry.example/hello given -u me other.example
LOGINS
}
