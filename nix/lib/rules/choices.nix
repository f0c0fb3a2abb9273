# Rules of arguments that choose how polyarch works: one of a few values.
{ rule }:

{
  format = rule.oneOf [
    "oci-archive"
    "oci-layout"
  ];

  strategy = rule.oneOf [
    "cross"
    "native"
  ];

  pushWith = rule.oneOf [
    "skopeo"
    "oras"
  ];

  # What a problem that a check finds does to the build.
  severity = rule.oneOf [
    "error"
    "warn"
    "off"
  ];

  compression = rule.oneOf [
    "gzip"
    "zstd"
    "none"
    "keep"
  ];

  # The levels are those of `polyarch merge --compression-level`.
  compressionLevel =
    compression: argument: value:
    let
      highest =
        {
          gzip = 12;
          zstd = 19;
        }
        .${compression} or 0;
    in
    [
      (rule.forValue argument value
        (value == null || (builtins.isInt value && 1 <= value && value <= highest))
        (
          if highest == 0 then
            "null, as the compression \"${compression}\" has no levels"
          else
            "a whole number from 1 to ${toString highest}, or null for the default of ${compression}"
        )
      )
    ];
}
