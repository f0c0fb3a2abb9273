# Documents that mkMultiArchImage attaches: provenance, SBOMs and statements of the user.
# shellcheck shell=bash disable=SC2154 # tests/nix/run and common.sh assign the variables

attest() { # ATTRIBUTE OPTION…
  nix-build --no-out-link "$source/tests/nix/attest.nix" -A "$@" 2>"$world/build-log" || {
    cat "$world/build-log" >&2
    return 1
  }
}
attest_drv() { nix-instantiate "$source/tests/nix/attest.nix" -A "$1" 2>/dev/null; }

case_documents_do_not_change_an_image_that_does_not_attach_them() {
  local attribute
  for attribute in '' .layout .push .copyToPodman; do
    same "$attribute" "$(attest_drv "unattached$attribute")" "$(attest_drv "plain$attribute")"
  done
  none 'provenance' "$(nix-instantiate --eval -E "(import $source/tests/nix/attest.nix { }).plain ? provenance" | grep true)"
}

case_provenance_names_what_nix_knows_and_depends_on_none_of_it() {
  local file derivation references
  file=$(physical "$(attest 'attached.provenance."linux/amd64"')")
  derivation=$(attest_drv 'attached.layouts."linux/amd64"')
  same 'statement' "$(jq -c '[._type, .predicateType, .predicate.runDetails.builder.id]' "$file")" \
    '["https://in-toto.io/Statement/v1","https://slsa.dev/provenance/v1","https://github.com/me/hello/actions"]'
  same 'external parameters' "$(jq -cS .predicate.buildDefinition.externalParameters "$file")" \
    '{"image":"registry.example/team/attested","platform":"linux/amd64","url":"git+https://github.com/me/hello"}'
  same 'layout' "$(jq -r .predicate.buildDefinition.internalParameters.layout.derivation "$file")" "$derivation"
  has "$(jq -r .predicate.buildDefinition.internalParameters.image.derivation "$file")" '-hello.tar.gz.drv'
  same 'options' "$(jq -c .predicate.buildDefinition.internalParameters.layout.options "$file")" \
    '["--format=oci-layout","--compression=gzip","--layer-records"]'
  same 'polyarch' "polyarch $(jq -r .predicate.buildDefinition.internalParameters.polyarch "$file")" "$("$POLYARCH" -V)"
  same 'dependencies' "$(jq -c '[.predicate.buildDefinition.resolvedDependencies[] | [.name, .digest.gitCommit, .annotations]]' "$file")" \
    '[["flake","a3f5e8d1c2b4a69788796a5b4c3d2e1f00112233",{"narHash":"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}],["nixpkgs",null,{"dirtyRev":"0000000000000000000000000000000000000000-dirty","narHash":"sha256-nixpkgs"}]]'
  none 'a time' "$(grep -E '20[0-9][0-9]-|started|finished' "$file")"
  # The names in it are texts: neither the file nor its derivation refers to what they name.
  none 'references' "$(nix-store --query --references "$(attest 'attached.provenance."linux/amd64"')")"
  references=$(nix-store --query --requisites "$(attest_drv 'attached.provenance."linux/amd64"')")
  none 'what it names' "$(grep -E 'hello\.tar\.gz|-layout-|-source$|-nixpkgs$' <<<"$references")"
  # An image that is a file has no derivation.
  file=$(physical "$(attest 'byPath.provenance."linux/amd64"')")
  has "$(jq -r .predicate.buildDefinition.internalParameters.image.path "$file")" '-amd64-bli-hello-gz.tar.gz'
}

