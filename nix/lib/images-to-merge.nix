# The images of mkMultiArchImage → their layouts, as inputs of `polyarch merge`.
{
  lib,
  checkArguments,
  imageArgument,
  inputOf,
  mkImageLayout,
  platforms,
  rules,
}:

/**
  Makes the layouts of images, and returns what merges and tests of them need.

  # Inputs

  `images`
  : The images, a list or keyed by platform.

  `layoutArguments`
  : Arguments of mkImageLayout for all of them.

  # Type

  ```
  imagesToMerge :: {
    images :: AttrsOf (Image | ImageWithArguments) | [ Image | ImageWithArguments ],
    layoutArguments :: AttrSet,
  } -> {
    images :: AttrsOf (Image | ImageWithArguments) | [ Image | ImageWithArguments ],
    layouts :: AttrsOf Derivation | [ Derivation ],
    comparisons :: [ { conf :: Derivation, stream :: Derivation } ],
    inputs :: [ String ],
    inputsOf :: AttrsOf Derivation -> [ String ],
  }
  ```

  `images` and `layouts` are keyed by OCI platform. `inputs` are the inputs of a merge of all layouts, `inputsOf` those of a
  merge of some. `comparisons` has the layouts of the images that can be read from their conf and through their stream, in
  both ways.
*/
{ images, layoutArguments }:

let
  # A layout that mkImageLayout has made is used as it is: a layout of it would be a copy.
  isLayout = image: image.isImageLayout or false;

  layoutOf =
    platform: image:
    if isLayout image then
      image
    else
      mkImageLayout ({ inherit platform; } // layoutArguments // imageArgument.normalize image);

  byPlatform = lib.mapAttrs' (key: lib.nameValuePair (platforms.toOci key));

  layouts =
    if builtins.isList images then
      map (layoutOf null) images
    else
      byPlatform (lib.mapAttrs layoutOf images);

  comparison =
    platform: image:
    let
      normalized = imageArgument.normalize image;
      input = inputOf normalized.image;
    in
    lib.optional (input.conf != null && input.stream != null) {
      conf = layoutOf platform image;
      stream = layoutOf platform (normalized // { image = input.withoutConf; });
    };

  # Without the platforms of the keys, except for layouts that the user gave: the others are checked already.
  given = if builtins.isList images then { } else byPlatform (lib.filterAttrs (_: isLayout) images);
  inputOfLayout =
    platform: layout: lib.optionalString (given ? ${platform}) "${platform}=" + toString layout;
  inputsOf = lib.mapAttrsToList inputOfLayout;
in
{
  inherit layouts inputsOf;

  images = if builtins.isList images then images else byPlatform images;

  comparisons = lib.concatLists (
    if builtins.isList images then
      map (comparison null) images
    else
      lib.mapAttrsToList comparison images
  );

  # This check is separate from the others, because it evaluates all images: the layout of one image must not depend on
  # the evaluation of the others.
  inputs = checkArguments "mkMultiArchImage" [ (rules.distinctImages "images" images) ] (
    if builtins.isList layouts then map toString layouts else inputsOf layouts
  );
}
