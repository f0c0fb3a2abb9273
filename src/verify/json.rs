//! Keys that an object of a JSON document has twice. serde_json takes the last of them, Go's
//! encoding/json merges both, others take the first or refuse: so one digest means several things.

use std::collections::HashSet;
use std::fmt;

use super::collector::clip;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// The paths of keys that are there more than once, as JSON pointers (RFC 6901). Nothing of the
/// document is kept but the keys of the objects that are open. What is no JSON has none here.
pub fn duplicate_keys(raw: &[u8]) -> Vec<String> {
    let mut walk = Walk::default();
    let mut json = serde_json::Deserializer::from_slice(raw);
    // What is wrong with the rest is said by who parses it.
    let _ = Value(&mut walk).deserialize(&mut json);
    walk.found
}

/// More than anybody wants to read of one document.
const MAX_FOUND: usize = 100;

/// A key can have megabytes.
const MAX_PATH: usize = 200;

#[derive(Default)]
struct Walk {
    path: String,
    found: Vec<String>,
}

impl Walk {
    /// Walks on below a key.
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

struct Value<'a>(&'a mut Walk);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
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
                    let mut path = walk.path.clone();
                    clip(&mut path, MAX_PATH);
                    walk.found.push(path);
                }
                map.next_value_seed(Value(walk))
            })?;
            keys.insert(key);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut i = 0_usize;
        while self
            .0
            .below(&i.to_string(), |walk| seq.next_element_seed(Value(walk)))?
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
