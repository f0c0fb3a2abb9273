//! What an image is, as data: names, index, platforms, layers, and what the platforms share.
//!
//! docs/json.md describes the fields for users.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::check::consistency::{self, Consistency};
use crate::check::image_facts::ImageFacts;
use crate::error::{Error, Problem, Warning};
use crate::image::{Image, Layer};
use crate::load::{self, LoadRequest, Loaded};
use crate::oci::{Descriptor, DiffId, Digest, MAX_CONFIG, MAX_MANIFEST, MediaType};
use crate::util::text::sum;

/// How many platforms are listed that have a layer: more than images of people have. If each of
/// thousands had all others in its list, the lists would be millions.
const MAX_SHARED_WITH: usize = 64;

/// What an image is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// Of these fields.
    pub version: u32,
    /// The input.
    pub image: String,
    /// What the input is: `oci-layout`, `oci-archive`, `dir`, `docker-archive` or `nix2container`.
    pub format: &'static str,
    /// The names that the image has there.
    pub names: Vec<String>,
    /// The descriptor of the image index, if there is one.
    pub index: Option<Descriptor>,
    /// The annotations of the image index.
    pub annotations: BTreeMap<String, String>,
    /// The images, in the order of the index.
    pub platforms: Vec<PlatformImage>,
    /// What the images share.
    pub sharing: Sharing,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// One platform's image.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformImage {
    /// What it runs on: `os/arch` or `os/arch/variant`.
    pub platform: String,
    /// The descriptor of the manifest; a docker-archive has none.
    pub manifest: Option<Descriptor>,
    /// The annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The digest of the config: the image ID.
    pub image_id: Digest,
    /// When the image was made, as its config says it.
    pub created: Option<String>,
    /// The command line that a container starts with: `Entrypoint`, then `Cmd`.
    pub command: Vec<String>,
    /// The bytes of the layers, as they are in the image.
    pub size: u64,
    /// The bytes of the layers without compression; those of which that is not known count nothing.
    pub uncompressed: u64,
    /// The layers, bottom first.
    pub layers: Vec<LayerInfo>,
    /// How many attestations of it there are.
    pub attestations: usize,
    /// The config, all of it.
    pub config: Value,
}

/// A layer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerInfo {
    /// The digest of the blob.
    pub digest: Digest,
    /// The digest of what is in it without compression.
    pub diff_id: Option<DiffId>,
    /// What it is.
    pub media_type: MediaType,
    /// Its bytes, as they are in the image.
    pub size: u64,
    /// Its bytes without compression.
    pub uncompressed: Option<u64>,
    /// The other platforms that have the same blob, the first of them.
    pub shared_with: Vec<String>,
    /// How many other platforms have it.
    pub shared_count: usize,
    /// What the config says of how it was made.
    pub history: Option<Value>,
}

/// What the platforms of an image share.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sharing {
    /// The layers of all platforms, shared ones as often as they are used.
    pub layers: usize,
    /// The bytes of those.
    pub size: u64,
    /// The layers, shared ones once.
    pub unique_layers: usize,
    /// The bytes of those: what a registry stores.
    pub unique_size: u64,
    /// How many layers several platforms have.
    pub shared_layers: usize,
    /// The bytes of those, each once.
    pub shared_size: u64,
}

/// What an image is.
pub fn inspect(look: &LoadRequest) -> Result<Inspection, Error> {
    let looked = look.read(None)?;
    let contents = &looked.contents;
    let images = &contents.images;
    let users = users(images);
    let platforms = images
        .iter()
        .enumerate()
        .map(|(i, image)| platform_image(i, image, &looked, &users))
        .collect::<Result<_, Error>>()?;
    let subjects = images.iter().map(ImageFacts::of);
    let subjects: Vec<_> = subjects.collect::<Result<_, Error>>()?;
    let mut warnings = contents.warnings.clone();
    consistency::check(&subjects, Consistency::Warn, &mut warnings)?;
    let (index, _) = contents.indexes.first().cloned().unzip();
    Ok(Inspection {
        version: 1,
        image: look.input.name().to_string(),
        format: contents.format,
        names: contents.names.clone(),
        index,
        annotations: contents.metadata.annotations.clone(),
        platforms,
        sharing: Sharing::of(&users, images),
        warnings,
    })
}

/// A document of an image, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raw {
    /// The image index.
    Index,
    /// The manifest of one image.
    Manifest,
    /// The config of one image.
    Config,
}

/// The exact bytes of a document.
pub fn raw(look: &LoadRequest, which: Raw) -> Result<Vec<u8>, Error> {
    let Loaded { contents, .. } = look.read(None)?;
    let kind = contents.format;
    let nothing =
        |document| Error::new(look.input.name(), Problem::NothingToShow { kind, document });
    let document = match which {
        Raw::Index => {
            let index = contents.indexes.into_iter().next();
            let (_, raw) = index.ok_or_else(|| nothing("image index"))?;
            return Ok(raw.to_vec());
        }
        Raw::Manifest if !contents.has_manifests => return Err(nothing("manifest")),
        Raw::Manifest => "manifest",
        Raw::Config => "config",
    };
    let [image] = &contents.images[..] else {
        let offered = contents.images.into_iter().map(|image| image.platform);
        let problem = Problem::OneToShow {
            document,
            offered: offered.collect(),
        };
        return Err(Error::new(look.input.name(), problem));
    };
    if which == Raw::Config {
        return image.config.bytes(MAX_CONFIG.max(MAX_MANIFEST));
    }
    Ok(image.manifest.raw.to_vec())
}

fn platform_image(
    place: usize,
    image: &Image,
    looked: &Loaded,
    users: &Users<'_>,
) -> Result<PlatformImage, Error> {
    let config = load::config(image)?;
    let words = |key: &str| -> Vec<String> {
        let list = config["config"][key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let is_layout = looked.contents.has_manifests;
    let users = |layer: &Layer| {
        let users = users.get(&layer.descriptor().digest);
        users.map_or(&[][..], Vec::as_slice)
    };
    let others = |layer: &Layer| -> Vec<String> {
        let others = users(layer).iter().filter(|user| **user != place);
        others
            .take(MAX_SHARED_WITH)
            .map(|user| looked.contents.images[*user].platform.to_string())
            .collect()
    };
    // Entries of the history that made no layer have none beside them.
    let is_empty = |entry: &&Value| entry["empty_layer"].as_bool() == Some(true);
    let history = config["history"].as_array().into_iter().flatten();
    let mut history = history.filter(|entry| !is_empty(entry)).cloned();
    let layers: Vec<LayerInfo> = image
        .layers
        .iter()
        .map(|layer| LayerInfo {
            digest: layer.descriptor().digest.clone(),
            diff_id: layer.diff_id().cloned(),
            media_type: layer.descriptor().media_type.clone(),
            size: layer.descriptor().size,
            uncompressed: looked.uncompressed(layer),
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
        config,
    })
}

impl Sharing {
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
