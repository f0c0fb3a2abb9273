//! Docker archives, which `docker save`, `podman save`, skopeo and nixpkgs' dockerTools write.
//!
//! Source: "Docker Image Specification v1.2", section "Combined Image JSON + Filesystem Changeset
//! Format". Only `manifest.json` counts; names of layers mean nothing. The archive has no digests
//! of layers, so its layers are checked against the diff IDs of the config.

use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::tree::{FileLocation, Tree, TreeFile};
use super::{Contents, Reading, Stager, sniff};
use crate::bytes::codec::Encoding;
use crate::bytes::{Algorithms, VerifiedReader, Verify};
use crate::error::{Candidate, Error, ImageInInput, Item, Problem, Subject, pick_by_digest};
use crate::image::{Blob, Content, FileLayer, Image, Layer, LayerType};
use crate::oci::{
    Config, DOCKER_FIELDS, DOCKER_FILE as MANIFEST_FILE, Descriptor, DiffId, Digest, Document,
    MAX_CONFIG, MAX_MANIFEST, go_json::is_field,
};
use crate::source::callbacks::Callbacks;
use crate::util::text::clean;

/// An image in `manifest.json`. Docker and skopeo read it with Go's decoder, which ignores the case of
/// keys, and some tools (containerify) rely on it.
struct ManifestItem {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
    /// A key in two spellings: readers differ in which one counts.
    ambiguous: Option<String>,
}

impl<'de> Deserialize<'de> for ManifestItem {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(ManifestItemVisitor)
    }
}

struct ManifestItemVisitor;

impl<'de> Visitor<'de> for ManifestItemVisitor {
    type Value = ManifestItem;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the key Config")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ManifestItem, A::Error> {
        let (mut config, mut repo_tags, mut layers) = (None, None, None);
        let (mut keys, mut ambiguous) = ([const { None::<String> }; 3], None);
        while let Some(key) = map.next_key::<String>()? {
            let field = DOCKER_FIELDS.iter().position(|name| is_field(&key, name));
            match field {
                Some(0) => config = Some(map.next_value()?),
                Some(1) => repo_tags = map.next_value()?,
                Some(2) => layers = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            let Some(i) = field else { continue };
            match keys[i].replace(key.clone()) {
                Some(first) if first == key => {
                    return Err(A::Error::duplicate_field(DOCKER_FIELDS[i]));
                }
                Some(_) => ambiguous = Some(key),
                None => {}
            }
        }
        Ok(ManifestItem {
            config: config.ok_or_else(|| A::Error::missing_field("Config"))?,
            repo_tags,
            layers,
            ambiguous,
        })
    }
}

/// An image that `manifest.json` names, as far as it is known without its layers.
pub struct OtherImage {
    pub candidate: Candidate,
    /// Its position in `manifest.json`.
    pub position: usize,
    pub config: Digest,
}

/// Lists the images whose configs exist, of an archive that is a layout too: `manifest.json` need not
/// be valid in it.
pub fn images(tree: &Tree) -> Result<Vec<OtherImage>, Error> {
    let Some(raw) = tree.bytes(MANIFEST_FILE, MAX_MANIFEST)? else {
        return Ok(Vec::new());
    };
    let manifest: Result<Document<Option<Vec<ManifestItem>>>, _> = tree.parse(MANIFEST_FILE, raw);
    let items = manifest.ok().and_then(|manifest| manifest.view);
    let mut images = Vec::new();
    for (position, item) in items.unwrap_or_default().into_iter().enumerate() {
        let Some(raw) = tree.bytes(&item.config, MAX_CONFIG)? else {
            continue;
        };
        let config = Digest::of(&raw);
        let parsed: Option<Document<Config>> = tree.parse(&item.config, raw).ok();
        images.push(OtherImage {
            candidate: Candidate {
                names: item.repo_tags.unwrap_or_default(),
                platform: parsed.map(|config| config.view.platform()),
                digest: Some(config.clone()),
                ..Candidate::default()
            },
            position,
            config,
        });
    }
    Ok(images)
}

