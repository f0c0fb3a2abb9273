# The rules of arguments, one file for each thing that they check. Each rule is a function
#
#   argument name → value → [ Rule ]
#
# that returns what must hold for the value, for `checkArguments`. Some take what the value must agree with first.
{
  lib,
  annotationLevels,
  imageArgument,
  platforms,
  reference,
}:

let
  rule = import ./rule.nix { inherit lib; };

  choices = import ./choices.nix { inherit rule; };
  packages = import ./packages.nix { inherit lib rule; };
  names = import ./names.nix { inherit reference rule; };
  platformRules = import ./platforms.nix { inherit lib platforms rule; };
  images = import ./images.nix {
    inherit
      lib
      imageArgument
      platforms
      rule
      ;
    inherit (platformRules) distinctPlatforms setPlatform;
  };
  annotations = import ./annotations.nix { inherit lib annotationLevels rule; };
  deployments = import ./deployments.nix { inherit lib rule; };
  sizes = import ./sizes.nix { inherit rule; };
  attestations = import ./attestations.nix {
    inherit lib platforms rule;
    inherit (platformRules) distinctPlatforms;
  };
in
choices
// packages
// names
// platformRules
// images
// annotations
// sizes
// deployments
// attestations
