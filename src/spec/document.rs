//! JSON documents: raw bytes with a parsed view beside them.
//!
//! Identity is the raw bytes, so a document that needs no change is never written from its view.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Manifests and indexes: registries refuse more than 4 MiB (distribution-spec, "Pushing
/// Manifests").
pub const MAX_MANIFEST: u64 = 4 << 20;

/// Configs: no limit in any specification; containerd reads at most 8 MiB of one.
pub const MAX_CONFIG: u64 = 8 << 20;

/// A key that some readers take for one of `known` and others do not: Go's encoding/json ignores
/// case, so that `Layers` beside `layers` makes two images of one manifest.
pub fn confusable<'a>(
    known: &[&str],
    mut keys: impl Iterator<Item = &'a String>,
) -> Option<&'a str> {
    let is_like = |key: &&String| {
        known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(key) && known != key)
    };
    keys.find(is_like).map(String::as_str)
}

/// The bytes of a document, and what they say.
#[derive(Clone, Debug)]
pub struct Document<T> {
    /// The bytes as they were found or made.
    pub raw: Arc<[u8]>,
    /// The view of them.
    pub view: T,
}

impl<T: DeserializeOwned> Document<T> {
    /// Reads the view of `raw`.
    pub fn parse(raw: impl Into<Arc<[u8]>>) -> serde_json::Result<Self> {
        let raw = raw.into();
        let view = serde_json::from_slice(&raw)?;
        Ok(Self { raw, view })
    }
}

impl<T: Serialize> Document<T> {
    /// Writes `view`: compact JSON, fields in the order of the type.
    pub fn write(view: T) -> Self {
        // Every key of our documents is a string and no number is a NaN: the two ways to fail.
        let raw = serde_json::to_vec(&view).unwrap_or_else(|e| unreachable!("{e}"));
        Self {
            raw: raw.into(),
            view,
        }
    }
}
