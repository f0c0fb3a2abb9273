//! `inspect`: the names, index, platforms and layers of an image, and what its platforms share.
//!
//! `docs/json.md` describes the fields of the report.

#![allow(missing_docs, reason = "docs/json.md describes the fields")]

mod attached;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::bytes::progress::Progress;
use crate::check::image_facts::ImageFacts;
use crate::check::{CheckLevel, consistency};
use crate::error::{Error, Problem, Warning};
use crate::image::{Image, Layer};
use crate::load::{self, LoadRequest, Loaded};
use crate::oci::{Descriptor, DiffId, Digest, MAX_CONFIG, MAX_MANIFEST, MediaType, Platform};
use crate::source::Input;
use crate::util::text::sum;

pub use attached::{AttachedDocument, AttachedForm};

/// The number of platforms that are listed as sharing a layer. Without it, the lists of an image with
/// thousands of platforms would have millions of items.
const MAX_SHARED_WITH: usize = 64;

/// What to inspect.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InspectRequest {
    /// The image.
    pub input: Input,
    /// The platforms to read; empty means all.
    pub platforms: Vec<Platform>,
    /// The number of threads; 0 means one on each core.
    pub jobs: usize,
    /// Counts the bytes that are read.
    pub progress: Progress,
}

/// The documents of an image, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawDocument {
    /// The image index.
    Index,
    /// The manifest of the only image that is read.
    Manifest,
    /// The config of the only image that is read.
    Config,
}

/// An image.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InspectReport {
    /// The version of the fields.
    pub version: u32,
    pub image: String,
    pub format: &'static str,
    pub names: Vec<String>,
    pub index: Option<Descriptor>,
    pub annotations: BTreeMap<String, String>,
    pub platforms: Vec<PlatformImage>,
    pub sharing: LayerSharing,
    pub warnings: Vec<Warning>,
}

/// The image for one platform.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlatformImage {
    pub platform: String,
    pub manifest: Option<Descriptor>,
    pub annotations: BTreeMap<String, String>,
    pub image_id: Digest,
    pub created: Option<String>,
    pub command: Vec<String>,
    pub size: u64,
    /// Layers whose uncompressed size is not known count as 0.
    pub uncompressed: u64,
    pub layers: Vec<PlatformLayer>,
    pub attestations: usize,
    pub attached: Vec<AttachedDocument>,
    pub config: Value,
}

/// A layer of an image.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlatformLayer {
    pub digest: Digest,
    pub diff_id: Option<DiffId>,
    pub media_type: MediaType,
    pub size: u64,
    pub uncompressed: Option<u64>,
    /// The first 64 of the other platforms that have the same blob.
    pub shared_with: Vec<String>,
    pub shared_count: usize,
    pub history: Option<Value>,
}

/// The number of layers that the platforms of an image share.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LayerSharing {
    pub layers: usize,
    pub size: u64,
    pub unique_layers: usize,
    pub unique_size: u64,
    pub shared_layers: usize,
    pub shared_size: u64,
}

impl InspectRequest {
    /// Inspects all images of an input.
    pub fn new(input: Input) -> Self {
        Self {
            input,
            ..Self::default()
        }
    }

    fn load(&self, referrers: bool) -> Result<Loaded, Error> {
        let request = LoadRequest {
            input: &self.input,
            platforms: &self.platforms,
            referrers,
            jobs: self.jobs,
            progress: &self.progress,
        };
        request.load(None)
    }
}

/// Reads and verifies an image, and reports its index, platforms and layers.
pub fn inspect(request: &InspectRequest) -> Result<InspectReport, Error> {
    let loaded = request.load(true)?;
    let contents = &loaded.contents;
    let images = &contents.images;
    let users = users(images);
    let platforms = images
        .iter()
        .enumerate()
        .map(|(i, image)| platform_image(i, image, &loaded, &users))
        .collect::<Result<_, Error>>()?;
    let subjects = images.iter().map(ImageFacts::of);
    let subjects: Vec<_> = subjects.collect::<Result<_, Error>>()?;
    let mut warnings = contents.warnings.clone();
    consistency::check(&subjects, CheckLevel::Warn, &mut warnings)?;
    let (index, _) = contents.indexes.first().cloned().unzip();
    Ok(InspectReport {
        version: 1,
        image: request.input.name().to_string(),
        format: contents.format,
        names: contents.names.clone(),
        index,
        annotations: contents.metadata.annotations.clone(),
        platforms,
        sharing: LayerSharing::of(&users, images),
        warnings,
    })
}

