# Rules of the arguments of deployments.
{ lib, rule }:

{
  source = argument: value: [
    (rule.forValue argument value (
      lib.isDerivation value
      || builtins.isPath value
      || (builtins.isString value && lib.hasPrefix "${builtins.storeDir}/" value)
      # lib.fileset.toSource and lib.sources
      || (builtins.isAttrs value && value ? outPath)
    ) "a path, a derivation or a result of lib.fileset.toSource")
  ];

  namedImages =
    argument: value:
    [
      (rule.forValue argument value (
        builtins.isAttrs value && !lib.isDerivation value && value != { }
      ) "a set of results of mkMultiArchImage, with at least one image")
    ]
    ++ lib.concatLists (
      lib.mapAttrsToList (key: image: [
        (rule.forKey argument key (
          builtins.match "[a-zA-Z][a-zA-Z0-9_-]*" key != null
        ) "the names of placeholders: a letter, then letters, digits, \"-\" and \"_\"")
        (rule.forValue (rule.member argument key) image (
          lib.isDerivation image && image ? imageRefs && image ? layout
        ) "a result of mkMultiArchImage")
      ]) value
    );

  derivationName = argument: value: [
    (rule.forValue argument value (
      builtins.isString value && builtins.match "[a-zA-Z0-9+_?=-][a-zA-Z0-9+._?=-]*" value != null
    ) "the name of a derivation: letters, digits and \"+-._?=\", not starting with a period")
  ];
}
