//! Builds the image index of arranged images, and lists the blobs of the output. Nothing here touches
//! a file.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde_json::Map;

use crate::bytes::codec::Encoding;
use crate::error::{Error, InputName, Problem, PromisedLayer, Subject};
use crate::image::blob::{Blob, Content};
use crate::image::index_metadata::IndexMetadata;
use crate::image::{Image, Layer};
use crate::oci::{Descriptor, DiffId, Digest, Document, ImageName, Index, MediaType};

/// A multi-platform image, ready to be written.
#[derive(Debug)]
pub struct Merged {
    /// The descriptor of the image index.
    pub descriptor: Descriptor,
    /// The content of `index.json`: one descriptor, that of the image index.
    pub root: Document<Index>,
    /// Every blob once, in the order of an archive: the image index, then manifest and config of
    /// each image, then the layers; so a reader of a stream sees what it needs before it needs it.
    pub blobs: Vec<Part>,
    /// The content of `manifest.json`, for Docker's classic store.
    pub docker_manifest: Option<Vec<u8>>,
}

impl Merged {
    /// Leaves out what takes decompressing a layer to verify. Of uncompressed ones the diff ID is the
    /// digest, and of what was staged it is known.
    pub fn trust_diff_ids(&mut self) {
        for part in &mut self.blobs {
            let is_compressed =
                |(encoding, _): &mut (Encoding, DiffId)| *encoding != Encoding::Plain;
            part.layer.take_if(is_compressed);
        }
    }
}

/// A blob, and what its content must be besides.
#[derive(Debug)]
pub struct Part {
    /// The blob.
    pub blob: Blob,
    /// For layers: how they are encoded, and the digest of what comes out.
    pub layer: Option<(Encoding, DiffId)>,
}

/// Makes the index of arranged images.
pub fn build(
    images: Vec<Image>,
    metadata: IndexMetadata,
    name: Option<&ImageName>,
) -> Result<Merged, Error> {
    let layers = images.iter().flat_map(|image| &image.layers);
    unambiguous(layers)?;
    // Attestations last, as BuildKit has them: they must never be the first that matches.
    let attestations = images.iter().flat_map(|image| &image.attestations);
    let manifests = images
        .iter()
        .chain(attestations)
        .map(|image| Descriptor {
            platform: Some(image.platform.clone()),
            ..image.descriptor.clone()
        })
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

    let ours = InputName::Merged;
    let document = |descriptor: &Descriptor, content: Content, input: &InputName| Part {
        blob: Blob {
            name: descriptor.digest.to_string().into(),
            descriptor: descriptor.clone(),
            content,
            input: input.clone(),
        },
        layer: None,
    };
    let mut blobs = vec![document(
        &descriptor,
        Content::Bytes(index.raw.clone()),
        &ours,
    )];
    let mut layers = Vec::new();
    let all = images.into_iter().flat_map(|mut image| {
        let attestations = std::mem::take(&mut image.attestations);
        std::iter::once(image).chain(attestations)
    });
    for image in all {
        let manifest = image.manifest_content;
        blobs.push(document(&image.descriptor, manifest, &image.config.input));
        blobs.push(Part {
            blob: image.config,
            layer: None,
        });
        layers.extend(image.layers.into_iter().map(|layer| Part {
            blob: layer.blob,
            layer: layer.encoding.zip(layer.diff_id),
        }));
    }
    blobs.extend(layers);
    let mut places: HashMap<Digest, usize> = HashMap::new();
    let mut once: Vec<Part> = Vec::with_capacity(blobs.len());
    blobs.retain(|part| !matches!(part.blob.content, Content::Elsewhere));
    for part in blobs {
        match places.entry(part.blob.descriptor.digest.clone()) {
            // A document that is a layer too is held against what is said of it as a layer.
            Entry::Occupied(place) => {
                let layer = &mut once[*place.get()].layer;
                *layer = layer.take().or(part.layer);
            }
            Entry::Vacant(place) => {
                place.insert(once.len());
                once.push(part);
            }
        }
    }

    Ok(Merged {
        descriptor,
        root,
        blobs: once,
        docker_manifest: None,
    })
}

/// A blob goes out once, and is held against one size and one diff ID; so all images must mean the
/// same by it.
fn unambiguous<'a>(layers: impl Iterator<Item = &'a Layer>) -> Result<(), Error> {
    let mut known: HashMap<&Digest, &Layer> = HashMap::new();
    for layer in layers {
        let digest = &layer.blob.descriptor.digest;
        let first = *known.entry(digest).or_insert(layer);
        let size = |layer: &Layer| layer.blob.descriptor.size;
        if first.diff_id != layer.diff_id || size(first) != size(layer) {
            let promised = |of: &Layer| PromisedLayer {
                input: of.blob.input.clone(),
                promise: match &of.diff_id {
                    _ if size(first) != size(layer) => Some(format!("{} bytes", size(of))),
                    diff_id => diff_id.as_ref().map(ToString::to_string),
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
