# Image → how the build reads it. Some images are programs: dockerTools.streamLayeredImage gives a script that writes
# a docker-archive to standard output, and running it where the archive is read saves compressing, storing and
# decompressing that archive.
{ lib, stdenv }:

let
  isStream = value: lib.isDerivation value && value.isExe or false;

  # A stream runs on the `system` of its derivation, where dockerTools builds it; under pkgsCross that is not the one
  # the image is for. The layout is built where `stdenv` builds.
  runsHere = stream: stream.system == stdenv.buildPlatform.system;

  streamName = stream: lib.removePrefix "stream-" stream.name;

  # The archive of a stream that only another machine can run. That machine's bash, which built the script, starts
  # it; nothing else of its package set is at hand here. The archive names every store path of the image, and is
  # carried from that machine to this one: without references, they need not come along.
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
  How to read an image: through the stream that it is or has, if the machine that builds the layout can run that; as
  a file otherwise.

  The file of a buildLayeredImage is the image itself, so a builder of its own system makes it, or a binary cache has
  it. A path or a string (`"${image}"`) is always a file.

  # Type

  ```
  inputOf :: Image -> { name :: String, path :: String, stream :: Derivation | Null }
  ```

  `name` is for derivations, the same whichever way is taken; `path` is `-` where there is a `stream`.
*/
image:

let
  stream = if isStream image then image else image.stream or null;
  streamed = isStream stream && runsHere stream;
  file = if isStream image then archive image else image;

  # Of a path, its last part without the hash that it may have in the store.
  base = baseNameOf (builtins.unsafeDiscardStringContext (toString image));
  stored = builtins.match "[0-9a-z]{32}-(.+)" base;
  fileName = image.name or (if stored == null then base else lib.head stored);
in
{
  # `hello.tar.gz`, `stream-hello`, nix2container's `image-hello.json`.
  name =
    if isStream image then
      streamName image
    else
      lib.removeSuffix ".json" (lib.head (lib.splitString ".tar" fileName));
  path = if streamed then "-" else "${file}";
  stream = if streamed then stream else null;
}
