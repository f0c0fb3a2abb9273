# The files of a deployment with digests instead of tags.
{
  lib,
  checkArguments,
  polyarch,
  rules,
  runCommand,
}:

/**
  Makes a copy of the files of a deployment in which images are named by digest, with `polyarch pin`. The digests are
  known in the build, so evaluation needs no import from derivation, and the files deploy exactly the images that this
  revision builds. Comments and formatting stay.

  These become `NAME@sha256:…`:

  - `NAME:TAG` in a value of YAML or JSON files (Kubernetes, compose) or in a string of HCL files (Nomad), with any of the
    tags of the image; and `NAME` alone as the value of `image`, if one of the tags is `latest`. The forms of a
    name at Docker Hub (`postgres`, `docker.io/library/postgres`) are one name.
  - `repository: NAME` and `tag: TAG` in the values of Helm charts, perhaps with `registry:`; and `name:` (or `newName:`)
    and `newTag:` of kustomize. `digest: ""` beside them gets the digest; otherwise the tag becomes `TAG@sha256:…`.
  - the placeholder `@KEY@` in any text file. `@KEY.name@`, `@KEY.tag@` and `@KEY.digest@` are the parts.

  The build fails if a file has another tag or another digest of one of the images, if a file that is neither YAML nor
  JSON nor HCL names one by tag (templates of Helm, shell scripts: write placeholders there), or if an image does not
  occur; also for a tag with a variable (`${TAG:-v1}`). Each error names the file and the line. A warning in the log of
  the build names a text that may be one of the images, such as `${REGISTRY}/app:v1`, and is not changed. Comments are not
  changed, except placeholders in them. A link that leads out of `src` is replaced by its target.

  # Inputs

  `src`
  : A file or a directory. Select files with `lib.fileset.toSource`: those that name the images without deploying them,
    such as a README, do not belong to it.

  `images`
  : Results of `mkMultiArchImage`, keyed by the names of their placeholders. A key is a letter, and then letters, digits,
    `-` and `_`.

  `name`
  : Name of the derivation. Default: `"deployment"`.

  # Type

  ```
  withImageRefs :: {
    src :: Path | Derivation,
    images :: AttrsOf Derivation,
    name :: String ? "deployment",
  } -> Derivation
  ```

  # Examples

  ```
  withImageRefs {
    src = ./deploy;
    images = { app = image; };
  }
  => «derivation /nix/store/…-deployment.drv»
  ```

  ```console
  $ nix build .#deployment && kubectl apply --recursive --filename result/
  ```
*/
{
  src,
  images,
  name ? "deployment",
}:
checkArguments "withImageRefs"
  [
    (rules.source "src" src)
    (rules.namedImages "images" images)
    (rules.derivationName "name" name)
  ]
  (
    runCommand name
      {
        __structuredAttrs = true;
        # NAME:TAG and the file with the digest, by turns.
        references = lib.concatLists (
          lib.mapAttrsToList (
            key: image:
            lib.concatMap (ref: [
              "${key}=${ref}"
              "${image.layout.digest}"
            ]) image.imageRefs
          ) images
        );
        src = "${src}";
        nativeBuildInputs = [ polyarch ];
      }
      ''
        pinArguments=()
        for ((i = 0; i < ''${#references[@]}; i += 2)); do
          pinArguments+=("--image=''${references[i]}@$(< "''${references[i + 1]}")")
        done
        NO_COLOR=1 polyarch pin --no-sync --output "$out" "''${pinArguments[@]}" -- "$src"
      ''
  )
