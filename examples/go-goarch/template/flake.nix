{
  description = "A Go program, cross-compiled by GOARCH";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.polyarch.url = "github:polyarch/polyarch";

  outputs =
    { nixpkgs, polyarch, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      version = "1.2.0";

      # Go cross-compiles for every architecture itself, so one package set is enough.
      hello =
        goarch:
        pkgs.buildGoModule {
          pname = "hello";
          inherit version;
          src = ./.;
          vendorHash = null;
          env.CGO_ENABLED = 0;
          doCheck = false;
          # Not in `env`: buildGoModule overrides these variables there.
          preBuild = "export GOOS=linux GOARCH=${goarch}";
          # `go install` puts programs for other machines into a subdirectory.
          postInstall = ''
            if [ -d $out/bin/linux_${goarch} ]; then
              mv $out/bin/linux_${goarch}/* $out/bin
              rmdir $out/bin/linux_${goarch}
            fi
          '';
        };

      image =
        goarch:
        pkgs.dockerTools.buildLayeredImage {
          name = "hello";
          compressor = "none"; # polyarch compresses the layers
          architecture = goarch;
          contents = [ pkgs.cacert ];
          config = {
            Cmd = [ "${hello goarch}/bin/hello" ];
            Env = [ "SSL_CERT_FILE=${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt" ];
          };
        };
    in
    {
      packages.${system}.image = polyarch.legacyPackages.${system}.mkMultiArchImage {
        name = "localhost:5000/go-goarch";
        tag = version;
        tags = [ "latest" ];
        images = {
          "linux/amd64" = image "amd64";
          "linux/arm64" = image "arm64";
        };
      };
    };
}
