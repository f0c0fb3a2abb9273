# The images of the tests, as derivations: archives that nixpkgs' dockerTools wrote (tests/fixtures), with the
# attributes that its derivations have.
{
  runCommand,
  bash,
  busybox,
}:

let
  attributes = {
    imageName = "hello";
    imageTag = "latest";
  };
  image =
    name: file: more:
    runCommand name { passthru = attributes // more; } "cp ${file} $out";

  # As dockerTools makes it: the archive is the compressed output of the stream.
  layered =
    file:
    let
      stream = script "exec ${busybox}/bin/gzip -dc ${file}";
    in
    runCommand "hello.tar.gz" {
      passthru = attributes // {
        inherit stream;
      };
    } "${stream} | gzip -c > $out";

  # dockerTools.streamLayeredImage { name = "hello"; … }: a program that writes the archive to standard output. Only
  # the script is real in form; what it writes is what dockerTools wrote, uncompressed.
  stream = runCommand "stream-hello" {
    passthru = attributes // {
      isExe = true;
    };
  };
  scriptFor =
    interpreter: text:
    stream ''
      printf '%s\n' '#! ${interpreter} -e' 'echo "Creating the layers" >&2' ${builtins.toJSON text} > $out
      chmod +x $out
    '';
  script = scriptFor "${bash}/bin/bash";
in
rec {
  inherit stream scriptFor script;

  # dockerTools.buildLayeredImage { name = "hello"; … }
  amd64 = layered ../fixtures/amd64-bli-hello-gz.tar.gz;
  arm64 = layered ../fixtures/arm64-bli-hello-gz.tar.gz;
  # the same with compressor = "zstd"
  amd64Zstd = image "hello.tar.zst" ../fixtures/amd64-bli-hello-zstd.tar.zst { };
  arm64Zstd = image "hello.tar.zst" ../fixtures/arm64-bli-hello-zstd.tar.zst { };
  # dockerTools.buildImage { name = "hello"; … }
  amd64Flat = image "docker-image-hello.tar.gz" ../fixtures/amd64-bi-hello-gz.tar.gz { };
  arm64Flat = image "docker-image-hello.tar.gz" ../fixtures/arm64-bi-hello-gz.tar.gz { };
  # What dockerTools writes for other architectures: there are no such archives in tests/fixtures, so these are the one
  # for arm64 with the config changed. For any 32-bit ARM it says `arm`, and never a variant.
  arm = withArchitecture "arm";
  riscv64 = withArchitecture "riscv64";
  # They start a program that is not in the image: the one that is would be for the wrong machine.
  withArchitecture =
    architecture:
    withConfig ''s|"architecture": "arm64"|"architecture": "${architecture}"|; s|/bin/hello"|/bin/absent"|'';
  # The program of another machine than the config says, and another program than the image for amd64 has.
  wrongProgram = withConfig ''s|"architecture": "arm64"|"architecture": "riscv64"|'';
  otherProgram = withConfig ''s|/bin/hello"|/bin/other"|'';
  # dockerTools.mergeImages of two images, with the tags `v1` and `arm64`
  severalImages = runCommand "merge-docker-images" { } ''
    tar -xzf ${amd64}
    mv manifest.json first
    tar -xzf ${arm64}
    sed -i 's/hello:v1/hello:arm64/' manifest.json
    { cat first manifest.json; } | tr -d '\n' | sed 's/\][[:space:]]*\[/,/' > both
    mv both manifest.json
    rm first
    tar -cf "$out" ./*
  '';
  # nix2container.buildImage: JSON that refers to the store paths of its layers
  nix2container =
    digest:
    let
      file = builtins.toFile "b-file" "a store path that is a file";
      path = {
        path = file;
        options.rewrite = {
          regex = "^${builtins.storeDir}/[0-9a-z]*-b-file";
          repl = "/nix/store/b-file";
        };
      };
    in
    runCommand "image-hello.json" {
      json = builtins.toJSON {
        version = 1;
        image-config = { };
        arch = "arm64";
        created = "0001-01-01T00:00:00Z";
        layers = [
          {
            inherit digest;
            diff_ids = digest;
            size = 3584;
            mediatype = "application/vnd.oci.image.layer.v1.tar";
            paths = [
              path
              path
            ];
            History.created_by = "nix2container";
          }
        ];
      };
    } ''printf '%s' "$json" > "$out"'';
  # A config that names a store path, as the history of every layered image does.
  namesAStorePath = withConfig ''s|"architecture": "arm64"|&, "author": "${busybox}"|'';
  withConfig =
    change:
    runCommand "hello.tar" { } ''
      tar -xzf ${arm64}
      config=$(sed -n 's/.*"Config": "\(.*\)",/\1/p' manifest.json)
      sed -i '${change}' "$config"
      # It was named by its digest.
      new=$(sha256sum "$config" | cut -d ' ' -f 1).json
      mv "$config" "$new"
      sed -i "s/$config/$new/" manifest.json
      tar -cf "$out" ./*
    '';
}
