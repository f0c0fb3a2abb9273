//! Builds the image index of arranged images, and lists the blobs of the output. No file is read or
//! written here.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde_json::Map;

use super::companions;
use crate::error::{Error, InputName, Problem, PromisedLayer, Subject};
use crate::image::{
    AnyBlob, Blob, Companion, Content, FileLayer, Image, IndexMetadata, Layer, MultiPlatformImage,
};
use crate::oci::{Descriptor, Digest, Document, ImageName, Index, MediaType};
use crate::util::text::byte_count;

/// Adds referrers beside the image, and what leads to them in `index.json`. Returns their number.
pub fn add_referrers(merged: &mut MultiPlatformImage, mut referrers: Vec<Companion>) -> usize {
    if referrers.is_empty() {
        return 0;
    }
    // One that is attached can be in an input already.
    let key = |referrer: &Companion| (referrer.descriptor.digest.clone(), referrer.subject.clone());
    referrers.sort_by_cached_key(key);
    referrers.dedup_by_key(|referrer| key(referrer));
    let count = referrers.len();
    let (roots, lists) = companions::lists(&referrers);
    let mut manifests = merged.root.view.manifests.clone();
    manifests.extend(roots);
    merged.root = Document::write(Index::new(manifests, BTreeMap::new(), Map::new()));
    let mut blobs = std::mem::take(&mut merged.blobs);
    for list in lists {
        let descriptor = Descriptor::of(MediaType::ImageIndex, &list.raw);
        let content = Content::Bytes(list.raw);
        blobs.push(document(&descriptor, content, &InputName::Merged));
    }
    let mut layers = Vec::new();
    for image in referrers.into_iter().filter_map(|referrer| referrer.image) {
        add_blobs(*image, &mut blobs, &mut layers);
    }
    blobs.extend(layers);
    merged.blobs = each_once(blobs);
    count
}

/// Builds the index of arranged images, followed by companions.
pub fn build(
    images: Vec<Image>,
    companions: Vec<Image>,
    metadata: IndexMetadata,
    name: Option<&ImageName>,
) -> Result<MultiPlatformImage, Error> {
    let layers = images.iter().flat_map(|image| &image.layers);
    check_unambiguous(layers)?;
    // Attestations come last, as in BuildKit's indexes: they must never be the first match.
    let attestations = images.iter().flat_map(|image| &image.attestations);
    let manifests = images
        .iter()
        .chain(attestations)
        .map(|image| Descriptor {
            platform: Some(image.platform.clone()),
            ..image.descriptor.clone()
        })
        .chain(companions.iter().map(|entry| entry.descriptor.clone()))
        .collect();
    let index = Document::write(Index::new(manifests, metadata.annotations, metadata.extra));
    let descriptor = Descriptor::of(MediaType::ImageIndex, &index.raw);
    let mut annotations: BTreeMap<String, String> = (metadata.root_annotations.into_iter())
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    annotations.extend(name.map(ImageName::annotations).unwrap_or_default());
    let top = Descriptor {
        annotations,
        ..descriptor.clone()
    };
    let root = Document::write(Index::new(vec![top], BTreeMap::new(), Map::new()));

    let index_content = Content::Bytes(index.raw.clone());
    let mut blobs = vec![document(&descriptor, index_content, &InputName::Merged)];
    let mut layers = Vec::new();
    let all = images.into_iter().flat_map(|mut image| {
        let attestations = std::mem::take(&mut image.attestations);
        std::iter::once(image).chain(attestations)
    });
    for image in all.chain(companions) {
        add_blobs(image, &mut blobs, &mut layers);
    }
    blobs.extend(layers);

    Ok(MultiPlatformImage {
        layer_records: None,
        descriptor,
        root,
        blobs: each_once(blobs),
        docker_manifest: None,
    })
}

fn document(descriptor: &Descriptor, content: Content, input: &InputName) -> AnyBlob {
    AnyBlob::Blob(Blob {
        name: descriptor.digest.to_string().into(),
        descriptor: descriptor.clone(),
        content,
        input: input.clone(),
    })
}

/// Adds manifest and config of an image to `documents`, and its layers to `layers`.
fn add_blobs(image: Image, documents: &mut Vec<AnyBlob>, layers: &mut Vec<AnyBlob>) {
    let manifest = image.manifest_content;
    documents.push(document(&image.descriptor, manifest, &image.config.input));
    documents.push(AnyBlob::Blob(image.config));
    layers.extend(image.layers.into_iter().filter_map(|layer| match layer {
        Layer::Files(layer) => Some(AnyBlob::Layer(layer)),
        Layer::Opaque(blob) => Some(AnyBlob::Blob(blob)),
        Layer::Absent { .. } => None,
    }));
}

/// Removes blobs that are in the list already.
fn each_once(blobs: Vec<AnyBlob>) -> Vec<AnyBlob> {
    let mut positions: HashMap<Digest, usize> = HashMap::new();
    let mut once: Vec<AnyBlob> = Vec::with_capacity(blobs.len());
    for blob in blobs {
        match positions.entry(blob.blob().descriptor.digest.clone()) {
            Entry::Occupied(position) => {
                let kept = &mut once[*position.get()];
                // A document that is also a layer is verified as a layer.
                if let (AnyBlob::Blob(document), AnyBlob::Layer(layer)) = (&kept, blob) {
                    *kept = AnyBlob::Layer(FileLayer {
                        blob: document.clone(),
                        ..layer
                    });
                }
            }
            Entry::Vacant(position) => {
                position.insert(once.len());
                once.push(blob);
            }
        }
    }
    once
}

/// Fails if images disagree about a layer: a blob is written once, and verified by one size and one diff
/// ID.
fn check_unambiguous<'a>(layers: impl Iterator<Item = &'a Layer>) -> Result<(), Error> {
    let mut known: HashMap<&Digest, &Layer> = HashMap::new();
    for layer in layers {
        let digest = &layer.descriptor().digest;
        let first = *known.entry(digest).or_insert(layer);
        let size = |layer: &Layer| layer.descriptor().size;
        if first.diff_id() != layer.diff_id() || size(first) != size(layer) {
            let promised = |of: &Layer| PromisedLayer {
                input: of.input().clone(),
                promise: match of.diff_id() {
                    _ if size(first) != size(layer) => Some(byte_count(size(of))),
                    diff_id => diff_id.map(ToString::to_string),
                },
            };
            let mut both = [promised(first), promised(layer)];
            both.sort_by_cached_key(ToString::to_string);
            let [first, second] = both;
            let problem = Problem::AmbiguousLayer {
                digest: digest.clone(),
                promised: Box::new((first, second)),
            };
            return Err(Error::new(Subject::ALL, problem));
        }
    }
    Ok(())
}
