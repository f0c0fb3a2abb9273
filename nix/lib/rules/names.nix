# Rules of image names and tags.
{ reference, rule }:

let
  tagDescription = "a tag: up to 128 letters, digits, \"_\", \".\" and \"-\", the last two not first";
in
rec {
  imageName = argument: value: [
    (rule.forValue argument value (reference.isName value)
      "the name of an image, in lower case and without a tag, such as \"ghcr.io/me/app\""
    )
  ];

  imageTag = argument: value: [
    (rule.forValue argument value (reference.isTag value) tagDescription)
  ];

  imageDigest = argument: value: [
    (rule.forValue argument value (
      builtins.isString value && builtins.match "sha256:[0-9a-f]{64}" value != null
    ) "the digest of an image index: \"sha256:\" and 64 hexadecimal digits in lower case")
  ];

  # null: the hash of the output.
  imageTagOrNull = argument: value: [
    (rule.forValue argument value (
      value == null || reference.isTag value
    ) "${tagDescription}; or null for the output's hash")
  ];

  imageTags =
    argument: value:
    [ (rule.forValue argument value (builtins.isList value) "a list of tags") ]
    ++ rule.forElements imageTag argument value
    ++ rule.distinct "tag" argument value;
}
