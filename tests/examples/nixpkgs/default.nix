# The offline package set of the examples: the smallest one of tests/nix (here in ./base) with what the examples build
# with. It stands in for nixpkgs on a machine that cannot have it, and everything in it really does its work in the Nix
# sandbox: Go compiles, Python runs, and the images of dockerTools have the contents of the example. The programs are from
# Debian's packages (tests/examples/get). Two things differ from nixpkgs:
#
# - rustPlatform.buildRustPackage compiles nothing, as there is no Rust for another architecture here: it gives a
#   program that says hello and what it was built for.
# - the machine of a `pkgs` for the other architecture is this one, with qemu.
{
  overlays ? [ ],
  ...
}@arguments:

import ./base (arguments // { overlays = [ (import ./overlay.nix) ] ++ overlays; })
