# Rules of arguments that nixpkgs defines: `meta` and packages.
{ lib, rule }:

{
  meta = argument: value: [
    (rule.forValue argument value (builtins.isAttrs value && !lib.isDerivation value) "a set")
  ];

  packageOrNull = argument: value: [
    (rule.forValue argument value (
      value == null || (builtins.isAttrs value && value ? meta)
    ) "a package (a set with a `meta`), or null")
  ];
}
