//! OCI image layouts, as a directory or in an archive.
//!
//! Source: image-spec `image-layout.md`. Indexes inside of indexes are flattened, because
//! consumers do not follow them (containers/image refuses to copy them).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Contents;
use super::tree::Tree;
use crate::blob::{Blob, Content};
use crate::codec::Encoding;
use crate::error::Error;
use crate::image::{Image, Layer};
use crate::spec::{
    Config, Descriptor, Digest, Document, INDEX_FILE, Index, LAYOUT_FILE, MAX_CONFIG, MAX_MANIFEST,
    Manifest, MediaType, NAME_ANNOTATIONS, check_layout, docker,
};
use crate::store::Store;

/// Deeper nesting than anybody writes; an index cannot contain itself, but a long chain can be made.
const MAX_DEPTH: usize = 8;

/// Docker's first format, whose layers no config describes.
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1";

/// Reads all images of a layout.
pub fn read(tree: &Tree, _store: &Store) -> Result<Contents, Error> {
    let marker = required(tree, LAYOUT_FILE, "the layout")?;
    check_layout(&marker).map_err(|problem| tree.bad(LAYOUT_FILE, problem))?;
    let root: Document<Index> =
        tree.parse(INDEX_FILE, required(tree, INDEX_FILE, "the layout")?)?;

    let mut reader = Reader {
        tree,
        images: Vec::new(),
        annotations: BTreeMap::new(),
    };
    for mut descriptor in root.view.manifests {
        // A name says where an image is found in the layout that it is in.
        for name in NAME_ANNOTATIONS {
            descriptor.annotations.remove(name);
        }
        reader.visit(descriptor, INDEX_FILE, 0)?;
    }
    if reader.images.is_empty() {
        return Err(Error::NoImage {
            input: tree.input().to_owned(),
        });
    }
    Ok(Contents {
        images: reader.images,
        annotations: reader.annotations,
    })
}

fn required(tree: &Tree, name: &str, by: &str) -> Result<Arc<[u8]>, Error> {
    tree.bytes(name, MAX_MANIFEST)?
        .ok_or_else(|| Error::Missing {
            input: tree.input().to_owned(),
            document: by.to_owned(),
            kind: "file",
            name: name.to_owned(),
        })
}

struct Reader<'a> {
    tree: &'a Tree,
    images: Vec<Image>,
    annotations: BTreeMap<String, String>,
}

