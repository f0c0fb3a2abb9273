# The arguments of dockerTools that are the time of the build.
/**
  Returns the names of those of `created` and `mtime` that are `"now"`. What dockerTools was given is in `buildArgs` of
  buildImage, and in the attributes of the conf of a stream.

  # Type

  ```
  clocks :: AttrSet -> [ String ]
  ```
*/
arguments:
builtins.filter (name: arguments.${name} or null == "now") [
  "created"
  "mtime"
]
