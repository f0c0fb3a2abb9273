# The tag of an image whose `tag` is null, as dockerTools chooses it.
{ lib }:

/**
  Returns the hash in the store path of a derivation, as an image tag. It does not build the derivation.

  The derivation must not have the tag as one of its arguments, or the hash would depend on itself.

  # Type

  ```
  hashTag :: Derivation -> String
  ```
*/
derivation:
lib.head (lib.splitString "-" (baseNameOf (builtins.unsafeDiscardStringContext derivation.outPath)))
