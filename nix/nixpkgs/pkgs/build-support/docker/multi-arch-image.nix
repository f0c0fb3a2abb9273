{
  lib,
  polyarch,
  runCommand,
  stdenvNoCC,
}:

let
  # Nix system (`aarch64-linux`) or OCI platform (`linux/arm/v7`) → OCI platform
  toOciPlatform =
    key:
    let
      inherit (lib.systems.elaborate key) go;
    in
    if lib.hasInfix "/" key then
      key
    else
      assert lib.assertMsg (lib.elem key lib.systems.doubles.all)
        "buildMultiArchImage: images.${key}: ${key} is neither a Nix system nor an OCI platform such as linux/arm64";
      "${go.GOOS}/${go.GOARCH}" + lib.optionalString (go.GOARM or "" != "") "/v${go.GOARM}";

  # The archives and layouts contain the store paths of all platforms as text. As references, they would keep all these
  # closures alive.
  merge =
    name: attributes: command:
    runCommand name (
      {
        __structuredAttrs = true;
        nativeBuildInputs = [ polyarch ];
        unsafeDiscardReferences.out = true;
      }
      // attributes
    ) command;

  # One image → OCI image layout with compressed layers. A separate derivation, so that changing one image does not
  # compress the layers of the others again.
  layoutOf =
    compression: platform: image:
    let
      # Reading the stream saves compressing and storing the archive. A stream runs on the system that builds it.
      isStream = image.isExe or false;
      candidate = if isStream then image else image.stream or null;
      stream =
        if candidate != null && candidate.system == stdenvNoCC.buildPlatform.system then
          candidate
        else
          null;
      input =
        assert lib.assertMsg (isStream -> stream != null)
          "buildMultiArchImage: ${image.name} runs on ${image.system}; use buildLayeredImage, or cross-compile it";
        if stream != null then "-" else "${image}";
    in
    merge "${baseNameOf (image.imageName or "image")}-layout"
      {
        mergeArguments = [
          "--format=oci-layout"
          "--compression=${compression}"
          "--"
          (if platform == null then input else "${platform}=${input}")
        ];
      }
      ''
        ${lib.optionalString (stream != null) "${stream} |"} \
          NO_COLOR=1 polyarch merge --no-sync --output "$out" "''${mergeArguments[@]}"
      '';
in
lib.makeOverridable (
  {
    name,
    tag ? null,
    images,
    format ? "oci-archive",
    compression ? "gzip",
    annotations ? { },
    meta ? { },
  }:

  assert lib.assertOneOf "buildMultiArchImage: format" format [
    "oci-archive"
    "oci-layout"
  ];
  assert lib.assertOneOf "buildMultiArchImage: compression" compression [
    "gzip"
    "zstd"
    "none"
    "keep"
  ];
  assert lib.assertMsg (
    images != { } && images != [ ]
  ) "buildMultiArchImage: `images` must have an image";

  let
    imageName = lib.toLower name;
    baseName = baseNameOf imageName;

    layouts =
      if lib.isList images then
        map (layoutOf compression null) images
      else
        lib.mapAttrsToList (key: layoutOf compression (toOciPlatform key)) images;

    build =
      tagArguments:
      merge (baseName + lib.optionalString (format == "oci-archive") ".tar")
        {
          outputs = [
            "out"
            "digest"
          ];
          mergeArguments = [
            "--name=${imageName}"
            "--format=${format}"
            "--compression=keep"
          ]
          ++ tagArguments
          ++ lib.mapAttrsToList (key: value: "--annotation=index:${key}=${value}") annotations
          ++ [ "--" ]
          ++ map toString layouts;
          passthru = { inherit imageName imageTag images; };
          meta = {
            description = "Multi-platform container image ${imageName}";
          }
          // meta;
        }
        ''
          NO_COLOR=1 polyarch merge --no-sync --output "$out" "''${mergeArguments[@]}" > "$digest"
          cat "$digest"
        '';

    # The tag is the hash of the image without it: an image cannot contain the hash of its output path. It has no
    # context: that image need not be built.
    hashTag =
      image:
      lib.head (lib.splitString "-" (baseNameOf (builtins.unsafeDiscardStringContext image.outPath)));
    imageTag = if tag != null then tag else hashTag (build [ ]);
  in
  build [ "--tag=${imageTag}" ]
)
