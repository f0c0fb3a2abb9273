# A merged image → the attributes of its derivation: scripts, files and tests.
{
  lib,
  matchTest,
  mkAnalysis,
  mkCheckPushedScript,
  mkCopyToDockerScript,
  mkCopyToPodmanScript,
  mkImageRef,
  mkInspectScript,
  mkLoginScript,
  mkPushScript,
  mkReproduceScript,
  mkSignScript,
  mkVerifySignatureScript,
  platforms,
  readBackTest,
  runCommand,
}:

/**
  Returns the attributes of an image, which the output of mkMultiArchImage documents.

  # Inputs

  `toMerge`
  : The images, as imagesToMerge returns them.

  `merged`
  : The image, as mergedImage returns it.

  Others
  : The arguments of mkMultiArchImage with these names; `images` are the results of a function.

  # Type

  ```
  imageAttributes :: { … } -> AttrSet
  ```
*/
{
  toMerge,
  merged,
  name,
  tags,
  images,
  attestAs,
  platformCheck,
  provenance,
  pushWith,
  sbom,
}:

let
  inherit (merged)
    imageTag
    layout
    layoutWithoutReferrers
    layoutOfThisMachine
    ;
  imageName = name;
  imageRefs = map (tag: "${name}:${tag}") (lib.unique ([ imageTag ] ++ tags));

  # What the image is built from, in the order of the builds.
  derivations =
    let
      layouts =
        if builtins.isList toMerge.layouts then toMerge.layouts else builtins.attrValues toMerge.layouts;
      sources = map (layout: layout.source) layouts;
    in
    lib.unique (
      map (derivation: derivation.drvPath) (
        builtins.filter lib.isDerivation (sources ++ layouts ++ merged.documentFiles ++ [ layout ])
      )
    );

  # The documents of all platforms in one directory, with an attribute for each of them.
  directoryOf =
    kind: extension: files:
    runCommand "${baseNameOf imageName}-${kind}"
      {
        __structuredAttrs = true;
        unsafeDiscardReferences.out = true;
        preferLocalBuild = true;
        passthru = files;
      }
      (
        lib.concatStringsSep "\n" (
          [ ''mkdir "$out"'' ]
          ++ lib.mapAttrsToList (
            platform: file: ''cp ${file} "$out"/${platforms.inName platform}.${extension}''
          ) files
        )
      );
  sbomExtension =
    if builtins.isAttrs sbom then
      "json"
    else if sbom == "cyclonedx" then
      "cdx.json"
    else
      "spdx.json";

  ofLayout = { inherit layout imageName; };
  ofNamedLayout = ofLayout // {
    inherit imageRefs;
  };
  # For what expects one image in a layout.
  ofOneImage = ofNamedLayout // {
    layout = layoutWithoutReferrers;
  };
  ofTaggedImage = ofOneImage // {
    inherit imageTag;
  };
  loadScript =
    mkScript:
    mkScript (ofNamedLayout // { layout = layoutOfThisMachine; })
    // {
      allPlatforms = mkScript ofOneImage;
    };
in
{
  inherit
    images
    layout
    imageName
    imageTag
    imageRefs
    ;
  inherit (toMerge) layouts;
  push = mkPushScript (
    ofTaggedImage
    // {
      inherit pushWith;
      layout =
        if pushWith == "oras" then
          layout
        else
          lib.warnIf (builtins.elem "referrers" attestAs)
            "polyarch.mkMultiArchImage: attestAs has \"referrers\", which the push leaves out; pushWith = \"oras\" pushes them"
            layoutWithoutReferrers;
    }
  );
  login = mkLoginScript { inherit imageName; };
  checkPushed = mkCheckPushedScript ofTaggedImage;
  ref = mkImageRef ofTaggedImage;
  copyToPodman = loadScript mkCopyToPodmanScript;
  copyToDocker = loadScript mkCopyToDockerScript;
  inspect = mkInspectScript ofNamedLayout;
  sign = mkSignScript ofLayout;
  verifySignature = mkVerifySignatureScript ofLayout;
  reproduce = mkReproduceScript (ofNamedLayout // { inherit derivations; });
  analyze = mkAnalysis ofLayout;
  tests = {
    readsBack = readBackTest (
      ofLayout
      // {
        inherit (merged) image;
        inherit platformCheck;
      }
    );
  }
  // lib.optionalAttrs (toMerge.comparisons != [ ]) {
    matchesDockerTools = matchTest {
      inherit imageName;
      inherit (toMerge) comparisons;
    };
  };
}
// lib.optionalAttrs (sbom != false) { sbom = directoryOf "sbom" sbomExtension merged.sbom; }
// lib.optionalAttrs (provenance != false) {
  provenance = directoryOf "provenance" "intoto.json" merged.provenance;
}
