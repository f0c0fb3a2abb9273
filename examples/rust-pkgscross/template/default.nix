# The program and its image, for the package set that calls this function.
{
  dockerTools,
  rustPlatform,
}:

rec {
  myproject = rustPlatform.buildRustPackage {
    pname = "myproject";
    version = "0.1.0";
    src = ./.;
    cargoLock.lockFile = ./Cargo.lock;
  };

  docker = dockerTools.buildLayeredImage {
    name = "rust-pkgscross";
    config.Cmd = [ "${myproject}/bin/myproject" ];
  };
}
