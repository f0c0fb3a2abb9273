//! OCI image layouts, as a directory or in an archive.
//!
//! Source: image-spec `image-layout.md`. Indexes inside of indexes are flattened, because
//! consumers do not follow them (containers/image refuses to copy them).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::select::{Candidate, choose};
use super::tree::{Found, Tree};
use super::{Contents, Wanted, sniff};
use crate::blob::{Blob, Content};
use crate::codec::Encoding;
use crate::error::Error;
use crate::image::{Image, Layer};
use crate::said::Said;
use crate::spec::{
    Config, Descriptor, Digest, Document, INDEX_FILE, Index, LAYOUT_FILE, MAX_CONFIG, MAX_MANIFEST,
    Manifest, MediaType, NAME_ANNOTATIONS, Platform, attestation, check_layout, docker,
};

/// Deeper nesting than anybody writes; an index cannot contain itself, but a long chain can be made.
const MAX_DEPTH: usize = 8;

/// What a layer costs in memory, about. A manifest of 4 MiB names 37,000 of them, and an index can
/// name that manifest for many platforms.
const LAYER_COST: u64 = 1024;

/// Reads what is wanted of a layout.
pub fn read(tree: &Tree, wanted: &Wanted<'_>) -> Result<Contents, Error> {
    let (roots, said) = roots(tree)?;
    let (roots, candidates): (Vec<_>, Vec<_>) = roots.into_iter().unzip();
    let mut reader = Reader {
        tree,
        wanted,
        contents: Contents::default(),
        attestations: Vec::new(),
        seen: HashSet::new(),
    };
    reader.say(said)?;
    for i in choose(tree.input(), &wanted.input.select, &candidates, true)? {
        let root = roots[i].clone();
        // An index is taken apart; what was said of it is said of the merged one.
        if is_index(&root.media_type) {
            let said = Said {
                root_annotations: (root.annotations.clone().into_iter())
                    .map(|(key, value)| (key, Some(value)))
                    .collect(),
                ..Said::default()
            };
            reader.say(said)?;
        }
        reader.visit(root, INDEX_FILE, 0)?;
    }
    reader.finish()
}

/// The descriptors to start from, with their names.
fn roots(tree: &Tree) -> Result<(Vec<(Descriptor, Candidate)>, Said), Error> {
    let (descriptors, said) = match tree.root() {
        Some(root) => (vec![root.clone()], Said::default()),
        None => {
            let marker = required(tree, LAYOUT_FILE)?;
            check_layout(&marker).map_err(|problem| tree.bad(LAYOUT_FILE, problem))?;
            let index: Document<Index> = tree.parse(INDEX_FILE, required(tree, INDEX_FILE)?)?;
            let said = Said {
                annotations: index.view.annotations,
                extra: index.view.extra,
                ..Said::default()
            };
            (index.view.manifests, said)
        }
    };
    let mut roots: Vec<(Descriptor, Candidate)> = Vec::new();
    for mut descriptor in descriptors {
        // A name says where an image is found in the layout that it is in; it does not travel.
        let mut names: Vec<String> = NAME_ANNOTATIONS
            .iter()
            .filter_map(|key| descriptor.annotations.remove(*key))
            .collect();
        names.sort();
        names.dedup();
        // The same image under several tags is there several times.
        match roots
            .iter_mut()
            .find(|(d, _)| (&d.digest, &d.platform) == (&descriptor.digest, &descriptor.platform))
        {
            Some((_, candidate)) => candidate.names.extend(names),
            None => {
                let platform = descriptor.platform.clone();
                roots.push((descriptor, Candidate { names, platform }));
            }
        }
    }
    Ok((roots, said))
}

fn is_index(media_type: &MediaType) -> bool {
    *media_type == MediaType::ImageIndex || media_type.as_ref() == docker::MANIFEST_LIST
}

/// An image that only calls itself one is treated as what it is: nothing of it is left unchecked.
fn is_attestation(descriptor: &Descriptor) -> bool {
    let kind = descriptor.annotations.get(attestation::KIND);
    let is_unknown =
        |p: &Platform| (p.os.as_str(), p.architecture.as_str()) == ("unknown", "unknown");
    kind.is_some_and(|kind| kind == attestation::MANIFEST)
        && descriptor.platform.as_ref().is_some_and(is_unknown)
}

fn required(tree: &Tree, name: &str) -> Result<Arc<[u8]>, Error> {
    tree.bytes(name, MAX_MANIFEST)?
        .ok_or_else(|| Error::Missing {
            input: tree.input().to_owned(),
            document: "the layout".to_owned(),
            kind: "file",
            name: name.to_owned(),
        })
}

