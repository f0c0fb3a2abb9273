# The derivations and values of tests/nix/run: the functions of nix/ called in each way that the tests check.
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
  # The confs of layered images.
  conf = import ./conf-cases.nix { inherit pkgs polyarch; };

  # Pinning, gates and images from elsewhere.
  deploy = import ./deploy-cases.nix {
    inherit
      pkgs
      polyarch
      images
      hello
      ;
  };

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

  # Store paths in plain text, in the config and nowhere compressed.
  archiveOfNamedPaths = hello {
    compression = "none";
    images = [ images.namesAStorePath ];
  };
  package = polyarch.polyarch;

  layoutOfNamedPath = polyarch.mkImageLayout { image = images.namesAStorePath; };

  # nix2container.buildImage gives JSON that names store paths, and the digest of the layer that they become. This one
  # is a layer of tests/integration/inputs/nix2container/golden.rs ("a path twice"), whose digest comes from nix2container's own code.
  nix2container = hello {
    images = {
      x86_64-linux = images.amd64;
      aarch64-linux = images.nix2container "sha256:1cac88ee1d8d6bb0e692bc64a513a7d3900d54072dbc3f75fdec9a9e1fb55048";
    };
  };
  nix2containerWrong = hello {
    images = [
      (images.nix2container "sha256:0000000000000000000000000000000000000000000000000000000000000000")
    ];
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
  # One image for two variants, by its key and by what its config is made to say.
  armTwiceInList = hello {
    images =
      map
        (setPlatform: {
          image = images.arm;
          inherit setPlatform;
        })
        [
          "armv6l-linux"
          "armv7l-linux"
        ];
  };
  # An error in one image does not affect the evaluation of another.
  oneIsWrong = hello {
    images = {
      x86_64-linux = images.amd64;
      aarch64-linux = images.amd64 // {
        outPath = throw "this one is not looked at";
        stream = null;
      };
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
  # bash for AVR, which no Linux and no qemu runs, by its ELF header: bytes 18 and 19 are the machine.
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

  # Streams that fail: at once, in the middle, and after the last byte.
  streamFailures = builtins.mapAttrs (_: text: hello { images = [ (images.script text) ]; }) {
    atOnce = "echo 'no layers today' >&2; exit 7";
    inTheMiddle = "${writeAmd64 ""} | head -c 20000; exit 7";
    atTheEnd = "${writeAmd64 ""}; exit 7";
  };
  otherMachineFailure = hello { images = [ (otherMachine.script "exit 7") ]; };
  streamOfNoImage = hello { images = [ (images.script "yes | head -c 10000000") ]; };
  # A program of arm64 under a config that says riscv64, and the options that accept it.
  wrongProgram = hello { images = [ images.wrongProgram ]; };
  wrongProgramWarned = hello {
    images = [ images.wrongProgram ];
    platformCheck = "warn";
  };
  # Images of nixpkgs and of pkgsCross are consistent except for their names.
  consistent = hello { consistency = "error"; };
  inconsistent = hello {
    images = [
      images.amd64
      images.otherProgram
    ];
    consistency = "error";
  };
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

  # One image of several in a file, by platform and by name.
  onePlatformEach = hello {
    images = {
      x86_64-linux = {
        image = bySystem;
        platform = "linux/amd64";
      };
      "linux/arm64" = {
        image = bySystem;
        platform = "aarch64-linux";
      };
    };
  };
  onePlatform = hello {
    images = [
      {
        image = bySystem;
        platform = "aarch64-linux";
      }
    ];
  };
  selected = hello {
    images =
      map
        (select: {
          image = images.severalImages;
          inherit select;
        })
        [
          "hello:v1"
          "hello:arm64"
        ];
  };
  # The image for ARM of a merged one, in each way.
  fromMerged = {
    bySet = hello {
      images.aarch64-linux = {
        image = layout;
        platform = "aarch64-linux";
      };
    };
    archive = hello { images.aarch64-linux = "${bySystem}#@0"; };
    layout = hello { images.aarch64-linux = "${layout}#@0"; };
  };
  selectedWithPlatform = hello {
    images."linux/arm64/v8" = {
      image = images.severalImages;
      select = "hello:arm64";
      setPlatform = "linux/arm64/v8";
    };
  };
  selectedMissing = polyarch.mkImageLayout {
    image = images.severalImages;
    select = "hello:missing";
  };

  # An image whose archive is no longer what its stream writes.
  overriddenInput = hello {
    images = [
      (images.amd64.overrideAttrs (_: {
        buildCommand = "cp ${../fixtures/amd64-bi-hello-gz.tar.gz} $out";
      }))
    ];
  };
  overriddenInputFlat = hello { images = [ images.amd64Flat ]; };

  # Images with the time of their build.
  clocks = builtins.mapAttrs (_: more: polyarch.mkImageLayout { image = images.amd64 // more; }) {
    layered.stream = images.amd64.stream // {
      conf.created = "now";
    };
    mtime.stream = images.amd64.stream // {
      conf = {
        created = "1970-01-01T00:00:01Z";
        mtime = "now";
      };
    };
    flat.buildArgs.created = "now";
    none.stream = images.amd64.stream // {
      conf.created = "2026-01-01T00:00:00Z";
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

  levels = hello {
    annotations = {
      index = annotations;
      manifest = {
        "on" = "manifest";
        "index:x" = "a key with a level in it";
      };
      descriptor."on" = "descriptor";
    };
  };
  labelled = hello {
    labelsFrom = {
      type = "derivation";
      version = "1.2";
      meta = {
        description = "Says \"hello\", $HOME";
        homepage = "https://example.org/hello";
        license =
          with pkgs.lib.licenses;
          OR [
            mit
            asl20
          ];
      };
    };
    annotations.manifest."org.opencontainers.image.version" = "3";
  };

  # Licences of nixpkgs → SPDX expressions, null without one.
  licenses =
    let
      inherit (pkgs.lib.licenses) mit asl20;
      labelsOf = pkgs.callPackage ../../nix/lib/labels-of.nix {
        spdxLicense = pkgs.callPackage ../../nix/lib/spdx-license.nix { };
      };
      unfree.free = false;
      gpl2.spdxId = "GPL-2.0-only";
      classpath.spdxId = "Classpath-exception-2.0";
      compound = operator: licenses: {
        licenseType = "compound";
        inherit operator licenses;
      };
    in
    builtins.mapAttrs
      (
        _: license: (labelsOf { meta = { inherit license; }; })."org.opencontainers.image.licenses" or null
      )
      {
        one = mit;
        oneInAList = [ mit ];
        several = [
          mit
          asl20
        ];
        inherit unfree;
        partlyUnfree = [
          mit
          unfree
        ];
        none = [ ];
        ownPackage = polyarch.polyarch.meta.license;
        partOfACompound = compound "AND" [
          mit
          [
            mit
            asl20
          ]
        ];
        compound = compound "AND" [
          (compound "OR" [
            mit
            asl20
          ])
          {
            licenseType = "exception";
            operator = "WITH";
            license = gpl2;
            exception = classpath;
          }
        ];
        plus = {
          licenseType = "plus";
          operator = "+";
          license = gpl2;
        };
      };

  # Scripts whose skopeo prints its arguments, and finds another digest in the registry.
  otherSkopeo =
    (polyarch.overrideScope (
      _: _: {
        skopeo = pkgs.writeShellApplication {
          name = "skopeo";
          text = ''
            printf '%s\n' "skopeo $*" >&2
            case "$*" in
              "inspect "*" docker://write-only:"*) exit 1 ;;
              *" docker://unreachable:"*)
                echo 'time="…" level=fatal msg="pinging \"unreachable\": http: server gave HTTP response to HTTPS client"' >&2
                exit 7
                ;;
              "inspect "*" docker://"*) echo '{}' ;;
              inspect*) exec ${pkgs.skopeo}/bin/skopeo "$@" ;;
            esac
          '';
        };
      }
    )).mkMultiArchImage
      {
        name = "hello";
        images = [ images.amd64 ];
      };

  # Tags.
  hashTag = hello { tag = null; };
  hashTagOfLayout = hello {
    tag = null;
    format = "oci-layout";
  };
  hashTagOfAnother = hello {
    tag = null;
    annotations.a = "b";
  };
  manyTags = hello {
    name = "registry.example/hello";
    tag = "v1";
    tags = [
      "v1"
      "latest"
      "1.2"
    ];
    meta.description = "An image";
  };

  # The same image with other arguments.
  overriddenImage = bySystem.override {
    tag = "v1.2";
    name = "registry.example:5000/team/hello";
  };
  overriddenTwice = (bySystem.override { format = "oci-layout"; }).override (before: {
    inherit (named) images;
    annotations.of = before.name;
  });
  givenTwice = hello {
    format = "oci-layout";
    annotations.of = "hello";
  };
  overriddenImageLayout = (polyarch.mkImageLayout { image = images.arm; }).override {
    setPlatform = "armv6l-linux";
  };
  functionArguments = map pkgs.lib.functionArgs [
    polyarch.mkMultiArchImage
    polyarch.mkImageLayout
  ];
  overriddenAttributes = bySystem.overrideAttrs (_: {
    name = "other.tar";
  });

  # A manifest.json for Docker's classic store.
  dockerManifest = hello { dockerManifest = true; };
  dockerManifestOfArm64 = hello {
    dockerManifest = "aarch64-linux";
    format = "oci-layout";
  };

  # Images as a function.
  function =
    more:
    hello (
      {
        images = imageFunction;
        inherit systems;
      }
      // more
    );
  systems = [
    "x86_64-linux"
    "aarch64-linux"
  ];
  imageFunction =
    pkgs:
    pkgs.dockerTools.buildLayeredImage {
      name = "hello";
      config.Cmd = [
        "${pkgs.hello}/bin/hello"
        pkgs.addedByAnOverlay or ""
      ];
    };
  functionCross = function { };
  functionNative = function { strategy = "native"; };
  # Each layout by the functions of the package set that has the image.
  functionOfLayouts = function {
    strategy = "native";
    images =
      pkgs:
      (import ../.. { inherit pkgs; }).mkImageLayout {
        image = imageFunction pkgs;
      };
  };
  # The image of the other system takes some seconds.
  functionSlow = function {
    strategy = "native";
    images =
      pkgs:
      (imageFunction pkgs).overrideAttrs (
        old:
        pkgs.lib.optionalAttrs (pkgs.stdenv.hostPlatform.system != builtins.currentSystem) {
          buildCommand = "sleep 4; ${old.buildCommand}";
        }
      );
  };
  # One line of the image for ARM is another one.
  functionNativeChanged = function {
    strategy = "native";
    images = changedFunction;
  };
  functionOfLayoutsChanged = function {
    strategy = "native";
    images = pkgs: (import ../.. { inherit pkgs; }).mkImageLayout { image = changedFunction pkgs; };
  };
  changedFunction =
    pkgs:
    imageFunction (
      pkgs
      // pkgs.lib.optionalAttrs (pkgs.stdenv.hostPlatform.system == "aarch64-linux") {
        addedByAnOverlay = "changed";
      }
    );
  # Each image has four layers of 250 kB that do not become smaller by compression; the last one for ARM changes.
  fourLayers =
    version:
    let
      part =
        name:
        pkgs.runCommand "part-${name}" { } ''
          mkdir $out
          head -c 250000 /dev/urandom > $out/file
        '';
      image =
        architecture: last:
        (pkgs.callPackage ./layered.nix { }).buildLayeredImage rec {
          name = "parts";
          inherit architecture;
          layers = map (number: [ (part "${architecture}-${number}") ]) [
            "1"
            "2"
            "3"
            last
          ];
          command = pkgs.lib.head layers;
        };
    in
    hello {
      images = {
        x86_64-linux = image "amd64" "4";
        aarch64-linux = image "arm64" version;
      };
      platformCheck = "off";
    };
  fourLayersBefore = fourLayers "4";
  fourLayersAfter = fourLayers "5";
  # A layout under the wrong key, and one in a list.
  layoutOfAnotherKey = hello {
    images.aarch64-linux = polyarch.mkImageLayout { image = images.amd64; };
  };
  listOfLayouts = hello {
    images = map (image: polyarch.mkImageLayout { inherit image; }) asList.images;
  };
  functionByHand = hello {
    images =
      builtins.mapAttrs
        (
          _: pkgs:
          pkgs.dockerTools.buildLayeredImage {
            name = "hello";
            config.Cmd = [
              "${pkgs.hello}/bin/hello"
              ""
            ];
          }
        )
        {
          ${pkgs.stdenv.hostPlatform.system} = pkgs;
          ${if pkgs.stdenv.hostPlatform.system == "x86_64-linux" then "aarch64-linux" else "x86_64-linux"} =
            import <nixpkgs>
              {
                localSystem.system = pkgs.stdenv.hostPlatform.system;
                crossSystem.system =
                  if pkgs.stdenv.hostPlatform.system == "x86_64-linux" then "aarch64-linux" else "x86_64-linux";
              };
        };
  };
  # overlays reach the package sets of all systems
  functionWithOverlay =
    let
      changed = pkgs.extend (_: _: { addedByAnOverlay = "--loud"; });
    in
    builtins.mapAttrs
      (
        _: strategy:
        map (image: image.config) (
          builtins.attrValues
            ((import ../.. { pkgs = changed; }).mkMultiArchImage {
              name = "hello";
              inherit strategy;
              systems = [
                "x86_64-linux"
                "aarch64-linux"
                "riscv64-linux"
              ];
              images =
                pkgs:
                pkgs.dockerTools.buildLayeredImage {
                  name = "hello";
                  config.Cmd = [ pkgs.addedByAnOverlay or "" ];
                };
            }).images
        )
      )
      {
        cross = "cross";
        native = "native";
      };

  # The package set of another machine than the one that builds, as pkgsCross has it.
  cross =
    let
      pkgsCross = (import <nixpkgs> { system = "riscv64-linux"; }).extend (
        _: _: { pkgsBuildBuild = pkgs; }
      );
    in
    (import ../.. { pkgs = pkgsCross; }).mkMultiArchImage {
      name = "hello";
      inherit (bySystem) images;
    };

  # A function of images, by the functions of a package set that cross-compiles.
  functionOfCrossSet =
    let
      arguments = {
        name = "hello";
        inherit systems;
        images = imageFunction;
      };
    in
    {
      byImport =
        (import ../.. { pkgs = pkgs.pkgsCross.aarch64-multiplatform; }).mkMultiArchImage
          arguments;
      byOverlay = (pkgs.extend (import ../../nix/overlay.nix)).pkgsCross.aarch64-multiplatform.mkMultiArchImage arguments;
    };

  # The tool of the user's own package set, in all ways to get the functions.
  ownTool =
    let
      own = version: _: _: {
        polyarch = pkgs.runCommand "polyarch-own" {
          passthru = if version == null then { } else { inherit version; };
        } "cp -R ${polyarch.polyarch} $out";
      };
      ours = import ../../nix/overlay.nix;
      image =
        functions:
        functions.mkMultiArchImage {
          name = "hello";
          images = [ images.amd64 ];
        };
      extended = pkgs.lib.foldr (overlay: pkgs: pkgs.extend overlay) pkgs;
    in
    {
      byImport = image (import ../.. { pkgs = extended [ (own "99") ]; });
      withoutVersion = image (import ../.. { pkgs = extended [ (own null) ]; });
      overlayBefore = image (extended [
        ours
        (own "99")
      ]);
      overlayAfter = image (extended [
        (own "99")
        ours
      ]);
      cross =
        image
          (extended [
            ours
            (own "99")
          ]).pkgsCross.aarch64-multiplatform;
    };
  oldTool =
    (import ../.. {
      pkgs = pkgs.extend (
        _: _: { polyarch = pkgs.runCommand "polyarch-old" { passthru.version = "0.0.1"; } ""; }
      );
    }).polyarch;

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
    # A file of a tree, with and without a hash, one in an output, and one that no store path can be called.
    ../fixtures/arm64-bi-hello-gz.tar.gz
    "${../fixtures/arm64-bi-hello-gz.tar.gz}"
    "${images.amd64}/sub/arm64.tar"
    "${images.amd64}/.a b.tar"
  ];

  # The package and the function for nixpkgs, in a package set that has them.
  forNixpkgs =
    let
      base = ../../nix/nixpkgs/pkgs;
      inNixpkgs = pkgs.extend (
        final: prev: {
          polyarch = final.callPackage (base + "/by-name/po/polyarch/package.nix") { };
          dockerTools = prev.dockerTools // {
            buildMultiArchImage = final.callPackage (base + "/build-support/docker/multi-arch-image.nix") { };
          };
        }
      );
      arguments = {
        name = "Hello";
        inherit (bySystem) images;
      };
      image = more: inNixpkgs.dockerTools.buildMultiArchImage (arguments // more);
    in
    {
      package = inNixpkgs.polyarch;
      archive = image { tag = "latest"; };
      hashTag = image { };
      asList = image {
        tag = "latest";
        images = asList.images;
        format = "oci-layout";
      };
      tarballs = image {
        tag = "latest";
        images = tarballs.images;
      };
      annotated = image { inherit annotations; };
      wrongPlatform = image { inherit (wrongPlatform) images; };
      otherMachine = image {
        tag = "latest";
        images = map (name: otherMachine.${name}) [
          "amd64"
          "arm64"
        ];
      };
      otherMachineStream = image { images = [ otherMachine.amd64.stream ]; };
      wrongKey = image { images.arm64 = images.arm64; };
      wrongFormat = image { format = "docker"; };
      overridden = (image { }).override { tag = "latest"; };
      arguments = pkgs.lib.functionArgs inNixpkgs.dockerTools.buildMultiArchImage;
      # `file` is the example of the manual.
      example = file: inNixpkgs.callPackage file { };
      # What the test of NixOS runs in its virtual machine.
      testScript =
        let
          test = import ../../nix/nixpkgs/nixos/tests/docker-tools-multi-arch.nix {
            inherit (pkgs) lib;
            pkgs = inNixpkgs;
          };
        in
        pkgs.runCommand test.name { script = test.testScript; } ''printf '%s' "$script" > "$out"'';
    };

  # The package of a release, whose files are in a directory.
  packageOfRelease =
    { url, hash }:
    polyarch.polyarch-bin.override {
      release = {
        version = "0.1.0";
        inherit url;
        hashes.${pkgs.stdenv.hostPlatform.system} = hash;
      };
    };
  packageOfNoRelease = polyarch.polyarch-bin;

  # The package without its tests, with them, and made with another Rust where this nixpkgs has too old a one.
  packageSources = {
    plain = polyarch.polyarch.src;
    tests = (polyarch.polyarch.override { withTests = true; }).src;
  };
  packageWithTests = polyarch.polyarch.override { withTests = true; };
  packageOfAnotherRust =
    (polyarch.overrideScope (_: _: { rustc.version = "1.86.0"; })).polyarch.override
      { rustc.version = "1.88.1"; };

  # Platform keys → OCI platforms.
  platforms = builtins.listToAttrs (
    map
      (key: {
        name = key;
        value = (pkgs.callPackage ../../nix/lib/platforms.nix { }).toOci key;
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

  # The files that a build of this Nix can access: all other tests depend on it.
  sandbox = pkgs.runCommand "sandbox" { } ''
    for path in /usr /home /root /sys /bin/bash "$HOME"; do
      if [ -e "$path" ]; then
        echo "$path is there: this is not a sandbox"
        exit 1
      fi
    done
    grep -v lo: /proc/net/dev | grep : && exit 1
    touch "$out"
  '';
  # A build that must fail with --check.
  unstable = pkgs.runCommand "unstable" { } "cat /proc/sys/kernel/random/uuid > $out";
}
