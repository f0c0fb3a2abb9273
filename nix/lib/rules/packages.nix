# Rules of arguments that nixpkgs defines: `meta` and packages.
{ lib, rule }:

{
  meta = argument: value: [
    (rule.forValue argument value (builtins.isAttrs value && !lib.isDerivation value) "a set")
  ];

  hash = argument: value: [
    (rule.forValue argument value (
      builtins.isString value && builtins.match "sha(256|512)-[a-zA-Z0-9+/]+=*" value != null
    ) "a hash such as \"sha256-…\"; give lib.fakeHash if it is unknown")
  ];

  # A path would be copied to the store, which anybody on the machine can read.
  authFile = argument: value: [
    (rule.forValue argument value
      (
        value == null
        ||
          builtins.isString value && lib.hasPrefix "/" value && !lib.hasPrefix "${builtins.storeDir}/" value
      )
      "the absolute path of a file that is not in the store, as a string, such as \"/run/keys/registry.json\"; or null"
    )
  ];

  bool = argument: value: [
    (rule.forValue argument value (builtins.isBool value) "true or false")
  ];

  packageOrNull = argument: value: [
    (rule.forValue argument value (
      value == null || (builtins.isAttrs value && value ? meta)
    ) "a package (a set with a `meta`), or null")
  ];
}
