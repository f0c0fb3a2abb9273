# Arguments are checked at evaluation, so that a mistake shows before any image is built.
{ lib }:

/**
  Returns a result if all rules hold. Otherwise evaluation fails with the first rule that does not hold: the error names
  the function, the argument, what was found and what was expected.

  # Inputs

  `function`
  : Name of the function whose arguments these are.

  `rules`
  : What must hold, one list for each argument (see `lib/rules`). A rule is evaluated only if those before it hold, so
    it can build on them.

  `result`
  : What to return.

  # Type

  ```
  checkArguments :: String -> [ [ Rule ] ] -> a -> a
  Rule = { argument :: String, found :: String, expected :: String, ok :: Bool }
  ```
*/
function: rules: result:
let
  checkRule =
    rule: rest:
    if rule.ok then
      rest
    else
      throw "polyarch.${function}: argument `${rule.argument}` is ${rule.found}, but should be ${rule.expected}.";
in
lib.foldr (ofArgument: rest: lib.foldr checkRule rest ofArgument) result rules
