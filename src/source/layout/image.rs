//! One image of a layout: a manifest, the config that it names, and the layers of both.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::LayoutReader;
use super::rules::may_be_absent;
use crate::bytes::SizedDigest;
use crate::bytes::codec::Encoding;
use crate::error::{Error, ImageInInput, Item, Problem, Subject, pick_by_digest};
use crate::image::{Blob, Content, FileLayer, Image, Layer, LayerType, StaleAnnotations};
use crate::oci::{
    Config, Descriptor, DiffId, Document, MAX_CONFIG, MAX_MANIFEST, Manifest, MediaType, Platform,
};
use crate::source::sniff;
use crate::source::tree::TreeFile;

/// The memory for a layer, in bytes, estimated. A manifest of 4 MiB names 37,000 of them, and an index can
/// name that manifest for many platforms.
const LAYER_COST: u64 = 1024;

/// A manifest, and where its bytes are.
pub type ManifestFile = (Document<Manifest>, Content);

impl LayoutReader<'_> {
    /// Reads an image; if reading goes on after violations, the readable parts of it.
    pub(super) fn image(&self, descriptor: Descriptor, by: &str) -> Result<Image, Error> {
        let manifest = self.read_manifest(&descriptor, by)?;
        self.image_of(descriptor, manifest, by, false)
    }

    /// The manifest of an image or an artifact.
    pub(super) fn read_manifest(
        &self,
        descriptor: &Descriptor,
        by: &str,
    ) -> Result<ManifestFile, Error> {
        let name = descriptor.digest.to_string();
        let (raw, content) = self.document(descriptor, by, MAX_MANIFEST)?;
        let manifest: Document<Manifest> = self.tree.parse(&name, raw)?;
        (self.reading.callbacks()).manifest(&name, descriptor, &manifest);
        let confusable = manifest.view.confusable();
        self.unambiguous(&name, &manifest.view.extra, &["manifests"], confusable)?;
        self.same_type(&name, &manifest.view.media_type, descriptor)?;
        Ok((manifest, content))
    }

    /// The image of a manifest. Of a companion, the config and the layers are blobs like others.
    pub(super) fn image_of(
        &self,
        descriptor: Descriptor,
        (manifest, manifest_content): ManifestFile,
        by: &str,
        is_companion: bool,
    ) -> Result<Image, Error> {
        let (tree, callbacks) = (self.tree, self.reading.callbacks());
        let name = descriptor.digest.to_string();
        let id = Item::Image(ImageInInput::Id((&*name).into()));
        let origin = Subject::from((tree.input(), id));
        let (config, config_content) = match is_companion {
            true => (
                None,
                self.document(&manifest.view.config, &name, MAX_CONFIG)?.1,
            ),
            false => self.config(&manifest.view, &name)?,
        };
        let platform = match is_companion {
            true => descriptor.platform.clone().unwrap_or_default(),
            false => self.platform(&descriptor, &manifest.view, config.as_ref(), by, &origin)?,
        };
        let config_platform = match &config {
            Some(config) => config.view.platform(),
            None => platform.clone(),
        };
        let wrong_types = config.as_ref().map(|c| c.view.wrong_types());
        let wrong_types = wrong_types.unwrap_or_default();
        let diff_ids = config.as_ref().map(|c| c.view.diff_ids());
        let count = manifest.view.layers.len();
        tree.charge(count as u64 * LAYER_COST)?;
        if let Some(diff_ids) = diff_ids.filter(|ids| ids.len() != count) {
            let (layers, diff_ids) = (count, diff_ids.len());
            let problem = Problem::LayerCount { layers, diff_ids };
            callbacks.violation(Error::new(&origin, problem))?;
        }
        let mut layers = Vec::with_capacity(count);
        for (i, layer) in manifest.view.layers.iter().enumerate() {
            let diff_id = diff_ids.and_then(|ids| ids.get(i));
            match self.layer(layer, diff_id, &name, "layer") {
                Ok(layer) => layers.push(layer),
                Err(error) => callbacks.violation(error)?,
            }
        }
        let config = Blob {
            descriptor: manifest.view.config.clone(),
            content: config_content,
            input: tree.input().clone(),
            name: manifest.view.config.digest.to_string().into(),
        };
        Ok(Image {
            origin,
            platform,
            config_platform,
            wrong_types,
            descriptor,
            manifest,
            manifest_content,
            config,
            layers,
            attestations: Vec::new(),
            stale: StaleAnnotations::default(),
        })
    }

    /// Reads the config, if it is one of a container image; also returns where its bytes are.
    fn config(
        &self,
        manifest: &Manifest,
        by: &str,
    ) -> Result<(Option<Document<Config>>, Content), Error> {
        let callbacks = self.reading.callbacks();
        let name = manifest.config.digest.to_string();
        let (raw, content) = match self.document(&manifest.config, by, MAX_CONFIG) {
            Ok(found) => found,
            Err(error) => {
                callbacks.violation(error)?;
                return Ok((None, Content::Unreadable));
            }
        };
        if !manifest.is_image() {
            return Ok((None, content));
        }
        let config: Document<Config> = match self.tree.parse(&name, raw) {
            Ok(config) => config,
            Err(error) => {
                callbacks.violation(error)?;
                return Ok((None, content));
            }
        };
        callbacks.config(&name, &config);
        if let Some(key) = config.view.confusable() {
            self.unambiguous(&name, &Map::new(), &[], Some(key))?;
        }
        Ok((Some(config), content))
    }

    /// Returns the platform of an image: that of its config, with the details of its descriptor.
    fn platform(
        &self,
        descriptor: &Descriptor,
        manifest: &Manifest,
        config: Option<&Document<Config>>,
        by: &str,
        origin: &Subject,
    ) -> Result<Platform, Error> {
        let callbacks = self.reading.callbacks();
        let claimed = descriptor.platform.as_ref();
        let input = self.reading.input;
        let is_set = input.platform_to_set(&descriptor.digest).is_some();
        let argument = || {
            let argument = self.tree.input().argument();
            format!("{argument}{}", pick_by_digest(&descriptor.digest))
        };
        let found = match config {
            Some(config) => config.view.platform(),
            // An artifact has its platform in the index. A config that cannot be read was reported.
            None => claimed.cloned().unwrap_or_default(),
        };
        let is_unreadable = config.is_none() && manifest.is_image();
        if found.is_silent() && !is_set && !is_unreadable {
            let problem = Problem::NoPlatform {
                claimed: claimed.map(|claimed| (by.to_owned(), claimed.clone())),
                asserted: input.platform.clone(),
                argument: argument(),
            };
            callbacks.violation(Error::new(origin, problem))?;
            return Ok(found);
        }
        let Some(claimed) = claimed else {
            return Ok(found);
        };
        if let Some(platform) = found.narrowed_by(&claimed.completed_by(&found)) {
            return Ok(platform);
        }
        // The caller decides which of the two is right.
        let asserted = input.platform.as_ref();
        let is_asserted = asserted.is_some_and(|asserted| found.narrowed_by(asserted).is_some());
        if is_set {
            return Ok(Platform {
                os_version: found.os_version.or_else(|| claimed.os_version.clone()),
                extra: claimed.extra.clone(),
                ..found
            });
        }
        if !is_asserted || callbacks.reads_all() {
            let problem = Problem::ContradictoryPlatform {
                document: by.to_owned(),
                claimed: claimed.clone(),
                found: found.clone(),
                argument: argument(),
            };
            callbacks.violation(Error::new(origin, problem))?;
        }
        Ok(found)
    }

    /// Looks up a layer, which messages call a `kind`.
    pub(super) fn layer(
        &self,
        descriptor: &Descriptor,
        diff_id: Option<&DiffId>,
        by: &str,
        kind: &'static str,
    ) -> Result<Layer, Error> {
        let layer_type = LayerType::of(&descriptor.media_type);
        let layer = match self.look_up(descriptor.clone(), by)? {
            None if may_be_absent(descriptor) => Layer::Absent {
                descriptor: descriptor.clone(),
                input: self.tree.input().clone(),
            },
            None => return Err(self.missing(descriptor, by, kind)),
            // A layer of an unknown type is copied unchanged.
            Some((blob, _)) => match diff_id.filter(|_| layer_type.is_some()) {
                Some(diff_id) => Layer::Files(FileLayer {
                    diff_id: diff_id.clone(),
                    encoding: self.encoding(&blob)?,
                    blob,
                }),
                None => Layer::Opaque(blob),
            },
        };
        self.reading.callbacks().layer(&layer);
        Ok(layer)
    }

    /// Looks up a blob, and returns it with its size. The size is compared with that of the descriptor
    /// here, the digest when the blob is read.
    fn look_up(&self, descriptor: Descriptor, by: &str) -> Result<Option<(Blob, u64)>, Error> {
        self.reading.callbacks().descriptor(by, &descriptor);
        let Some(found) = self.tree.blob(&descriptor.digest)? else {
            return Ok(None);
        };
        let blob = Blob {
            name: descriptor.digest.to_string().into(),
            input: self.tree.input().clone(),
            content: found.content,
            descriptor,
        };
        if found.size != blob.descriptor.size {
            let checked = blob.check(&SizedDigest {
                digest: blob.descriptor.digest.clone(),
                size: found.size,
            });
            self.reading.callbacks().check(checked)?;
        }
        Ok(Some((blob, found.size)))
    }

    fn missing(&self, descriptor: &Descriptor, by: &str, kind: &'static str) -> Error {
        let name = descriptor.digest.to_string();
        self.tree.document_error(by, Problem::missing(kind, &name))
    }

    /// Detects how a layer is encoded from its content: podman saves uncompressed layers in Docker
    /// manifests that call them gzip, and consumers detect the encoding from the content too.
    fn encoding(&self, blob: &Blob) -> Result<Encoding, Error> {
        if let Some(digests) = blob.content.digests() {
            return Ok(digests.encoding);
        }
        let (_, encoding, _) = (blob.content.open())
            .and_then(sniff)
            .map_err(Error::unreadable(blob.subject(Item::Layer)))?;
        Ok(encoding)
    }

    /// Returns the verified bytes of a manifest, an index or a config, and where they are.
    pub(super) fn document(
        &self,
        descriptor: &Descriptor,
        by: &str,
        limit: u64,
    ) -> Result<(Arc<[u8]>, Content), Error> {
        let (blob, size) = self
            .look_up(descriptor.clone(), by)?
            .ok_or_else(|| self.missing(descriptor, by, "blob"))?;
        let found = TreeFile {
            content: blob.content.clone(),
            size,
        };
        let bytes = self.tree.read(&found, &blob.name, limit)?;
        let found = SizedDigest::of(&bytes, descriptor.digest.algorithm());
        let callbacks = self.reading.callbacks();
        callbacks.check(blob.check(&found))?;
        callbacks.document(&blob.name, &bytes);
        Ok((bytes, blob.content))
    }

    /// Refuses a document that readers understand in different ways: an index and a manifest
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
            Some(key) => {
                let key = key.to_owned();
                let error = self.tree.document_error(name, Problem::Ambiguous { key });
                self.reading.callbacks().violation(error)
            }
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
            Some(own) if *own != descriptor.media_type => {
                let (own, claimed) = (own.clone(), descriptor.media_type.clone());
                let problem = Problem::ContradictoryType { own, claimed };
                let error = self.tree.document_error(name, problem);
                self.reading.callbacks().violation(error)
            }
            _ => Ok(()),
        }
    }
}
