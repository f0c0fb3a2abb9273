# What users give as an image: the image itself, or a set `{ image, setPlatform }`.
{
  lib,
  inputOf,
  platforms,
}:

rec {
  /**
    Whether a value can be an image: a derivation, a path, or a string with a store path, which may be a file in an
    output (`"${images}/amd64.tar"`).

    # Type

    ```
    isImage :: Any -> Bool
    ```
  */
  isImage =
    value:
    lib.isDerivation value
    || builtins.isPath value
    || (builtins.isString value && lib.hasPrefix "${builtins.storeDir}/" value);

  /**
    Whether a value is a set `{ image, setPlatform }`. A derivation with an attribute `image` is an image.

    # Type

    ```
    isImageWithPlatform :: Any -> Bool
    ```
  */
  isImageWithPlatform = value: builtins.isAttrs value && value ? image && !isImage value;

  /**
    Turns both forms into a set with `image`, and with `setPlatform` where the user gave one.

    # Type

    ```
    normalize :: Image | ImageWithPlatform -> ImageWithPlatform
    ```
  */
  normalize = value: if isImageWithPlatform value then value else { image = value; };

  /**
    Returns what determines the resulting image. Two arguments with the same source give the same image.

    # Type

    ```
    sourceOf :: Image | ImageWithPlatform -> [ String | Null ]
    ```
  */
  sourceOf =
    value:
    let
      normalized = normalize value;
      input = inputOf normalized.image;
      setPlatform = normalized.setPlatform or null;
    in
    [
      (if input.path == "-" then input.stream else input.path)
      (if setPlatform == null then null else platforms.toOci setPlatform)
    ];
}
