# Loads an image for two architectures into Podman, and runs the one for the machine of the test.
{ lib, pkgs, ... }:

let
  image =
    pkgs:
    pkgs.dockerTools.buildLayeredImage {
      name = "hello";
      config.Cmd = [ (lib.getExe pkgs.hello) ];
    };
in
{
  name = "docker-tools-multi-arch";
  meta.maintainers = [ ];

  nodes.machine =
    { pkgs, ... }:
    {
      virtualisation = {
        podman.enable = true;
        diskSize = 4096;
      };
      environment.systemPackages = [
        pkgs.jq
        pkgs.skopeo
      ];
    };

  testScript =
    let
      multiArch = pkgs.dockerTools.buildMultiArchImage {
        name = "Hello";
        images = {
          x86_64-linux = image (if pkgs.stdenv.hostPlatform.isx86_64 then pkgs else pkgs.pkgsCross.gnu64);
          aarch64-linux = image (
            if pkgs.stdenv.hostPlatform.isAarch64 then pkgs else pkgs.pkgsCross.aarch64-multiplatform
          );
        };
      };
    in
    ''
      machine.wait_for_unit("multi-user.target")

      with subtest("The image has both platforms and the digest of the build"):
          machine.succeed("skopeo inspect --raw oci-archive:${multiArch} > index")
          found = machine.succeed("jq -r '.manifests[].platform.architecture' index | sort | xargs").strip()
          assert found == "amd64 arm64", found
          digest = machine.succeed("cat ${multiArch.digest}").strip()
          machine.succeed(f"echo '{digest.removeprefix('sha256:')}  index' | sha256sum --check")

      with subtest("Podman loads and runs the image of this machine"):
          machine.succeed("podman load --input ${multiArch}")
          said = machine.succeed("podman run --rm --network=none docker.io/library/${multiArch.imageName}:${multiArch.imageTag}")
          assert "Hello, world!" in said, said
    '';
}
