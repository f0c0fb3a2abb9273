# The metadata of a package → annotations of the OCI image specification.
{ lib, spdxLicense }:

let
  # A list of several licenses does not say whether all of them hold or one can be chosen.
  license = spdxLicense {
    ofList = _: null;
    withoutId = _: null;
  };

  first = value: if builtins.isList value then lib.head (value ++ [ null ]) else value;
in

/**
  Returns the annotations `org.opencontainers.image.*` of a package: `description`, `url` (its homepage), `licenses`
  (an SPDX expression) and `version`. Those that the package does not define are left out.

  # Type

  ```
  labelsOf :: Package -> AttrsOf String
  ```
*/
package:

let
  meta = package.meta or { };
  labels = {
    description = meta.description or null;
    url = first (meta.homepage or null);
    licenses = if meta ? license then license meta.license else null;
    version = package.version or null;
  };
in
lib.mapAttrs' (name: value: lib.nameValuePair "org.opencontainers.image.${name}" value) (
  lib.filterAttrs (_: value: builtins.isString value && value != "") labels
)
