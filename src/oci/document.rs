//! JSON documents: raw bytes with a parsed view beside them.
//!
//! Identity is the raw bytes: a document that needs no change is never serialised from its view.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::go_json::is_field;

/// Manifests and indexes: registries refuse more than 4 MiB (distribution-spec, "Pushing
/// Manifests").
pub const MAX_MANIFEST: u64 = 4 << 20;

/// Configs: no specification has a limit; containerd reads at most 8 MiB of one.
pub const MAX_CONFIG: u64 = 8 << 20;

/// How deep arrays and objects may be nested. Documents of images have four levels; Go reads 10,000,
/// serde_json 127, and readers of our output must be able to read it.
const MAX_NESTING: usize = 100;

/// Returns a key that some readers take for one of `known` and others do not: Go's encoding/json ignores
/// case, so that a manifest with `Layers` and `layers` is two images.
pub fn confusable<'a>(
    known: &[&str],
    mut keys: impl Iterator<Item = &'a String>,
) -> Option<&'a str> {
    let is_like = |key: &&String| {
        known
            .iter()
            .any(|known| is_field(key, known) && known != key)
    };
    keys.find(is_like).map(String::as_str)
}

/// The bytes of a document, and the parsed view of them.
#[derive(Clone, Debug)]
pub struct Document<T> {
    pub raw: Arc<[u8]>,
    pub view: T,
}

impl<T: DeserializeOwned> Document<T> {
    /// Parses `raw`.
    pub fn parse(raw: impl Into<Arc<[u8]>>) -> serde_json::Result<Self> {
        let raw = raw.into();
        let view = parse(&raw)?;
        Ok(Self { raw, view })
    }
}

/// Parses JSON that is nested no deeper than [`MAX_NESTING`], also in fields that are ignored.
pub fn parse<'d, T: Deserialize<'d>>(raw: &'d [u8]) -> serde_json::Result<T> {
    if extent(raw).depth > MAX_NESTING {
        let problem = format!("it is nested more than {MAX_NESTING} levels deep");
        return Err(serde::de::Error::custom(problem));
    }
    serde_json::from_slice(raw)
}

/// Whether a document has a digest of an algorithm that [`Digest`](super::Digest) does not know.
pub fn has_unsupported_algorithm(raw: &[u8]) -> bool {
    fn walk(value: &Value, is_digest: bool) -> bool {
        match value {
            Value::String(text) => {
                let algorithm = text.split(':').next().unwrap_or_default();
                is_digest && !["sha256", "sha512"].contains(&algorithm)
            }
            Value::Array(values) => values.iter().any(|value| walk(value, is_digest)),
            Value::Object(fields) => fields
                .iter()
                .any(|(key, value)| walk(value, ["digest", "diff_ids"].contains(&&**key))),
            _ => false,
        }
    }
    extent(raw).depth <= MAX_NESTING
        && serde_json::from_slice(raw).is_ok_and(|document| walk(&document, false))
}

/// The extent of a document.
pub struct Extent {
    /// How deep arrays and objects are nested.
    pub depth: usize,
    /// The number of values, about.
    pub values: u64,
}

/// Measures JSON without parsing it. The extent of a text that is not JSON means nothing.
pub fn extent(raw: &[u8]) -> Extent {
    let (mut depth, mut deepest, mut values) = (0usize, 0, 1);
    let (mut in_text, mut escaped) = (false, false);
    for byte in raw {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                values += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    Extent {
        depth: deepest,
        values,
    }
}

impl<T: Serialize> Document<T> {
    /// Serialises `view`: compact JSON, fields in the order of the type.
    pub fn write(view: T) -> Self {
        // It fails only for keys that are not strings, which our documents do not have.
        let raw = serde_json::to_vec(&view).unwrap_or_else(|e| unreachable!("{e}"));
        Self {
            raw: raw.into(),
            view,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{confusable, extent};

    #[test]
    fn keys_that_go_folds_are_confusable() {
        for key in ["Layers", "layer\u{17f}"] {
            let keys = [key.to_owned()];
            assert_eq!(confusable(&["layers"], keys.iter()), Some(key));
        }
        for key in ["layers", "layer"] {
            let keys = [key.to_owned()];
            assert_eq!(confusable(&["layers"], keys.iter()), None, "{key}");
        }
    }

    #[test]
    fn brackets_in_strings_do_not_count_as_nesting() {
        let found = extent(br#"{"[[[\\\"[": [1, {"a": "}"}], "b": []}"#);
        assert_eq!((found.depth, found.values), (3, 7));
    }
}
