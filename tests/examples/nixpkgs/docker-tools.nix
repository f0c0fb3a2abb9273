# buildImage, buildLayeredImage and streamLayeredImage of nixpkgs' dockerTools: images of what the arguments name and of
# all that this refers to, in the form in which dockerTools writes them (what differs: one layer for each store path,
# and the legacy files of buildImage). A layered image has a conf as dockerTools writes it. docker_tools.py does the work.
{
  lib,
  runCommand,
  buildPackages,
  go,
}:

let
  tool = "${buildPackages.python3}/bin/python3 ${./docker_tools.py}";
  hashOf = derivation: lib.head (lib.splitString "-" (baseNameOf derivation.outPath));
  graphOf = name: path: [
    name
    path
  ];

  # The graphs of what an image contains, as arguments of runCommand.
  graphsOf =
    { config, contents }:
    {
      exportReferencesGraph =
        let
          configFile = runCommand "config.json" {
            text = builtins.toJSON config;
          } ''printf '%s' "$text" > "$out"'';
        in
        graphOf "config-graph" configFile
        ++ lib.concatLists (lib.imap0 (index: graphOf "contents-graph-${toString index}") contents);
    };

  makeWrapper = runCommand "make-wrapper" { } ''
    mkdir -p "$out/bin"
    cat > "$out/bin/makeWrapper" <<'SCRIPT'
    #!${buildPackages.bash}/bin/bash
    printf '%s\n' '#!${buildPackages.bash}/bin/bash -e' "exec $1 $4 \"\$@\"" > "$2"
    chmod 555 "$2"
    SCRIPT
    chmod 555 "$out/bin/makeWrapper"
  '';

  # Writes the image of the conf that it gets.
  streamScript = runCommand "stream" { } ''
    printf '#!%s\nexec %s layered "$@"\n' ${buildPackages.bash}/bin/bash '${tool}' > "$out"
    chmod 555 "$out"
  '';
in
rec {
  streamLayeredImage =
    {
      name,
      tag ? null,
      contents ? [ ],
      config ? { },
      architecture ? go.GOARCH,
    }:
    let
      baseName = baseNameOf name;

      # Links to the contents.
      customisationLayer =
        runCommand "${baseName}-customisation-layer" { contents = map toString (lib.toList contents); }
          ''
            mkdir "$out"
            ${tool} customisation $contents > "$out/layer.tar"
            sha256sum "$out/layer.tar" | cut -f 1 -d ' ' > "$out/checksum"
          '';

      conf =
        runCommand "${baseName}-conf.json"
          (
            graphsOf {
              inherit config;
              contents = lib.toList contents;
            }
            // {
              # `created` of dockerTools is in this form after its builder has read it.
              base = builtins.toJSON {
                inherit architecture config;
                os = "linux";
                store_dir = builtins.storeDir;
                from_image = null;
                customisation_layer = customisationLayer;
                created = "1970-01-01T00:00:01+00:00";
                mtime = "1970-01-01T00:00:01+00:00";
                uid = "0";
                gid = "0";
                uname = "root";
                gname = "root";
              };
              repository = lib.toLower name;
              tag = if tag == null then "" else tag;
            }
          )
          ''
            hash=$(basename "$out" | cut -d - -f 1)
            printf '%s' "$base" > base.json
            ${tool} conf base.json "$repository:''${tag:-$hash}" *-graph* > "$out"
          '';
      imageTag = if tag == null then hashOf conf else tag;
    in
    runCommand "stream-${baseName}" {
      nativeBuildInputs = [ makeWrapper ];
      passthru = {
        imageName = lib.toLower name;
        inherit imageTag conf streamScript;
        isExe = true;
      };
    } "makeWrapper ${streamScript} $out --add-flags ${conf}";

  buildLayeredImage =
    {
      name,
      compressor ? "gz",
      ...
    }@arguments:
    let
      stream = streamLayeredImage (removeAttrs arguments [ "compressor" ]);
    in
    runCommand "${baseNameOf name}.tar${compressors.${compressor}.suffix}" {
      passthru = {
        inherit stream;
        inherit (stream) imageName imageTag;
      };
    } ''${stream} | ${compressors.${compressor}.command} > "$out"'';

  buildImage =
    {
      name,
      tag ? null,
      copyToRoot ? [ ],
      config ? { },
      architecture ? go.GOARCH,
      compressor ? "gz",
    }:
    let
      # What is copied refers to less than what it is copied from.
      root = runCommand "docker-layer-root" { contents = lib.toList copyToRoot; } ''
        mkdir -p "$out"
        for content in $contents; do
          cp -a "$content"/. "$out"
          chmod -R u+w "$out"
        done
      '';
      image =
        runCommand "docker-image-${baseNameOf name}.tar${compressors.${compressor}.suffix}"
          (
            graphsOf {
              inherit config;
              contents = [ root ];
            }
            // {
              passthru = {
                imageName = lib.toLower name;
                imageTag = if tag == null then hashOf image else tag;
                buildArgs = { inherit name; };
              };
              base = builtins.toJSON { inherit architecture config; };
              repository = lib.toLower name;
              tag = if tag == null then "" else tag;
              inherit root;
            }
          )
          ''
            hash=$(basename "$out" | cut -d - -f 1)
            printf '%s' "$base" > base.json
            ${tool} flat base.json "$repository:''${tag:-$hash}" "$root" *-graph* | ${
              compressors.${compressor}.command
            } > "$out"
          '';
    in
    image;

  compressors = {
    none = {
      suffix = "";
      command = "cat";
    };
    gz = {
      suffix = ".gz";
      command = "gzip -nc";
    };
  };
}
