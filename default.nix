# Without flakes: `(import ./. { inherit pkgs; }).mkMultiArchImage { … }`, or `nix-build -A polyarch`.
{
  pkgs ? import <nixpkgs> { },
}:

pkgs.callPackage ./nix { }
