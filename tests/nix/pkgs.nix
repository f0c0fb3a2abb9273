# The smallest offline stand-in for the parts of nixpkgs that nix/ uses, for a machine that cannot have nixpkgs. The
# Nix is the real one, and so are the sandbox and the tool; the stand-ins are the userland of the builds (Debian's
# static bash and busybox) and the few nixpkgs functions between them and nix/. nix/ is written for nixpkgs: where
# the two differ, this file is wrong.
{
  # A directory with the static programs `bash`, `busybox` and `polyarch`, and perhaps directories called by systems
  # with the first two for these. Without one, builds for another system run this machine's programs.
  bin ? ./bin,
  # A directory with archives that nixpkgs' dockerTools wrote.
  fixtures ? ./fixtures,
  # A directory with a directory for each program, as tests/nix/bundle writes it.
  bundles ? ./bundles,
  system ? builtins.currentSystem,
  localSystem ? { inherit system; },
  crossSystem ? null,
  config ? { },
  overlays ? [ ],
}:

let
  inherit (localSystem) system;

  lib = import ./lib.nix;

  programPath =
    name:
    let
      ofSystem = bin + "/${system}/${name}";
    in
    if builtins.pathExists ofSystem then ofSystem else bin + "/${name}";

  # A file or directory as a store path. Where `hashes.json` beside this file has its hash, Nix does not read it again at
  # each evaluation.
  hashes =
    if builtins.pathExists ./hashes.json then
      builtins.fromJSON (builtins.readFile ./hashes.json)
    else
      { };
  large =
    name: path:
    let
      prefix = builtins.stringLength (toString ./. + "/");
      key = builtins.substring prefix (-1) (toString path);
    in
    builtins.path (
      { inherit name path; } // (if hashes ? ${key} then { sha256 = hashes.${key}; } else { })
    );

  program = name: large name (programPath name);

  # What stdenv's setup does that nix/ relies on, with structured attributes and without: outputs as variables, the
  # tools on PATH, stop at the first error.
  setup = builtins.toFile "setup" ''
    set -eu -o pipefail
    if [ -e .attrs.sh ]; then
      source .attrs.sh
      for outputName in "''${!outputs[@]}"; do
        export "$outputName=''${outputs[$outputName]}"
      done
    else
      read -r -a nativeBuildInputs <<< "''${nativeBuildInputs:-}"
    fi
    PATH=$initialPath
    for input in "''${nativeBuildInputs[@]}"; do
      PATH=$input/bin:$PATH
      if [ -e "$input/nix-support/setup-hook" ]; then
        source "$input/nix-support/setup-hook"
      fi
    done
    export PATH
    eval "$buildCommand"
  '';

  rawDerivation =
    attributes:
    derivation (
      {
        inherit system;
        builder = program "bash";
        args = [ setup ];
        nativeBuildInputs = [ ];
      }
      // attributes
    );

  # busybox goes by the name it is called by, which must not be <hash>-busybox.
  busybox = rawDerivation {
    name = "busybox";
    initialPath = "";
    program = "${
      builtins.path {
        name = "programs";
        path = dirOf (programPath "busybox");
        filter = path: _: baseNameOf path == "busybox";
      }
    }/busybox";
    buildCommand = ''
      "$program" mkdir -p "$out/bin"
      "$program" cp "$program" "$out/bin/busybox"
      "$out/bin/busybox" --install -s "$out/bin"
    '';
  };

  mkDerivation =
    attributes:
    let
      drv = rawDerivation (
        {
          initialPath = "${busybox}/bin";
        }
        // removeAttrs attributes [
          "meta"
          "passthru"
        ]
        // {
          name = lib.strings.sanitizeDerivationName attributes.name;
        }
      );
    in
    lib.extendDerivation (
      attributes.passthru or { }
      // {
        overrideAttrs = change: mkDerivation (attributes // change attributes);
        meta = {
          outputsToInstall = [ "out" ];
        }
        // attributes.meta or { };
      }
    ) drv;

  runCommand =
    name: attributes: buildCommand:
    mkDerivation ({ inherit name buildCommand; } // attributes);

  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
    }:
    runCommand name
      {
        __structuredAttrs = true;
        script = ''
          #!${pkgs.bash}/bin/bash
          set -o errexit
          set -o nounset
          set -o pipefail

          export PATH="${lib.makeBinPath runtimeInputs}:$PATH"

          ${text}
        '';
        meta.mainProgram = name;
      }
      ''
        mkdir -p "$out/bin"
        printf '%s' "$script" > "$out/bin/${name}"
        chmod +x "$out/bin/${name}"
        ${pkgs.bash}/bin/bash -n "$out/bin/${name}"
      '';

  # An existing program, as a package.
  prebuilt =
    name: attributes:
    runCommand name ({ program = program name; } // attributes) ''
      mkdir -p "$out/bin"
      cp "$program" "$out/bin/${name}"
    '';

  # A program of this machine with its libraries (tests/nix/bundle), which runs in the sandbox too.
  bundled =
    name:
    runCommand name
      {
        bundle = large "bundle" (bundles + "/${name}");
        bash = "${pkgs.bash}/bin/bash";
      }
      ''
        mkdir -p "$out/bin"
        cp -R "$bundle" "$out/bundle"
        printf '%s\n' "#!$bash" \
          "exec $(echo "$out"/bundle/lib/ld-linux*) --library-path $out/bundle/lib $out/bundle/program \"\$@\"" \
          > "$out/bin/${name}"
        chmod +x "$out/bin/${name}"
      '';

  # A program of this machine.
  installed =
    name:
    writeShellApplication {
      inherit name;
      text = ''exec /usr/bin/${name} "$@"'';
    };

  # The same for packages that Debian 12 lacks, and tests/newer-tools gets.
  installedOrNewer =
    name: if builtins.pathExists (bin + "/${name}") then prebuilt name { } else installed name;

  buildRustPackage =
    {
      pname,
      version,
      src,
      cargoLock ? null,
      cargoHash ? null,
      doCheck ? true,
      nativeBuildInputs,
      nativeInstallCheckInputs ? [ ],
      doInstallCheck ? false,
      postInstall,
      passthru ? { },
      meta,
      __structuredAttrs ? false,
    }:
    runCommand pname
      {
        name = "${pname}-${version}";
        passthru = passthru // {
          inherit pname version;
        };
        program = program pname;
        src = "${src}";
        cargo = if cargoHash != null then cargoHash else builtins.hashFile "sha256" cargoLock.lockFile;
        inherit doCheck meta __structuredAttrs;
        nativeBuildInputs = nativeBuildInputs ++ nativeInstallCheckInputs;
      }
      ''
        mkdir -p "$out/bin" "$TMPDIR/build"
        cp "$program" "$out/bin/${pname}"
        cd "$TMPDIR/build"
        ${postInstall}
        if [ -n "${toString doInstallCheck}" ]; then
          # As versionCheckHook does.
          "$out/bin/${pname}" --version | grep -F "${version}"
        fi
      '';

  # The packages that differ between two machines.
  forHost = hostSystem: rec {
    stdenv = {
      hostPlatform = {
        system = hostSystem;
        isx86_64 = hostSystem == "x86_64-linux";
        isAarch64 = hostSystem == "aarch64-linux";
      };
      buildPlatform = {
        inherit system;
        canExecute = platform: platform.system == system;
      };
    };

    # A package that an image can name.
    hello = runCommand "hello-${hostSystem}" {
      passthru.version = "2.12";
      meta = {
        description = "Program that produces a familiar, friendly greeting";
        mainProgram = "hello";
      };
    } "mkdir -p $out/bin && touch $out/bin/hello";

    # No image is made in here. Whatever it shall hold, this is the one that the real buildLayeredImage once wrote for
    # the machine of this package set (tests/fixtures): a program that says hello and what it was built for. The
    # arguments are evaluated, and what they name is built.
    dockerTools.buildLayeredImage =
      {
        name,
        config,
        # The base of the image, which the fixture does not have.
        fromImage ? null,
      }:
      runCommand "${baseNameOf name}.tar.gz" {
        inherit fromImage;
        config = builtins.toJSON config;
        fixture = builtins.path {
          name = "fixture";
          path = fixtures + "/${(lib.systems.elaborate hostSystem).go.GOARCH}-bli-hello-gz.tar.gz";
        };
        passthru.imageName = name;
      } ''cp "$fixture" "$out"'';
  };

  pkgs = forHost system // {
    inherit
      lib
      busybox
      runCommand
      writeShellApplication
      ;

    bash = prebuilt "bash" { };

    skopeo = bundled "skopeo";
    jq = bundled "jq";

    # Only run by the scripts, outside of any build, so they may be any program of this machine.
    cosign = installed "cosign";
    gnutar = installed "tar";
    gnugrep = installed "grep";
    toml2json = installedOrNewer "toml2json";
    oras = installedOrNewer "oras";
    coreutils = busybox;

    # The packages of the development shell. No test starts one.
    mkShell =
      { inputsFrom, packages }:
      runCommand "shell" { inherit inputsFrom packages; } "touch $out";
    clippy = runCommand "clippy" { } "touch $out";
    deadnix = runCommand "deadnix" { } "touch $out";
    nixfmt = runCommand "nixfmt" { } "touch $out";
    nixfmt-tree = runCommand "nixfmt-tree" { meta.mainProgram = "treefmt"; } "touch $out";
    rustfmt = runCommand "rustfmt" { } "touch $out";
    shellcheck = runCommand "shellcheck" { } "touch $out";

    # A setup hook, as in nixpkgs: as far as nix/ uses its functions.
    installShellFiles =
      runCommand "install-shell-files"
        {
          hook = ''
            installManPage() {
              mkdir -p "$out/share/man/man1"
              cp "$@" "$out/share/man/man1"
            }
            installShellCompletion() {
              [ "$1" = --cmd ]
              local command=$2
              shift 2
              while [ $# -gt 0 ]; do
                case $1 in
                  --bash) file=bash-completion/completions/$command.bash ;;
                  --fish) file=fish/vendor_completions.d/$command.fish ;;
                  --zsh) file=zsh/site-functions/_$command ;;
                esac
                mkdir -p "$out/share/''${file%/*}"
                cat "$2" > "$out/share/$file"
                shift 2
              done
            }
          '';
        }
        ''
          mkdir -p "$out/nix-support"
          printf '%s' "$hook" > "$out/nix-support/setup-hook"
        '';

    cacert =
      runCommand "cacert" { }
        "mkdir -p $out/etc/ssl/certs && touch $out/etc/ssl/certs/ca-bundle.crt";

    # Nix's own fetcher: that of nixpkgs is a derivation with curl.
    fetchurl = import <nix/fetchurl.nix>;

    rustc.version = "1.88.0";

    # Cargo cannot fetch crates in here. Nix checks the arguments: `src` is built, `cargoLock` must
    # exist, and the package is the program that `cargo build` made from the same tree before.
    rustPlatform.buildRustPackage =
      package:
      let
        arguments = if builtins.isFunction package then package arguments else package;
      in
      buildRustPackage arguments;
    # What the package of nixpkgs takes besides.
    fetchFromGitHub =
      {
        owner,
        repo,
        tag,
        hash,
      }:
      runCommand "source" {
        passthru = { inherit tag; };
        source = "${owner}/${repo} ${hash}";
      } ''printf '%s' "$source" > "$out"'';
    nix-update-script = _: [ "nix-update" ];
    nixosTests.docker-tools-multi-arch = runCommand "test" { } "touch $out";
    versionCheckHook = runCommand "version-check-hook" { } "mkdir $out";

    stdenvNoCC = pkgs.stdenv;

    inherit config;
    path = ./.;
  };

  # A package set with overlays, each of which sees the result of all of them.
  packageSet =
    base: overlays:
    let
      basis =
        base
        // {
          inherit overlays;
          callPackage = final.newScope { };
          newScope = extra: lib.callPackageWith (final // extra);
          pkgs = final;
          extend = overlay: packageSet base (overlays ++ [ overlay ]);
          pkgsCross = {
            aarch64-multiplatform = crossTo "aarch64-linux" overlays;
            gnu64 = crossTo "x86_64-linux" overlays;
          };
        }
        //
          (base.adjacent or (_: {
            buildPackages = final;
            pkgsBuildBuild = final;
          })
          )
            overlays;
      final = builtins.foldl' (before: overlay: before // overlay final before) basis overlays;
    in
    final;

  # What builds in a set that crosses. In `buildPackages`, programs are for the machine that builds, but what depends on
  # the target, as dockerTools does through Go, is for the other machine.
  crossTo =
    hostSystem:
    packageSet (
      pkgs
      // forHost hostSystem
      // {
        adjacent = overlays: {
          buildPackages = packageSet (pkgs // { inherit (forHost hostSystem) dockerTools; }) overlays;
          pkgsBuildBuild = packageSet pkgs overlays;
        };
      }
    );
in
if crossSystem == null then packageSet pkgs overlays else crossTo crossSystem.system overlays
