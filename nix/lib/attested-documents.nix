# Arguments of mkMultiArchImage → the documents that `polyarch merge` attaches to the images.
{
  lib,
  platforms,
  provenanceOf,
  runCommand,
  sbomOf,
}:

/**
  Returns the documents of each platform, and the options of `polyarch merge` that attach them.

  # Inputs

  `imageName`, `attestations`, `provenance`, `sbom`, `sbomCheck`
  : The arguments of mkMultiArchImage.

  `sbomPackages`
  : The packages of each platform: a function from an OCI platform to a list.

  `layoutOf`
  : Function from a platform to a layout with its final manifest and no other.

  `images`, `layouts`
  : The images and their layouts, keyed by OCI platform. A list has no documents: its platforms are unknown before the
    build.

  # Type

  ```
  attestedDocuments :: {
    imageName :: String,
    images :: AttrsOf Image | [ Image ],
    layouts :: AttrsOf Derivation | [ Derivation ],
    attestations :: AttrsOf (Path | [ Path ]),
    provenance :: Bool | AttrSet,
    sbom :: Bool | String | AttrsOf Path,
    sbomPackages :: String -> [ Package ],
    sbomCheck :: String,
    layoutOf :: String -> Derivation,
  } -> {
    sbom :: AttrsOf Derivation,
    provenance :: AttrsOf Derivation,
    options :: [ String ] -> [ String ] -> [ String ],
  }
  ```

  `options` takes the places where the documents are stored (`attestAs`) and the platforms that are merged.
*/
{
  imageName,
  images,
  layouts,
  attestations,
  provenance,
  sbom,
  sbomPackages,
  sbomCheck,
  layoutOf,
}:

let
  # A document names the store paths of an image. As references, they would keep the closures of all platforms alive.
  withoutReferences =
    platform: file:
    runCommand "${baseNameOf imageName}-document-${platforms.inName platform}"
      {
        __structuredAttrs = true;
        unsafeDiscardReferences.out = true;
        preferLocalBuild = true;
        document = "${file}";
      }
      ''
        if [ ! -f "$document" ]; then
          echo "error: $document, a document for ${platform}, is not a file; expected an SBOM or an in-toto statement in JSON" >&2
          exit 1
        fi
        cp "$document" "$out"
      '';

  ofUser = lib.mapAttrs' (
    key: files:
    let
      platform = platforms.toOci key;
    in
    lib.nameValuePair platform (map (withoutReferences platform) (lib.toList files))
  ) attestations;

  provenances =
    if provenance == false || builtins.isList layouts then
      { }
    else
      lib.mapAttrs (
        platform: layout:
        provenanceOf {
          inherit imageName platform layout;
          image = images.${platform};
          arguments = if provenance == true then { } else provenance;
        }
      ) layouts;

  sboms =
    if sbom == false || builtins.isList layouts then
      { }
    else if builtins.isAttrs sbom then
      lib.mapAttrs' (
        key: file:
        let
          platform = platforms.toOci key;
        in
        lib.nameValuePair platform (withoutReferences platform file)
      ) sbom
    else
      lib.mapAttrs (
        platform: _:
        sbomOf {
          inherit imageName platform;
          image = images.${platform};
          layout = layoutOf platform;
          format = if sbom == true then "spdx" else sbom;
          packages = sbomPackages platform;
          check = sbomCheck;
        }
      ) layouts;

  # Every kind of document has its line here.
  documentsOf =
    platform:
    lib.optional (sboms ? ${platform}) sboms.${platform}
    ++ lib.optional (provenances ? ${platform}) provenances.${platform}
    ++ ofUser.${platform} or [ ];
in
{
  sbom = sboms;
  provenance = provenances;

  options =
    forms: keys:
    let
      attest = platform: map (document: "--attest=${platform}=${document}") (documentsOf platform);
      documents = builtins.concatMap attest keys;
    in
    lib.optionals (forms != [ ] && documents != [ ]) (
      [ "--attest-as=${lib.concatStringsSep "," forms}" ] ++ documents
    );
}
