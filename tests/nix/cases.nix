# What tests/nix/run builds and evaluates: the functions of nix/ called in each way that the tests look at.
{
  pkgs ? import <nixpkgs> { },
  polyarch ? import ../.. { inherit pkgs; },
}:

let
  images = pkgs.callPackage ./images.nix { };

  # The images of another machine than the one that builds, as its own package set has them.
  otherMachine = (import <nixpkgs> { system = "riscv64-linux"; }).callPackage ./images.nix { };

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
  layoutOfNamedPaths = hello {
    format = "oci-layout";
    images = [ images.namesAStorePath ];
  };

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

  # Images as streams: `bySystem` has them by their attribute `stream`.
  streams = hello { images = map (image: image.stream) asList.images; };
  tarballs = hello { images = map (image: "${image}") asList.images; };
  otherMachineImages = hello {
    images = map (image: otherMachine.${image}) [
      "amd64"
      "arm64"
    ];
  };
  otherMachineStreams = hello {
    images = map (image: otherMachine.${image}.stream) [
      "amd64"
      "arm64"
    ];
  };
  otherMachinePaths = map toString otherMachineImages.images;

  # Streams of amd64 in other forms than a script of this machine.
  streamForms =
    builtins.mapAttrs
      (
        _: amd64:
        hello {
          images = [
            amd64
            images.arm64
          ];
        }
      )
      {
        # made by makeBinaryWrapper
        program = images.stream "cp ${<nixpkgs/bin/stream>} $out";
        # with an interpreter that is for another machine
        script = images.scriptFor foreignProgram (writeAmd64 "exec");
      };
  writeAmd64 = run: "${run} ${pkgs.busybox}/bin/gzip -dc ${../fixtures/amd64-bli-hello-gz.tar.gz}";
  # bash for AVR, which no Linux and no qemu of anyone runs, by its ELF header: bytes 18 and 19 are the machine.
  foreignProgram = pkgs.runCommand "foreign" { } ''
    cp ${pkgs.bash}/bin/bash $out
    chmod +w $out
    printf '\123\000' | dd of=$out bs=1 seek=18 conv=notrunc
    chmod 555 $out
  '';
  foreignProgramIsRefused = pkgs.runCommand "refused" { } ''
    said=$(${foreignProgram} -c true 2>&1) && exit 1
    [[ $said == *'Exec format error'* ]]
    touch $out
  '';

  # Streams that fail, at once, in the middle, and when all is written.
  streamFailures = builtins.mapAttrs (_: text: hello { images = [ (images.script text) ]; }) {
    atOnce = "echo 'no layers today' >&2; exit 7";
    inTheMiddle = "${writeAmd64 ""} | head -c 20000; exit 7";
    atTheEnd = "${writeAmd64 ""}; exit 7";
  };
  otherMachineFailure = hello { images = [ (otherMachine.script "exit 7") ]; };
  streamOfNoImage = hello { images = [ (images.script "yes | head -c 10000000") ]; };
  wrongPlatformOfStream = hello { images.aarch64-linux = images.amd64; };

  # The config of an image changed.
  platformSet = hello {
    images = {
      # read from a file
      armv6l-linux = {
        image = images.arm;
        setPlatform = "armv6l-linux";
      };
      # and through a stream
      "linux/arm64" = {
        image = images.arm64;
        setPlatform = "linux/arm64/v8";
      };
      x86_64-linux.image = images.amd64;
    };
  };
  platformSetInList = hello {
    images = [
      {
        image = images.arm;
        setPlatform = "linux/arm/v6";
      }
      {
        image = images.arm64.stream;
        setPlatform = "linux/arm64/v8";
      }
      images.amd64
    ];
  };
  platformSetLayout = polyarch.mkImageLayout {
    image = images.arm;
    setPlatform = "armv6l-linux";
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
      pkgsCross = (import <nixpkgs> { system = "riscv64-linux"; }).extend (
        _: _: { buildPackages = pkgs; }
      );
    in
    (import ../.. { pkgs = pkgsCross; }).mkMultiArchImage {
      name = "hello";
      inherit (bySystem) images;
    };

  # The tool put in place by the user.
  otherTool =
    (polyarch.overrideScope (
      _final: prev: {
        polyarch = pkgs.runCommand "polyarch-other" { } "cp -R ${prev.polyarch} $out";
      }
    )).mkMultiArchImage
      {
        name = "hello";
        images = [ images.amd64 ];
      };

  # Images → names of their layouts.
  layoutNames = map (image: (polyarch.mkImageLayout { inherit image; }).name) [
    images.amd64
    images.amd64.stream
    images.amd64Zstd
    images.amd64Flat
    "${images.amd64}"
    # nix2container.buildImage
    (pkgs.runCommand "image-hello.json" { } "")
  ];

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
