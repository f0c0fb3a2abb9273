# The derivations of the tests of confs: images of layered.nix, and those whose conf and store paths the real dockerTools
# made (tests/fixtures/conf).
{
  pkgs,
  polyarch,
}:

let
  layered = pkgs.callPackage ./layered.nix { };
  # Those of another machine than the one that builds.
  otherMachine = (import <nixpkgs> { system = "riscv64-linux"; }).callPackage ./layered.nix { };

  inherit (polyarch) mkImageLayout mkMultiArchImage;
  mkImageLayoutOfDarwin =
    (import ../.. { pkgs = import <nixpkgs> { system = "aarch64-darwin"; }; }).mkImageLayout;

  files = pkgs.runCommand "tree" { } ''
    mkdir -p $out/bin $out/a/b $out/a-b $out/empty
    printf '#!/bin/sh\n' > $out/bin/run
    chmod 755 $out/bin/run
    head -c 1000 /dev/zero > $out/a/b/c
    ln $out/a/b/c $out/a-b/hard
    ln -s ../nowhere $out/a.link
    : > $out/nothing
    head -c 512 /dev/zero > $out/one-block
  '';
  other = pkgs.runCommand "other" { } "echo other > $out";

  arguments = {
    name = "tree";
    command = [ "${files}/bin/run" ];
    layers = [
      [ other ]
      [
        files
        pkgs.hello
      ]
    ];
  };
  image = more: layered.buildLayeredImage (arguments // more);
  ofOtherMachine = more: otherMachine.buildLayeredImage (arguments // more);

  # All that can be read.
  ways = image: {
    image = mkImageLayout { inherit image; };
    conf = mkImageLayout { image = image.stream; };
    stream = mkImageLayout { image = removeAttrs image.stream [ "conf" ]; };
    archive = mkImageLayout { image = "${image}"; };
  };

  # The store paths are those that the real dockerTools had. The test imports them into its store.
  real =
    layered: name:
    let
      file = ../fixtures/conf + "/${name}/conf.json";
      inherit (builtins.fromJSON (builtins.readFile file)) store_layers customisation_layer;
    in
    layered.streamOf {
      name = "hello";
      conf = pkgs.runCommand "hello-conf.json" {
        paths = map builtins.storePath (builtins.concatLists store_layers ++ [ customisation_layer ]);
      } "cp ${file} $out";
    };
in
rec {
  tree = ways (image { });
  # Each argument has another value than the default.
  allArguments = ways (image {
    architecture = "arm64";
    created = "2024-02-29T22:00:00+00:00";
    mtime = "2024-02-29T12:34:56+00:00";
    uid = 1000;
    gid = 1001;
    uname = "user";
    gname = "group";
  });

  realAmd64 = ways { stream = real layered "hello-amd64"; };
  realStream = real layered "hello-amd64";
  realArm64 = ways { stream = real layered "hello-arm64"; };
  # A stream that this machine cannot run.
  realOfOtherMachine = mkImageLayout { image = real otherMachine "hello-arm64"; };

  # A conf of another nixpkgs.
  unknown = image { more = ''"shape": "new",''; };
  unknownConf = mkImageLayout {
    image = unknown;
    platform = "linux/arm/v7";
    setPlatform = "linux/arm/v7";
  };
  knownConf = unknownConf.override { image = image { }; };
  unknownOfOtherMachine = mkImageLayout { image = ofOtherMachine { more = ''"shape": "new",''; }; };
  knownOfOtherMachine = mkImageLayout { image = ofOtherMachine { }; };
  hintFollowed = mkImageLayout {
    image = removeAttrs (ofOtherMachine { more = ''"shape": "new",''; }) [
      "conf"
      "stream"
    ];
  };
  unknownThatFails = mkImageLayout {
    image = image {
      more = ''"shape": "new",'';
      change = "1s/^/exit 7;/";
    };
  };

  # Only the script has a clock.
  now = mkImageLayout { image = image { created = "now"; }; };
  nowOfOtherMachine = mkImageLayout { image = ofOtherMachine { created = "now"; }; };

  # `overrideAttrs` that changes the program of a stream, or not.
  changed = mkImageLayout {
    image = (image { }).stream.overrideAttrs (before: {
      buildCommand = before.buildCommand + "sed -i 's/-conf.json/&-other/' $out\n";
    });
  };
  replaced = mkImageLayout {
    image = (image { }).stream.overrideAttrs (_: {
      inherit ((image { uid = 5; }).stream) buildCommand;
    });
  };
  replacement = mkImageLayout { image = image { uid = 5; }; };
  renamed = mkImageLayout {
    image = (image { }).stream.overrideAttrs (_: {
      name = "stream-tree";
    });
  };

  # The machine that builds is a Mac.
  onDarwin = mkImageLayoutOfDarwin { image = image { }; };

  # Layers that another image has.
  dependencies =
    arguments:
    layered.buildLayeredImage (
      arguments
      // {
        name = "dependencies";
        layers = [ [ other ] ];
      }
    );
  reusing =
    let
      both = mkMultiArchImage {
        name = "dependencies";
        images = {
          x86_64-linux = dependencies arguments;
          aarch64-linux = dependencies (arguments // { architecture = "arm64"; });
        };
        platformCheck = "off";
      };
    in
    {
      layout = mkImageLayout {
        image = image { };
        reuse = [ (mkImageLayout { image = dependencies arguments; }) ];
      };
      image = mkImageLayout {
        image = image { };
        reuse = [ both ];
      };
      onePlatform = mkImageLayout {
        image = image { architecture = "arm64"; };
        platform = "aarch64-linux";
        reuse = [ both ];
      };
    };

  # Both ways compared.
  matching = mkMultiArchImage {
    name = "tree";
    images = {
      x86_64-linux = image { };
      aarch64-linux = (image { architecture = "arm64"; }).stream;
      "linux/arm/v7" = {
        image = image { };
        setPlatform = "linux/arm/v7";
      };
    };
    platformCheck = "off";
  };
  # The script of this one is not that of dockerTools.
  different = matching.override {
    images = [
      (image { change = ''s/"os": "linux"/"os": "linux", "by": "another script"/''; })
    ];
  };
  notCompared = matching.override {
    images = [
      "${image { }}"
      (ofOtherMachine { architecture = "riscv64"; })
    ];
  };
}
