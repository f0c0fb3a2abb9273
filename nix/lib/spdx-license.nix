# Licenses of nixpkgs → SPDX expressions.
{ lib }:

/**
  Returns a license, a list of licenses or a compound license of nixpkgs as an SPDX expression.

  # Inputs

  `ofList`
  : Function from a list of several licenses to a license, or to null. The manual of nixpkgs says that the parts of such
    a package have different licenses, but lists are also in use for a choice of licenses.

  `withoutId`
  : Function from a license without an SPDX identifier to an identifier, or to null. An expression with a license that
    is null is null: without this part, it would promise too much.

  # Type

  ```
  spdxLicense ::
    { ofList :: [ License ] -> License | Null, withoutId :: License -> String | Null } -> License -> String | Null
  ```
*/
{ ofList, withoutId }:

let
  expression =
    license:
    if license == null then
      null
    else if builtins.isList license then
      expression (if builtins.length license == 1 then lib.head license else ofList license)
    else if license ? operator then
      {
        AND = join "AND" license.licenses;
        OR = join "OR" license.licenses;
        WITH = pair (expression license.license) " WITH " (expression license.exception or null);
        "+" = pair (expression license.license) "+" "";
      }
      .${license.operator} or null
    else
      license.spdxId or (withoutId license);

  join =
    operator: licenses:
    let
      parts = map expression licenses;
      isOne = builtins.length parts == 1;
      inner =
        text:
        if !isOne && (lib.hasInfix " AND " text || lib.hasInfix " OR " text) then "(${text})" else text;
    in
    if parts == [ ] || builtins.elem null parts then
      null
    else
      lib.concatStringsSep " ${operator} " (map inner parts);

  pair =
    first: between: second:
    if first == null || second == null then null else first + between + second;
in
expression
