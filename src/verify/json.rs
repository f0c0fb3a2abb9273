//! Keys that a JSON object has twice. serde_json takes the last value, Go's encoding/json merges both,
//! others take the first or refuse: one digest means several things.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::util::text::elided;

/// Returns the paths of repeated keys, as JSON pointers (RFC 6901); none for a text that is not JSON. Only
/// the keys of the objects that are open are kept in memory.
pub fn duplicate_keys(raw: &[u8]) -> Vec<String> {
    let mut walk = KeyWalk::default();
    let mut json = serde_json::Deserializer::from_slice(raw);
    // The parser of the document reports an error in the rest.
    let _ = WalkedValue(&mut walk).deserialize(&mut json);
    walk.found
}

/// How many keys of one document are reported.
const MAX_FOUND: usize = 100;

/// A key can have megabytes.
const MAX_PATH: usize = 200;

#[derive(Default)]
struct KeyWalk {
    path: String,
    found: Vec<String>,
}

impl KeyWalk {
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

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::duplicate_keys;

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
