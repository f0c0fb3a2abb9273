{
  pkgs ? import <nixpkgs> { },
  polyarch ? import (fetchTarball "https://github.com/polyarch/polyarch/archive/main.tar.gz") {
    inherit pkgs;
  },
}:

let
  image =
    pkgs:
    pkgs.dockerTools.buildLayeredImage {
      name = "no-flakes";
      config.Cmd = [ "${pkgs.hello}/bin/hello" ];
    };
in
polyarch.mkMultiArchImage {
  name = "localhost:5000/no-flakes";
  tag = "v1";
  images = {
    x86_64-linux = image pkgs;
    aarch64-linux = image pkgs.pkgsCross.aarch64-multiplatform;
  };
}
