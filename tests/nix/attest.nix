# The images with attached documents of tests/nix/cases/attest.sh.
{
  pkgs ? import <nixpkgs> { },
  polyarch ? import ../.. { inherit pkgs; },
  # The registry of the test.
  registry ? "registry.example",
}:

let
  images = pkgs.callPackage ./images.nix { };

  hello =
    arguments:
    polyarch.mkMultiArchImage (
      {
        name = "${registry}/team/attested";
        tag = "v1";
        images = {
          x86_64-linux = images.amd64;
          aarch64-linux = images.arm64;
        };
      }
      // arguments
    );

  component = pkgs.runCommand "component" { } "echo > $out";

  # An SBOM of a derivation, which names a store path that it refers to.
  sbom = pkgs.runCommand "sbom.json" { } ''
    printf '%s\n' '{"spdxVersion":"SPDX-2.3","name":"hello","comment":"${component}"}' > $out
  '';

  documents = {
    x86_64-linux = sbom;
    "linux/arm64" = [
      (builtins.toFile "bom.json" ''{"bomFormat":"CycloneDX","specVersion":"1.6"}'')
      sbom
    ];
  };

  # Packages as nixpkgs has them: `app` is linked to `library`, whose C library is `libc`. None of them lists the
  # others for an SBOM. `tool` is in no image, and cannot be built.
  library = pkgs.runCommand "library-1.0" {
    outputs = [
      "out"
      "lib"
    ];
    passthru = {
      pname = "library";
      version = "1.0";
      stdenv = {
        hasCC = true;
        cc = { inherit libc; };
      };
    };
    meta.license = {
      fullName = "License of ACME";
      free = false;
    };
  } "echo ${libc} > $out; echo ${libc} > $lib";
  libc = pkgs.runCommand "libc-2.40" {
    meta = {
      license = "mit";
      homepage = "https://example.org/libc";
    };
  } "echo > $out";
  app = pkgs.runCommand "app-unstable" {
    buildInputs = [
      [ library ]
      null
    ];
    passthru = {
      pname = "app";
      version = "2.0-unstable";
    };
    meta = {
      description = "Says \"hello\", $HOME";
      homepage = [ "https://example.org/app" ];
      mainProgram = "app";
      license = [
        pkgs.lib.licenses.mit
        {
          shortName = "acme 1";
          free = false;
        }
      ];
      identifiers = {
        cpe = "cpe:2.3:a:example:app:2.0:*:*:*:*:*:*:*";
        purl = "pkg:github/example/app@2.0";
      };
    };
  } "echo ${library.lib} > $out";
  tool = pkgs.runCommand "tool" { meta.license = pkgs.lib.licenses.mit; } "exit 1";
  appImage =
    arguments:
    layered (
      {
        command = [ "${app}" ];
        layers = [
          [ libc ]
          [ library.lib ]
          [ app ]
        ];
      }
      // arguments
    );

  sbomOfUser = sbom;
  incomplete = pkgs.runCommand "incomplete" { } "echo ${component} > $out";
  layered =
    arguments:
    (pkgs.callPackage ./layered.nix { }).buildLayeredImage (
      {
        name = "tree";
        command = [ "${component}" ];
        layers = [
          [ component ]
          [ incomplete ]
        ];
      }
      // arguments
    );
  bom =
    arguments:
    hello (
      {
        images = {
          x86_64-linux = layered { };
          aarch64-linux = layered { architecture = "arm64"; };
        };
        platformCheck = "off";
        sbom = true;
        attestAs = [ "index" ];
      }
      // arguments
    );

  # What a flake gives: `self` and its inputs.
  flake = {
    outPath = "${builtins.toFile "source" "the flake"}";
    narHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    rev = "a3f5e8d1c2b4a69788796a5b4c3d2e1f00112233";
  };
  inputs = {
    self = flake;
    nixpkgs = {
      outPath = "${builtins.toFile "nixpkgs" "nixpkgs"}";
      narHash = "sha256-nixpkgs";
      dirtyRev = "0000000000000000000000000000000000000000-dirty";
    };
  };
in
rec {
  inherit component;
  plain = hello { };
  otherArm64 = hello {
    images = {
      x86_64-linux = images.amd64;
      aarch64-linux = images.arm64Flat;
    };
  };
  # The time in the header of gzip differs in each build, and the content does not.
  unstable = hello {
    images.x86_64-linux = pkgs.runCommand "unstable.tar.gz" { } ''
      cp ${../fixtures/amd64-bli-hello-gz.tar.gz} $out
      chmod +w $out
      dd if=/dev/urandom of=$out bs=1 seek=4 count=4 conv=notrunc
    '';
  };
  unattached = hello { provenance = true; };
  attached = hello {
    provenance = {
      url = "git+https://github.com/me/hello";
      builderId = "https://github.com/me/hello/actions";
      inherit flake inputs;
    };
    attestations = documents;
    attestAs = [
      "index"
      "referrers"
    ];
  };
  archive = attached;
  layout = attached.override { format = "oci-layout"; };
  withOras = attached.override { pushWith = "oras"; };
  indexOnly = attached.override { attestAs = [ "index" ]; };
  hashTag = (attached.override { tag = null; }).imageTag;
  onlyProvenance = hello {
    provenance = true;
    attestAs = [ "index" ];
  };
  byPath = hello {
    images."linux/amd64" = ../fixtures/amd64-bli-hello-gz.tar.gz;
    provenance = true;
  };

  layoutAsImage = hello { images."linux/amd64" = sbom.layouts."linux/amd64"; };

  # Layered images with a conf, whose store paths are in the layers.
  sbom = bom { };
  cyclonedx = bom { sbom = "cyclonedx"; };
  # The same packages for both platforms, in both forms.
  metadata = bom {
    images = {
      x86_64-linux = appImage { };
      aarch64-linux = appImage { architecture = "arm64"; };
    };
    sbomPackages = [
      app
      tool
    ];
  };
  metadataByFunction = metadata.override {
    systems = [ "x86_64-linux" ];
    images = _: appImage { };
    sbomPackages = _: [ app ];
    sbom = "cyclonedx";
  };
  hashedSbom = (bom { tag = null; }).imageTag;
  annotatedSbom = bom { annotations.manifest.a = "b"; };
  sbomOfArchives = hello { sbom = true; };
  ownSbom = hello {
    sbom."linux/amd64" = sbomOfUser;
    attestAs = [ "index" ];
  };
  directoryAsSbom = ownSbom.override {
    sbom."linux/amd64" = pkgs.runCommand "directory" { } "mkdir $out";
  };
  # `incomplete` refers to a store path that no layer has.
  incompleteSbom = bom { images."linux/amd64" = layered { layers = [ [ incomplete ] ]; }; };
  incompleteUnattached = incompleteSbom.override { attestAs = [ ]; };
  incompleteReferrers = incompleteSbom.override { attestAs = [ "referrers" ]; };
  incompleteUnchecked = incompleteSbom.override { sbomCheck = "off"; };
  realSbom = hello {
    images.x86_64-linux = (import ./conf-cases.nix { inherit pkgs polyarch; }).realStream;
    sbom = "cyclonedx";
  };
}
