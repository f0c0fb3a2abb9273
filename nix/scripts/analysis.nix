# The page `passthru.analyze`.
{
  polyarch,
  runCommand,
}:

/**
  Makes the HTML page of `polyarch analyze --html` for an OCI image layout, one file. It shows the sizes of layers,
  store paths and packages, which of them could be removed, and what the platforms share.

  # Type

  ```
  mkAnalysis :: { layout :: Derivation, imageName :: String } -> Derivation
  ```

  # Examples

  ```console
  $ nix build .#image.analyze --out-link hello.html && xdg-open hello.html
  ```
*/
{
  layout,
  imageName,
}:
runCommand "${baseNameOf imageName}.html" { nativeBuildInputs = [ polyarch ]; } ''
  NO_COLOR=1 polyarch analyze --html "$out" ${layout}
''
