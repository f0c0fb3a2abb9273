# The test `passthru.tests.matchesDockerTools` of an image.
{
  lib,
  polyarch,
  runCommand,
}:

/**
  Makes a derivation that compares the image IDs of layouts made from a conf with those of layouts made through a
  stream. It fails if two of them differ, and names both.

  # Type

  ```
  matchTest :: {
    imageName :: String,
    comparisons :: [ { conf :: Derivation, stream :: Derivation } ],
  } -> Derivation
  ```
*/
{ imageName, comparisons }:
runCommand "${baseNameOf imageName}-matches-docker-tools" { nativeBuildInputs = [ polyarch ]; } ''
  set -o pipefail
  imageId() {
    polyarch inspect --raw=config "$1" | sha256sum | sed 's/ .*//; s/^/sha256:/'
  }
  compare() { # NAME CONF STREAM
    local byConf byStream
    byConf=$(imageId "$2")
    byStream=$(imageId "$3")
    if [ "$byConf" = "$byStream" ]; then
      echo "$1: $byConf" >> "$out"
    else
      echo "error: $1: the image ID is $byConf by the conf, but $byStream by the stream" >&2
      differ=yes
    fi
  }
  differ=
  ${lib.concatMapStringsSep "\n" (
    { conf, stream }: "compare ${conf.name} ${conf} ${stream}"
  ) comparisons}
  [ -z "$differ" ]
''
