# The tool as a package, built from this tree by Cargo.lock alone: every dependency comes from crates.io, so
# there is no hash to keep up to date.
{
  lib,
  installShellFiles,
  rustPlatform,
  rustc,
  stdenv,
  # Whether to run all of cargo's tests, too: they drive the binary on images that they make themselves and on
  # tests/fixtures, and need no network, daemon, user namespace or tool that stdenv does not have. Those with skopeo,
  # podman and a registry are scripts of their own (`make test`). By default the tests are no part of the package, which
  # everybody's images wait for: it compiles none of them, and a change of one builds nothing anew.
  withTests ? false,
}:

let
  inherit (lib) fileset;
  manifest = (lib.importTOML ../Cargo.toml).package;

  # Only what cargo reads, so that a change of a Nix file or of the README builds nothing anew.
  files = [
    ../Cargo.toml
    ../Cargo.lock
    ../build.rs
    # Cargo.toml names them.
    ../benches
    ../src
  ]
  ++ lib.optionals withTests [
    ../docs/json.md
    ../docs/verify.md
    ../tests/fixtures
    ../tests/fuzz/corpus
    ../tests/snapshots
    (fileset.fileFilter (file: lib.hasSuffix ".rs" file.name) ../tests)
  ];

  # Cargo would say so when all of the crates are there, and not what to do in Nix.
  checkRust = lib.throwIf (lib.versionOlder rustc.version manifest.rust-version) "polyarch needs Rust ${manifest.rust-version} or newer, but this nixpkgs has ${rustc.version}. nixpkgs 25.11 or newer has it; or give the package another one: polyarch.override { rustc = …; rustPlatform = …; }";
in
rustPlatform.buildRustPackage {
  pname = manifest.name;
  inherit (manifest) version;

  # The check is in here because `override`, the way out, must work on a package that fails it.
  src = checkRust (
    fileset.toSource {
      root = ../.;
      fileset = fileset.unions files;
    }
  );
  cargoLock.lockFile = ../Cargo.lock;

  doCheck = withTests;

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
    # A list says which licenses there are, and not how they combine; not every nixpkgs has `OR`.
    license = (lib.licenses.OR or (licenses: licenses)) [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    mainProgram = "polyarch";
  };
}
