# The page that shows where the bytes of a merged image go.
{
  polyarch,
  runCommand,
}:

/**
  Make the page of `polyarch analyze --html` for an OCI image layout: where its bytes go by layer, store path and
  package, which of them need not be there, and what the platforms share. It is one file for a browser.

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
  polyarch analyze --html "$out" ${layout}
''