case_documents_are_in_the_index_of_each_format_and_beside_the_layout() {
  local archive layout digest
  archive=$(physical "$(attest archive)")
  layout=$(physical "$(attest layout)")
  digest=$(layout_digest "$layout")
  same 'digest of the archive' "$(archive_digest "$archive")" "$digest"
  same 'digest without referrers' "$(layout_digest "$(physical "$(attest indexOnly.layout)")")" "$digest"
  same 'output' "$(cat "$(physical "$(attest layout.digest)")")" "$digest"
  same 'descriptors of the archive' "$(tar -xOf "$archive" index.json | jq '.manifests | length')" 1
  same 'documents of the layout' "$(in_store "$POLYARCH" inspect --json "$(attest layout)" |
    jq -c '[.platforms[] | [.platform, ([.attached[] | "\(.form) \(.content)"] | sort)]]')" \
    '[["linux/amd64",["index slsa-provenance","index spdx","referrers slsa-provenance","referrers spdx"]],["linux/arm64",["index cyclonedx","index slsa-provenance","index spdx","referrers cyclonedx","referrers slsa-provenance","referrers spdx"]]]'
  none 'findings' "$(in_store "$POLYARCH" verify --json "$(attest layout)" "$(attest archive)" |
    jq -r '.findings[].id' | grep -vxE 'companion|several-descriptors')"
  has "$(nix-instantiate --eval "$source/tests/nix/attest.nix" -A hashTag)" '"'
  attest layout.tests.readsBack
}

# A document names store paths. An image must not keep them, nor Nix build them for it.
case_attached_documents_add_no_references() {
  local references
  nix_is_at_least 2.18 || return 0
  none 'references of the archive' "$(nix-store --query --references "$(attest archive)")"
  references=$(nix-store --query --references "$(attest layout)")
  none 'references besides the layouts' "$(grep -v -- '-layout-linux-' <<<"$references")"
  has "$(zcat -f "$(physical "$(attest layout)")"/blobs/sha256/* 2>/dev/null | grep -ao 'nix/store/[^"]*-component' | head -n 1)" component
}

case_the_documents_of_all_platforms_are_in_one_directory() {
  local directory platform
  directory=$(attest attached.provenance)
  same 'files' "$(ls "$(physical "$directory")")" $'linux-amd64.intoto.json\nlinux-arm64.intoto.json'
  for platform in amd64 arm64; do
    cmp "$(physical "$directory")/linux-$platform.intoto.json" "$(physical "$(attest "attached.provenance.\"linux/$platform\"")")"
  done
  same 'SBOMs' "$(ls "$(physical "$(attest sbom.sbom)")")" $'linux-amd64.spdx.json\nlinux-arm64.spdx.json'
  same 'own SBOMs' "$(ls "$(physical "$(attest ownSbom.sbom)")")" linux-amd64.json
  ! nix_is_at_least 2.18 || none references "$(nix-store --query --references "$(attest sbom.sbom)")"
}

case_a_document_that_is_a_directory_is_an_error() {
  refuse nix-build --no-out-link "$source/tests/nix/attest.nix" -A directoryAsSbom
  has "$said" '-directory, a document for linux/amd64, is not a file; expected an SBOM or an in-toto statement in JSON'
}

case_scripts_take_the_image_without_referrers() {
  local script
  for script in push copyToPodman.allPlatforms copyToDocker.allPlatforms; do
    same "$script" "$(attest_drv "attached.$script")" "$(attest_drv "indexOnly.$script")"
  done
  # The one of this machine has the documents of its platform.
  attest attached.copyToPodman
}

case_pushed_documents_are_read_by_other_tools() {
  local image=$world/attested buildx=/usr/libexec/docker/cli-plugins/docker-buildx
  start_registry "$world"
  nix-build --no-out-link "$source/tests/nix/attest.nix" --argstr registry "$registry" -A attached.push >"$image" 2>/dev/null
  in_store "$(cat "$image")/bin/push-attested" --dest-tls-verify=false
  same 'platforms' "$(skopeo inspect --tls-verify=false --raw "docker://$registry/team/attested:v1" |
    jq -c '[.manifests[].platform.architecture]')" '["amd64","arm64","unknown","unknown"]'
  if [ -x "$buildx" ]; then
    same 'SBOMs' "$("$buildx" imagetools inspect "$registry/team/attested:v1" --format '{{json .SBOM}}' |
      jq -c 'map_values(.SPDX.name)')" '{"linux/amd64":"hello","linux/arm64":"hello"}'
    same 'provenance' "$("$buildx" imagetools inspect "$registry/team/attested:v1" --format '{{json .Provenance}}' |
      jq -c 'map_values(.SLSA.buildDefinition.externalParameters.platform)')" \
      '{"linux/amd64":"linux/amd64","linux/arm64":"linux/arm64"}'
  fi
  command -v oras >/dev/null || return 0
  nix-build --no-out-link "$source/tests/nix/attest.nix" --argstr registry "$registry" -A withOras.push >"$image" 2>/dev/null
  in_store "$(cat "$image")/bin/push-attested" -- --to-plain-http
  same 'referrers' "$(oras discover --plain-http --format json --platform linux/arm64 "$registry/team/attested:v1" |
    jq -c '[.referrers[].artifactType] | sort')" \
    '["application/spdx+json","application/vnd.cyclonedx+json","application/vnd.in-toto+json"]'
}

