# The warning about an image that has the time of its build in it.
{ lib, clocks }:

let
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
  found = clocks (argumentsOf image);
in
lib.warnIf (found != [ ])
  "polyarch.mkImageLayout: the image ${image.imageName or image.name} has ${lib.head found} = \"now\": its digest changes with every build. Use a date that changes with the source, such as that of the commit."
