# The tool as a package, built from this tree by Cargo.lock alone: every dependency comes from crates.io, so
# there is no hash to keep up to date.
{
  lib,
  installShellFiles,
  rustPlatform,
  stdenv,
}:

let
  inherit (lib) fileset;
  manifest = (lib.importTOML ../Cargo.toml).package;
in
rustPlatform.buildRustPackage {
  pname = manifest.name;
  inherit (manifest) version;

  # Only what cargo reads: a change of a Nix file, of the README or of a test script builds nothing anew.
  src = fileset.toSource {
    root = ../.;
    fileset = fileset.unions [
      ../Cargo.toml
      ../Cargo.lock
      ../build.rs
      ../benches
      ../src
      ../tests/fixtures
      ../tests/fuzz/corpus
      ../tests/snapshots
      (fileset.fileFilter (file: lib.hasSuffix ".rs" file.name) ../tests)
    ];
  };
  cargoLock.lockFile = ../Cargo.lock;

  # All of cargo's tests: they drive the binary on images that they make themselves and on tests/fixtures, and need
  # no network, daemon, user namespace or tool that stdenv does not have. Those with skopeo, podman and a registry
  # are scripts of their own (`make test`).
  doCheck = true;

  nativeBuildInputs = [ installShellFiles ];

  # The program writes them itself, so it must run on the machine that builds it.
  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    mkdir manual
    "$out/bin/polyarch" man manual
    installManPage manual/*.1
    installShellCompletion --cmd polyarch \
      --bash <("$out/bin/polyarch" completions bash) \
      --fish <("$out/bin/polyarch" completions fish) \
      --zsh <("$out/bin/polyarch" completions zsh)
  '';

  meta = {
    inherit (manifest) description;
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    mainProgram = "polyarch";
  };
}
