//! What a merge builds and the sink writes.

use crate::bytes::codec::Encoding;
use crate::image::AnyBlob;
use crate::oci::{Descriptor, Document, Index};

/// A multi-platform image, ready to be written.
#[derive(Debug)]
pub struct MultiPlatformImage {
    /// The descriptor of the image index.
    pub descriptor: Descriptor,
    /// The content of `index.json`: the descriptor of the image index, then those of referrers.
    pub root: Document<Index>,
    /// Every blob once, in the order of an archive: the image index, then manifest and config of each
    /// image, then the layers. The reader of a stream gets each document before the blobs it names.
    pub blobs: Vec<AnyBlob>,
    /// The content of `manifest.json`, for Docker's classic store.
    pub docker_manifest: Option<Vec<u8>>,
    /// The records of layers, for a layout.
    pub layer_records: Option<Vec<u8>>,
}

impl MultiPlatformImage {
    /// Skips checks that have to decompress a layer: of compressed layers only the digest is verified.
    /// The diff ID of an uncompressed one is its digest.
    pub fn trust_diff_ids(&mut self) {
        for blob in &mut self.blobs {
            if let AnyBlob::Layer(layer) = blob
                && layer.encoding != Encoding::Plain
            {
                *blob = AnyBlob::Blob(layer.blob.clone());
            }
        }
    }
}
