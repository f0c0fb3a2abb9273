# Stand-ins of dockerTools.streamLayeredImage and buildLayeredImage, with a conf in the form of the real ones. The
# sandbox has no Python, so the script that writes the image is in bash, for the confs of these tests: ASCII names of up
# to 100 bytes, times in UTC, no base image. A test compares its images with those of the real dockerTools.
{
  lib,
  runCommand,
  bash,
  busybox,
}:

let
  makeWrapper = runCommand "make-wrapper" { } ''
    mkdir -p $out/bin
    cat > $out/bin/makeWrapper <<'SCRIPT'
    #!${bash}/bin/bash
    printf '%s\n' '#!${bash}/bin/bash' "exec $1 $4 \"\$@\"" > "$2"
    chmod +x "$2"
    SCRIPT
    chmod +x $out/bin/makeWrapper
  '';

  # `change` is a command of sed that changes what the script does.
  script =
    change:
    runCommand "stream" { inherit change; } ''
      printf '%s\n' '#!${bash}/bin/bash' 'PATH=${busybox}/bin' > $out
      sed -e "$change" ${./stream-layered-image.bash} >> $out
      chmod +x $out
    '';

  # The content of a conf, as jq writes it.
  confText =
    {
      name,
      tag ? "v1",
      architecture ? "amd64",
      command,
      layers,
      created ? "1970-01-01T00:00:01+00:00",
      mtime ? "1970-01-01T00:00:01+00:00",
      uid ? 0,
      gid ? 0,
      uname ? "root",
      gname ? "root",
      # More lines.
      more ? "",
      ...
    }:
    let
      list =
        indent: items: "[\n${lib.concatMapStringsSep ",\n" (item: "${indent}  ${item}") items}\n${indent}]";
      texts = indent: items: list indent (map (item: builtins.toJSON "${item}") items);
    in
    ''
      {
        "architecture": "${architecture}",
        "config": {
          "Cmd": ${texts "    " command}
        },
        "os": "linux",
        "store_dir": "${builtins.storeDir}",
        "from_image": null,
        "store_layers": ${list "  " (map (texts "    ") layers)},
        "customisation_layer": "${customisationLayer name}",
        "repo_tag": "${name}:${tag}",
        "created": "${created}",
        "mtime": "${mtime}",
        ${more}
        "uid": "${toString uid}",
        "gid": "${toString gid}",
        "uname": "${uname}",
        "gname": "${gname}"
      }
    '';

  customisationLayer =
    name:
    runCommand "${name}-customisation-layer" { } ''
      mkdir -p $out root/etc
      ln -s /nowhere root/etc/link
      tar -C root -cf $out/layer.tar .
      sha256sum $out/layer.tar | cut -f 1 -d ' ' > $out/checksum
    '';
in
rec {
  # The stream of a conf.
  streamOf =
    {
      name,
      conf,
      change ? "",
    }:
    let
      streamScript = script change;
    in
    runCommand "stream-${name}"
      {
        nativeBuildInputs = [ makeWrapper ];
        passthru = {
          imageName = name;
          inherit conf streamScript;
          isExe = true;
        };
      }
      ''
        makeWrapper ${streamScript} $out --add-flags ${conf}
      '';

  confOf =
    { name, ... }@arguments:
    runCommand "${name}-conf.json" {
      created = arguments.created or "1970-01-01T00:00:01+00:00";
      mtime = arguments.mtime or "1970-01-01T00:00:01+00:00";
      text = confText arguments;
    } ''printf '%s' "$text" > $out'';

  streamLayeredImage =
    { name, ... }@arguments:
    streamOf {
      inherit name;
      conf = confOf arguments;
      change = arguments.change or "";
    };

  buildLayeredImage =
    { name, ... }@arguments:
    let
      stream = streamLayeredImage arguments;
    in
    runCommand "${name}.tar.gz" {
      passthru = {
        imageName = name;
        inherit stream;
      };
    } "${stream} | gzip -n > $out";
}