/// Reads all images of an archive.
pub fn read(tree: &Tree, reading: &Reading<'_>, stager: &Stager<'_>) -> Result<Contents, Error> {
    let Some(raw) = tree.bytes(MANIFEST_FILE, MAX_MANIFEST)? else {
        return Err(tree.not_an_image()?);
    };
    let callbacks = reading.callbacks();
    callbacks.document(MANIFEST_FILE, &raw);
    let manifest: Document<Option<Vec<ManifestItem>>> = tree.parse(MANIFEST_FILE, raw)?;
    let items = manifest.view.unwrap_or_default();
    if let Some(key) = items.iter().find_map(|item| item.ambiguous.clone()) {
        let error = tree.document_error(MANIFEST_FILE, Problem::Ambiguous { key });
        callbacks.violation(error)?;
    }
    let mut configs: Vec<Option<Document<Config>>> = Vec::with_capacity(items.len());
    for item in &items {
        configs.push(callbacks.attempt(config(tree, item, callbacks))?);
    }
    let candidates: Vec<Candidate> = items
        .iter()
        .zip(&configs)
        .map(|(item, config)| Candidate {
            names: item.repo_tags.clone().unwrap_or_default(),
            platform: config.as_ref().map(|config| config.view.platform()),
            digest: config.as_ref().map(|config| Digest::of(&config.raw)),
            ..Candidate::default()
        })
        .collect();
    let chosen = reading.choose(tree.input(), &candidates, false)?;
    let is_only = chosen.len() == 1;

    let reader = DockerArchiveReader {
        tree,
        stager,
        callbacks,
    };
    let mut contents = Contents::default();
    for i in chosen {
        let names = items[i].repo_tags.iter().flatten();
        names.for_each(|name| callbacks.repo_tag(name));
        let Some(config) = &configs[i] else {
            // Report other errors of the image.
            let names = items[i].layers.iter().flatten();
            names
                .map(|name| reader.find(name).map(drop))
                .try_for_each(|found| callbacks.check(found))?;
            continue;
        };
        let platform = config.view.platform();
        let digest = Digest::of(&config.raw);
        if platform.is_silent() && reading.input.platform_to_set(&digest).is_none() {
            let input = tree.input().argument();
            let argument = match items.len() {
                1 => input,
                _ => format!("{input}{}", pick_by_digest(&digest)),
            };
            let problem = Problem::NoPlatform {
                claimed: None,
                asserted: reading.input.platform.clone(),
                argument,
            };
            let item = Item::Image(ImageInInput::Id((&*clean(&items[i].config)).into()));
            callbacks.violation(Error::new((tree.input(), item), problem))?;
        }
        contents.seen.push(platform.clone());
        if !(reading.has(&platform) || is_only && reading.compares_only(&platform)) {
            continue;
        }
        let names = &candidates[i].names;
        contents.names.extend(names.iter().cloned());
        let item = match names.first() {
            _ if items.len() == 1 => Item::Whole,
            Some(name) => Item::Image(ImageInInput::Name((&**name).into())),
            None => Item::Image(ImageInInput::Position(i)),
        };
        let origin = Subject::from((tree.input(), item));
        let image = reader.image(&items[i], config, origin)?;
        contents.images.push(image);
    }
    Ok(contents)
}

/// Reads the config of an item.
fn config(
    tree: &Tree,
    item: &ManifestItem,
    callbacks: &dyn Callbacks,
) -> Result<Document<Config>, Error> {
    let raw = tree
        .bytes(&item.config, MAX_CONFIG)?
        .ok_or_else(|| missing(tree, "config", &item.config))?;
    callbacks.check(check_name(tree, &item.config, &Digest::of(&raw)))?;
    let name = clean(&item.config);
    callbacks.document(&name, &raw);
    let config: Document<Config> = tree.parse(&name, raw)?;
    callbacks.config(&name, &config);
    if let Some(key) = config.view.confusable() {
        let subject = (tree.input(), Item::Document((&*name).into()));
        let key = key.to_owned();
        callbacks.violation(Error::new(subject, Problem::Ambiguous { key }))?;
    }
    Ok(config)
}

