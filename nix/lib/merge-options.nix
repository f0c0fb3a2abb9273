# Arguments of mkMultiArchImage → options of `polyarch merge`, except those for the format and the tag.
{
  lib,
  annotationLevels,
  platforms,
}:

{
  name,
  annotations,
  labelsFrom,
  platformCheck,
  consistency,
  dockerManifest,
}:

let
  byLevel = annotationLevels.byLevel { inherit annotations labelsFrom; };

  # The level is explicit even for the index: the key may contain a colon, and its start could be the name of a level.
  annotationOptions = level: lib.mapAttrsToList (key: value: "--annotation=${level}:${key}=${value}");

  dockerManifestPlatform = lib.optionalString (
    dockerManifest != true
  ) "=${platforms.toOci dockerManifest}";
in
# Option and value are one word, because a value may begin with a dash.
[
  "--name=${name}"
  # mkImageLayout has compressed the layers.
  "--compression=keep"
]
++ annotationOptions "index" byLevel.index
++ annotationOptions "manifest" byLevel.manifest
++ annotationOptions "manifest-descriptor" byLevel.descriptor
++ lib.optional (platformCheck != "error") "--platform-check=${platformCheck}"
++ lib.optional (consistency != "off") "--consistency=${consistency}"
++ lib.optional (dockerManifest != false) "--docker-manifest${dockerManifestPlatform}"
