# `polyarch merge` as a derivation: the builder of every layout and archive.
{
  runCommand,
  polyarch,
}:

/**
  Runs `polyarch merge` on images.

  # Inputs

  `name`
  : Name of the derivation.

  `options`
  : Options of `polyarch merge`, except `--output`.

  `images`
  : Inputs of `polyarch merge`, each `[PLATFORM=]PATH`.

  `stream`
  : The command that writes the image `-` to its standard output. Default: `null`, no input is `-`.

  `conf`
  : The input that is the conf of a layered image. If polyarch does not support it, the build runs `stream` instead, or
    fails if that is `null`. Default: `null`, no input is a conf.

  `links`
  : Whether the output links to the blobs of its inputs. If so, it refers to the inputs and is built on the machine that
    has them: copying them to a remote builder would cost more than the links.

    Otherwise the output refers to nothing. Its bytes contain store paths (the history comments and the layers of a
    dockerTools image are full of them); as references, they would keep the closures of all architectures alive.
    `nix/default.nix` documents which versions of Nix support that. Default: `false`.

  `isImage`
  : Whether the output is an image for the user, not the layout of one input. If so, a second output `digest` is a file
    with its digest, and the log shows the digest. Default: `false`.

  `needs`
  : Derivations that have to be built before, such as checks. Default: `[ ]`.

  `passthru`, `meta`
  : As in `mkDerivation`.

  # Type

  ```
  merge :: {
    name :: String,
    options :: [ String ],
    images :: [ String ],
    stream :: String | Null ? null,
    conf :: Derivation | Null ? null,
    links :: Bool ? false,
    isImage :: Bool ? false,
    needs :: [ Derivation ] ? [ ],
    passthru :: AttrSet ? { },
    meta :: AttrSet ? { },
  } -> Derivation
  ```
*/
{
  name,
  options,
  images,
  stream ? null,
  conf ? null,
  links ? false,
  isImage ? false,
  needs ? [ ],
  passthru ? { },
  meta ? { },
}:
let
  # polyarch prints the digest. For the layout of one input it is discarded: it would be mistaken for the digest of the
  # image. --no-sync, because Nix decides whether store paths are synced (`fsync-store-paths`).
  # A builder writes to a terminal of Nix, and `nix log` would have its colours.
  merge = ''NO_COLOR=1 polyarch merge --no-sync --output "$out" "''${mergeArguments[@]}" > "''${digest:-/dev/null}"'';

  fromFiles = ''
    ${merge}
  '';

  # - bash starts the stream: under pkgsCross, older nixpkgs give the script an interpreter for the platform of the
  #   image. The kernel rejects that interpreter (ENOEXEC), and bash then runs the script itself.
  # - `cat` reads the rest of the stream after a failed merge. Otherwise the stream would fail for want of a reader.
  # - The exit code of the stream counts even if it wrote a complete image.
  fromStream = ''
    set -o pipefail
    ${stream} | {
      status=0
      ${merge} || status=$?
      cat > /dev/null
      exit "$status"
    } || {
      statuses=("''${PIPESTATUS[@]}")
      if [ "''${statuses[0]}" -eq 0 ]; then
        echo "(standard input was the output of ${stream})" >&2
      else
        echo "error: ${stream}, which writes the image, failed with exit code ''${statuses[0]}" >&2
      fi
      exit 1
    }
  '';

  # Exit code 3: polyarch does not support the conf, and has written nothing. A conf without any known key is only a JSON
  # document for it.
  fromConf = ''
    status=0
    ${merge} 2> "$NIX_BUILD_TOP/messages" || status=$?
    if grep -q ': not a container image: found a JSON document' "$NIX_BUILD_TOP/messages"; then
      status=3
    fi
    if [ "$status" -ne 3 ]; then
      cat "$NIX_BUILD_TOP/messages" >&2
      [ "$status" -eq 0 ] || exit "$status"
    else
      ${if stream == null then noStream else streamInstead}
    fi
  '';

  streamInstead = ''
    sed -n 's/^error: /warning: /p' "$NIX_BUILD_TOP/messages" >&2
    echo 'warning: this build runs the stream of the image instead, which takes longer' >&2
    mergeArguments=("''${mergeArguments[@]//"${conf}"/-}")
    ${fromStream}
  '';

  noStream = ''
    sed '/^hint: /d' "$NIX_BUILD_TOP/messages" >&2
    echo 'hint: this machine cannot run the stream of the image; another machine makes its archive if you write: image = removeAttrs … [ "conf" "stream" ]' >&2
    exit "$status"
  '';

  build =
    if conf != null then
      fromConf
    else if stream != null then
      fromStream
    else
      fromFiles;
in
runCommand name {
  # Structured attributes pass the arguments to polyarch as a bash array, without quoting.
  __structuredAttrs = true;
  mergeArguments = options ++ (if links then [ "--link" ] else [ ]) ++ [ "--" ] ++ images;
  nativeBuildInputs = [ polyarch ];
  outputs = [ "out" ] ++ (if isImage then [ "digest" ] else [ ]);
  inherit passthru meta;
  ${if needs == [ ] then null else "needs"} = map toString needs;
  # Left out where it would be false: some versions of Nix reject the attribute without an experimental feature.
  ${if links then null else "unsafeDiscardReferences"}.out = true;
  # Not `allowSubstitutes = false`, which runCommandLocal sets too: an output in a binary cache need not be built.
  ${if links then "preferLocalBuild" else null} = true;
} (build + (if isImage then ''cat "$digest"'' else ""))
