# The program of the newest release as a package, for machines that should not compile it. `.github/workflows/release.yml`
# builds the program, and release.json has its hashes.
{
  lib,
  fetchurl,
  installShellFiles,
  runCommand,
  stdenv,
  # `{ version, hashes }`, and `url` if the programs are not on GitHub.
  release ? lib.importJSON ./release.json,
}:

let
  manifest = (lib.importTOML ../Cargo.toml).package;

  inherit (stdenv.hostPlatform) system;
  cpu = lib.removeSuffix "-linux" system;
  url =
    release.url
      or "https://github.com/polyarch/polyarch/releases/download/v${toString release.version}";

  noRelease = "polyarch-bin: there is no release for ${system} yet. Use the package polyarch, which compiles the program.";
  program = fetchurl {
    url = "${url}/polyarch-${cpu}-unknown-linux-gnu";
    hash = release.hashes.${system} or (throw noRelease);
  };
in
runCommand "polyarch-bin-${toString release.version}"
  {
    inherit program;
    nativeBuildInputs = [ installShellFiles ];
    passthru = {
      pname = "polyarch-bin";
      version = release.version or manifest.version;
    };
    meta = {
      inherit (manifest) description;
      mainProgram = "polyarch";
      platforms = [
        "x86_64-linux"
        "aarch64-linux"
      ];
    };
  }
  ''
    mkdir -p "$out/bin"
    cp "$program" "$out/bin/polyarch"
    chmod 555 "$out/bin/polyarch"
    ${import ./lib/install-documents.nix { inherit lib stdenv; }}
  ''
