# The flake of the project, and flakes that use it.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_all_outputs_of_the_flake_give_the_same_image() {
  local flake image other
  start_registry "$world/flake"
  flake=$(user_flake)
  if nix_is_at_least 2.18; then
    flake_nix flake check --override-input nixpkgs "$nixpkgs_flake" "$source_flake"
  else
    # Builds cannot run in there.
    locally flake check --no-build --override-input nixpkgs "$nixpkgs_flake" "$source_flake"
    flake_nix build --no-link --override-input nixpkgs "$nixpkgs_flake" "$source_flake#checks.$this_system.image"
  fi
  image=$(flake_nix eval --raw "$flake#image.drvPath")
  has "$image" '-hello.tar.drv'
  for other in byLib byOverlay; do
    same "$other" "$(flake_nix eval --raw "$flake#$other.drvPath")" "$image"
  done
  same tool "$(flake_nix eval --raw "$flake#toolByOverlay.drvPath")" "$(flake_nix eval --raw "$flake#tool.drvPath")"
}

case_the_flake_has_its_outputs() {
  local outputs
  outputs=$(flake_nix flake show --json --override-input nixpkgs "$nixpkgs_flake" "$source_flake")
  same outputs "$(jq -r 'keys | join(" ")' <<<"$outputs")" \
    'checks devShells flakeModules formatter legacyPackages lib overlays packages templates'
  same templates "$(jq -r '.templates | keys | join(" ")' <<<"$outputs")" "$(cd "$source/examples" && printf '%s\n' * | sed s/quick-start/default/ | sort | xargs)"
  same checks "$(jq -r --arg system "$this_system" '.checks[$system] | keys | join(" ")' <<<"$outputs")" 'image polyarch'
  same inputs "$(nix flake metadata --json --override-input nixpkgs "$nixpkgs_flake" "$source_flake" 2>/dev/null |
    jq -r '.locks.nodes.root.inputs | keys | join(" ")')" nixpkgs
}

# Without one, `nix run github:…` is an error: it cannot write one there. Nothing is fetched while it fits.
case_the_inputs_of_the_flake_are_locked() {
  nix flake metadata --no-update-lock-file --json "$source_flake" 2>/dev/null |
    jq -e '.locks.nodes.nixpkgs.locked | .narHash and .lastModified and (.rev | length == 40)' >/dev/null
}

case_the_template_by_default_is_the_quick_start() {
  # The first block of Nix in the README.
  awk '/^```nix/ { block++; next } /^```/ { if (block) exit } block' "$project/README.md" |
    diff - "$project/examples/quick-start/template/flake.nix"
}

case_a_project_from_the_template_passes_nix_flake_check() {
  local dir=$world/from-template overrides
  mkdir "$dir"
  cp "$project/examples/quick-start/template/flake.nix" "$dir"
  overrides=(--override-input polyarch "$source_flake" --override-input nixpkgs "$nixpkgs_flake"
    --override-input polyarch/nixpkgs "$nixpkgs_flake")
  if nix_is_at_least 2.18; then
    flake_nix flake check --all-systems --no-build "${overrides[@]}" "path:$dir"
    flake_nix flake check "${overrides[@]}" "path:$dir"
  else
    # Builds cannot run in there.
    locally flake check --no-build "${overrides[@]}" "path:$dir"
  fi
}

case_nix_run_of_an_image_says_what_can_be_run() {
  local flake
  start_registry "$world/run"
  flake=$(user_flake)
  refuse nix run "$flake#image"
  has "$said" 'an image is not a program; run its attribute push, copyToPodman, copyToDocker or inspect'
}

case_the_module_for_flake_parts_gives_the_image_of_mk_multi_arch_image() {
  local dir=$world/flake-parts-user
  mkdir "$dir"
  cat >"$dir/flake.nix" <<FLAKE
{
  inputs.nixpkgs.url = "$nixpkgs_flake";
  inputs.flake-parts.url = "path:$world/flake-parts";
  inputs.polyarch.url = "$source_flake";
  inputs.polyarch.inputs.nixpkgs.follows = "nixpkgs";
  outputs = inputs: let
    images = [ "\${inputs.polyarch}/tests/fixtures/amd64-bli-hello-gz.tar.gz" ];
    flake = inputs.flake-parts.lib.mkFlake { inherit inputs; } {
      imports = [ inputs.polyarch.flakeModules.default ];
      systems = [ "$this_system" ];
      perSystem.multiArchImages = { hello = { inherit images; }; other = { name = "registry.example/hello"; inherit images; }; };
    };
  in flake // {
    byHand = inputs.polyarch.legacyPackages.$this_system.mkMultiArchImage { name = "hello"; inherit images; };
  };
}
FLAKE
  same image "$(flake_nix eval --raw "path:$dir#hello.drvPath")" "$(flake_nix eval --raw "path:$dir#byHand.drvPath")"
  same name "$(flake_nix eval --raw "path:$dir#other.imageName")" registry.example/hello
}
