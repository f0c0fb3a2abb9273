//! One platform's image.

pub mod blob;
pub mod index_metadata;
mod layer_type;

use crate::bytes::codec::Encoding;
use crate::error::{InputName, Subject};
use crate::image::blob::{Blob, Content};
use crate::oci::{Config, Descriptor, DiffId, Document, Manifest, MediaType, Platform};

pub use layer_type::LayerType;

/// An image: its manifest as raw bytes with a view, its config, and its layers, bottom first.
#[derive(Clone, Debug)]
pub struct Image {
    /// Where it came from, for messages.
    pub origin: Subject,
    /// What it runs on: by its config, as closely as the caller or an index names it.
    pub platform: Platform,
    /// What the config alone says.
    pub config_platform: Platform,
    /// The fields of the config that programs in Go cannot read, by their types.
    pub wrong_types: Vec<String>,
    /// How an index points to it; `platform` is set when it is merged.
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
}

/// A layer of an image.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The blob that the manifest names.
    pub blob: Blob,
    /// What the config says of it. None for the blobs of artifacts, which no config describes.
    pub diff_id: Option<DiffId>,
    /// How it is compressed. None for what is no layer of files, or is not there: it is carried
    /// untouched.
    pub encoding: Option<Encoding>,
}

impl Layer {
    /// Whether nobody may pass it on, so that it is copied as it is.
    pub fn is_foreign(&self) -> bool {
        LayerType::of(&self.blob.descriptor.media_type).is_some_and(|t| !t.is_distributable)
    }
}

impl Image {
    /// The image of a config and layers, where no manifest came with them.
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
            layers.iter().map(|l| l.blob.descriptor.clone()).collect(),
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
        }
    }
}
