# The warning about an image that has the time of its build in it.
{ lib }:

let
  # What dockerTools was given: buildImage has it in `buildArgs`, a stream in the derivation of its configuration.
  argumentsOf =
    image:
    let
      stream = image.stream or image;
    in
    image.buildArgs or stream.conf or { };
in

/**
  Returns a result, after a warning if dockerTools writes the time of the build into the image.

  # Type

  ```
  clockWarning :: Image -> a -> a
  ```
*/
image:
let
  arguments = argumentsOf image;
  clocks = builtins.filter (name: arguments.${name} or null == "now") [
    "created"
    "mtime"
  ];
in
lib.warnIf (clocks != [ ])
  "polyarch.mkImageLayout: the image ${image.imageName or image.name} has ${lib.head clocks} = \"now\": its digest changes with every build. Use a date that changes with the source, such as that of the commit."