/// Reads and verifies an image, and returns the exact bytes of one of its documents.
pub fn raw(request: &InspectRequest, document: RawDocument) -> Result<Vec<u8>, Error> {
    let Loaded { contents, .. } = request.load(false)?;
    let kind = contents.format;
    let nothing = |document| {
        Error::new(
            request.input.name(),
            Problem::NothingToShow { kind, document },
        )
    };
    let name = match document {
        RawDocument::Index => {
            let index = contents.indexes.into_iter().next();
            let (_, raw) = index.ok_or_else(|| nothing("image index"))?;
            return Ok(raw.to_vec());
        }
        RawDocument::Manifest if !contents.has_manifests => return Err(nothing("manifest")),
        RawDocument::Manifest => "manifest",
        RawDocument::Config => "config",
    };
    let [image] = &contents.images[..] else {
        let offered = contents.images.iter().map(Image::candidate);
        let problem = Problem::OneToShow {
            document: name,
            offered: offered.collect(),
        };
        return Err(Error::new(request.input.name(), problem));
    };
    if document == RawDocument::Config {
        return image.config.bytes(MAX_CONFIG.max(MAX_MANIFEST));
    }
    Ok(image.manifest.raw.to_vec())
}

fn platform_image(
    place: usize,
    image: &Image,
    loaded: &Loaded,
    users: &Users<'_>,
) -> Result<PlatformImage, Error> {
    let config = load::config(image)?;
    let words = |key: &str| -> Vec<String> {
        let list = config["config"][key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let is_layout = loaded.contents.has_manifests;
    let users = |layer: &Layer| {
        let users = users.get(&layer.descriptor().digest);
        users.map_or(&[][..], Vec::as_slice)
    };
    let others = |layer: &Layer| -> Vec<String> {
        let others = users(layer).iter().filter(|user| **user != place);
        others
            .take(MAX_SHARED_WITH)
            .map(|user| loaded.contents.images[*user].platform.to_string())
            .collect()
    };
    let mut history = load::layer_history(&config).into_iter();
    let layers: Vec<PlatformLayer> = image
        .layers
        .iter()
        .map(|layer| PlatformLayer {
            digest: layer.descriptor().digest.clone(),
            diff_id: layer.diff_id().cloned(),
            media_type: layer.descriptor().media_type.clone(),
            size: layer.descriptor().size,
            uncompressed: loaded.uncompressed(layer),
            shared_with: others(layer),
            shared_count: users(layer).len().saturating_sub(1),
            history: history.next(),
        })
        .collect();
    Ok(PlatformImage {
        platform: image.platform.to_string(),
        manifest: is_layout.then(|| image.descriptor.clone()),
        annotations: image.manifest.view.annotations(),
        image_id: image.config.descriptor.digest.clone(),
        created: config["created"].as_str().map(str::to_owned),
        command: [words("Entrypoint"), words("Cmd")].concat(),
        size: sum(layers.iter().map(|layer| layer.size)),
        uncompressed: sum(layers.iter().filter_map(|layer| layer.uncompressed)),
        layers,
        attestations: image.attestations.len(),
        attached: attached::of(image, &loaded.contents.companions),
        config,
    })
}

impl LayerSharing {
    fn of(users: &Users<'_>, images: &[Image]) -> Self {
        let mut sharing = Self::default();
        let mut seen = HashSet::new();
        for layer in images.iter().flat_map(|image| &image.layers) {
            let Descriptor { digest, size, .. } = layer.descriptor();
            sharing.layers += 1;
            sharing.size = sum([sharing.size, *size]);
            if !seen.insert(digest) {
                continue;
            }
            sharing.unique_layers += 1;
            sharing.unique_size = sum([sharing.unique_size, *size]);
            if users.get(digest).is_some_and(|users| users.len() > 1) {
                sharing.shared_layers += 1;
                sharing.shared_size = sum([sharing.shared_size, *size]);
            }
        }
        sharing
    }
}

/// The positions of the images that have a blob as a layer.
type Users<'a> = HashMap<&'a Digest, Vec<usize>>;

fn users(images: &[Image]) -> Users<'_> {
    let mut users: Users<'_> = HashMap::new();
    for (i, image) in images.iter().enumerate() {
        for layer in &image.layers {
            let users = users.entry(&layer.descriptor().digest).or_default();
            // An image may have a layer twice.
            if users.last() != Some(&i) {
                users.push(i);
            }
        }
    }
    users
}
