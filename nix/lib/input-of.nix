# Image → the input of `polyarch merge`. dockerTools.streamLayeredImage builds a script that writes a docker-archive
# to standard output. Running it in the build that reads the archive saves compressing, storing and decompressing it.
{ lib, stdenv }:

let
  isStream = value: lib.isDerivation value && value.isExe or false;

  # A stream runs on the `system` of its derivation, where dockerTools builds it. Under pkgsCross that is not the
  # system of the image. The layout is built on the system that `stdenv` builds on.
  runsHere = stream: stream.system == stdenv.buildPlatform.system;

  streamName = stream: lib.removePrefix "stream-" stream.name;

  # The archive of a stream that only another machine can run. `builder` is the bash that built the script: the
  # package set here has no other program for that machine. The archive names every store path of the image, and it is
  # copied from that machine to this one; without references, those paths need not be copied with it.
  archive =
    stream:
    derivation {
      name = "${streamName stream}.tar";
      inherit (stream) system builder;
      args = [
        "-c"
        ''"$1" > "$2" || { echo "error: $1, which writes the image, failed with exit code $?" >&2; exit 1; }''
        "bash"
        "${stream}"
        (placeholder "out")
      ];
      __structuredAttrs = true;
      unsafeDiscardReferences.out = true;
    };
in

/**
  Returns how to read an image: through the stream that it is or has, if the machine that builds the layout can run
  the stream; otherwise from a file.

  The file of a buildLayeredImage is its own output: a builder of its system makes it, or a binary cache has it. A path
  or a string (`"${image}"`) is always a file.

  # Type

  ```
  inputOf :: Image -> { name :: String, path :: String, stream :: Derivation | Null }
  ```

  `name` is for derivations, and is the same for a stream and its file. `path` is `-` if there is a `stream`.
*/
image:

let
  stream = if isStream image then image else image.stream or null;
  streamed = isStream stream && runsHere stream;
  file = if isStream image then archive image else image;

  # The last component of a path, without the hash of a store path.
  base = baseNameOf (builtins.unsafeDiscardStringContext (toString image));
  stored = builtins.match "[0-9a-z]{32}-(.+)" base;
  fileName = image.name or (if stored == null then base else lib.head stored);
in
{
  # `hello` for `hello.tar.gz` and `stream-hello`, `image-hello` for nix2container's `image-hello.json`.
  name =
    if isStream image then
      streamName image
    else
      lib.removeSuffix ".json" (lib.head (lib.splitString ".tar" fileName));
  path = if streamed then "-" else "${file}";
  stream = if streamed then stream else null;
}
