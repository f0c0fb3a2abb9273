# buildImage, buildLayeredImage and streamLayeredImage of nixpkgs' dockerTools: images of what the arguments name and of
# all that this refers to, in the form in which dockerTools writes them (what differs: one layer for each store path,
# and the legacy files of buildImage). docker_tools.py does the work.
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

  # Config, and what it and the contents refer to: what both kinds of images are made from.
  describe =
    {
      name,
      config,
      contents,
      ...
    }@arguments:
    runCommand "${baseNameOf name}-conf.json"
      {
        exportReferencesGraph =
          let
            configFile = runCommand "config.json" {
              text = builtins.toJSON config;
            } ''printf '%s' "$text" > "$out"'';
          in
          graphOf "config-graph" configFile
          ++ lib.concatLists (lib.imap0 (index: graphOf "contents-graph-${toString index}") contents);
        json = builtins.toJSON (arguments // { contents = map toString contents; });
      }
      ''
        printf '%s' "$json" > arguments.json
        ${tool} describe arguments.json *-graph* > "$out"
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
      conf = describe {
        inherit
          name
          config
          architecture
          ;
        contents = lib.toList contents;
      };
      imageTag = if tag == null then hashOf conf else tag;
    in
    runCommand "stream-${baseNameOf name}"
      {
        passthru = {
          imageName = lib.toLower name;
          inherit imageTag conf;
          isExe = true;
        };
      }
      ''
        printf '#!%s\nexec %s\n' ${buildPackages.bash}/bin/bash \
          '${tool} layered ${conf} ${lib.toLower name}:${imageTag} "$@"' > "$out"
        chmod 555 "$out"
      '';

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
      conf = describe {
        inherit name config architecture;
        contents = [ root ];
      };
      image =
        runCommand "docker-image-${baseNameOf name}.tar${compressors.${compressor}.suffix}"
          {
            passthru = {
              imageName = lib.toLower name;
              imageTag = if tag == null then hashOf image else tag;
              buildArgs = { inherit name; };
            };
            inherit root;
          }
          ''
            tag=${if tag == null then "$(basename \"$out\" | cut -d - -f 1)" else lib.escapeShellArg tag}
            ${tool} flat ${conf} ${lib.toLower name}:"$tag" "$root" | ${
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
