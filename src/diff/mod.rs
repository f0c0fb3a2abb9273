//! `diff`: the changes of another build of an image, and the number of bytes that pushing it sends.
//!
//! `docs/json.md` describes the fields of the report.

#![allow(missing_docs, reason = "docs/json.md describes the fields")]

mod config;
mod paths;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::analyze::{Groups, PathAnalysis};
use crate::bytes::codec::Encoding;
use crate::bytes::progress::Progress;
use crate::error::{Code, Error, Warning};
use crate::image::Image;
use crate::load::{LoadRequest, Loaded};
use crate::oci::{Descriptor, DiffId, Digest, Platform};
use crate::source::Input;
use crate::util::text::sum;

pub use config::ConfigChange;
pub use paths::{PathChange, PathInfo, PathsDiff};

/// What to compare.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DiffRequest {
    /// The image that a registry has.
    pub old: Input,
    /// The image that is to be pushed.
    pub new: Input,
    /// The platforms to read; empty means all.
    pub platforms: Vec<Platform>,
    /// The number of threads; 0 means one on each core.
    pub jobs: usize,
    /// Counts the bytes that are read of each input.
    pub progress: Progress,
}

/// What differs between two images.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DiffReport {
    /// The version of the fields.
    pub version: u32,
    pub old: String,
    pub new: String,
    /// Whether the images do not differ at all: they have the same index, or the same manifests if only some
    /// platforms are compared, and no annotation beside them differs.
    pub same: bool,
    /// The digests of the image indexes, for images that have one, if all platforms are compared.
    pub old_digest: Option<Digest>,
    pub new_digest: Option<Digest>,
    pub platforms: Vec<PlatformDiff>,
    pub annotations: Vec<AnnotationChange>,
    pub push: Push,
    pub warnings: Vec<Warning>,
}

/// What differs between the images for one platform.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlatformDiff {
    pub platform: String,
    pub status: PlatformStatus,
    pub layers: LayersDiff,
    pub store_paths: PathsDiff,
    pub directories: PathsDiff,
    /// Without the fields that list the layers.
    pub config: Vec<ConfigChange>,
    /// Those of the manifest, and of its descriptor in the index.
    pub annotations: Vec<AnnotationChange>,
    /// What pushing this platform alone sends.
    pub push: Push,
}

/// Which of the two images has a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PlatformStatus {
    /// Only the new image.
    Added,
    /// Only the old image.
    Removed,
    /// Both, and their manifests differ.
    Changed,
    /// Both, with the same manifest.
    Same,
}

/// The layers that only one of the images has.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LayersDiff {
    pub added: Vec<LayerChange>,
    pub removed: Vec<LayerChange>,
    /// The number of layers that both have.
    pub kept: usize,
}

/// A layer that only one of the images has.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LayerChange {
    pub layer: usize,
    pub digest: Digest,
    pub size: u64,
    /// Whether the other image has a layer of the same content, compressed differently.
    pub recompressed: bool,
}

/// An annotation that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AnnotationChange {
    /// What is annotated, as `polyarch merge --annotation` calls it.
    pub level: &'static str,
    pub key: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// What a push sends to a registry that has the old image.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Push {
    /// The number of blobs, manifests and indexes.
    pub blobs: usize,
    /// Their bytes, as they are in the image.
    pub bytes: u64,
}

impl DiffRequest {
    /// Compares all images of two inputs.
    pub fn new(old: Input, new: Input) -> Self {
        Self {
            old,
            new,
            ..Self::default()
        }
    }
}

