# Image → the input of `polyarch merge`. dockerTools.streamLayeredImage describes an image by its `conf`, a JSON file that
# names the store paths of each layer, and builds a script that writes a docker-archive from it to standard output.
# polyarch makes the same layers from the conf, on all cores and on any system. The script is for a conf that polyarch
# does not support, and for a stream without one: running it in the build that reads the archive saves compressing,
# storing and decompressing the archive.
{
  lib,
  stdenv,
  clocks,
}:

let
  isStream = value: lib.isDerivation value && value.isExe or false;

  # A stream runs on the `system` of its derivation, where dockerTools builds it. Under pkgsCross that is not the
  # system of the image. The layout is built on the system that `stdenv` builds on.
  runsHere = stream: stream.system == stdenv.buildPlatform.system;

  # `overrideAttrs` of a buildLayeredImage can change what it builds, but not its attribute `stream`. As long as the
  # archive is the compressed output of the stream, the stream has the same image.
  isArchiveOf =
    stream: image:
    let
      command = "${stream} | ";
      build = image.buildCommand or "";
    in
    lib.hasPrefix command build
    && builtins.match "[^|;&\n]*> \\$out\n?" (lib.removePrefix command build) != null;

  streamName = stream: lib.removePrefix "stream-" stream.name;

  # Whether the program of a stream is the script of dockerTools with the attribute `conf`. `overrideAttrs` can change
  # the program, and leaves the attributes as they are.
  writesConf =
    stream:
    let
      words =
        text: builtins.filter (word: word != [ ] && word != "") (builtins.split "[[:space:]]+" text);
    in
    !(stream ? streamScript && stream ? buildCommand)
    ||
      words stream.buildCommand
      == words "makeWrapper ${stream.streamScript} $out --add-flags ${stream.conf}";

  # In the store of a Mac, some files have other names than in the image (`use-case-hack`), and a conf has no digests
  # that would show it.
  keepsNames = !lib.hasSuffix "-darwin" stdenv.buildPlatform.system;

  # The command that writes the image. Without the wrapper around the script: under pkgsCross, older nixpkgs give the
  # wrapper a bash for the platform of the image.
  command =
    stream:
    if stream ? conf && stream ? streamScript && writesConf stream then
      "${stream.streamScript} ${stream.conf}"
    else
      "${stream}";

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
  Returns how to read an image:

  - from the conf of the stream that it is or has
  - through the stream, if it has no conf or polyarch does not support its conf, and the machine that builds the layout can
    run the stream
  - otherwise from a file. The file of a buildLayeredImage is its own output: a builder of its system makes it, or a
    binary cache has it.

  A path or a string (`"${image}"`) is always a file.

  # Type

  ```
  inputOf :: Image -> {
    name :: String,
    path :: String,
    conf :: Derivation | Null,
    stream :: String | Null,
    source :: Derivation | Path,
    withoutConf :: Image,
  }
  ```

  `name` is for derivations, and is the same for a conf, a stream and its file. `path` is that of `conf` if there is
  one, or else `-` if there is a `stream`, a command. `source` is what is read: the conf, the program of the stream or the
  file. `withoutConf` is the image, to be read in another way.
*/
image:

let
  stream = if isStream image then image else image.stream or null;
  # Whether the stream writes what the image contains.
  hasStream = isStream stream && (isStream image || isArchiveOf stream image);
  streamed = hasStream && runsHere stream;
  hasConf =
    keepsNames
    && hasStream
    && lib.isDerivation (stream.conf or null)
    && writesConf stream
    # Only the script has a clock.
    && (streamed || clocks stream.conf == [ ]);
  conf = if hasConf then stream.conf else null;
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
  path =
    if hasConf then
      "${conf}"
    else if streamed then
      "-"
    else
      "${file}";
  inherit conf;
  stream = if streamed then command stream else null;
  source =
    if hasConf then
      conf
    else if streamed then
      stream
    else
      file;
  withoutConf =
    if isStream image then
      removeAttrs image [ "conf" ]
    else
      image // { stream = removeAttrs image.stream [ "conf" ]; };
}
