# What tests/nix/run builds and evaluates: the functions of nix/ called in each way that the tests look at.
{
  pkgs ? import <nixpkgs> { },
  polyarch ? import ../.. { inherit pkgs; },
}:

let
  images = pkgs.callPackage ./images.nix { };
  hello =
    arguments:
    polyarch.mkMultiArchImage (
      {
        name = "hello";
        images = {
          x86_64-linux = images.amd64;
          aarch64-linux = images.arm64;
        };
      }
      // arguments
    );
in
rec {
  # One image, in all the ways to name its parts.
  bySystem = hello { };
  byPlatform = hello {
    images = {
      "linux/amd64" = images.amd64;
      "linux/arm64" = images.arm64;
    };
  };
  asList = hello {
    images = [
      images.amd64
      images.arm64
    ];
  };
  asListReversed = hello {
    images = [
      images.arm64
      images.amd64
    ];
  };
  layout = hello { format = "oci-layout"; };

  # Other images.
  flat = hello {
    images = {
      x86_64-linux = images.amd64Flat;
      aarch64-linux = images.arm64Flat;
    };
  };
  otherArm64 = hello {
    images = {
      x86_64-linux = images.amd64;
      aarch64-linux = images.arm64Zstd;
    };
  };
  nested = hello { images = [ bySystem ]; };
  paths = hello {
    images = {
      x86_64-linux = ../fixtures/amd64-bli-hello-gz.tar.gz;
      aarch64-linux = ../fixtures/arm64-bli-hello-gz.tar.gz;
    };
  };
  wrongPlatform = hello {
    images = {
      x86_64-linux = images.amd64;
      aarch64-linux = images.amd64Zstd;
    };
  };

  arm = hello {
    images = {
      armv6l-linux = images.arm;
      "linux/arm/v7" = images.arm;
    };
  };

  # Other options.
  named = hello {
    name = "registry.example:5000/team/hello";
    tag = "v1.2";
  };
  zstd = hello {
    compression = "zstd";
    compressionLevel = 3;
  };
  uncompressed = hello { compression = "none"; };
  annotated = hello { inherit annotations; };
  annotations = {
    "org.opencontainers.image.title" = "plain";
    "quotes" = ''it's a "test" of `quoting`'';
    "shell" = "$out \${out} $(id) \\ ; & | > *";
    "separators" = "a,b=c; d = e";
    "lines" = "one\ntwo\n\n\tfour\n";
    "utf-8" = "Grüße, 世界 🚀";
    "empty" = "";
    "--dashes" = "--name";
  };

  # The package set of another machine than the one that builds, as pkgsCross has it.
  cross =
    let
      pkgsCross = (import <nixpkgs> { system = "riscv64-linux"; }).extend (_: _: { buildPackages = pkgs; });
    in
    (import ../.. { pkgs = pkgsCross; }).mkMultiArchImage {
      name = "hello";
      inherit (bySystem) images;
    };

  # The tool put in place by the user.
  otherTool =
    (polyarch.overrideScope (
      final: prev: {
        polyarch = pkgs.runCommand "polyarch-other" { } "cp -R ${prev.polyarch} $out";
      }
    )).mkMultiArchImage
      {
        name = "hello";
        images = [ images.amd64 ];
      };

  # Platform keys → OCI platforms.
  platforms = builtins.listToAttrs (
    map
      (key: {
        name = key;
        value = polyarch.platforms.toOci key;
      })
      [
        "x86_64-linux"
        "aarch64-linux"
        "armv6l-linux"
        "armv7l-linux"
        "i686-linux"
        "linux/arm/v7"
        "windows/amd64"
      ]
  );

  # What a build of this Nix may see: the ground on which the other tests stand.
  sandbox = pkgs.runCommand "sandbox" { } ''
    for path in /usr /home /root /sys /bin/bash "$HOME"; do
      if [ -e "$path" ]; then
        echo "$path is there: this is no sandbox"
        exit 1
      fi
    done
    grep -v lo: /proc/net/dev | grep : && exit 1
    touch "$out"
  '';
  # A build that --check must find fault with.
  unstable = pkgs.runCommand "unstable" { } "cat /proc/sys/kernel/random/uuid > $out";
}
