//! Docker archives: what `docker save`, `podman save`, skopeo and nixpkgs' dockerTools write.
//!
//! Source: "Docker Image Specification v1.2", section "Combined Image JSON + Filesystem Changeset
//! Format". Only `manifest.json` counts; names of layers mean nothing. The archive has no digests
//! of layers, so the diff IDs of the config are what its layers are held against.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::select::{Candidate, choose};
use super::tree::{Found, Tree};
use super::{Contents, Reading, sniff};
use crate::blob::{Blob, Content, Staged};
use crate::codec::Encoding;
use crate::error::Error;
use crate::flow::Hashes;
use crate::image::{Image, Layer};
use crate::spec::{
    Config, Descriptor, DiffId, Digest, Document, MAX_CONFIG, MAX_MANIFEST, MediaType,
};
use crate::store::Store;

const MANIFEST_FILE: &str = "manifest.json";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// Reads all images of an archive.
pub fn read(tree: &Tree, reading: &Reading<'_>, store: &Store<'_>) -> Result<Contents, Error> {
    let Some(raw) = tree.bytes(MANIFEST_FILE, MAX_MANIFEST)? else {
        return Err(Error::NotAnImage {
            input: tree.input().to_owned(),
            found: format!("a tar archive without {MANIFEST_FILE:?} or \"index.json\""),
            hint: Some("was it written to its end? dockerTools writes that file last".to_owned()),
        });
    };
    let manifest: Document<Vec<Item>> = tree.parse(MANIFEST_FILE, raw)?;
    let items = manifest.view;
    let configs: Vec<Document<Config>> = items
        .iter()
        .map(|item| config(tree, item))
        .collect::<Result<_, Error>>()?;
    let candidates: Vec<Candidate> = items
        .iter()
        .zip(&configs)
        .map(|(item, config)| Candidate {
            names: item.repo_tags.clone().unwrap_or_default(),
            platform: Some(config.view.platform()),
        })
        .collect();
    let chosen = choose(tree.input(), &reading.input.select, &candidates, false)?;

    let mut reader = Reader {
        tree,
        store,
        staged: HashMap::new(),
    };
    let mut contents = Contents::default();
    for i in chosen {
        let platform = configs[i].view.platform();
        contents.seen.push(platform.clone());
        if !reading.has(&platform) {
            continue;
        }
        let origin = match candidates[i].names.first() {
            _ if items.len() == 1 => tree.input().to_owned(),
            Some(name) => format!("{}#{name}", tree.input()),
            None => format!("{}#@{i}", tree.input()),
        };
        let image = reader.image(&items[i], &configs[i], origin.into())?;
        contents.images.push(image);
    }
    Ok(contents)
}

/// The config of an item.
fn config(tree: &Tree, item: &Item) -> Result<Document<Config>, Error> {
    let raw = tree
        .bytes(&item.config, MAX_CONFIG)?
        .ok_or_else(|| missing(tree, "config", &item.config))?;
    check_name(tree, &item.config, &Digest::of(&raw))?;
    let config: Document<Config> = tree.parse(&item.config, raw)?;
    if let Some(key) = config.view.confusable() {
        let problem = format!("not all readers take its key {key:?} for the same (CVE-2021-41190)");
        return Err(tree.bad(&item.config, problem));
    }
    let platform = config.view.platform();
    if platform.os.is_empty() || platform.architecture.is_empty() {
        return Err(Error::NoPlatform {
            input: format!("{} ({})", tree.input(), item.config),
        });
    }
    Ok(config)
}

struct Reader<'a> {
    tree: &'a Tree,
    store: &'a Store<'a>,
    /// Layers that had to be staged because their digest was not known, by their offset: one entry
    /// can be meant by many names.
    staged: HashMap<u64, Arc<Staged>>,
}

