# An image → its SBOM, checked against the closure that Nix has registered.
{
  lib,
  imageArgument,
  inputOf,
  jq,
  packageMetadata,
  platforms,
  polyarch,
  runCommand,
}:

let
  fileNames = {
    spdx = "spdx.json";
    cyclonedx = "cdx.json";
  };
in

/**
  Makes the file with the SBOM of the image for one platform. `docs/sbom.md` documents its content.

  The conf of a layered image refers to all store paths in its layers. Nix passes what it knows of this closure to the build,
  which fails if the layers have other store paths, or other bytes in them. Other images have no such list, and their
  SBOM is not compared with anything.

  # Inputs

  `imageName`, `platform`
  : Names of the image and the platform.

  `image`
  : The image, as mkMultiArchImage takes it.

  `layout`
  : A layout with the final manifest of this platform, and no other.

  `format`
  : `"spdx"` or `"cyclonedx"`.

  `packages`
  : Packages whose `meta`, and that of their dependencies, is added to the components.

  `check`
  : The argument `sbomCheck` of mkMultiArchImage.

  # Type

  ```
  sbomOf :: {
    imageName :: String,
    platform :: String,
    image :: Image | ImageWithArguments,
    layout :: Derivation,
    format :: String,
    packages :: [ Package ],
    check :: String,
  } -> Derivation
  ```
*/
{
  imageName,
  platform,
  image,
  layout,
  format,
  packages,
  check,
}:

let
  file = (imageArgument.normalize image).image;
  # Also where the layout is read from the stream or the archive.
  conf = (inputOf file).conf;
  hasClosure = check != "off" && conf != null;
in
runCommand "${baseNameOf imageName}-sbom-${platforms.inName platform}.${fileNames.${format}}"
  (
    {
      __structuredAttrs = true;
      nativeBuildInputs = [
        jq
        polyarch
      ];
      sbomArguments = [ "--format=${format}" ];
      # An SBOM names all store paths of an image, and must not keep them.
      unsafeDiscardReferences.out = true;
    }
    // lib.optionalAttrs (packages != [ ]) {
      metadata = builtins.toJSON (packageMetadata packages);
    }
    // lib.optionalAttrs hasClosure {
      exportReferencesGraph.closure = [ conf ];
    }
  )
  (
    # Not $NIX_ATTRS_JSON_FILE: with Nix 2.8 that is a path outside of the sandbox.
    # The closure of a conf also has the conf itself, the files beside the store paths, and the base image.
    lib.optionalString hasClosure (
      ''
        sbomArguments+=("--closure=${platform}=$NIX_BUILD_TOP/.attrs.json" "--unchecked=${conf}")
        jq -r '.customisation_layer, .from_image | strings | "--unchecked=" + .' ${conf} > unchecked
        mapfile -t -O "''${#sbomArguments[@]}" sbomArguments < unchecked
      ''
      + lib.optionalString (check == "allow-changed") ''
        sbomArguments+=(--allow-changed)
      ''
    )
    + lib.optionalString (packages != [ ]) ''
      printf '%s\n' "$metadata" > metadata.json
      sbomArguments+=(--metadata metadata.json)
    ''
    # The hints of polyarch name options of its command line.
    + ''
      NO_COLOR=1 polyarch sbom "''${sbomArguments[@]}" --output "$out" ${layout} 2> messages || {
        sed -e 's/^hint: .*--allow-changed.*/hint: if the image changes files of store paths on purpose, set sbomCheck = "allow-changed"/' \
          -e 's/^hint: .*--unchecked.*/hint: if the store paths differ on purpose, as with a base image, set sbomCheck = "off"/' \
          -e 's/^hint: leave --closure out/hint: set sbomCheck = "off"/' messages >&2
        exit 1
      }
      cat messages >&2
    ''
  )
