# Rules of numbers of bytes.
{ rule }:

{
  # The sizes of `polyarch diff --max-push`. tests/fixtures/sizes.tsv has examples.
  sizeOrNull = argument: value: [
    (rule.forValue argument value
      (
        value == null
        || (builtins.isInt value && value >= 0)
        || (
          builtins.isString value
          && builtins.match "[0-9]+(\\.[0-9]+)?( ?([kKmMgGtT][iI]?[bB]?|[bB]))?" value != null
        )
      )
      "a number of bytes, or a string with a number and a unit (kB, MB, GB, TB, KiB, MiB, GiB or TiB), such as \"50MB\"; or null"
    )
  ];
}
