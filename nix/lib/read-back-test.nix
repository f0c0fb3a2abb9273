# The test `passthru.tests.readsBack` of an image.
{ polyarch, runCommand }:

/**
  Makes a derivation that reads every byte of an image, and of the same image as a layout, and checks that both have the
  same digest.

  # Type

  ```
  readBackTest :: {
    image :: Derivation,
    layout :: Derivation,
    imageName :: String,
    platformCheck :: String,
  } -> Derivation
  ```
*/
{
  image,
  layout,
  imageName,
  platformCheck,
}:
runCommand "${baseNameOf imageName}-reads-back" { nativeBuildInputs = [ polyarch ]; } ''
  cmp ${image.digest} ${layout.digest}
  NO_COLOR=1 polyarch verify --platform-check=${platformCheck} ${image} ${layout}
  cp ${image.digest} "$out"
''
