# The package of the tool that a package set gets.
{ lib }:

/**
  Returns the package that the user has put into the package set, or the one of this project. A given package that is
  older than these functions is not used: it may lack options that they pass. One without a version is used.

  # Type

  ```
  choosePolyarch :: { given :: Package | Null, own :: Package } -> Package
  ```
*/
{ given, own }:
if given != null && lib.versionAtLeast (given.version or own.version) own.version then
  given
else
  own
