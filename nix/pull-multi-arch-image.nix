# A multi-platform image of a registry, pinned by the digest of its index.
{
  lib,
  cacert,
  checkArguments,
  coreutils,
  jq,
  platforms,
  rules,
  runCommand,
  skopeo,
  writeShellApplication,
}:

let
  # The argument of the function below has this name too.
  inherit (platforms) toOci;
in

/**
  Pulls a multi-platform image from a registry, by the digest of its index, for use as the base of each platform's image
  (`fromImage` of dockerTools). It is a fixed-output derivation, so the build has network access, and Nix checks the
  result against `hash`. The build fails clearly if the digest is that of an image for one platform.

  skopeo pulls the image, with the certificates of nixpkgs. The builder has no credentials for a private registry. There are
  two ways to give it some, and neither leaves them in a derivation, in the store or in a log:

  - `prefetch` pulls with the credentials of the user who starts it, and adds the result to the store. The build finds it
    there, like the files of `requireFile` in nixpkgs.
  - `authFile` is a file on the machine that builds.

  # Inputs

  `imageName`
  : Name of the image, with its registry: `"docker.io/library/debian"`.

  `imageDigest`
  : Digest of the image index: `"sha256:…"`. `update` prints the current one of a tag.

  `hash`
  : Hash of the result. Give `lib.fakeHash` first: the error shows the right one.

  `platforms`
  : List of the platforms to pull, each a Nix system (`"aarch64-linux"`) or an OCI platform (`"linux/arm/v7"`).

  `imageTag`
  : The tag that `update` follows, and that archives name the image with. Default: `"latest"`.

  `tlsVerify`
  : Whether the registry needs HTTPS with a valid certificate. Default: `true`.

  `authFile`
  : A file with credentials, in the format of `skopeo login` and `docker login`, as a string with its absolute path:
    `"/run/keys/registry.json"`. The setting `extra-sandbox-paths` of Nix must have this path, and the users of the group
    `nixbld` must be able to read the file. The file is not copied; any build on that machine can read it. Default: `null`.

  # Output

  A derivation whose output is an OCI image layout with the images of these platforms, byte for byte, and with the index of
  the registry. `mkDiffCheck` compares it with another image; for that, pull all platforms.

  Attributes besides those of every derivation:

  `images`
  : the image for each platform as a docker-archive, for `fromImage`: a set keyed by the elements of `platforms`

  `update`
  : a script that prints digest and hash for the current image of the tag. `update --tag TAG FILE` takes another tag, and
    replaces the old digest and hash in a Nix file.

  `prefetch`
  : a script that pulls this image with the credentials of its user (`nix run .#image.login -- REGISTRY`), and adds it to
    the store as the output of this derivation. It fails if the image does not have `hash`.

  `imageName`, `imageDigest`, `imageTag`
  : the arguments

  # Type

  ```
  pullMultiArchImage :: {
    imageName :: String,
    imageDigest :: String,
    hash :: String,
    platforms :: [ String ],
    imageTag :: String ? "latest",
    tlsVerify :: Bool ? true,
    authFile :: String | Null ? null,
  } -> Derivation
  ```

  # Examples

  ```nix
  let
    base = pullMultiArchImage {
      imageName = "docker.io/library/debian";
      imageTag = "13-slim";
      imageDigest = "sha256:1b405439136ed6bef561ab3f0f09c08ba01c9d16069ca808458c3d260f1ce012";
      hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
      platforms = [ "x86_64-linux" "aarch64-linux" ];
    };
  in
  mkMultiArchImage {
    name = "ghcr.io/me/app";
    systems = [ "x86_64-linux" "aarch64-linux" ];
    images = pkgs: pkgs.dockerTools.buildLayeredImage {
      name = "app";
      fromImage = base.images.${pkgs.stdenv.hostPlatform.system};
      config.Cmd = [ "${pkgs.hello}/bin/hello" ];
    };
  }
  => «derivation /nix/store/…-app.tar.drv»
  ```

  ```console
  $ nix run .#base.update -- flake.nix
  ```
*/
{
  imageName,
  imageDigest,
  hash,
  platforms,
  imageTag ? "latest",
  tlsVerify ? true,
  authFile ? null,
}:
let
  baseName = baseNameOf imageName;

  # The function that the build and the scripts use, with its arguments.
  pull = ''
    platforms=(${lib.escapeShellArgs (map toOci platforms)})
    tls_verify=${if tlsVerify then "true" else "false"}
    auth_file=
    ${builtins.readFile ./scripts/common.sh}
    ${builtins.readFile ./scripts/pull.sh}
  '';

  layout =
    # The digest is in the name: otherwise a new digest with the old hash would give the old image.
    runCommand "${baseName}-pulled-${builtins.substring 7 12 imageDigest}"
      {
        outputHashMode = "recursive";
        outputHash = hash;
        impureEnvVars = lib.fetchers.proxyImpureEnvVars;
        SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
        nativeBuildInputs = [
          jq
          skopeo
        ];
        passthru = {
          inherit imageName imageDigest imageTag;
          images = lib.genAttrs platforms archive;
          update = script "update" { tag = imageTag; } ./scripts/update-pulled.sh;
          # The path is a text: as a dependency of the script, the image would be pulled for it.
          prefetch = script "prefetch" {
            store_path = builtins.unsafeDiscardStringContext layout.outPath;
          } ./scripts/prefetch-pulled.sh;
        };
      }
      ''
        work=$NIX_BUILD_TOP/pull
        mkdir "$work"
        ${pull}
        ${lib.optionalString (authFile != null) useAuthFile}
        pull ${lib.escapeShellArg imageName} ${imageDigest} "$out"
      '';

  # As dockerTools.pullImage makes it.
  archive =
    platform:
    let
      parts = lib.splitString "/" (toOci platform);
      part = builtins.elemAt parts;
      variant = lib.optionalString (builtins.length parts > 2) "--override-variant=${part 2}";
    in
    runCommand "${baseName}-${lib.concatStringsSep "-" parts}.tar"
      {
        nativeBuildInputs = [ skopeo ];
        passthru = { inherit imageName imageTag; };
      }
      ''
        skopeo --insecure-policy --tmpdir="$NIX_BUILD_TOP" --override-os=${part 0} --override-arch=${part 1} ${variant} \
          copy --quiet ${lib.escapeShellArg "oci:${layout}"} "docker-archive:$out:"${lib.escapeShellArg "${imageName}:${imageTag}"}
      '';

  useAuthFile = ''
    auth_file=${lib.escapeShellArg authFile}
    [ -r "$auth_file" ] || {
      echo "error: authFile: $auth_file does not exist in the sandbox, or this user cannot read it"
      echo "hint: add it to nix.conf: extra-sandbox-paths = $auth_file"
      exit 1
    } >&2
  '';

  # `more` are variables that only this script has.
  script =
    verb: more: file:
    writeShellApplication {
      name = "${verb}-${baseName}";
      runtimeInputs = [
        coreutils
        jq
        skopeo
      ];
      text = ''
        script=${verb}-${baseName}
        name=${lib.escapeShellArg imageName}
        old_digest=${imageDigest}
        old_hash=${lib.escapeShellArg hash}
        ${lib.concatStringsSep "\n" (
          lib.mapAttrsToList (variable: value: "${variable}=${lib.escapeShellArg value}") more
        )}
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        ${pull}
        ${builtins.readFile file}
      '';
    };
in
checkArguments "pullMultiArchImage" [
  (rules.imageName "imageName" imageName)
  (rules.imageDigest "imageDigest" imageDigest)
  (rules.hash "hash" hash)
  (rules.platformList "platforms" platforms)
  (rules.imageTag "imageTag" imageTag)
  (rules.bool "tlsVerify" tlsVerify)
  (rules.authFile "authFile" authFile)
] layout
