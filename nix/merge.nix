# `polyarch merge` as a derivation: the one place of nix/ where the tool runs.
{
  lib,
  runCommand,
  polyarch,
}:

/**
  Run `polyarch merge` on images.

  # Inputs

  `name`
  : Name of the derivation and so of its store path.

  `options`
  : Options of `polyarch merge`, all but `--output`.

  `images`
  : Its images, each `[PLATFORM=]PATH`.

  `discardReferences`
  : Whether the output refers to nothing by right, so that the store paths that stand in its bytes (the history
    comments and the layers of a dockerTools image are full of them) are not references. Without this, the
    archive of two architectures keeps the closures of both alive. Nix before 2.14 does not know the attribute
    and finds them all the same.

  `passthru`
  : As in `mkDerivation`.

  # Type

  ```
  merge :: {
    name :: String,
    options :: [ String ],
    images :: [ String ],
    discardReferences :: Bool,
    passthru :: AttrSet ? { },
  } -> Derivation
  ```
*/
{
  name,
  options,
  images,
  discardReferences,
  passthru ? { },
}:
runCommand name
  {
    # The values reach the tool as a bash array, every character of them as it was written.
    __structuredAttrs = true;
    unsafeDiscardReferences.out = discardReferences;
    mergeArguments = options ++ [ "--" ] ++ images;
    nativeBuildInputs = [ polyarch ];
    inherit passthru;
  }
  ''
    polyarch merge --output "$out" "''${mergeArguments[@]}"
  ''
