{
  description = "A Rust program, cross-compiled by pkgsCross";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    { nixpkgs, polyarch, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      native = pkgs.callPackage ./. { };
      cross = pkgs.pkgsCross.aarch64-multiplatform.callPackage ./. { };
    in
    {
      packages.${system} = {
        inherit (native) myproject;

        image = polyarch.legacyPackages.${system}.mkMultiArchImage {
          name = "localhost:5000/rust-pkgscross";
          tag = native.myproject.version;
          images = {
            x86_64-linux = native.docker;
            aarch64-linux = cross.docker;
          };
        };
      };
    };
}
