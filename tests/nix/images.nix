# The images of the tests, as derivations: archives that nixpkgs' dockerTools wrote (tests/fixtures), with the
# attributes that its derivations have.
{ runCommand }:

let
  image =
    name: file:
    runCommand name {
      passthru = {
        imageName = "hello";
        imageTag = "latest";
      };
    } "cp ${file} $out";
in
rec {
  # dockerTools.buildLayeredImage { name = "hello"; … }
  amd64 = image "hello.tar.gz" ../fixtures/amd64-bli-hello-gz.tar.gz;
  arm64 = image "hello.tar.gz" ../fixtures/arm64-bli-hello-gz.tar.gz;
  # the same with compressor = "zstd"
  amd64Zstd = image "hello.tar.zst" ../fixtures/amd64-bli-hello-zstd.tar.zst;
  arm64Zstd = image "hello.tar.zst" ../fixtures/arm64-bli-hello-zstd.tar.zst;
  # dockerTools.buildImage { name = "hello"; … }
  amd64Flat = image "docker-image-hello.tar.gz" ../fixtures/amd64-bi-hello-gz.tar.gz;
  arm64Flat = image "docker-image-hello.tar.gz" ../fixtures/arm64-bi-hello-gz.tar.gz;
  # What dockerTools writes for other architectures: there are no such archives in tests/fixtures, so these are the one
  # for arm64 with the config changed. For any 32-bit ARM it says `arm`, and never a variant.
  arm = withArchitecture "arm";
  riscv64 = withArchitecture "riscv64";
  withArchitecture =
    architecture:
    runCommand "hello.tar" { } ''
      tar -xzf ${arm64}
      config=$(sed -n 's/.*"Config": "\(.*\)",/\1/p' manifest.json)
      sed -i 's/"architecture": "arm64"/"architecture": "${architecture}"/' "$config"
      # It was named by its digest.
      new=$(sha256sum "$config" | cut -d ' ' -f 1).json
      mv "$config" "$new"
      sed -i "s/$config/$new/" manifest.json
      tar -cf "$out" ./*
    '';
}
