# The package of the tool. All dependencies come from crates.io, and Cargo.lock pins each of them, so this file has no
# hash to keep up to date.
{
  lib,
  installShellFiles,
  rustPlatform,
  rustc,
  stdenv,
  # Whether the build runs the tests of cargo. They run the binary on tests/fixtures and on images that they make
  # themselves, and need no network, daemon, user namespace or tool outside stdenv. The tests with skopeo, podman and a
  # registry are separate scripts (`make test`). The default package does not contain the tests, because the images of
  # all users wait for it: it does not compile them, and changing a test does not rebuild it.
  withTests ? false,
}:

let
  inherit (lib) fileset;
  manifest = (lib.importTOML ../Cargo.toml).package;

  # Only the files that cargo reads: changing a Nix file or the README does not rebuild the package.
  files = [
    ../Cargo.toml
    ../Cargo.lock
    ../build.rs
    # Cargo.toml declares them.
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

  # Cargo would report this only after downloading all crates, and without a hint for users of Nix.
  checkRust = lib.throwIf (lib.versionOlder rustc.version manifest.rust-version) "polyarch needs Rust ${manifest.rust-version} or newer, but this nixpkgs has ${rustc.version}. nixpkgs 25.11 or newer has it; or give the package another one: polyarch.override { rustc = …; rustPlatform = …; }";
in
rustPlatform.buildRustPackage {
  pname = manifest.name;
  inherit (manifest) version;

  # Checked here and not around the package: `override`, which fixes it, must work on a package that fails the check.
  src = checkRust (
    fileset.toSource {
      root = ../.;
      fileset = fileset.unions files;
    }
  );
  cargoLock.lockFile = ../Cargo.lock;

  doCheck = withTests;

  nativeBuildInputs = [ installShellFiles ];

  postInstall = import ./lib/install-documents.nix { inherit lib stdenv; };

  meta = {
    inherit (manifest) description;
    # A list would not say that one of the licenses can be chosen. Older nixpkgs have no `OR`.
    license = (lib.licenses.OR or (licenses: licenses)) [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    mainProgram = "polyarch";
  };
}