impl Reader<'_> {
    fn image(
        &mut self,
        item: &Item,
        config: &Document<Config>,
        origin: Arc<str>,
    ) -> Result<Image, Error> {
        let tree = self.tree;
        let names = item.layers.as_deref().unwrap_or_default();
        let diff_ids = config.view.diff_ids();
        if names.len() != diff_ids.len() {
            return Err(Error::LayerCount {
                input: origin.to_string(),
                layers: names.len(),
                diff_ids: diff_ids.len(),
            });
        }
        let layers = names
            .iter()
            .zip(diff_ids)
            .map(|(name, diff_id)| self.layer(name, diff_id))
            .collect::<Result<Vec<_>, Error>>()?;

        let input = tree.shared_input();
        Ok(Image::new(origin, config, &item.config, input, layers))
    }

    fn layer(&mut self, name: &str, diff_id: &DiffId) -> Result<Layer, Error> {
        let found = self
            .tree
            .find(name)?
            .ok_or_else(|| missing(self.tree, "layer", name))?;
        let (descriptor, content, encoding) = match self.identify(name, found)? {
            Identified::Plain(found) => {
                // An uncompressed layer's digest is its diff ID, or the image is damaged: that is
                // verified when the layer is read.
                let digest = diff_id.0.clone();
                let descriptor = Descriptor::new(MediaType::ImageLayer, digest, found.size);
                (descriptor, found.content, Encoding::Plain)
            }
            Identified::Known(digest, found) => {
                let descriptor = Descriptor::new(MediaType::ImageLayer, digest, found.size);
                (descriptor, found.content, Encoding::Plain)
            }
            Identified::Staged(staged) => {
                let encoding = staged.original_encoding;
                let (digest, size) = staged.original.clone();
                let descriptor = Descriptor::new(encoding.layer_type(), digest, size);
                (descriptor, Content::Staged(staged), encoding)
            }
        };
        Ok(Layer {
            blob: Blob {
                descriptor,
                content,
                input: self.tree.shared_input(),
                name: name.into(),
            },
            diff_id: Some(diff_id.clone()),
            encoding: Some(encoding),
        })
    }

    /// Finds out how a layer is encoded. Nothing in the archive says the digest of a compressed
    /// one, so it is read and staged here.
    fn identify(&mut self, name: &str, found: Found) -> Result<Identified, Error> {
        match found.content {
            Content::Staged(staged) => return Ok(Identified::Staged(staged)),
            Content::Known(ref digest) => return Ok(Identified::Known(digest.clone(), found)),
            _ => {}
        }
        let place = match &found.content {
            Content::Range { offset, .. } => Some(*offset),
            _ => None,
        };
        if let Some(staged) = place.and_then(|place| self.staged.get(&place)) {
            return Ok(Identified::Staged(staged.clone()));
        }
        let corrupt = |e: std::io::Error| self.tree.corrupt(format!("layer {name:?}"), &e);
        let (_, encoding, stream) = found.content.open().and_then(sniff).map_err(corrupt)?;
        if encoding == Encoding::Plain {
            drop(stream);
            return Ok(Identified::Plain(found));
        }
        let staged = self
            .store
            .put(stream, encoding, encoding, Hashes::SHA256)
            .map_err(|broken| broken.blame(corrupt, self.store.directory()))?;
        self.staged
            .extend(place.map(|place| (place, staged.clone())));
        Ok(Identified::Staged(staged))
    }
}

fn missing(tree: &Tree, kind: &'static str, name: &str) -> Error {
    Error::Missing {
        input: tree.input().to_owned(),
        document: MANIFEST_FILE.to_owned(),
        kind,
        name: name.to_owned(),
    }
}

/// A config is named by its digest. A name of another form says nothing.
fn check_name(tree: &Tree, name: &str, found: &Digest) -> Result<(), Error> {
    let stem = name.rsplit('/').next().unwrap_or_default();
    let stem = stem.strip_suffix(".json").unwrap_or(stem);
    match format!("sha256:{stem}").parse::<Digest>() {
        Ok(expected) if expected != *found => Err(Error::WrongDigest {
            input: tree.input().to_owned(),
            blob: name.to_owned(),
            found: found.clone(),
            expected,
        }),
        _ => Ok(()),
    }
}

enum Identified {
    Plain(Found),
    Known(Digest, Found),
    Staged(Arc<Staged>),
}
