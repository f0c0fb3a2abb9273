//! What another build of an image changes, and what pushing it sends.
//!
//! docs/json.md describes the fields for users.

mod config;
mod paths;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::analyze::{Groups, PathAnalysis};
use crate::bytes::codec::Encoding;
use crate::error::{Code, Error, Warning};
use crate::image::Image;
use crate::load::{LoadRequest, Loaded};
use crate::oci::{Descriptor, DiffId, Digest, Platform};
use crate::util::text::sum;

pub use paths::{PathChange, PathInfo, PathsDiff};

/// What differs between two images.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// Of these fields.
    pub version: u32,
    /// The input that is the older one.
    pub old: String,
    /// The input that is the newer one.
    pub new: String,
    /// Each platform of either of them.
    pub platforms: Vec<PlatformDiff>,
    /// The annotations of the image index that are not the same.
    pub annotations: Vec<AnnotationChange>,
    /// What pushing the newer one sends to a registry that has the older one.
    pub push: Push,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// What differs between the images of a platform.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformDiff {
    /// The platform.
    pub platform: String,
    /// What became of it.
    pub status: Status,
    /// The layers.
    pub layers: LayersDiff,
    /// The store paths.
    pub store_paths: PathsDiff,
    /// The directories outside of the store.
    pub directories: PathsDiff,
    /// The fields of the config that are not the same, but for those that say the layers.
    pub config: Vec<Change>,
    /// The annotations of its manifest, and of that one's descriptor, that are not the same.
    pub annotations: Vec<AnnotationChange>,
    /// What pushing this platform alone sends.
    pub push: Push,
}

/// What became of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Only the newer image has it.
    Added,
    /// Only the older image has it.
    Removed,
    /// Its image is another one.
    Changed,
    /// Its image is the same.
    Same,
}

/// What became of layers.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayersDiff {
    /// Those that only the newer image has.
    pub added: Vec<LayerChange>,
    /// Those that only the older image has.
    pub removed: Vec<LayerChange>,
    /// How many both have.
    pub kept: usize,
}

/// A layer that one of the images has.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerChange {
    /// Its position in the image, from 0.
    pub layer: usize,
    /// The digest of the blob.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// Whether the other image has a layer of the same content, compressed in another way.
    pub recompressed: bool,
}

/// A field that is not the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its name, such as `config.Cmd` or `config.Env.PATH`.
    pub field: String,
    /// What was there.
    pub old: Option<Value>,
    /// What is there.
    pub new: Option<Value>,
}

/// An annotation that is not the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnnotationChange {
    /// What is annotated, as `polyarch merge --annotation` calls it.
    pub level: &'static str,
    /// The key.
    pub key: String,
    /// What was there.
    pub old: Option<String>,
    /// What is there.
    pub new: Option<String>,
}

/// What a push sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Push {
    /// How many blobs and manifests.
    pub blobs: usize,
    /// Their bytes, as they are in the image.
    pub bytes: u64,
}

/// What differs between two images.
pub fn diff(old: &LoadRequest, new: &LoadRequest) -> Result<Diff, Error> {
    // Of one platform of several, a push sends no index.
    let is_all = new.platforms.is_empty();
    let names = [old, new].map(|look| look.input.name());
    let (old, new) = (Groups::of(old)?, Groups::of(new)?);
    let known = blobs(&old.looked, true, |_| true);
    let mut platforms: Vec<&Platform> = Vec::new();
    let images = [&old, &new].map(|side| &side.looked.contents.images);
    for image in images.into_iter().flatten() {
        if !platforms
            .iter()
            .any(|known| known.same_place(&image.platform))
        {
            platforms.push(&image.platform);
        }
    }
    platforms.sort_by(|a, b| a.cmp_place(b));
    let platforms = platforms
        .into_iter()
        .map(|platform| {
            let sides = [&old, &new].map(|found| Side::of(found, platform));
            platform_diff(platform, sides, &known, &new.looked)
        })
        .collect::<Result<_, Error>>()?;
    let mut warnings: Vec<Warning> = [&*old.warnings, &*new.warnings].concat();
    let is_plain = |image: &Image| {
        let mut layers = image.file_layers();
        layers.any(|layer| layer.encoding == Encoding::Plain)
    };
    let [old_name, new_name] = names;
    if new.looked.contents.images.iter().any(is_plain) {
        let text =
            "it has layers that are not compressed: a push that compresses them sends fewer bytes";
        warnings.push(Warning::new(
            Code::UncompressedLayers,
            new_name.clone(),
            text,
        ));
    }
    Ok(Diff {
        version: 1,
        platforms,
        annotations: index_annotations(&old.looked, &new.looked),
        push: push(&blobs(&new.looked, is_all, |_| true), &known),
        warnings,
        old: old_name.to_string(),
        new: new_name.to_string(),
    })
}

/// One platform's image in one of the two.
#[derive(Clone, Copy, Default)]
struct Side<'a> {
    image: Option<&'a Image>,
    paths: &'a [PathAnalysis],
}

impl<'a> Side<'a> {
    fn of(found: &'a Groups, platform: &Platform) -> Self {
        let images = found.looked.contents.images.iter();
        let mut images = images.zip(&found.paths);
        let found = images.find(|(image, _)| image.platform.same_place(platform));
        found.map_or(Self::default(), |(image, paths)| Self {
            image: Some(image),
            paths,
        })
    }
}

