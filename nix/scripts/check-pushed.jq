# Compares two images, each { digest, size, manifests: [ { platform, digest, size, blobs: [ { digest, size } ] } ] }:
# $new is built, $old is what the registry has. Prints lines of text, the last of which is the number of bytes that a
# push sends.

def human:
  if . < 1000 then "\(.) B"
  else
    { value: (. / 1000), units: ["kB", "MB", "GB", "TB"] }
    | until(.value < 999.95 or (.units | length) == 1; { value: (.value / 1000), units: .units[1:] })
    | "\(.value * 10 | round / 10) \(.units[0])"
  end;

def count($unit): if . == 1 then "1 \($unit)" else "\(.) \($unit)s" end;

# The manifests by platform. Two of one platform are distinguished by their position.
def by_platform:
  group_by(.platform)
  | map(to_entries[] | { key: (.value.platform + (if .key == 0 then "" else " (\(.key + 1))" end)), value: .value })
  | from_entries;

# Every blob, manifest and index of an image, once.
def all_blobs: [{ digest, size }, (.manifests[] | { digest, size }, .blobs[])] | map(select(.digest != null)) | unique_by(.digest);

($old.manifests | by_platform) as $was
| ($new.manifests | by_platform) as $is
| ($old | all_blobs | map({ key: .digest, value: true }) | from_entries) as $known
| def unknown: map(select($known[.digest] | not));
  (($was + $is | keys[]) as $platform
    | $was[$platform] as $a
    | $is[$platform] as $b
    | "  \($platform): "
      + if $a == null then "only here: \($b.digest)"
        elif $b == null then "only in the registry: \($a.digest)"
        elif $a.digest == $b.digest then "the same"
        else
          ($b.blobs | unique_by(.digest)) as $blobs
          | "\($a.digest) in the registry, \($b.digest) here; "
            + "\($blobs | unknown | length) of \($blobs | length | count("blob")) would be pushed"
        end),
  ($new | all_blobs | unknown | "  a push would send \(map(.size) | add // 0 | human) (\(map(.size) | add // 0) bytes): \(length | count("blob"))"),
  ($new | all_blobs | unknown | map(.size) | add // 0)