struct Reader<'a> {
    tree: &'a Tree,
    wanted: &'a Wanted<'a>,
    contents: Contents,
    /// The descriptors of attestations, with who names them.
    attestations: Vec<(Descriptor, String)>,
    /// What was visited, by digest and claimed platform.
    seen: HashSet<(Digest, String)>,
}

impl Reader<'_> {
    /// Reads the attestations of the images that are taken; others need not even be there.
    fn finish(mut self) -> Result<Contents, Error> {
        let images = self.contents.images.iter().enumerate();
        let places: HashMap<String, usize> = images
            .map(|(i, image)| (image.descriptor.digest.to_string(), i))
            .collect();
        for (descriptor, by) in std::mem::take(&mut self.attestations) {
            let subject = descriptor.annotations.get(attestation::SUBJECT);
            match subject.and_then(|subject| places.get(subject)) {
                Some(place) => {
                    let attestation = self.image(descriptor, &by)?;
                    self.contents.images[*place].attestations.push(attestation);
                }
                None => self.contents.notes.push(format!(
                    "{}: an attestation was left out, because the image that it describes ({}) is not taken",
                    self.tree.input(),
                    subject.map_or("none is named", String::as_str),
                )),
            }
        }
        Ok(self.contents)
    }

    /// Adds what an index says.
    fn say(&mut self, said: Said) -> Result<(), Error> {
        let decided = &self.wanted.request.annotations.index;
        let Contents {
            said: all, notes, ..
        } = &mut self.contents;
        all.add(said, decided, notes)
    }

    fn visit(&mut self, descriptor: Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        match descriptor.media_type.as_ref() {
            _ if is_index(&descriptor.media_type) => self.index(&descriptor, by, depth),
            "application/vnd.oci.image.manifest.v1+json" | docker::MANIFEST => {
                self.manifest(descriptor, by)
            }
            other if other.starts_with(docker::SCHEMA_1) => Err(self.tree.bad(
                by,
                format!("{} is a Docker schema 1 manifest, which has no config; convert it with: skopeo copy --format oci", descriptor.digest),
            )),
            other => Err(self.tree.bad(
                by,
                format!("{} is a {other:?}, expected an image index or an image manifest", descriptor.digest),
            )),
        }
    }

    fn manifest(&mut self, descriptor: Descriptor, by: &str) -> Result<(), Error> {
        let place = descriptor.platform.as_ref().map(ToString::to_string);
        let place = place.unwrap_or_default();
        if !self.seen.insert((descriptor.digest.clone(), place)) {
            return Ok(());
        }
        if is_attestation(&descriptor) {
            self.attestations.push((descriptor, by.to_owned()));
            return Ok(());
        }
        // Before it is read: what is not wanted need not be there.
        let unwanted = |platform: &Platform| !self.wanted.has(platform);
        if let Some(platform) = descriptor.platform.as_ref().filter(|p| unwanted(p)) {
            self.contents.seen.push(platform.clone());
            return Ok(());
        }
        let image = self.image(descriptor, by)?;
        self.contents.seen.push(image.platform.clone());
        if !unwanted(&image.platform) {
            self.contents.images.push(image);
        }
        Ok(())
    }

    fn index(&mut self, descriptor: &Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        let name = descriptor.digest.to_string();
        // Named again, it says nothing new; a small file could name it without end.
        if !self.seen.insert((descriptor.digest.clone(), String::new())) {
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            return Err(self.tree.bad(
                by,
                format!("image indexes are nested more than {MAX_DEPTH} deep"),
            ));
        }
        let (raw, _) = self.document(descriptor, by, MAX_MANIFEST)?;
        let index: Document<Index> = self.tree.parse(&name, raw)?;
        let confusable = index.view.confusable();
        self.unambiguous(&name, &index.view.extra, &["layers", "config"], confusable)?;
        self.same_type(&name, &index.view.media_type, descriptor)?;
        let said = Said {
            annotations: index.view.annotations,
            extra: index.view.extra,
            ..Said::default()
        };
        self.say(said)?;
        for manifest in index.view.manifests {
            self.visit(manifest, &name, depth + 1)?;
        }
        Ok(())
    }

    fn image(&self, descriptor: Descriptor, by: &str) -> Result<Image, Error> {
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
    fn document(
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
        let mut hasher = crate::spec::Hasher::new(descriptor.digest.algorithm());
        hasher.update(&bytes);
        let found: Digest = hasher.finish();
        blob.check(&(found, bytes.len() as u64))?;
        Ok((bytes, blob.content))
    }

    /// A document that means different things to different readers: an index and a manifest
    /// (CVE-2021-41190; image-spec 1.0.2 forbids it), or with keys that differ in case only.
    fn unambiguous(
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

    fn same_type(
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
