# The argument `annotations`: a set of strings for the image index, or one such set for each level.
{ lib, labelsOf }:

rec {
  # The index, the manifest of each image, and the descriptor of each image in the index.
  levels = [
    "index"
    "manifest"
    "descriptor"
  ];

  /**
    Whether annotations are grouped by level. A derivation is not a group: it is a string that was not converted.

    # Type

    ```
    areGrouped :: AttrSet -> Bool
    ```
  */
  areGrouped =
    annotations:
    builtins.any (value: builtins.isAttrs value && !lib.isDerivation value) (
      builtins.attrValues annotations
    );

  /**
    Returns the annotations of every level, with those of the package `labelsFrom`. Explicit annotations take
    precedence.

    # Type

    ```
    byLevel :: { annotations :: AttrSet, labelsFrom :: Package | Null }
      -> { index, manifest, descriptor :: AttrsOf String }
    ```
  */
  byLevel =
    { annotations, labelsFrom }:
    let
      given = if areGrouped annotations then annotations else { index = annotations; };
      labels = lib.optionalAttrs (labelsFrom != null) (labelsOf labelsFrom);
    in
    {
      index = labels // given.index or { };
      manifest = labels // given.manifest or { };
      descriptor = given.descriptor or { };
    };
}