case_an_image_is_signed_and_verified_by_the_digest_of_its_build() {
  local sign verify digest dry
  # Debian 12 has no cosign.
  command -v cosign >/dev/null || return 0
  start_registry "$world"
  signed() { nix-build --no-out-link "$source/tests/nix/attest.nix" --argstr registry "$registry" -A "indexOnly.$1" 2>/dev/null; }
  digest=$(layout_digest "$(physical "$(signed layout)")")
  sign=$(signed sign)/bin/sign-attested verify=$(signed verifySignature)/bin/verify-signature-attested
  export COSIGN_PASSWORD=
  mkdir "$world/keys"
  (cd "$world/keys" && cosign generate-key-pair && COSIGN_PASSWORD=x cosign generate-key-pair --output-key-prefix other) 2>/dev/null
  # Without the internet there is no transparency log.
  local with_key=(--key "$world/keys/cosign.key" --tlog-upload=false --use-signing-config=false)
  local with_public_key=(--key "$world/keys/cosign.pub" --insecure-ignore-tlog=true)

  dry=$(in_store "$sign" --dry-run one.example/hello:v2 -- --key 'my key')
  same 'dry run' "$dry" "cosign sign --recursive --key my\\ key one.example/hello@$digest
one.example/hello@$digest"
  same 'dry run of the verification' "$(in_store "$verify" --dry-run one.example/hello -- --key cosign.pub 2>/dev/null |
    cut -d ' ' -f 1-5)" "cosign verify --key cosign.pub one.example/hello@$digest"
  refuse in_store "$sign" -- "${with_key[@]}"
  has "$said" "hint: push this build first: nix run .#image.push -- $registry/team/attested"
  in_store "$(signed push)/bin/push-attested" --dest-tls-verify=false
  refuse in_store "$verify" -- "${with_public_key[@]}"
  has "$said" "cosign verify failed for $registry/team/attested@$digest"
  has "$said" "nix run .#image.sign -- $registry/team/attested -- --key FILE"
  same 'signed' "$(in_store "$sign" -- "${with_key[@]}")" "$registry/team/attested@$digest"
  same 'verified' "$(in_store "$verify" -- "${with_public_key[@]}")" \
    "$registry/team/attested@$digest is signed, and so are its 4 manifests"
  refuse in_store "$verify" -- --key "$world/keys/other.pub" --insecure-ignore-tlog=true
  # The name without a port is not a tag.
  has "$(in_store "$sign" --dry-run "$registry/team/attested")" " $registry/team/attested@sha256:"
  refuse in_store "$sign" "$registry/team/attested@$digest"
  has "$said" 'the script adds that of this build'
  refuse in_store "$sign" --dry-run ''
  has "$said" "'' is not the name of an image in a registry"
  # A hint follows from the error: this one names a file that does not exist.
  refuse in_store "$verify" -- --key "$world/keys/none.pub" --insecure-ignore-tlog=true
  none 'hint' "$(grep '^hint' <<<"$said")"
  refuse in_store "$verify"
  has "$said" 'hint: give the key, or the identity of a keyless signature'
}