/// Reads and verifies two images, and reports what differs between them.
pub fn diff(request: &DiffRequest) -> Result<DiffReport, Error> {
    let names = [&request.old, &request.new].map(Input::name);
    request.progress.start(names.clone());
    let groups = |input| {
        Groups::of(&LoadRequest {
            input,
            platforms: &request.platforms,
            referrers: false,
            jobs: request.jobs,
            progress: &request.progress,
        })
    };
    // A push of some of the platforms sends no index.
    let is_all = request.platforms.is_empty();
    let (old, new) = (groups(&request.old)?, groups(&request.new)?);
    let known = blobs(&old.loaded, true, |_| true);
    let platforms = pairs(&old, &new)
        .into_iter()
        .map(|sides| platform_diff(sides, &known, &new.loaded))
        .collect::<Result<Vec<_>, Error>>()?;
    let annotations = index_annotations(&old.loaded, &new.loaded);
    let [old_digest, new_digest] = [&old, &new].map(|groups| {
        let mut indexes = groups.loaded.contents.indexes.iter().filter(|_| is_all);
        indexes.next().map(|(index, _)| index.digest.clone())
    });
    let is_same = |platform: &PlatformDiff| platform.status == PlatformStatus::Same;
    let same = platforms.iter().all(is_same) && annotations.is_empty() && old_digest == new_digest;
    let mut warnings: Vec<Warning> = [&*old.warnings, &*new.warnings].concat();
    let is_plain = |image: &Image| {
        let mut layers = image.file_layers();
        layers.any(|layer| layer.encoding == Encoding::Plain)
    };
    let [old_name, new_name] = names;
    if new.loaded.contents.images.iter().any(is_plain) {
        let text =
            "it has layers that are not compressed: a push that compresses them sends fewer bytes";
        warnings.push(Warning::new(
            Code::UncompressedLayers,
            new_name.clone(),
            text,
        ));
    }
    Ok(DiffReport {
        version: 1,
        same,
        old_digest,
        new_digest,
        platforms,
        annotations,
        push: push(&blobs(&new.loaded, is_all, |_| true), &known),
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

/// The images of both sides for each platform, in the order of an index. One of gzip and one of zstd
/// are compared with those of the same compression.
fn pairs<'a>(old: &'a Groups, new: &'a Groups) -> Vec<[Side<'a>; 2]> {
    let images = |groups: &'a Groups, is_new: bool| {
        let images = groups.loaded.contents.images.iter().zip(&groups.paths);
        images.map(move |(image, paths)| (image, &**paths, is_new))
    };
    let mut all: Vec<(&Image, &[PathAnalysis], bool)> =
        images(old, false).chain(images(new, true)).collect();
    all.sort_by(|(a, ..), (b, ..)| {
        (a.platform.cmp_place(&b.platform))
            .then_with(|| a.has_zstd_layer().cmp(&b.has_zstd_layer()))
    });
    let of_platform = all.chunk_by(|(a, ..), (b, ..)| a.platform.same_place(&b.platform));
    let mut pairs = Vec::new();
    for images in of_platform {
        let side = |is_new: bool, is_zstd: Option<bool>| -> Vec<Side<'a>> {
            let is_meant = |(image, _, of_new): &&(&Image, &[PathAnalysis], bool)| {
                *of_new == is_new && is_zstd.is_none_or(|is_zstd| image.has_zstd_layer() == is_zstd)
            };
            let meant = images.iter().filter(is_meant);
            meant
                .map(|(image, paths, _)| Side {
                    image: Some(*image),
                    paths,
                })
                .collect()
        };
        let has_twins = [false, true]
            .iter()
            .any(|is_new| side(*is_new, None).len() > 1);
        let kinds: &[Option<bool>] = match has_twins {
            true => &[Some(false), Some(true)],
            false => &[None],
        };
        for kind in kinds {
            let (old, new) = (side(false, *kind), side(true, *kind));
            let at = |side: &[Side<'a>], i: usize| side.get(i).copied().unwrap_or_default();
            pairs.extend((0..old.len().max(new.len())).map(|i| [at(&old, i), at(&new, i)]));
        }
    }
    pairs
}

fn platform_diff(
    [old, new]: [Side<'_>; 2],
    known: &HashMap<Digest, u64>,
    new_loaded: &Loaded,
) -> Result<PlatformDiff, Error> {
    let status = match (old.image, new.image) {
        (None, _) => PlatformStatus::Added,
        (_, None) => PlatformStatus::Removed,
        (Some(old), Some(new)) if old.descriptor.digest == new.descriptor.digest => {
            PlatformStatus::Same
        }
        _ => PlatformStatus::Changed,
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
    let platform = old.image.or(new.image).map(|image| &image.platform);
    let is_this = |image: &Image| new.image.is_some_and(|new| std::ptr::eq(new, image));
    Ok(PlatformDiff {
        platform: platform.map(ToString::to_string).unwrap_or_default(),
        status,
        layers: layers(old, new),
        store_paths: paths(true),
        directories: paths(false),
        config,
        annotations,
        push: push(&blobs(new_loaded, false, is_this), known),
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
    loaded: &Loaded,
    with_indexes: bool,
    is_meant: impl Fn(&Image) -> bool,
) -> HashMap<Digest, u64> {
    let contents = &loaded.contents;
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
    let of_root = |metadata: &crate::image::IndexMetadata| -> BTreeMap<String, String> {
        let known = metadata.root_annotations.iter();
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
