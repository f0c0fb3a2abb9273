//! One image of a layout: a manifest, the config that it names, and the layers of both.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Reader;
use crate::blob::{Blob, Content};
use crate::codec::Encoding;
use crate::error::Error;
use crate::image::{Image, Layer};
use crate::source::sniff;
use crate::source::tree::Found;
use crate::spec::{
    Config, Descriptor, Digest, Document, Hasher, MAX_CONFIG, MAX_MANIFEST, Manifest, MediaType,
    docker,
};

/// What a layer costs in memory, about. A manifest of 4 MiB names 37,000 of them, and an index can
/// name that manifest for many platforms.
const LAYER_COST: u64 = 1024;

impl Reader<'_> {
    pub(super) fn image(&self, descriptor: Descriptor, by: &str) -> Result<Image, Error> {
        let tree = self.tree;
        let name = descriptor.digest.to_string();
        let (raw, manifest_content) = self.document(&descriptor, by, MAX_MANIFEST)?;
        let manifest: Document<Manifest> = tree.parse(&name, raw)?;
        let confusable = manifest.view.confusable();
        self.unambiguous(&name, &manifest.view.extra, &["manifests"], confusable)?;
        self.same_type(&name, &manifest.view.media_type, &descriptor)?;

        let origin: Arc<str> = format!("{} ({name})", tree.input()).into();
        let (raw, config_content) = self.document(&manifest.view.config, &name, MAX_CONFIG)?;
        let config_name = manifest.view.config.digest.to_string();
        let config: Option<Document<Config>> = manifest
            .view
            .is_image()
            .then(|| tree.parse(&config_name, raw))
            .transpose()?;
        if let Some(key) = config.as_ref().and_then(|c| c.view.confusable()) {
            self.unambiguous(&config_name, &Map::new(), &[], Some(key))?;
        }

        let claimed = descriptor.platform.clone();
        let platform = match (&config, claimed) {
            (Some(config), Some(claimed)) => {
                let found = config.view.platform();
                found
                    .narrowed_by(&claimed)
                    .ok_or_else(|| Error::ContradictoryPlatform {
                        input: origin.to_string(),
                        document: by.to_owned(),
                        claimed: claimed.to_string(),
                        found: found.to_string(),
                    })?
            }
            (Some(config), None) => config.view.platform(),
            (None, Some(claimed)) => claimed,
            (None, None) => {
                return Err(Error::NoPlatform {
                    input: origin.to_string(),
                });
            }
        };

        if platform.os.is_empty() || platform.architecture.is_empty() {
            return Err(Error::NoPlatform {
                input: origin.to_string(),
            });
        }
        let config_platform = match &config {
            Some(config) => config.view.platform(),
            None => platform.clone(),
        };
        let diff_ids = config.as_ref().map(|c| c.view.diff_ids());
        let count = manifest.view.layers.len();
        tree.charge(count as u64 * LAYER_COST)?;
        if let Some(diff_ids) = diff_ids.filter(|ids| ids.len() != count) {
            return Err(Error::LayerCount {
                input: origin.to_string(),
                layers: count,
                diff_ids: diff_ids.len(),
            });
        }
        let layers = manifest
            .view
            .layers
            .iter()
            .enumerate()
            .map(|(i, layer)| {
                let blob = self.blob(layer.clone(), &name, "layer")?;
                let diff_id = diff_ids.filter(|_| is_filesystem(&layer.media_type));
                let encoding = diff_id.map(|_| self.encoding(&blob)).transpose()?;
                Ok(Layer {
                    blob,
                    diff_id: diff_id.map(|ids| ids[i].clone()),
                    encoding,
                })
            })
            .collect::<Result<_, Error>>()?;
        let config = Blob {
            descriptor: manifest.view.config.clone(),
            content: config_content,
            input: tree.shared_input(),
            name: config_name.into(),
        };
        Ok(Image {
            origin,
            platform,
            config_platform,
            descriptor,
            manifest,
            manifest_content,
            config,
            layers,
            attestations: Vec::new(),
        })
    }

    /// A blob that is there, by its size at least; its digest is verified when it is read.
    fn blob(&self, descriptor: Descriptor, by: &str, kind: &'static str) -> Result<Blob, Error> {
        let found = self
            .tree
            .blob(&descriptor.digest)?
            .or_else(|| elsewhere(&descriptor))
            .ok_or_else(|| Error::Missing {
                input: self.tree.input().to_owned(),
                document: by.to_owned(),
                kind,
                name: descriptor.digest.to_string(),
            })?;
        let blob = Blob {
            name: descriptor.digest.to_string().into(),
            input: self.tree.shared_input(),
            content: found.content,
            descriptor,
        };
        if found.size != blob.descriptor.size {
            blob.check(&(blob.descriptor.digest.clone(), found.size))?;
        }
        Ok(blob)
    }

    /// How a layer is encoded, by its content: podman saves uncompressed layers in Docker manifests
    /// that call them gzip, and consumers look at the content too.
    fn encoding(&self, blob: &Blob) -> Result<Encoding, Error> {
        match &blob.content {
            Content::Staged(staged) => return Ok(staged.original_encoding),
            Content::Known(_) => return Ok(Encoding::Plain),
            _ => {}
        }
        let (_, encoding, _) = (blob.content.open())
            .and_then(sniff)
            .map_err(|e| self.tree.corrupt(format!("layer {}", blob.name), &e))?;
        Ok(encoding)
    }

    /// The verified bytes of a manifest, an index or a config, and where they are.
    pub(super) fn document(
        &self,
        descriptor: &Descriptor,
        by: &str,
        limit: u64,
    ) -> Result<(Arc<[u8]>, Content), Error> {
        let blob = self.blob(descriptor.clone(), by, "blob")?;
        let found = Found {
            content: blob.content.clone(),
            size: blob.descriptor.size,
        };
        let bytes = self.tree.read(&found, &blob.name, limit)?;
        let mut hasher = Hasher::new(descriptor.digest.algorithm());
        hasher.update(&bytes);
        let found: Digest = hasher.finish();
        blob.check(&(found, bytes.len() as u64))?;
        Ok((bytes, blob.content))
    }

    /// A document that means different things to different readers: an index and a manifest
    /// (CVE-2021-41190; image-spec 1.0.2 forbids it), or with keys that differ in case only.
    pub(super) fn unambiguous(
        &self,
        name: &str,
        extra: &Map<String, Value>,
        others: &[&str],
        confusable: Option<&str>,
    ) -> Result<(), Error> {
        let other = others.iter().find(|key| extra.contains_key(**key));
        match other.copied().or(confusable) {
            Some(key) => Err(self.tree.bad(
                name,
                format!("it is ambiguous: not all readers take its key {key:?} for the same (CVE-2021-41190)"),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn same_type(
        &self,
        name: &str,
        own: &Option<MediaType>,
        descriptor: &Descriptor,
    ) -> Result<(), Error> {
        match own {
            Some(own) if *own != descriptor.media_type => Err(self.tree.bad(
                name,
                format!(
                    "it says that it is a {own}, but its descriptor says {}",
                    descriptor.media_type
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// A layer that must not be distributed need not be there.
fn elsewhere(descriptor: &Descriptor) -> Option<Found> {
    let foreign = match &descriptor.media_type {
        MediaType::ImageLayerNonDistributable
        | MediaType::ImageLayerNonDistributableGzip
        | MediaType::ImageLayerNonDistributableZstd => true,
        other => other.as_ref().starts_with(docker::FOREIGN_LAYER),
    };
    (foreign && descriptor.extra.contains_key("urls")).then_some(Found {
        content: Content::Elsewhere,
        size: descriptor.size,
    })
}

/// Whether a layer is one of files. Layers that must not be distributed are not touched, and neither
/// is what we do not know.
fn is_filesystem(media_type: &MediaType) -> bool {
    match media_type {
        MediaType::ImageLayer | MediaType::ImageLayerGzip | MediaType::ImageLayerZstd => true,
        other => [docker::LAYER, docker::LAYER_GZIP, docker::LAYER_ZSTD].contains(&other.as_ref()),
    }
}
