# The metadata of a package → annotations of the OCI image specification.
{ lib }:

let
  # License or compound license of nixpkgs → SPDX expression. It is null where any part has no SPDX identifier: an
  # expression of the other parts would promise too much. A list of several licenses is null too: nixpkgs uses it for
  # programs under "MIT OR Apache-2.0" and for programs whose parts have one license each.
  spdx =
    license:
    if builtins.isList license then
      if builtins.length license == 1 then spdx (lib.head license) else null
    else if license ? operator then
      {
        AND = join "AND" license.licenses;
        OR = join "OR" license.licenses;
        WITH = pair (spdx license.license) " WITH " (spdx license.exception or null);
        "+" = pair (spdx license.license) "+" "";
      }
      .${license.operator} or null
    else
      license.spdxId or null;

  join =
    operator: licenses:
    let
      parts = map spdx licenses;
      isOne = builtins.length parts == 1;
      inner =
        license: text: if !isOne && license.licenseType or "" == "compound" then "(${text})" else text;
    in
    if parts == [ ] || builtins.elem null parts then
      null
    else
      lib.concatStringsSep " ${operator} " (lib.zipListsWith inner licenses parts);

  pair =
    first: between: second:
    if first == null || second == null then null else first + between + second;

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
    licenses = if meta ? license then spdx meta.license else null;
    version = package.version or null;
  };
in
lib.mapAttrs' (name: value: lib.nameValuePair "org.opencontainers.image.${name}" value) (
  lib.filterAttrs (_: value: builtins.isString value && value != "") labels
)
