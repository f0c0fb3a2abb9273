//! From images to one image index. Nothing here touches a file.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::blob::{Blob, Content};
use crate::codec::Encoding;
use crate::error::Error;
use crate::image::{Image, Layer};
use crate::said::Said;
use crate::spec::{Descriptor, DiffId, Digest, Document, ImageName, Index, MediaType, Platform};

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

/// Puts images into the order of the index; one for each platform.
///
/// The order of an index has a meaning (the first manifest that matches is used) and must not
/// depend on the order of arguments.
pub fn arrange(mut images: Vec<Image>, notes: &mut Vec<String>) -> Result<Vec<Image>, Error> {
    images.sort_by(|a, b| {
        let place = a.platform.cmp_place(&b.platform);
        let digest = a.descriptor.digest.cmp(&b.descriptor.digest);
        place.then(digest).then_with(|| a.origin.cmp(&b.origin))
    });
    let mut arranged: Vec<Image> = Vec::with_capacity(images.len());
    for image in images {
        match arranged.pop_if(|last| last.platform.same_place(&image.platform)) {
            None => arranged.push(image),
            Some(last) if last.descriptor.digest == image.descriptor.digest => {
                // Harmless, but a slip of who meant to give two images.
                notes.push(format!(
                    "{} and {} are the same image for {}",
                    last.origin, image.origin, image.platform
                ));
                arranged.push(unite(last, image)?);
            }
            Some(last) => {
                let mut origins = [last.origin.to_string(), image.origin.to_string()];
                origins.sort();
                let [first, second] = origins;
                return Err(Error::DuplicatePlatform {
                    platform: last.platform.to_string(),
                    first,
                    second,
                });
            }
        }
    }
    Ok(arranged)
}

/// One image that came in twice: what either of them says is true of both.
fn unite(mut one: Image, other: Image) -> Result<Image, Error> {
    let variant = one.platform.variant.take().or(other.platform.variant);
    one.platform.variant = variant;
    one.platform.extra.extend(other.platform.extra);
    let mut said = Said {
        annotations: one.descriptor.annotations,
        extra: one.descriptor.extra,
        ..Said::default()
    };
    let more = Said {
        annotations: other.descriptor.annotations,
        extra: other.descriptor.extra,
        ..Said::default()
    };
    said.add(more, &BTreeMap::new(), &mut Vec::new())?;
    one.descriptor.annotations = said.annotations;
    one.descriptor.extra = said.extra;
    for attestation in other.attestations {
        let same = |kept: &Image| kept.descriptor.digest == attestation.descriptor.digest;
        if !one.attestations.iter().any(same) {
            one.attestations.push(attestation);
        }
    }
    let digest = |attestation: &Image| attestation.descriptor.digest.clone();
    one.attestations.sort_by_key(digest);
    Ok(one)
}

/// Makes the index of arranged images.
pub fn merge(images: Vec<Image>, said: Said, name: Option<&ImageName>) -> Result<Merged, Error> {
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
    let index = Document::write(Index::new(manifests, said.annotations, said.extra));
    let descriptor = Descriptor::of(MediaType::ImageIndex, &index.raw);
    let mut annotations: BTreeMap<String, String> = (said.root_annotations.into_iter())
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    annotations.extend(name.map(ImageName::annotations).unwrap_or_default());
    let top = Descriptor {
        annotations,
        ..descriptor.clone()
    };
    let root = Document::write(Index::new(vec![top], BTreeMap::new(), Map::new()));

    let ours: Arc<str> = "the merged image".into();
    let document = |descriptor: &Descriptor, content: Content, input: &Arc<str>| Part {
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
            let name = |layer: &Layer| match &layer.diff_id {
                _ if size(first) != size(layer) => {
                    format!("{} ({} bytes)", layer.blob.input, size(layer))
                }
                Some(diff_id) => format!("{} ({diff_id})", layer.blob.input),
                None => layer.blob.input.to_string(),
            };
            let mut names = [name(first), name(layer)];
            names.sort();
            let [first, second] = names;
            return Err(Error::AmbiguousLayer {
                digest: digest.clone(),
                first,
                second,
            });
        }
    }
    Ok(())
}

/// Docker's list of images ("Docker Image Specification v1.2"): one for each platform, all tags of
/// one name; the tag without a suffix goes to the platform `plain`.
pub fn docker_manifest(
    images: &[Image],
    name: &ImageName,
    plain: Option<&Platform>,
    notes: &mut Vec<String>,
) -> Result<Vec<u8>, Error> {
    // Docker reads all or nothing.
    let is_of_files = |layer: &Layer| layer.encoding.is_some();
    let mut loadable = Vec::new();
    for image in images {
        match image.manifest.view.is_image() && image.layers.iter().all(is_of_files) {
            true => loadable.push(image),
            false => notes.push(format!(
                "{}: left out of manifest.json, because Docker could not load it: it is no image for it, or a layer is not there or not one of files",
                image.origin
            )),
        }
    }
    if loadable.is_empty() {
        return Err(Error::NothingForDocker);
    }
    let images = loadable;
    let chosen = match plain {
        None => 0,
        Some(plain) => images
            .iter()
            .position(|image| image.platform.narrowed_by(plain).is_some())
            .ok_or_else(|| Error::NoSuchPlatform {
                wanted: plain.to_string(),
                offered: Platform::list(images.iter().map(|image| &image.platform)),
            })?,
    };
    let items: Vec<Value> = images
        .iter()
        .enumerate()
        .map(|(i, image)| {
            let Platform {
                os,
                architecture,
                variant,
                ..
            } = &image.platform;
            let words = [Some(os), Some(architecture), variant.as_ref()];
            let suffix: String = words
                .iter()
                .flatten()
                .map(|word| format!("-{word}"))
                .collect();
            let own = name.with_suffix(&suffix).map_err(|tag| Error::BadTag {
                input: image.origin.to_string(),
                tag,
            })?;
            let mut tags = vec![own.to_string()];
            tags.extend((i == chosen).then(|| name.to_string()));
            let layers: Vec<String> = (image.layers.iter())
                .map(|layer| layer.blob.descriptor.digest.blob_path())
                .collect();
            Ok(json!({
                "Config": image.config.descriptor.digest.blob_path(),
                "RepoTags": tags,
                "Layers": layers,
            }))
        })
        .collect::<Result<_, Error>>()?;
    Ok(Value::from(items).to_string().into_bytes())
}
