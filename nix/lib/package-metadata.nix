# Packages → what nixpkgs knows about them and their dependencies, for `polyarch sbom --metadata`.
{ lib, spdxLicense }:

let
  text = builtins.unsafeDiscardStringContext;

  # What runs with a package: libraries that it is linked to, modules of its language, the parts of an environment, and
  # the C library of its compiler. Programs that only build it are left out.
  dependenciesOf =
    package:
    let
      stdenv = package.stdenv or { };
    in
    builtins.filter lib.isDerivation (
      # stdenv takes lists in lists.
      lib.flatten (
        map (name: package.${name} or [ ]) [
          "buildInputs"
          "propagatedBuildInputs"
          "paths"
        ]
      )
      ++ lib.optionals (stdenv.hasCC or false) [
        (stdenv.cc.libc or null)
        (stdenv.cc.cc or null)
      ]
    );

  nameOf = license: license.shortName or license.fullName or "unknown";

  # `polyarch sbom` makes the same identifier of the name of a license that stands alone.
  reference =
    name:
    "LicenseRef-nixpkgs-"
    + lib.concatMapStringsSep "" (part: if builtins.isString part then part else "-") (
      builtins.split "[^A-Za-z0-9.]" name
    );

  # Older packages name a license by a string: its attribute in nixpkgs, or any text.
  byName =
    license:
    let
      known = lib.licenses.${license} or null;
    in
    if builtins.isString license && builtins.isAttrs known then known else license;

  expression = spdxLicense {
    ofList =
      licenses:
      if licenses == [ ] then
        null
      else
        {
          operator = "AND";
          licenses = map byName licenses;
        };
    withoutId = license: reference (if builtins.isString license then license else nameOf license);
  };

  # A license that is alone keeps its name; in an expression, each part has an identifier.
  licenseOf =
    given:
    let
      license = byName given;
    in
    if builtins.isString license then
      license
    else if builtins.isAttrs license && !(license ? operator || license ? spdxId) then
      license.fullName or (nameOf license)
    else
      expression license;

  first = value: if builtins.isList value then lib.head (value ++ [ null ]) else value;

  metadataOf =
    package:
    let
      meta = package.meta or { };
      identifiers = meta.identifiers or { };
      fields = {
        pname = package.pname or null;
        version = package.version or null;
        license = licenseOf (meta.license or null);
        homepage = first (meta.homepage or null);
        description = meta.description or null;
        mainProgram = meta.mainProgram or null;
        cpe = identifiers.cpe or null;
        purl = identifiers.purl or null;
      };
    in
    lib.mapAttrs (_: text) (lib.filterAttrs (_: value: builtins.isString value && value != "") fields);

  entriesOf =
    package:
    let
      metadata = metadataOf package;
      entry =
        output:
        lib.nameValuePair (text "${package.${output}}") (
          metadata // lib.optionalAttrs (output != "out") { inherit output; }
        );
    in
    map entry (package.outputs or [ "out" ]);
in

/**
  Returns what nixpkgs knows about packages and their dependencies, by store path. It evaluates nothing that the
  evaluation of the packages does not need as well, and the result refers to no store path: they need not be built.

  Dependencies are the packages in `buildInputs`, `propagatedBuildInputs` and `paths`, and the C library and the compiler
  of `stdenv`, with their dependencies.

  # Type

  ```
  packageMetadata :: [ Package ] -> AttrsOf {
    pname, version, output, license, homepage, description, mainProgram, cpe, purl :: String ?
  }
  ```
*/
packages:

let
  item = package: {
    key = text package.drvPath;
    inherit package;
  };
  closure = builtins.genericClosure {
    startSet = map item packages;
    operator = { package, ... }: map item (dependenciesOf package);
  };
in
builtins.listToAttrs (builtins.concatMap ({ package, ... }: entriesOf package) closure)