case_reproduce_builds_again_and_compares_with_the_registry() {
  local reproduce digest other
  start_registry "$world"
  of() { nix-build --no-out-link "$source/tests/nix/attest.nix" --argstr registry "$registry" -A "$1" 2>/dev/null; }
  # Where the scratch store is at /nix/store, the kernel allows no namespaces of a sandbox.
  again() { in_store env NIX_STATE_DIR="$store/nix/var/nix" NIX_CONFIG=$'store = local\nsandbox = false' "$@"; }
  digest=$(layout_digest "$(physical "$(of plain.layout)")")
  reproduce=$(of plain.reproduce)/bin/reproduce-attested
  in_store "$(of plain.push)/bin/push-attested" --dest-tls-verify=false
  same 'result' "$(again "$reproduce" --tls-verify=false)" \
    "REPRODUCED: $registry/team/attested:v1 is $digest, as this build"
  # Only the index is another one.
  in_store "$(of indexOnly.push)/bin/push-attested" --dest-tls-verify=false
  refuse again "$reproduce" --skip-rebuild --tls-verify=false
  has "$said" "DIFFERENT: $registry/team/attested:v1 is $(layout_digest "$(physical "$(of indexOnly.layout)")"), and this build is $digest; the images are the same; of the attached documents, https://slsa.dev/provenance/v1 of linux/amd64 differs first"
  # Without a tag, it is that of the image.
  refuse again "$reproduce" --skip-rebuild "$registry/team/none" --tls-verify=false
  has "$said" "DIFFERENT: $registry/team/none:v1 is not in the registry, and this build is $digest"
  unanswered() { # MESSAGE ARGUMENT…
    local status=0
    said=$(again "$reproduce" --skip-rebuild "${@:2}" 2>&1) || status=$?
    same "exit code of ${*:2}" "$status" 2
    has "$said" "$1"
  }
  unanswered '2 names; expected one' one.example/a one.example/b
  unanswered "'' is not a name" ''
  unanswered "'dir' is not an option" -- --cert-dir dir
  unanswered 'hint: the registry has no TLS; add: -- --tls-verify=false'
  unanswered 'hint: check the name and the port' 127.0.0.1:1/x
  # One image is another one.
  in_store "$(of otherArm64.push)/bin/push-attested" --dest-tls-verify=false
  refuse again "$reproduce" --skip-rebuild --tls-verify=false
  has "$said" 'the image for linux/arm64 differs first'
  # A derivation with another result each time.
  other=$(of unstable.reproduce)/bin/reproduce-attested
  refuse again "$other" --tls-verify=false
  has "$said" 'NOT REPRODUCIBLE: a second build of /nix/store/'
  has "$said" '-unstable.tar.gz.drv gives another result'
}

case_a_layout_names_what_its_build_reads() {
  local read='image: baseNameOf image.layouts."linux/amd64".source.name or image.layouts."linux/amd64".source'
  # A conf; a stream; the archive of an image without a stream; a path; a layout that is given as an image.
  same sources "$(evaluate -E "with import $source/tests/nix/attest.nix { }; map ($read) [ sbom plain unstable byPath layoutAsImage ]")" \
    '["tree-conf.json","stream-hello","unstable.tar.gz","amd64-bli-hello-gz.tar.gz","tree-conf.json"]'
}

