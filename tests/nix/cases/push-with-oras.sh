# The script that pushes with oras, of an image with attached documents.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

case_push_with_oras_pushes_referrers() {
  local script blobs entry artifact subject found=0
  [ -e "$world/nixpkgs/bin/oras" ] || fail 'oras is missing; tests/newer-tools gets it'
  start_registry "$world/oras"
  layout=$(nix-build --no-out-link "$source/tests/nix/attest.nix" --argstr registry "$registry" -A attached.layout 2>/dev/null)
  script=$(nix-build --no-out-link 2>/dev/null -E "
    ((import $source/tests/nix/attest.nix { registry = \"$registry\"; }).attached.override { pushWith = \"oras\"; }).push")
  same 'printed digest' "$(in_store "$script/bin/push-attested" --to-plain-http=true)" \
    "$(jq -r '.manifests[] | select(.annotations."org.opencontainers.image.ref.name" == "v1").digest' "$(physical "$layout")/index.json")"
  # The registry lists each document that the layout lists.
  blobs=$layout/blobs/sha256
  for entry in $(jq -r '.manifests[1:][].digest' "$(physical "$layout")/index.json"); do
    for artifact in $(in_store jq -r '.manifests[].digest' "$blobs/${entry#sha256:}"); do
      subject=$(in_store jq -r .subject.digest "$blobs/${artifact#sha256:}")
      has "$("$world/nixpkgs/bin/oras" discover --plain-http --format json "$registry/team/attested@$subject")" "$artifact"
      found=$((found + 1))
    done
  done
  [ "$found" -ge 5 ]
}
