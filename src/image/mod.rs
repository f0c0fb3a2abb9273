//! The data between inputs and output: images, one per platform, with their layers and blobs.

pub mod annotations;
mod blob;
pub mod companion;
mod content;
mod index_metadata;
mod layer;
mod layer_type;
mod multi_platform;

use std::collections::{BTreeSet, HashSet};

use crate::bytes::codec::Encoding;
use crate::bytes::progress::Progress;
use crate::error::{Candidate, ImageInInput, InputName, Item, Subject, pick_by_digest};
use crate::oci::{
    Config, Descriptor, Digest, Document, Manifest, MediaType, Platform, describes_bytes,
};

pub use blob::Blob;
pub use companion::Companion;
pub use content::{Content, Generate};
pub use index_metadata::IndexMetadata;
pub use layer::{AnyBlob, FileLayer, Layer, LayerKey};
pub use layer_type::LayerType;
pub use multi_platform::MultiPlatformImage;

/// An image: its manifest as raw bytes with a parsed view, its config, and its layers, bottom first.
#[derive(Clone, Debug)]
pub struct Image {
    /// The image in its input, for messages.
    pub origin: Subject,
    /// The platform of the config, with the variant that the caller or an index adds.
    pub platform: Platform,
    /// The platform of the config alone.
    pub config_platform: Platform,
    /// The fields of the config whose types programs in Go cannot read.
    pub wrong_types: Vec<String>,
    /// The descriptor of the manifest; `platform` is set when the index is built.
    pub descriptor: Descriptor,
    /// The manifest.
    pub manifest: Document<Manifest>,
    /// Where the bytes of the manifest are.
    pub manifest_content: Content,
    /// The config.
    pub config: Blob,
    /// The layers, in the order of the manifest.
    pub layers: Vec<Layer>,
    /// BuildKit's attestations of this very manifest.
    pub attestations: Vec<Image>,
    /// What was removed because it described bytes that were changed.
    pub stale: StaleAnnotations,
}

/// The keys of annotations that described bytes which were changed since.
#[derive(Clone, Debug, Default)]
pub struct StaleAnnotations(BTreeSet<String>);

impl StaleAnnotations {
    /// Whether an annotation of something that changes is kept; remembers it if not.
    pub fn keep(&mut self, key: &str) -> bool {
        let is_stale = describes_bytes(key);
        if is_stale {
            self.0.insert(key.to_owned());
        }
        !is_stale
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
}

impl Image {
    /// Returns the layers of files.
    pub fn file_layers(&self) -> impl Iterator<Item = &FileLayer> + Clone {
        self.layers.iter().filter_map(Layer::files)
    }

    /// Whether a layer is compressed with zstd.
    pub fn has_zstd_layer(&self) -> bool {
        let is_zstd = |layer: &FileLayer| layer.encoding == Encoding::Zstd;
        self.file_layers().any(is_zstd)
    }

    /// Returns the digest that picks the image in its input: of its manifest, or of its config if the
    /// input has no manifests.
    pub fn pick_digest(&self) -> Digest {
        let manifest = match &self.origin.item {
            Item::Image(ImageInInput::Id(id)) => id.parse().ok(),
            _ => None,
        };
        manifest.unwrap_or_else(|| self.config.descriptor.digest.clone())
    }

    /// Returns an argument that picks the image.
    pub fn pick_argument(&self) -> String {
        let input = self.origin.input.as_ref();
        let input = input.map_or_else(String::new, InputName::argument);
        match self.origin.item {
            Item::Whole => input,
            _ => format!("{input}{}", pick_by_digest(&self.pick_digest())),
        }
    }

    /// Returns the image as one that an error offers.
    pub fn candidate(&self) -> Candidate {
        Candidate {
            platform: Some(self.platform.clone()),
            digest: Some(self.pick_digest()),
            is_zstd: self.has_zstd_layer(),
            ..Candidate::default()
        }
    }

    /// Makes an image of a config and layers, where the input has no manifest.
    pub fn new(
        origin: Subject,
        config: &Document<Config>,
        name: &str,
        input: InputName,
        layers: Vec<Layer>,
    ) -> Self {
        let descriptor = Descriptor::of(MediaType::ImageConfig, &config.raw);
        let manifest = Document::write(Manifest::new(
            descriptor.clone(),
            layers
                .iter()
                .map(|layer| layer.descriptor().clone())
                .collect(),
        ));
        Self {
            origin,
            platform: config.view.platform(),
            config_platform: config.view.platform(),
            wrong_types: config.view.wrong_types(),
            descriptor: Descriptor::of(MediaType::ImageManifest, &manifest.raw),
            manifest_content: Content::Bytes(manifest.raw.clone()),
            manifest,
            config: Blob {
                descriptor,
                content: Content::Bytes(config.raw.clone()),
                input,
                name: name.into(),
            },
            layers,
            attestations: Vec::new(),
            stale: StaleAnnotations::default(),
        }
    }
}

/// Adds the bytes of the layers of `images` that are still to be read to `progress`. Layers in files are
/// not read if the output links to them.
pub fn expect_layers(images: &[Image], link: bool, progress: &Progress) {
    let mut seen = HashSet::new();
    let attestations = images.iter().flat_map(|image| &image.attestations);
    let layers = images.iter().chain(attestations).flat_map(|i| &i.layers);
    for blob in layers.filter_map(Layer::blob) {
        let is_read = match &blob.content {
            Content::Staged(_) | Content::Streamed(_) => false,
            Content::File(_) | Content::Recorded(_) => !link,
            _ => true,
        };
        if is_read && seen.insert(&blob.descriptor.digest) {
            progress.expect(&blob.input, blob.descriptor.size);
        }
    }
}