fn platform_diff(
    platform: &Platform,
    [old, new]: [Side<'_>; 2],
    known: &HashMap<Digest, u64>,
    new_looked: &Loaded,
) -> Result<PlatformDiff, Error> {
    let status = match (old.image, new.image) {
        (None, _) => Status::Added,
        (_, None) => Status::Removed,
        (Some(old), Some(new)) if old.descriptor.digest == new.descriptor.digest => Status::Same,
        _ => Status::Changed,
    };
    let configs = [old, new].map(|side| side.image.map(config::fields).transpose());
    let [old_config, new_config] = configs;
    let mut config = Vec::new();
    // What is new as a whole is not listed field by field.
    if let (Some(old), Some(new)) = (old_config?, new_config?) {
        config = config::changes(&old, &new);
    }
    let of_manifest = |image: &Image| image.manifest.view.annotations();
    let of_descriptor = |image: &Image| image.descriptor.annotations.clone();
    let mut annotations = Vec::new();
    if let (Some(old), Some(new)) = (old.image, new.image) {
        annotations.extend(annotation_changes(
            "manifest",
            &of_manifest(old),
            &of_manifest(new),
        ));
        let (old, new) = (of_descriptor(old), of_descriptor(new));
        annotations.extend(annotation_changes("manifest-descriptor", &old, &new));
    }
    let paths = |in_store| {
        let [old, new] = [old, new].map(|side| paths::known(side.paths, in_store));
        paths::diff(&old, &new)
    };
    let is_this = |image: &Image| new.image.is_some_and(|new| std::ptr::eq(new, image));
    Ok(PlatformDiff {
        platform: platform.to_string(),
        status,
        layers: layers(old, new),
        store_paths: paths(true),
        directories: paths(false),
        config,
        annotations,
        push: push(&blobs(new_looked, false, is_this), known),
    })
}

fn layers(old: Side<'_>, new: Side<'_>) -> LayersDiff {
    let of = |side: Side<'_>| -> Vec<(Digest, u64, Option<DiffId>)> {
        let layers = side.image.into_iter().flat_map(|image| &image.layers);
        let about = layers.map(|layer| {
            let Descriptor { digest, size, .. } = layer.descriptor();
            (digest.clone(), *size, layer.diff_id().cloned())
        });
        about.collect()
    };
    let (old, new) = (of(old), of(new));
    let only = |these: &[(Digest, u64, Option<DiffId>)],
                others: &[(Digest, u64, Option<DiffId>)]| {
        let digests: HashSet<&Digest> = others.iter().map(|(digest, ..)| digest).collect();
        let contents: HashSet<&DiffId> = others.iter().filter_map(|(.., id)| id.as_ref()).collect();
        let these = these.iter().enumerate();
        let only = these.filter(|(_, (digest, ..))| !digests.contains(digest));
        only.map(|(layer, (digest, size, diff_id))| LayerChange {
            layer,
            digest: digest.clone(),
            size: *size,
            recompressed: diff_id.as_ref().is_some_and(|id| contents.contains(id)),
        })
        .collect::<Vec<_>>()
    };
    let added = only(&new, &old);
    LayersDiff {
        removed: only(&old, &new),
        kept: new.len() - added.len(),
        added,
    }
}

/// The blobs and manifests of some images, with their sizes, and those of the indexes.
fn blobs(
    looked: &Loaded,
    with_indexes: bool,
    is_meant: impl Fn(&Image) -> bool,
) -> HashMap<Digest, u64> {
    let contents = &looked.contents;
    let mut found = HashMap::new();
    let mut add = |descriptor: &Descriptor| {
        found.insert(descriptor.digest.clone(), descriptor.size);
    };
    if with_indexes {
        contents.indexes.iter().for_each(|(index, _)| add(index));
    }
    let images = contents.images.iter().filter(|image| is_meant(image));
    for image in images.flat_map(|image| std::iter::once(image).chain(&image.attestations)) {
        if contents.has_manifests {
            add(&image.descriptor);
        }
        add(&image.config.descriptor);
        image
            .layers
            .iter()
            .for_each(|layer| add(layer.descriptor()));
    }
    found
}

fn push(blobs: &HashMap<Digest, u64>, known: &HashMap<Digest, u64>) -> Push {
    let sent = || {
        blobs
            .iter()
            .filter(|(digest, _)| !known.contains_key(*digest))
    };
    Push {
        blobs: sent().count(),
        bytes: sum(sent().map(|(_, size)| *size)),
    }
}

fn index_annotations(old: &Loaded, new: &Loaded) -> Vec<AnnotationChange> {
    let (old, new) = (&old.contents.metadata, &new.contents.metadata);
    let of_root = |said: &crate::image::IndexMetadata| -> BTreeMap<String, String> {
        let known = said.root_annotations.iter();
        known
            .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
            .collect()
    };
    let mut changes = annotation_changes("index", &old.annotations, &new.annotations);
    changes.extend(annotation_changes(
        "index-descriptor",
        &of_root(old),
        &of_root(new),
    ));
    changes
}

fn annotation_changes(
    level: &'static str,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Vec<AnnotationChange> {
    config::changed(old, new)
        .map(|(key, old, new)| AnnotationChange {
            level,
            key: key.clone(),
            old: old.cloned(),
            new: new.cloned(),
        })
        .collect()
}
