//! The platforms of images that an error lists: those that are in their documents, because the descriptors
//! of `index.json` often have none.

use serde::Deserialize;

use super::{is_attestation, is_index};
use crate::error::Candidate;
use crate::oci::{Config, Descriptor, Document, Index, MAX_CONFIG, MAX_MANIFEST, Platform};
use crate::source::tree::Tree;

#[derive(Deserialize)]
struct ManifestConfig {
    config: Descriptor,
}

/// Adds to each candidate what it runs on. A document that cannot be read says nothing.
pub fn add_platforms(tree: &Tree, roots: &[Descriptor], candidates: &mut [Candidate]) {
    for (root, candidate) in roots.iter().zip(candidates) {
        if candidate.platform.is_none() {
            candidate.platforms = platforms(tree, root).unwrap_or_default();
        }
    }
}

fn platforms(tree: &Tree, root: &Descriptor) -> Option<Vec<Platform>> {
    if is_index(&root.media_type) {
        let index: Index = document(tree, root, MAX_MANIFEST)?;
        let images = index.manifests.into_iter().filter(|d| !is_attestation(d));
        return Some(images.filter_map(|image| image.platform).collect());
    }
    let manifest: ManifestConfig = document(tree, root, MAX_MANIFEST)?;
    let config: Config = document(tree, &manifest.config, MAX_CONFIG)?;
    let platform = config.platform();
    (!platform.os.is_empty()).then(|| vec![platform])
}

fn document<T: serde::de::DeserializeOwned>(
    tree: &Tree,
    descriptor: &Descriptor,
    limit: u64,
) -> Option<T> {
    let name = descriptor.digest.to_string();
    let file = tree.blob(&descriptor.digest).ok()??;
    let raw = tree.read(&file, &name, limit).ok()?;
    let document: Document<T> = tree.parse(&name, raw).ok()?;
    Some(document.view)
}
