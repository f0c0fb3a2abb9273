# The functions and the package as an overlay. `polyarch` is a package of the package set that the overlay is applied
# to. The functions are those of the scope, but with the `polyarch` of that package set, which a later overlay can
# replace.
final: _prev:

let
  scope = (final.callPackage ./. { }).overrideScope (
    _scopeFinal: _scopePrev: { inherit (final.buildPackages) polyarch; }
  );
in
{
  polyarch = final.callPackage ./package.nix { };
  inherit (scope) mkImageLayout mkMultiArchImage;
}
