# What users give as an image: the image itself, or a set of an image and how to read it.
{
  lib,
  inputOf,
  platforms,
}:

rec {
  # The arguments of mkImageLayout that belong to one image.
  ofOneImage = [
    "image"
    "platform"
    "select"
    "setPlatform"
  ];

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
    Whether a value is a set with an `image` and other arguments of mkImageLayout. A derivation with an attribute `image`
    is an image.

    # Type

    ```
    isImageWithArguments :: Any -> Bool
    ```
  */
  isImageWithArguments = value: builtins.isAttrs value && value ? image && !isImage value;

  /**
    Turns both forms into a set with `image`, and with the other arguments that the user gave.

    # Type

    ```
    normalize :: Image | ImageWithArguments -> ImageWithArguments
    ```
  */
  normalize = value: if isImageWithArguments value then value else { image = value; };

  /**
    Returns what determines the resulting image. Two arguments with the same source give the same image.

    # Type

    ```
    sourceOf :: Image | ImageWithArguments -> [ String | Null ]
    ```
  */
  sourceOf =
    value:
    let
      normalized = normalize value;
      input = inputOf normalized.image;
      platformOf =
        name: if normalized.${name} or null == null then null else platforms.toOci normalized.${name};
    in
    [
      (if input.path == "-" then input.stream else input.path)
      (normalized.select or null)
      (platformOf "platform")
      (platformOf "setPlatform")
    ];
}
