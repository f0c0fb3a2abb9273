# An image → its provenance: a statement of where it comes from, as far as Nix knows that before the build.
{
  lib,
  imageArgument,
  platforms,
  polyarch,
  runCommand,
}:

let
  # A path in a statement is a text. It must not make a derivation that has the statement depend on what the path names:
  # the statement would then need the sources and the build of everything.
  text = value: builtins.unsafeDiscardStringContext (toString value);

  # A `ResourceDescriptor` of in-toto for an input of a flake: the flake itself, nixpkgs, a source tree.
  resource =
    name: url: input:
    {
      inherit name;
      uri = if url != null then url else "file://${text input}";
    }
    // lib.optionalAttrs (input ? rev) { digest.gitCommit = input.rev; }
    // {
      annotations =
        lib.optionalAttrs (input ? narHash) { inherit (input) narHash; }
        // lib.optionalAttrs (input ? dirtyRev) { inherit (input) dirtyRev; };
    };
in

/**
  Makes the file with the provenance of an image: an in-toto statement with the predicate of SLSA provenance 1, without
  its subject. `polyarch merge` adds the manifest of the image as the subject.

  It has no time and nothing about the machine: the same derivation gives the same bytes. `docs/attestations.md`
  documents the fields.

  # Type

  ```
  provenanceOf :: {
    imageName :: String,
    platform :: String,
    image :: Image | ImageWithArguments,
    layout :: Derivation,
    arguments :: { builderId :: String, url :: String, flake :: AttrSet, inputs :: AttrSet },
  } -> Derivation
  ```
*/
{
  imageName,
  platform,
  image,
  layout,
  arguments,
}:

let
  url = arguments.url or null;
  inputs = removeAttrs (arguments.inputs or { }) [ "self" ];

  file = (imageArgument.normalize image).image;
  source =
    if lib.isDerivation file then { derivation = text file.drvPath; } else { path = text "${file}"; };

  statement = {
    _type = "https://in-toto.io/Statement/v1";
    predicateType = "https://slsa.dev/provenance/v1";
    predicate = {
      buildDefinition = {
        buildType = "https://github.com/polyarch/polyarch/blob/main/docs/attestations.md#provenance";
        externalParameters = {
          image = imageName;
          inherit platform;
        }
        // lib.optionalAttrs (url != null) { inherit url; };
        internalParameters = {
          inherit (layout) system;
          image = source;
          layout = {
            derivation = text layout.drvPath;
            # The image and the layouts that layers are taken from are paths, which the derivation has.
            options = map text (
              builtins.filter (
                option: lib.hasPrefix "--" option && option != "--" && !lib.hasInfix builtins.storeDir option
              ) layout.mergeArguments
            );
          };
          polyarch = polyarch.version or "unknown";
        };
        resolvedDependencies =
          lib.optional (arguments ? flake) (resource "flake" url arguments.flake)
          ++ lib.mapAttrsToList (name: resource name null) inputs;
      };
      runDetails.builder.id = arguments.builderId or "https://github.com/NixOS/nix";
    };
  };
in
runCommand "${baseNameOf imageName}-provenance-${platforms.inName platform}.json" {
  __structuredAttrs = true;
  statement = text (builtins.toJSON statement);
  preferLocalBuild = true;
} ''printf '%s\n' "$statement" > "$out"''
