# The packages and builders of nixpkgs that the examples name, each for the arguments that it gets there. They have the
# names, arguments, attributes and outputs of their namesakes in nixpkgs: where they differ, this file is wrong.
final: prev:

let
  inherit (final)
    lib
    runCommand
    buildPackages
    bash
    ;
  system = final.stdenv.hostPlatform.system;
  buildSystem = final.stdenv.buildPlatform.system;
  inherit (lib.systems.elaborate system) go;

  # Files of Debian, which are in the store already under the hash that they have.
  pins = lib.importJSON ./pins.json;
  debian =
    name:
    derivation {
      inherit name;
      system = buildSystem;
      builder = "${buildPackages.bash}/bin/bash";
      args = [
        "-c"
        "echo \"$name is not in the store, where tests/examples/run puts it\" >&2; exit 1"
      ];
      outputHash = pins.${name};
      outputHashAlgo = "sha256";
      outputHashMode = "recursive";
    };
  glibc = debian "${system}-glibc";

  script =
    name: text:
    runCommand name {
      inherit text;
      meta.mainProgram = name;
    } ''mkdir -p "$out/bin"; printf '%s' "$text" > "$out/bin/${name}"; chmod 555 "$out/bin/${name}"'';
in
{
  bash =
    if system == buildSystem then
      prev.bash
    else
      runCommand "bash" {
        program = ./base/bin + "/${system}/bash";
      } ''mkdir -p "$out/bin"; cp "$program" "$out/bin/bash"'';

  # Its loader is not where Debian's programs look for it.
  python3 =
    let
      python = debian "${system}-python3";
    in
    script "python3" ''
      #!${bash}/bin/bash
      PYTHONHOME=${python} exec ${glibc}/lib/ld-linux-${
        builtins.replaceStrings [ "_" ] [ "-" ] (lib.head (lib.splitString "-" system))
      }.so.${if system == "x86_64-linux" then "2" else "1"} \
        --library-path ${glibc}/lib ${python}/bin/python3.11 -B "$@"
    '';

  writers.writePython3Bin =
    name: _: content:
    script name ''
      #!${final.python3}/bin/python3
      ${if builtins.isPath content then builtins.readFile content else content}
    '';

  cacert = debian "cacert" // {
    meta.description = "The certificates of Debian's ca-certificates";
  };

  # As in nixpkgs it is a tree of links, and a directory becomes one link where only one path has it.
  buildEnv =
    {
      name,
      paths,
      pathsToLink ? [ "/" ],
    }:
    runCommand name { inherit paths pathsToLink; } ''
      mkdir -p "$out"
      for link in $pathsToLink; do
        for path in $paths; do
          [ -e "$path$link" ] || continue
          mkdir -p "$out$link"
          for entry in "$path$link"/*; do
            ln -s "$entry" "$out$link"
          done
        done
      done
    '';

  # go with the part of its library that the examples import compiled already, as compiling it takes longer than all
  # the rest. The program and the loader are those of the machine that builds.
  buildGoModule =
    let
      compiler = debian "go";
      loader = debian "${buildSystem}-glibc";
      setup = ''
        export GOROOT=${compiler} GO111MODULE=on GOFLAGS=-trimpath GOPROXY=off GOTOOLCHAIN=local
        export GOPATH=$TMPDIR/go GOCACHE=$TMPDIR/go-cache
        go() { ${loader}/lib/ld-linux*.so.* --library-path ${loader}/lib ${compiler}/bin/go "$@"; }
      '';
      library = buildPackages.runCommand "go-library" { CGO_ENABLED = 0; } ''
        ${setup}
        mkdir -p "$GOPATH" "$GOCACHE"
        printf 'package main\nimport ("fmt"; "os"; "runtime"; "strings")\n' > main.go
        printf 'func main() { fmt.Println(os.Args, runtime.GOOS, strings.ToUpper("")) }\n' >> main.go
        for GOARCH in amd64 arm64; do
          export GOARCH
          go build -o /dev/null main.go
        done
        cp -r "$GOCACHE" "$out"
      '';
    in
    {
      pname,
      version,
      src,
      vendorHash,
      env ? { },
      preBuild ? "",
      postInstall ? "",
      doCheck ? true,
    }:
    # Dependencies cannot be fetched here, and the tests of the examples do not run the tests of packages.
    assert vendorHash == null && builtins.isBool doCheck;
    runCommand "${pname}-${version}"
      (
        {
          CGO_ENABLED = 1;
        }
        // env
        // {
          inherit (go) GOOS GOARCH;
          src = "${src}";
          inherit library;
          passthru = { inherit version; };
          meta.mainProgram = pname;
        }
      )
      ''
        ${setup}
        cp -r "$library" "$GOCACHE"
        cp -r "$src" source
        chmod -R u+w source "$GOCACHE"
        cd source
        ${preBuild}
        go install .
        ${lib.optionalString (system != buildSystem) ''
          mv "$GOPATH/bin/$GOOS"_"$GOARCH"/* "$GOPATH/bin"
          rmdir "$GOPATH/bin/$GOOS"_"$GOARCH"
        ''}
        mkdir -p "$out"
        cp -r "$GOPATH/bin" "$out"
        ${postInstall}
      '';

  # It compiles nothing: see default.nix.
  rustPlatform = prev.rustPlatform // {
    buildRustPackage =
      { pname, version, ... }@arguments:
      if pname == "polyarch" then
        prev.rustPlatform.buildRustPackage arguments
      else
        runCommand "${pname}-${version}" {
          src = "${arguments.src}";
          lock = builtins.hashFile "sha256" arguments.cargoLock.lockFile;
          inherit (final) hello;
          passthru = { inherit version; };
          meta.mainProgram = pname;
        } ''mkdir -p "$out/bin"; cp "$hello/bin/hello" "$out/bin/${pname}"'';
  };

  # The program in the image that the real dockerTools wrote.
  hello =
    runCommand "hello-2.12"
      {
        image = ./base/fixtures + "/${go.GOARCH}-bli-hello-gz.tar.gz";
        passthru.version = "2.12";
        meta = {
          description = "Program that produces a familiar, friendly greeting";
          mainProgram = "hello";
        };
      }
      ''
            tar -xzf "$image"
            mkdir -p "$out/bin"
        for layer in */layer.tar; do
          tar -xOf "$layer" 'nix/store/*/bin/hello' >> "$out/bin/hello" || true # the last layer does not have it
        done
        [ -s "$out/bin/hello" ]
        chmod 555 "$out/bin/hello"
      '';

  dockerTools = import ./docker-tools.nix {
    inherit
      lib
      runCommand
      buildPackages
      go
      ;
  };
}
