# `polyarch diff` as a check: for `nix flake check`, and for a build that must not go on with too large a push.
{
  lib,
  checkArguments,
  polyarch,
  rules,
  runCommand,
}:

/**
  Makes a derivation that compares two images with `polyarch diff`, and fails if they differ or if a push of the new one
  would send too much. Its output is the report; the log shows it too, if the check fails.

  # Inputs

  `old`
  : The image that the registry has, an archive or a layout: a result of `pullMultiArchImage` pins one.

  `new`
  : The image that is to be pushed, for example a result of `mkMultiArchImage`.

  `maxPush`
  : How many bytes a push to a registry with `old` may send: a number, or a string with a unit such as `"50MB"` or
    `"1.5GiB"`. `null`: the images must not differ at all. Default: `null`.

  # Type

  ```
  mkDiffCheck :: {
    old :: Derivation | Path,
    new :: Derivation | Path,
    maxPush :: Int | String | Null ? null,
  } -> Derivation
  ```

  # Examples

  ```
  checks.x86_64-linux.push = mkDiffCheck {
    old = pullMultiArchImage {
      imageName = "ghcr.io/me/app";
      imageDigest = "sha256:…";
      hash = "sha256-…";
      platforms = [ "x86_64-linux" "aarch64-linux" ];
    };
    new = image;
    maxPush = "50MB";
  };
  ```
*/
{
  old,
  new,
  maxPush ? null,
}:
let
  # The layout of a merged image is cheaper to build than the archive, and the same image.
  inputOf = image: toString (image.layout or image);
in
checkArguments "mkDiffCheck"
  [
    (rules.image "old" old)
    (rules.image "new" new)
    (rules.sizeOrNull "maxPush" maxPush)
  ]
  (
    runCommand "image-diff"
      {
        __structuredAttrs = true;
        diffArguments = [
          (if maxPush == null then "--exit-code" else "--max-push=${toString maxPush}")
          "--"
          (inputOf old)
          (inputOf new)
        ];
        nativeBuildInputs = [ polyarch ];
      }
      ''
        NO_COLOR=1 polyarch diff "''${diffArguments[@]}" > "$out" || {
          status=$?
          cat "$out" >&2
          ${lib.optionalString (maxPush == null) ''
            [ "$status" -ne 1 ] || echo 'error: the images differ' >&2
          ''}
          exit "$status"
        }
      ''
  )
