# `polyarch merge` as a derivation: the one place of nix/ where the tool runs.
{
  runCommand,
  polyarch,
}:

/**
  Run `polyarch merge` on images.

  # Inputs

  `name`
  : Name of the derivation and so of its store path.

  `options`
  : Options of `polyarch merge`, all but `--output`.

  `images`
  : Its images, each `[PLATFORM=]PATH`.

  `stream`
  : The program whose standard output is the image `-`. Default: `null`, there is none.

  `links`
  : Whether the output links to the blobs of its images. Then it refers to them, and is made where they are: sending
    them to another builder for the sake of a few links would be all the work.

    Otherwise it refers to nothing by right, and the store paths that stand in its bytes (the history comments and
    the layers of a dockerTools image are full of them) are not references: the archive of two architectures would
    keep the closures of both alive. default.nix says which versions of Nix know that. Default: `false`.

  `isImage`
  : Whether this is the image itself and no step on the way to it: then a second output `digest` is a file with its
    digest, which the log shows too. Default: `false`.

  `passthru`, `meta`
  : As in `mkDerivation`.

  # Type

  ```
  merge :: {
    name :: String,
    options :: [ String ],
    images :: [ String ],
    stream :: Derivation | Null ? null,
    links :: Bool ? false,
    isImage :: Bool ? false,
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
  links ? false,
  isImage ? false,
  passthru ? { },
  meta ? { },
}:
let
  # The tool prints the digest. That of one image's layout looks like that of the image, so it is not shown. Whether a
  # store path is brought to the disk before it is valid, Nix decides for all of them (`fsync-store-paths`).
  merge = ''polyarch merge --no-sync --output "$out" "''${mergeArguments[@]}" > "''${digest:-/dev/null}"'';

  fromFiles = ''
    ${merge}
  '';

  # - It is bash that starts the stream: under pkgsCross, older nixpkgs give the script an interpreter of the machine
  #   that the image is for. The kernel refuses that one (ENOEXEC), and bash then reads the script itself.
  # - All of it is read, even when the merge has failed: so where the stream fails, it is not for want of a reader.
  # - Its exit code counts even when what it wrote is a whole image.
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
in
runCommand name {
  # The values reach the tool as a bash array, every character of them as it was written.
  __structuredAttrs = true;
  mergeArguments = options ++ (if links then [ "--link" ] else [ ]) ++ [ "--" ] ++ images;
  nativeBuildInputs = [ polyarch ];
  outputs = [ "out" ] ++ (if isImage then [ "digest" ] else [ ]);
  inherit passthru meta;
  # Said only where it is meant: it is an experimental feature in some versions of Nix.
  ${if links then null else "unsafeDiscardReferences"}.out = true;
  # Not `allowSubstitutes = false`, which runCommandLocal has, too: what is in a binary cache need not be merged.
  ${if links then "preferLocalBuild" else null} = true;
} ((if stream == null then fromFiles else fromStream) + (if isImage then ''cat "$digest"'' else ""))
