//! Companions: entries of an image index, or of a layout beside it, that are not the image of a platform.

use std::collections::{HashMap, HashSet};

use super::{Image, LayerType};
use crate::error::InputName;
use crate::oci::artifact::ArtifactKind;
use crate::oci::{Descriptor, Digest, Manifest, MediaType};

/// A companion in an input.
#[derive(Clone, Debug)]
pub struct Companion {
    /// The input, for messages.
    pub input: InputName,
    /// The descriptor, without names.
    pub descriptor: Descriptor,
    /// The kind of artifact.
    pub kind: ArtifactKind,
    /// The digest of the manifest or index that it describes; none for an artifact that describes no other.
    pub subject: Option<Digest>,
    /// The tag under which cosign looks for it, if it has one.
    pub tag: Option<String>,
    /// Whether it is an entry of an image index, not beside the index.
    pub is_entry: bool,
    /// Its manifest, config and layers; none if they are not needed, or not all there.
    pub image: Option<Box<Image>>,
}

/// Returns what a manifest is that has the config type of an image, but no layer of files. Whether it
/// is an artifact, its config decides: cosign's has no platform.
pub fn without_files(manifest: &Manifest) -> Option<ArtifactKind> {
    let is_files = |layer: &&Descriptor| {
        let text = layer.media_type.as_ref();
        LayerType::of(&layer.media_type).is_some()
            || is_encrypted(&layer.media_type)
            || text.contains("wasm")
    };
    let first = manifest.layers.first()?;
    match manifest.layers.iter().any(|layer| is_files(&layer)) {
        true => None,
        false => Some(first.media_type.as_ref().into()),
    }
}

/// Adds to `taken` what describes something in it, and what describes that: a signature of an SBOM of an
/// image. Each edge is a subject and the digest of its referrer.
pub fn add_referrers<'a>(
    taken: &mut HashSet<Digest>,
    edges: impl Iterator<Item = (&'a Digest, &'a Digest)>,
) {
    let mut referrers: HashMap<&Digest, Vec<&Digest>> = HashMap::new();
    for (subject, referrer) in edges {
        referrers.entry(subject).or_default().push(referrer);
    }
    let mut new: Vec<Digest> = taken.iter().cloned().collect();
    while let Some(subject) = new.pop() {
        for referrer in referrers.remove(&subject).into_iter().flatten() {
            if taken.insert(referrer.clone()) {
                new.push(referrer.clone());
            }
        }
    }
}

/// Whether a layer is encrypted (ocicrypt) and cannot be read without a key.
pub fn is_encrypted(media_type: &MediaType) -> bool {
    media_type.as_ref().ends_with("+encrypted")
}
