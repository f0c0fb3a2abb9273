//! Records of the layers that a merge has made or compressed, in a file beside the blobs of its layout.
//!
//! A later merge takes such a layer from there instead of reading and compressing it again. It finds it
//! by what decides its bytes: the key of its store paths ([`LayerKey`]) or its diff ID, and how it was
//! encoded. No manifest names the file, and no digest depends on it.

mod reusable;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bytes::LayerObserver;
use crate::bytes::codec::{Compression, Encoding};
use crate::image::{Content, FileLayer, Image, LayerKey};
use crate::oci::{DiffId, Digest};

pub use reusable::Reusable;

/// The name of the file in a layout.
pub const LAYER_RECORDS: &str = "polyarch-layers.json";

/// The version of the format of the file.
const VERSION: u64 = 1;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordFile {
    version: u64,
    layers: Vec<LayerRecord>,
}

/// A layer of the layout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayerRecord {
    /// The digest of the blob.
    digest: Digest,
    /// The size of the blob in bytes.
    size: u64,
    diff_id: DiffId,
    encoding: Encoding,
    /// Compressor, version, level and size of blocks: everything that decides the bytes of the blob, given
    /// those of the layer.
    encoder: String,
    /// What decides the bytes of the layer, if it is made of store paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<LayerKey>,
    /// What the check of programs has found in the layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    programs: Option<Value>,
}

/// Returns the content of the file: the records of the layers of `images` that were made or compressed
/// with `compression`. `keys` has the keys of layers that are made of store paths.
pub fn write(
    images: &[Image],
    compression: Compression,
    keys: &HashMap<DiffId, LayerKey>,
    observer: Option<&dyn LayerObserver>,
) -> Vec<u8> {
    let encoder = compression.identity();
    let is_ours = |layer: &&FileLayer| match &layer.blob.content {
        Content::Recorded(_) => true,
        Content::Staged(staged) => {
            let is_encoded = staged.encoding != staged.original.encoding;
            is_encoded || keys.contains_key(&layer.diff_id)
        }
        _ => false,
    };
    let layers = images.iter().flat_map(Image::file_layers).filter(is_ours);
    let records = layers.map(|layer| {
        let record = LayerRecord {
            digest: layer.blob.descriptor.digest.clone(),
            size: layer.blob.descriptor.size,
            diff_id: layer.diff_id.clone(),
            encoding: layer.encoding,
            encoder: encoder.clone(),
            key: keys.get(&layer.diff_id).cloned(),
            programs: observer.and_then(|observer| observer.save(&layer.diff_id)),
        };
        // Sorted, and each once.
        (record.digest.clone(), record)
    });
    let records: BTreeMap<Digest, LayerRecord> = records.collect();
    let file = RecordFile {
        version: VERSION,
        layers: records.into_values().collect(),
    };
    let mut bytes = serde_json::to_vec(&file).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
