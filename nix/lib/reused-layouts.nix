# The argument `reuse` → the layouts from which layers are taken.
{ platforms }:

/**
  Returns the layouts of a list of layouts and results of mkMultiArchImage. Of such a result only the layout for
  `platform` is taken, if it has one: the others need not be built.

  # Type

  ```
  reusedLayouts :: String | Null -> [ Derivation | Path ] -> [ String ]
  ```
*/
platform:
let
  layoutsOf =
    reused:
    let
      layouts = reused.layouts or [ reused ];
      key = platforms.toOci platform;
    in
    if builtins.isList layouts then
      layouts
    else if platform != null && layouts ? ${key} then
      [ layouts.${key} ]
    else
      builtins.attrValues layouts;
in
reused: map toString (builtins.concatMap layoutsOf reused)
