//! Keys that a JSON object has twice. serde_json takes the last value, Go's encoding/json merges both,
//! others take the first or refuse: one digest means several things.

use std::collections::HashSet;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::util::text::elided;

/// Returns the paths of repeated keys, as JSON pointers (RFC 6901); none for a text that is not JSON. Only
/// the keys of the objects that are open are kept in memory.
pub fn duplicate_keys(json: impl Read) -> Vec<String> {
    let mut walk = KeyWalk::default();
    let mut json = serde_json::Deserializer::from_reader(json);
    // The parser of the document reports an error in the rest.
    let _ = WalkedValue(&mut walk).deserialize(&mut json);
    walk.found
}

/// Returns the fields of an index or a manifest that the specification does not allow to be empty: those that
/// are `null`, an empty `mediaType`, and the list `required` if it is absent. Each as a JSON pointer.
pub fn empty_fields(raw: &[u8], required: &str) -> Vec<String> {
    let mut walk = KeyWalk::default();
    let mut json = serde_json::Deserializer::from_slice(raw);
    let read = WalkedValue(&mut walk).deserialize(&mut json);
    if read.is_ok() && !walk.root.contains(required) {
        walk.empty.push(format!("/{required}"));
    }
    walk.empty
}

/// Whether a path leads to a field of the specification in an index or a manifest, or to an annotation.
fn is_specified(path: &str) -> bool {
    let mut keys = path.split('/').skip(1).peekable();
    match keys.peek() {
        Some(&("manifests" | "layers")) => drop((keys.next(), keys.next())),
        Some(&("config" | "subject")) => drop(keys.next()),
        _ => {}
    }
    keys.next_if_eq(&"platform");
    let rest: Vec<&str> = keys.collect();
    match rest[..] {
        // The list or the object itself.
        [] => true,
        [key] => SPECIFIED.contains(&key),
        ["annotations", _] => true,
        _ => false,
    }
}

const SPECIFIED: [&str; 12] = [
    "mediaType",
    "manifests",
    "layers",
    "config",
    "annotations",
    "urls",
    "data",
    "architecture",
    "os",
    "os.version",
    "os.features",
    "variant",
];

/// How many keys of one document are reported.
const MAX_FOUND: usize = 100;

/// How many empty fields of one document are reported.
const MAX_EMPTY: usize = 10;

/// A key can have megabytes.
const MAX_PATH: usize = 200;

#[derive(Default)]
struct KeyWalk {
    path: String,
    found: Vec<String>,
    /// The paths of specified fields that are `null` or an empty media type.
    empty: Vec<String>,
    /// The keys of the document itself.
    root: HashSet<String>,
}

impl KeyWalk {
    fn add_empty(&mut self) {
        if is_specified(&self.path) && self.empty.len() < MAX_EMPTY {
            self.empty.push(elided(self.path.clone(), MAX_PATH));
        }
    }

    /// Walks the value of a key.
    fn below<T>(&mut self, key: &str, walk: impl FnOnce(&mut Self) -> T) -> T {
        let len = self.path.len();
        self.path.push('/');
        self.path
            .push_str(&key.replace('~', "~0").replace('/', "~1"));
        let walked = walk(self);
        self.path.truncate(len);
        walked
    }
}

struct WalkedValue<'a>(&'a mut KeyWalk);

impl<'de> DeserializeSeed<'de> for WalkedValue<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for WalkedValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys: HashSet<String> = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            self.0.below(&key, |walk| {
                if keys.contains(&key)
                    && walk.found.len() < MAX_FOUND
                    && !walk.found.contains(&walk.path)
                {
                    let path = elided(walk.path.clone(), MAX_PATH);
                    walk.found.push(path);
                }
                map.next_value_seed(WalkedValue(walk))
            })?;
            keys.insert(key);
        }
        if self.0.path.is_empty() {
            self.0.root = keys;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut i = 0_usize;
        while self
            .0
            .below(&i.to_string(), |walk| {
                seq.next_element_seed(WalkedValue(walk))
            })?
            .is_some()
        {
            i += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if text.is_empty() && self.0.path == "/mediaType" {
            self.0.add_empty();
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.add_empty();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{duplicate_keys, empty_fields};

    #[test]
    fn empty_fields_are_found_where_the_specification_has_a_value() {
        for (json, expected) in [
            (r#"{"layers":[]}"#, &[][..]),
            (
                r#"{"layers":[],"new":null,"annotations":{"a":""},"x":{"data":null}}"#,
                &[],
            ),
            (
                r#"{"layers":null,"mediaType":""}"#,
                &["/layers", "/mediaType"],
            ),
            ("{}", &["/layers"]),
            (
                r#"{"layers":[{"urls":null,"platform":{"os.features":null}},null],"annotations":{"a":null}}"#,
                &[
                    "/layers/0/urls",
                    "/layers/0/platform/os.features",
                    "/layers/1",
                    "/annotations/a",
                ],
            ),
            (
                r#"{"layers":[],"config":{"data":null},"subject":null}"#,
                &["/config/data", "/subject"],
            ),
            ("not JSON", &[]),
        ] {
            assert_eq!(empty_fields(json.as_bytes(), "layers"), expected, "{json}");
        }
    }

    #[test]
    fn duplicate_keys_are_found_at_any_depth() {
        for (json, expected) in [
            (r#"{"a":1,"b":[{"a":1.5e99},{"a":null}]}"#, &[][..]),
            (r#"{"a":1,"a":1}"#, &["/a"]),
            (r#"{"a":1,"\u0061":"x","a":true}"#, &["/a"]),
            (
                r#"{"a":[0,{"b/c":1,"b/c":2}],"a":{}}"#,
                &["/a/1/b~1c", "/a"],
            ),
            (r#"[{"A":1,"a":2}]"#, &[]),
            (r#"{"a":1,"a":"#, &["/a"]),
            ("not JSON", &[]),
        ] {
            assert_eq!(duplicate_keys(json.as_bytes()), expected, "{json}");
        }
        let deep = "[".repeat(100_000);
        assert!(duplicate_keys(deep.as_bytes()).is_empty());
    }
}