struct DockerArchiveReader<'a> {
    tree: &'a Tree,
    stager: &'a Stager<'a>,
    callbacks: &'a dyn Callbacks,
}

impl DockerArchiveReader<'_> {
    fn image(
        &self,
        item: &ManifestItem,
        config: &Document<Config>,
        origin: Subject,
    ) -> Result<Image, Error> {
        let tree = self.tree;
        let names = item.layers.as_deref().unwrap_or_default();
        let diff_ids = config.view.diff_ids();
        if names.len() != diff_ids.len() {
            let (layers, diff_ids) = (names.len(), diff_ids.len());
            let problem = Problem::LayerCount { layers, diff_ids };
            self.callbacks.violation(Error::new(&origin, problem))?;
        }
        let mut layers = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            match diff_ids.get(i).map(|diff_id| self.layer(name, diff_id)) {
                Some(Ok(layer)) => layers.push(layer),
                Some(Err(error)) => self.callbacks.violation(error)?,
                None => self.callbacks.check(self.find(name).map(drop))?,
            }
        }

        let input = tree.input().clone();
        let name = clean(&item.config);
        Ok(Image::new(origin, config, &name, input, layers))
    }

    fn find(&self, name: &str) -> Result<TreeFile, Error> {
        let found = self.tree.find(name)?;
        found.ok_or_else(|| missing(self.tree, "layer", name))
    }

    fn layer(&self, name: &str, diff_id: &DiffId) -> Result<Layer, Error> {
        let found = self.find(name)?;
        let content = self.content(name, found.content)?;
        let (digest, size, encoding) = match content.digests() {
            Some(found) => (found.blob.digest.clone(), found.blob.size, found.encoding),
            // The digest of an uncompressed layer is its diff ID, or the image is damaged: that is
            // verified when the layer is read.
            None => (diff_id.0.clone(), found.size, Encoding::Plain),
        };
        let media_type = LayerType::distributable(encoding).oci();
        let layer = Layer::Files(FileLayer {
            blob: Blob {
                descriptor: Descriptor::new(media_type, digest, size),
                content,
                input: self.tree.input().clone(),
                name: clean(name).into(),
            },
            diff_id: diff_id.clone(),
            encoding,
        });
        self.callbacks.layer(&layer);
        Ok(layer)
    }

    /// Returns the content of a layer. No document names the digest of a compressed one, so it is read
    /// and staged here.
    fn content(&self, name: &str, found: Content) -> Result<Content, Error> {
        if found.digests().is_some() {
            return Ok(found);
        }
        let location = FileLocation::of(&found);
        if let Some(location) = &location
            && let Some(staged) = self.tree.staged(location)
        {
            return Ok(staged);
        }
        let subject = Subject::from((self.tree.input(), Item::Layer(clean(name).into())));
        let opened = found.open().and_then(sniff);
        let (_, encoding, bytes) = opened.map_err(|e| subject.unreadable(e))?;
        if encoding == Encoding::Plain {
            drop(bytes);
            return Ok(found);
        }
        let reader = VerifiedReader {
            bytes: Box::new(bytes),
            encoding,
            algorithms: Algorithms::SHA256,
            observer: self.stager.observer(),
            owner: &subject,
        };
        let staged = self.stager.stage(reader, None)?.content;
        if let Some(location) = location {
            self.tree.add_staged(location, staged.clone());
        }
        Ok(staged)
    }
}

fn missing(tree: &Tree, kind: &'static str, name: &str) -> Error {
    tree.document_error(MANIFEST_FILE, Problem::missing(kind, name))
}

/// A config is named by its digest. A name of another form says nothing.
fn check_name(tree: &Tree, name: &str, found: &Digest) -> Result<(), Error> {
    let stem = name.rsplit('/').next().unwrap_or_default();
    let stem = stem.strip_suffix(".json").unwrap_or(stem);
    match format!("sha256:{stem}").parse::<Digest>() {
        Ok(expected) if expected != *found => {
            let found = found.clone();
            let subject = (tree.input(), Item::Blob(clean(name).into()));
            Err(Error::new(
                subject,
                Problem::WrongDigest { found, expected },
            ))
        }
        _ => Ok(()),
    }
}
