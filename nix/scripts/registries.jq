# Writes one registries.conf in the v2 format (TOML) from all files that skopeo would read, the main file first, each
# parsed as TOML. Run with --slurp --raw-output. The rules are those of containers/image: `V1RegistriesConf.ConvertToV2`
# for the v1 format, `updateWithConfigurationFrom` for drop-in files.

def location: rtrimstr("/");

# Sets a flag of the registries at these locations, and adds those that are missing.
def set_flag($flag; $locations):
  reduce ($locations // [])[] as $name (.;
    ($name | location) as $location
    | if any(.registry[]?; (.prefix // .location // "" | location) == $location)
      then .registry |= map(if (.prefix // .location // "" | location) == $location then .[$flag] = true else . end)
      else .registry += [{ location: $location, ($flag): true }]
      end);

def to_v2:
  if .registries | type == "object" then
    .registries as $v1
    | del(.registries)
    | if $v1.search.registries then ."unqualified-search-registries" //= $v1.search.registries else . end
    | set_flag("blocked"; $v1.block.registries)
    | set_flag("insecure"; $v1.insecure.registries)
  else . end;

def prefixes: [.registry[]? | .prefix // .location // "" | location];

# A drop-in file replaces the registries that it names, and the other keys that it has.
def with_drop_in($drop_in):
  ($drop_in | prefixes) as $replaced
  | .registry = [.registry[]? | select((.prefix // .location // "" | location) as $prefix | $replaced | index([$prefix]) | not)]
      + ($drop_in.registry // [])
  | .aliases = (.aliases // {}) + ($drop_in.aliases // {})
  | . + ($drop_in | del(.registry, .aliases));

# TOML as one line for each key. Strings, numbers and booleans of JSON are those of TOML.
def to_toml:
  if type == "object" then "{ \([to_entries[] | "\(.key | tojson) = \(.value | to_toml)"] | join(", ")) }"
  elif type == "array" then "[\(map(to_toml) | join(", "))]"
  else tojson end;

map(to_v2)
| reduce .[1:][] as $drop_in (.[0]; with_drop_in($drop_in))
| to_entries[]
| "\(.key | tojson) = \(.value | to_toml)"
