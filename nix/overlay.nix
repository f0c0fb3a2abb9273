# The functions and the package as an overlay. `polyarch` is a package of the package set that the overlay is applied
# to; an overlay before or after this one can define another.
final: prev:

{
  polyarch = import ./lib/choose-polyarch.nix { inherit (final) lib; } {
    given = prev.polyarch or null;
    own = final.callPackage ./package.nix { };
  };
  inherit (final.callPackage ./. { }) mkImageLayout mkMultiArchImage;
}