case_an_sbom_agrees_with_what_nix_has_registered() {
  local layout sbom component hash
  layout=$(attest sbom.layout)
  same 'attached' "$(in_store "$POLYARCH" inspect --json "$layout" | jq -c '[.platforms[].attached[].content]')" '["spdx","spdx"]'
  sbom=$(physical "$(attest 'cyclonedx.sbom."linux/arm64"')")
  component=$(nix-build --no-out-link -E "with import $source/tests/nix/attest.nix { }; { inherit component; }" -A component 2>/dev/null)
  hash=$(nix-store --query --hash "$component")
  same 'NAR hash' "$(nix hash to-sri --type sha256 "$(jq -r --arg path "$component" '.components[] |
    select(any(.properties[]?; .value == $path)) | .properties[] | select(.name == "nix:narinfo:nar_hash") | .value' "$sbom" |
    sed 's/^sha256://')" 2>/dev/null)" "$(nix hash to-sri --type sha256 "${hash#sha256:}" 2>/dev/null)"
  # It describes the manifests of the image.
  for what in sbom annotatedSbom; do
    layout=$(attest "$what.layout")
    sbom=$(physical "$(attest "$what.sbom.\"linux/amd64\"")")
    has "$(cat "$sbom")" "$(in_store "$POLYARCH" inspect --json "$layout" | jq -r '.platforms[0].manifest.digest' | cut -d: -f2)"
    has "$(cat "$sbom")" 'team/attested:v1'
  done
  has "$(nix-instantiate --eval "$source/tests/nix/attest.nix" -A hashedSbom)" '"'
  ! nix_is_at_least 2.18 || none references "$(nix-store --query --references "$(attest 'cyclonedx.sbom."linux/arm64"')")"
  # Without a conf there is no closure; the image has an SBOM nevertheless.
  has "$(cat "$(physical "$(attest 'sbomOfArchives.sbom."linux/amd64"')")")" '"spdxVersion": "SPDX-2.3"'
  same 'attached' "$(in_store "$POLYARCH" inspect --json "$(attest ownSbom.layout)" | jq -c '[.platforms[].attached[].content]')" '["spdx"]'
}

case_an_image_that_lacks_a_part_of_its_closure_fails_the_build() {
  local what
  for what in incompleteSbom incompleteUnattached incompleteReferrers incompleteReferrers.push incompleteReferrers.ref; do
    refuse nix-build --no-out-link "$source/tests/nix/attest.nix" -A "$what"
    has "$said" 'the layers differ from the closure'
    has "$said" 'set sbomCheck = "off"'
    has "$said" '-component'
  done
  attest incompleteUnchecked
}

case_the_sbom_of_a_real_image_has_the_store_paths_that_nix_lists() {
  local conf customisation found
  import_paths hello-amd64
  attest realSbom
  found=$(jq -r '.components[].properties[]? | select(.name == "nix:store_path") | .value' \
    "$(physical "$(attest 'realSbom.sbom."linux/amd64"')")" | sort)
  conf=$(attest 'realSbom.images.x86_64-linux.conf')
  customisation=$(jq -r .customisation_layer "$(physical "$conf")")
  same 'store paths' "$found" "$(nix-store --query --requisites "$conf" | grep -vxF -e "$conf" -e "$customisation" | sort)"
}

# From `meta` of a package that the image names, and of those that it depends on.
case_an_sbom_has_licenses_and_homepages_of_nixpkgs() {
  local spdx cyclonedx validate=$project/target/sbom-tools/bin/python
  spdx=$(physical "$(attest 'metadata.sbom."linux/arm64"')")
  cyclonedx=$(physical "$(attest 'metadataByFunction.sbom."linux/amd64"')")
  same licenses "$(jq -c '[.packages[] | select(.licenseDeclared != "NOASSERTION") |
    [.name, .versionInfo, .licenseDeclared, .homepage]] | sort' "$spdx")" \
    '[["app","2.0-unstable","MIT AND LicenseRef-nixpkgs-acme-1","https://example.org/app"],["libc","2.40","MIT","https://example.org/libc"],["library","1.0","LicenseRef-License-of-ACME",null]]'
  same 'other licenses' "$(jq -c '[.hasExtractedLicensingInfos[].licenseId] | sort' "$spdx")" \
    '["LicenseRef-License-of-ACME","LicenseRef-nixpkgs-acme-1"]'
  # shellcheck disable=SC2016 # $HOME is to survive
  same app "$(jq -c '.components[] | select(.name == "app") |
    [.type, .description, .cpe, .purl, .licenses, .externalReferences]' "$cyclonedx")" \
    '["application","Says \"hello\", $HOME","cpe:2.3:a:example:app:2.0:*:*:*:*:*:*:*","pkg:github/example/app@2.0",[{"expression":"MIT AND LicenseRef-nixpkgs-acme-1"}],[{"type":"website","url":"https://example.org/app"}]]'
  same output "$(jq -r '.components[] | select(.name == "library").properties[] | select(.name == "polyarch:output").value' "$cyclonedx")" lib
  has "$(jq -c '.components[].licenses' "$cyclonedx")" '[{"license":{"name":"License of ACME"}}]'
  none 'licenses without packages' "$(jq -r '.packages[].licenseDeclared | select(. != "NOASSERTION")' \
    "$(physical "$(attest 'sbom.sbom."linux/arm64"')")")"
  [ ! -x "$validate" ] || "$validate" "$project/tests/integration/sbom/validate.py" "$spdx" "$cyclonedx"
  ! nix_is_at_least 2.18 || none references "$(nix-store --query --references "$(attest 'metadata.sbom."linux/arm64"')")"
}
