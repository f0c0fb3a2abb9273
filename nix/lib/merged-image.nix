# Arguments of mkMultiArchImage → the merged image, and the layouts of it that its attributes need.
{
  lib,
  attestedDocuments,
  hashTag,
  merge,
  mergeOptions,
  platforms,
  stdenv,
}:

/**
  Merges the layouts of images.

  # Inputs

  `toMerge`
  : The images, as imagesToMerge returns them.

  `sbomPackages`
  : The argument of mkMultiArchImage; if it is a function, its results, keyed by system.

  `passthru`
  : Attributes of the image.

  Others
  : The arguments of mkMultiArchImage with these names.

  # Type

  ```
  mergedImage :: { … } -> {
    image :: Derivation,
    layout :: Derivation,
    layoutWithoutReferrers :: Derivation,
    layoutOfThisMachine :: Derivation,
    imageTag :: String,
    sbom :: AttrsOf Derivation,
    provenance :: AttrsOf Derivation,
    documentFiles :: [ Derivation ],
  }
  ```

  `documentFiles` are those that the build makes: SBOMs and provenance.

  `image` has the format of the argument. The readers of `layoutWithoutReferrers` expect one image in a layout.
  `layoutOfThisMachine` has only the image for the machine that builds, if there is one.
*/
{
  toMerge,
  name,
  tag,
  format,
  annotations,
  labelsFrom,
  platformCheck,
  consistency,
  dockerManifest,
  attestations,
  attestAs,
  provenance,
  sbom,
  sbomPackages,
  sbomCheck,
  passthru,
  meta,
}:

let
  inherit (toMerge) layouts;
  baseName = baseNameOf name;

  # The archive is packed from the layouts of the images, not from the merged layout: the work is the same, and it
  # need not wait for the merged layout. `mkImageLayout` has checked the layers against the diff IDs.
  formats = {
    oci-layout = {
      name = "${baseName}-layout";
      options = [ "--format=oci-layout" ];
      links = true;
    };
    oci-archive = {
      name = "${baseName}.tar";
      options = [
        "--format=oci-archive"
        "--trust-diff-ids"
      ];
    };
  };

  optionsWith =
    more:
    mergeOptions (
      {
        inherit
          name
          annotations
          labelsFrom
          platformCheck
          consistency
          dockerManifest
          ;
      }
      // more
    );

  documents = attestedDocuments {
    imageName = name;
    inherit (toMerge) images;
    inherit
      layouts
      attestations
      provenance
      sbom
      sbomCheck
      ;
    sbomPackages =
      platform:
      if builtins.isList sbomPackages then
        sbomPackages
      else
        (lib.mapAttrs' (key: lib.nameValuePair (platforms.toOci key)) sbomPackages).${platform};
    layoutOf = layoutToDescribe;
  };

  # An SBOM describes the manifest of the merged image, which annotations can change. It has the name of the
  # image, unless the tag is a hash of what contains the SBOM.
  layoutToDescribe =
    platform:
    let
      options = optionsWith {
        dockerManifest = false;
        consistency = "off";
      };
      isName = lib.hasPrefix "--name=";
    in
    merge (
      formats.oci-layout
      // {
        name = "${baseName}-layout-${platforms.inName platform}-to-describe";
        options =
          (
            if tag == null then
              builtins.filter (option: !isName option) options
            else
              options ++ [ "--tag=${tag}" ]
          )
          ++ formats.oci-layout.options;
        images = toMerge.inputsOf { ${platform} = layouts.${platform}; };
      }
    );

  # The platforms of a list are unknown before the build: it has no documents.
  attestOptions =
    forms: layouts:
    lib.optionals (!builtins.isList layouts) (documents.options forms (builtins.attrNames layouts));

  # An image is not built if its SBOM contradicts it, also if that is not attached.
  sbomsOf =
    layouts:
    lib.optionals (!builtins.isList layouts) (
      builtins.attrValues (builtins.intersectAttrs layouts documents.sbom)
    );

  # `forms` is where documents are attached, `changes` are arguments of mergeOptions, and `more` is for the derivation.
  mergeTo =
    {
      format,
      forms,
      tagOptions ? [ "--tag=${imageTag}" ],
      changes ? { },
      some ? layouts,
    }:
    more:
    merge (
      formats.${format}
      // {
        options =
          optionsWith changes ++ attestOptions forms some ++ tagOptions ++ formats.${format}.options;
        needs = sbomsOf some;
        images = toMerge.inputs;
        isImage = true;
      }
      // more
    );

  # An archive has no place for referrers, and neither have the readers of a layout with one image.
  withoutReferrers = lib.remove "referrers" attestAs;
  formsOf = format: if format == "oci-layout" then attestAs else withoutReferrers;

  imageTag =
    if tag != null then
      tag
    else
      hashTag (
        mergeTo {
          format = "oci-layout";
          forms = attestAs;
          tagOptions = [ ];
        } { }
      );

  # What is loaded into the container engine of this machine: the image of its platform alone, so that the others are
  # not built for it. In a list the platforms are unknown before the build.
  ownSystem = lib.replaceStrings [ "-darwin" ] [ "-linux" ] stdenv.hostPlatform.system;
  ownLayouts =
    if builtins.isList layouts || !platforms.isPlatform ownSystem then
      { }
    else
      lib.filterAttrs (platform: _: platforms.agree platform ownSystem) layouts;
in
rec {
  inherit imageTag;
  inherit (documents) sbom provenance;
  documentFiles = builtins.attrValues sbom ++ builtins.attrValues provenance;

  image = mergeTo {
    inherit format;
    forms = formsOf format;
  } { inherit passthru meta; };

  # `passthru` and `meta` are not part of a derivation. If the format is "oci-layout", both have the same store path.
  layout = mergeTo {
    format = "oci-layout";
    forms = attestAs;
  } { };

  layoutWithoutReferrers = mergeTo {
    format = "oci-layout";
    forms = withoutReferrers;
  } { };

  layoutOfThisMachine =
    if ownLayouts == { } then
      layoutWithoutReferrers
    else
      mergeTo
        {
          format = "oci-layout";
          forms = withoutReferrers;
          changes.dockerManifest = false;
          some = ownLayouts;
        }
        {
          name = "${baseName}-layout-of-this-machine";
          images = toMerge.inputsOf ownLayouts;
          isImage = false;
        };
}
