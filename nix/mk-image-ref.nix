# The files `passthru.ref`.
{
  lib,
  jq,
  runCommand,
}:

/**
  Makes files with the references of an image by digest, for deployments. They are known after the build, so other
  derivations read them: evaluation needs no import from derivation.

  # Inputs

  `layout`
  : The image: an OCI image layout whose `index.json` has one descriptor.

  `imageName`, `imageTag`, `imageRefs`
  : As in `mkPushScript`.

  # Output

  A derivation whose output is a file with `NAME@sha256:…` and a newline. A second output, `json`, is a file with the
  fields

  - `ref`: `NAME@sha256:…`
  - `name`, `tag`, `digest`: its parts; `tags` are all tags of the image
  - `platforms[]`: `platform` (such as `linux/arm64`), `digest` and `ref` of the manifest of each platform

  # Type

  ```
  mkImageRef :: {
    layout :: Derivation,
    imageName :: String,
    imageTag :: String,
    imageRefs :: [ String ] ? [ "${imageName}:${imageTag}" ],
  } -> Derivation
  ```

  # Examples

  ```console
  $ cat "$(nix build --no-link --print-out-paths .#image.ref)"
  ghcr.io/me/app@sha256:…
  $ jq -r '.platforms[] | "\(.platform) \(.ref)"' "$(nix build --no-link --print-out-paths '.#image.ref^json')"
  linux/amd64 ghcr.io/me/app@sha256:…
  linux/arm64 ghcr.io/me/app@sha256:…
  ```
*/
{
  layout,
  imageName,
  imageTag,
  imageRefs ? [ "${imageName}:${imageTag}" ],
}:
runCommand "${baseNameOf imageName}-ref"
  {
    outputs = [
      "out"
      "json"
    ];
    inherit imageName;
    tag = imageTag;
    tags = map (lib.removePrefix "${imageName}:") imageRefs;
    program = ''
      def platform: [.os, .architecture, .variant // empty] | join("/");
      {
        ref: "\($name)@\($digest)",
        name: $name,
        tag: $tag,
        tags: ($tags | split(" ")),
        digest: $digest,
        platforms: [.manifests[] | select(.platform.os != "unknown")
          | { platform: (.platform | platform), digest, ref: "\($name)@\(.digest)" }]
      }
    '';
    nativeBuildInputs = [ jq ];
  }
  ''
    digest=$(jq -er '.manifests[0].digest' ${layout}/index.json)
    jq --arg name "$imageName" --arg tag "$tag" --arg tags "$tags" --arg digest "$digest" "$program" \
      "${layout}/blobs/''${digest/://}" > "$json"
    printf '%s@%s\n' "$imageName" "$digest" > "$out"
  ''
