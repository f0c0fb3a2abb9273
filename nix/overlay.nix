# The same as an overlay. `polyarch` is the package of the package set it stands in, like any other package; the
# functions are those of the scope, with whatever `polyarch` another overlay may have put in its place.
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
