//! The annotations that a merge adds.

use std::collections::BTreeMap;

/// Annotations, by what they are added to. They replace those that the images have.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Annotations {
    /// For the image index.
    pub index: BTreeMap<String, String>,
    /// For every image manifest.
    pub manifest: BTreeMap<String, String>,
    /// For the descriptor of every image manifest in the index.
    pub manifest_descriptor: BTreeMap<String, String>,
    /// For the descriptor of the index in `index.json`.
    pub index_descriptor: BTreeMap<String, String>,
}
