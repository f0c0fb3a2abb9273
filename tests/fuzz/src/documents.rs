//! JSON documents: reading and writing keeps all fields, and documents that readers understand in different
//! ways are refused.

use polyarch::internals::oci::{Config, Document, Index, Manifest, layout_version};
use polyarch::oci::{Descriptor, DiffId, Platform};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads bytes as each kind of document.
pub fn documents(bytes: &[u8]) {
    let _ = layout_version(bytes).map_err(|problem| assert!(!problem.to_string().is_empty()));
    survives::<Descriptor>(bytes);
    survives::<Platform>(bytes);
    let manifest = survives::<Manifest>(bytes);
    let index = survives::<Index>(bytes);
    let Ok(Value::Object(found)) = serde_json::from_slice::<Value>(bytes) else {
        assert!(manifest.is_none() && index.is_none());
        return;
    };
    let differs_in_case = |known: &[&str]| {
        let mut keys = found.keys();
        keys.any(|key| {
            let lower = key.to_ascii_lowercase();
            known
                .iter()
                .any(|known| known.to_ascii_lowercase() == lower && known != key)
        })
    };
    if let Some(manifest) = manifest {
        manifest.is_image();
        let is_caught = manifest.confusable().is_some();
        assert!(is_caught || !differs_in_case(&["config", "layers", "manifests", "mediaType"]));
    }
    if let Some(index) = index {
        let is_caught = index.confusable().is_some();
        assert!(is_caught || !differs_in_case(&["config", "layers", "manifests", "mediaType"]));
    }
    if let Ok(config) = Document::<Config>::parse(bytes) {
        let config = config.view;
        let is_caught = config.confusable().is_some();
        assert!(is_caught || !differs_in_case(&["architecture", "os", "variant", "rootfs"]));
        let platform = config.platform();
        assert_eq!(found["architecture"], *platform.architecture);
        assert_eq!(found["os"], *platform.os);
        let said = found["rootfs"]["diff_ids"]
            .as_array()
            .map_or(&[][..], |ids| ids);
        assert_eq!(said.len(), config.diff_ids().len());
        for (said, DiffId(digest)) in said.iter().zip(config.diff_ids()) {
            assert_eq!(*said, *digest.to_string());
        }
    }
}

/// Checks that reading and writing a document loses nothing, and that writing it again changes nothing.
fn survives<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let read: Document<T> = match Document::parse(bytes) {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    assert_eq!(*read.raw, *bytes);
    let written = Document::write(read.view);
    let before: Value = serde_json::from_slice(bytes).unwrap();
    let after: Value = serde_json::from_slice(&written.raw).unwrap();
    assert!(is_kept(&before, &after), "{before}\nbecame\n{after}");
    let again: Document<T> = Document::parse(written.raw.clone()).unwrap();
    let again = Document::write(again.view);
    assert_eq!(again.raw, written.raw);
    Some(again.view)
}

/// Whether all fields are kept. A field that is not set can be missing, null or empty.
fn is_kept(before: &Value, after: &Value) -> bool {
    // Go writes and reads all of them for an empty field.
    let is_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match (before, after) {
        (Value::Null, after) => is_nothing(after),
        (Value::Object(before), Value::Object(after)) => {
            before.iter().all(|(key, value)| match after.get(key) {
                Some(kept) => is_kept(value, kept),
                None => is_nothing(value),
            })
        }
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(b, a)| is_kept(b, a))
        }
        _ => before == after,
    }
}
