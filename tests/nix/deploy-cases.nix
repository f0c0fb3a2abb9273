# The derivations of tests/nix/cases/deploy.sh.
{
  pkgs,
  polyarch,
  images,
  hello,
}:

rec {
  image = hello {
    tag = "v1";
    tags = [ "latest" ];
  };
  same = hello { format = "oci-layout"; };
  other = hello {
    images = {
      x86_64-linux = images.amd64;
      aarch64-linux = images.arm64Flat;
    };
  };
  named =
    name:
    hello {
      inherit name;
      tag = "v1";
      tags = [ "latest" ];
    };

  checks = {
    same = polyarch.mkDiffCheck {
      old = image;
      new = same;
    };
    different = polyarch.mkDiffCheck {
      old = image;
      new = other;
    };
    small = polyarch.mkDiffCheck {
      old = image;
      new = other;
      maxPush = "1 MB";
    };
    exact = polyarch.mkDiffCheck {
      old = image;
      new = image;
      maxPush = 0;
    };
    large = polyarch.mkDiffCheck {
      old = image;
      new = other;
      maxPush = "0.5kB";
    };
  };

  # The files of a deployment, as `name` to `text`, with the image and another one.
  deployment =
    files:
    polyarch.withImageRefs {
      src =
        pkgs.runCommand "files"
          {
            __structuredAttrs = true;
            inherit files;
          }
          ''
            mkdir -p "$out/deep"
            for file in "''${!files[@]}"; do
              printf '%s' "''${files[$file]}" > "$out/$file"
            done
          '';
      images = {
        app = image;
        other = polyarch.mkMultiArchImage {
          name = "registry.example:5000/me/other";
          tag = null;
          images = [ images.amd64Flat ];
        };
      };
    };
  deployments = builtins.mapAttrs (_: deployment) {
    pinned = {
      "pod.yaml" =
        "# hello:v1 is the image\nspec:\n  containers:\n  - image: hello:v1  # now\n  - { image: hello }\n";
      "deep/values.yaml" = "image:\n  repository: hello\n  tag: \"v1\"\n  pullPolicy: Always\n";
      "deep/job.nomad" = "config {\n  image = \"hello:latest\" # hello:v1\n}\n";
      "run.sh" = "docker run @other@ @other.name@ @other.tag@\n";
    };
    otherTag = {
      "pod.yaml" = "image: hello:v2\n# @other@\n";
    };
    unused = {
      "pod.yaml" = "image: hello:v1\n";
    };
    shell = {
      "run.sh" = "docker run hello:v1 @other@\n";
    };
  };
  aFile = polyarch.withImageRefs {
    src = builtins.toFile "pod.yaml" "image: hello:v1\n";
    images = { inherit image; };
    name = "pod.yaml";
  };

  # An image that a registry has.
  pulled =
    {
      imageName,
      imageDigest,
      hash,
      platforms,
      authFile ? null,
    }:
    let
      base = polyarch.pullMultiArchImage {
        inherit
          imageName
          imageDigest
          hash
          platforms
          authFile
          ;
        imageTag = "v1";
        tlsVerify = false;
      };
    in
    {
      inherit base;
      # The bases are images for their platforms.
      merged = hello { images = base.images; };
      check = polyarch.mkDiffCheck {
        old = base;
        new = image;
      };
    };
}