impl Reader<'_> {
    fn visit(&mut self, descriptor: Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        match descriptor.media_type.as_ref() {
            "application/vnd.oci.image.index.v1+json" | docker::MANIFEST_LIST => {
                self.index(&descriptor, by, depth)
            }
            "application/vnd.oci.image.manifest.v1+json" | docker::MANIFEST => {
                let image = self.image(descriptor, by)?;
                self.images.push(image);
                Ok(())
            }
            other if other.starts_with(SCHEMA_1) => Err(self.tree.bad(
                by,
                format!("{} is a Docker schema 1 manifest, which has no config; convert it with: skopeo copy --format oci", descriptor.digest),
            )),
            other => Err(self.tree.bad(
                by,
                format!("{} is a {other:?}, expected an image index or an image manifest", descriptor.digest),
            )),
        }
    }

    fn index(&mut self, descriptor: &Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        let name = descriptor.digest.to_string();
        if depth >= MAX_DEPTH {
            return Err(self.tree.bad(
                by,
                format!("image indexes are nested more than {MAX_DEPTH} deep"),
            ));
        }
        let raw = self.document(descriptor, by, MAX_MANIFEST)?;
        let index: Document<Index> = self.tree.parse(&name, raw)?;
        self.unambiguous(&name, &index.view.extra, &["layers", "config"])?;
        self.same_type(&name, &index.view.media_type, descriptor)?;
        for (key, value) in index.view.annotations {
            let kept = self
                .annotations
                .entry(key.clone())
                .or_insert_with(|| value.clone());
            if *kept != value {
                return Err(self.tree.bad(
                    &name,
                    format!("its annotation {key:?} is {value:?}, but another index of the same input says {kept:?}"),
                ));
            }
        }
        for manifest in index.view.manifests {
            self.visit(manifest, &name, depth + 1)?;
        }
        Ok(())
    }

    fn image(&self, descriptor: Descriptor, by: &str) -> Result<Image, Error> {
        let tree = self.tree;
        let name = descriptor.digest.to_string();
        let raw = self.document(&descriptor, by, MAX_MANIFEST)?;
        let manifest: Document<Manifest> = tree.parse(&name, raw)?;
        self.unambiguous(&name, &manifest.view.extra, &["manifests"])?;
        self.same_type(&name, &manifest.view.media_type, &descriptor)?;

        let origin: Arc<str> = format!("{} ({name})", tree.input()).into();
        let raw = self.document(&manifest.view.config, &name, MAX_CONFIG)?;
        let config_name = manifest.view.config.digest.to_string();
        let config: Option<Document<Config>> = manifest
            .view
            .is_image()
            .then(|| tree.parse(&config_name, raw.clone()))
            .transpose()?;

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

        let diff_ids = config.as_ref().map(|c| c.view.diff_ids());
        let count = manifest.view.layers.len();
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
                let encoding = layer_encoding(&layer.media_type);
                Ok(Layer {
                    blob: self.blob(layer.clone(), &name, "layer")?,
                    diff_id: encoding.and(diff_ids).map(|ids| ids[i].clone()),
                    encoding: encoding.filter(|_| diff_ids.is_some()),
                })
            })
            .collect::<Result<_, Error>>()?;
        let config = Blob {
            descriptor: manifest.view.config.clone(),
            content: Content::Bytes(raw),
            input: tree.shared_input(),
            name: config_name.into(),
        };
        Ok(Image {
            origin,
            platform,
            descriptor,
            manifest,
            config,
            layers,
        })
    }

    /// A blob that is there, by its size at least; its digest is verified when it is read.
    fn blob(&self, descriptor: Descriptor, by: &str, kind: &'static str) -> Result<Blob, Error> {
        let found = self
            .tree
            .find(&descriptor.digest.blob_path())?
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

    /// The verified bytes of a manifest, an index or a config.
    fn document(&self, descriptor: &Descriptor, by: &str, limit: u64) -> Result<Arc<[u8]>, Error> {
        let blob = self.blob(descriptor.clone(), by, "blob")?;
        let bytes = self
            .tree
            .bytes(&descriptor.digest.blob_path(), limit)?
            .unwrap_or_default();
        let mut hasher = crate::spec::Hasher::new(descriptor.digest.algorithm());
        hasher.update(&bytes);
        let found: Digest = hasher.finish();
        blob.check(&(found, bytes.len() as u64))?;
        Ok(bytes)
    }

    /// A document that can be read as an index and as a manifest means different things to
    /// different readers (CVE-2021-41190; image-spec 1.0.2 forbids it).
    fn unambiguous(
        &self,
        name: &str,
        extra: &Map<String, Value>,
        others: &[&str],
    ) -> Result<(), Error> {
        match others.iter().find(|key| extra.contains_key(**key)) {
            Some(key) => Err(self.tree.bad(
                name,
                format!("it is ambiguous: it also has the key {key:?} of another kind of document (CVE-2021-41190)"),
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

/// How a filesystem layer is encoded, by its media type. Layers that must not be distributed are
/// not touched, and neither is what we do not know.
fn layer_encoding(media_type: &MediaType) -> Option<Encoding> {
    match media_type {
        MediaType::ImageLayer => Some(Encoding::Plain),
        MediaType::ImageLayerGzip => Some(Encoding::Gzip),
        MediaType::ImageLayerZstd => Some(Encoding::Zstd),
        other => match other.as_ref() {
            docker::LAYER => Some(Encoding::Plain),
            docker::LAYER_GZIP => Some(Encoding::Gzip),
            docker::LAYER_ZSTD => Some(Encoding::Zstd),
            _ => None,
        },
    }
}
