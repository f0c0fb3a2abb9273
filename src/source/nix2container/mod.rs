//! Images of [nix2container]: a JSON document that names store paths.
//!
//! Such an image has no layers. The document has the store paths of each layer, and the digest, size and
//! diff ID of the tar that nix2container makes of them when it copies the image. That tar (`layer`) and
//! the config (`config`) are made here with the same bytes: the image keeps its image ID, and a layer is
//! written only if it has the digest of the document. Layers of base images, and those whose store paths
//! cannot be reproduced, are tars on disk that the document names (`layer-path`).
//!
//! The paths in the document are absolute paths of this machine. They are *read* because the user gave
//! the document as an image. Therefore the format is recognised only in a file of the command line, never inside
//! of an archive.
//!
//! [nix2container]: https://github.com/nlewo/nix2container

mod config;
mod files;
mod go_tar;
mod layer;
mod store_path;

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Contents, Reading, file_kind};
use crate::bytes::codec::Encoding;
use crate::error::{Candidate, DocumentProblem, Error, InputName, Item, Problem, Subject};
use crate::image::{Blob, Content, FileLayer, Image, Layer, LayerType};
use crate::oci::go_json::null_is_empty;
use crate::oci::{self, Config, Descriptor, DiffId, Digest, Document, MediaType};
use crate::source::callbacks::Callbacks;
use crate::source::store_paths::error_at;
use config::{History, ImageConfig, Time};
use go_tar::clean_path;
use layer::StorePaths;
use store_path::StorePath;

/// The name of the document in messages.
const DOCUMENT: &str = "the nix2container image";

/// The only version of the format.
const VERSION: u64 = 1;

/// The keys that distinguish the document from other JSON.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Probe {
    version: u64,
    #[serde(rename = "layers")]
    _layers: IgnoredAny,
    #[serde(rename = "image-config")]
    _image_config: IgnoredAny,
}

/// The document. Unknown keys are dropped, as nix2container does. (Go accepts keys in any case;
/// nix2container writes them like this.)
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Nix2Container {
    #[serde(deserialize_with = "null_is_empty")]
    image_config: ImageConfig,
    layers: Option<Vec<LayerSpec>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    arch: String,
    created: Option<Time>,
}

#[derive(Deserialize)]
struct LayerSpec {
    digest: Digest,
    #[serde(default, deserialize_with = "null_is_empty")]
    size: u64,
    diff_ids: DiffId,
    #[serde(default, deserialize_with = "null_is_empty")]
    paths: Vec<StorePath>,
    mediatype: MediaType,
    #[serde(rename = "layer-path")]
    layer_path: Option<PathBuf>,
    #[serde(default, rename = "History", deserialize_with = "null_is_empty")]
    history: History,
}

/// Returns the contents of the input: the image, if it is wanted.
pub fn read(image: &Image, reading: &Reading<'_>) -> Result<Contents, Error> {
    let only = Candidate {
        platform: Some(image.platform.clone()),
        digest: Some(image.config.descriptor.digest.clone()),
        ..Candidate::default()
    };
    let input = &image.config.input;
    reading.choose(input, &[only], true)?;
    let is_set = (reading.input).platform_to_set(&image.config.descriptor.digest);
    if image.platform.is_silent() && is_set.is_none() {
        let problem = Problem::NoPlatform {
            claimed: None,
            asserted: reading.input.platform.clone(),
            argument: input.argument(),
        };
        reading.callbacks().violation(Error::new(input, problem))?;
    }
    Ok(Contents {
        seen: vec![image.platform.clone()],
        images: (reading.has(&image.platform) || reading.compares_only(&image.platform))
            .then(|| image.clone())
            .into_iter()
            .collect(),
        ..Contents::default()
    })
}

/// Reads an image: `raw` is the JSON document at `path`.
pub fn parse(path: &Path, raw: &[u8], callbacks: &dyn Callbacks) -> Result<Image, Error> {
    let input = InputName::from(path);
    // A document that is too large cannot be parsed, but it is probably not one of nix2container.
    let Ok(Probe { version, .. }) = serde_json::from_slice(raw) else {
        let found = file_kind(raw);
        return Err(Error::new(input, Problem::NotAnImage { found }));
    };
    if version != VERSION {
        let (found, expected) = (version, VERSION);
        return Err(invalid(
            &input,
            DocumentProblem::Version { found, expected },
        ));
    }
    callbacks.document(DOCUMENT, raw);
    let document: Nix2Container =
        oci::parse(raw).map_err(|e| invalid(&input, DocumentProblem::from_json(e, raw)))?;
    image(document, input, callbacks)
}

fn image(
    document: Nix2Container,
    input: InputName,
    callbacks: &dyn Callbacks,
) -> Result<Image, Error> {
    let items = document.layers.unwrap_or_default();
    let diff_ids: Vec<&DiffId> = items.iter().map(|item| &item.diff_ids).collect();
    let history: Vec<&History> = items.iter().map(|item| &item.history).collect();
    let (created, arch) = (document.created.as_ref(), &document.arch);
    let raw = config::config(created, arch, &document.image_config, &diff_ids, &history)
        .map_err(|e| invalid(&input, DocumentProblem::Json(e)))?;
    let config: Document<Config> =
        Document::parse(raw).map_err(|e| invalid(&input, DocumentProblem::Json(e)))?;
    let mut layers = Vec::with_capacity(items.len());
    for (i, item) in items.into_iter().enumerate() {
        match layer(i + 1, item, &input, callbacks) {
            Ok(layer) => layers.push(layer),
            Err(error) => callbacks.violation(error)?,
        }
    }
    let name = Digest::of(&config.raw).to_string();
    callbacks.config(&name, &config);
    let origin = Subject::from(&input);
    Ok(Image::new(origin, &config, &name, input, layers))
}

fn layer(
    number: usize,
    item: LayerSpec,
    input: &InputName,
    callbacks: &dyn Callbacks,
) -> Result<Layer, Error> {
    let first = item
        .layer_path
        .as_deref()
        .or(item.paths.first().map(|p| &*p.path));
    let more = match item.paths.len() {
        n @ 2.. if item.layer_path.is_none() => format!(" and {} more", n - 1),
        _ => String::new(),
    };
    let name = match first {
        Some(path) => format!("{number} ({}{more})", path.display()),
        None => number.to_string(),
    };
    let wrong = |source: io::Error| {
        let layer = Item::Layer((&*name).into());
        Error::new((input, layer), Problem::StorePaths { source })
    };
    let layer_type =
        LayerType::of(&item.mediatype).filter(|t| t.is_distributable && t.oci() == item.mediatype);
    let Some(LayerType { encoding, .. }) = layer_type else {
        let (layer, found) = (name, item.mediatype);
        return Err(invalid(input, DocumentProblem::LayerType { layer, found }));
    };
    let (content, size) = match item.layer_path {
        Some(path) => {
            let metadata = present(&path, Path::metadata).map_err(wrong)?;
            if !metadata.is_file() {
                return Err(wrong(error_at(&path, "it is not a regular file")));
            }
            let size = metadata.len();
            (Content::File(path.into()), size)
        }
        None if item.paths.is_empty() => {
            let layer = name;
            return Err(invalid(input, DocumentProblem::LayerWithoutPaths { layer }));
        }
        None if encoding != Encoding::Plain => {
            let (layer, found) = (name, item.mediatype);
            return Err(invalid(
                input,
                DocumentProblem::CompressedStorePaths { layer, found },
            ));
        }
        None => {
            for path in &item.paths {
                present(&path.path, Path::symlink_metadata).map_err(wrong)?;
            }
            (
                Content::Generated(Arc::new(StorePaths(item.paths))),
                item.size,
            )
        }
    };
    // The layers of a base image have no size.
    let promised = if item.size == 0 { size } else { item.size };
    let blob = Blob {
        descriptor: Descriptor::new(item.mediatype, item.digest, promised),
        content,
        input: input.clone(),
        name: name.clone().into(),
    };
    let layer = Layer::Files(FileLayer {
        blob,
        diff_id: item.diff_ids,
        encoding,
    });
    callbacks.layer(&layer);
    Ok(layer)
}

/// Returns the metadata of a path. A tar may be a link to one; links at a store path are part of the layer.
fn present(path: &Path, metadata: impl Fn(&Path) -> io::Result<Metadata>) -> io::Result<Metadata> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if !path.is_absolute() || clean_path(bytes) != bytes {
        return Err(io::Error::other(format!(
            "found {path:?}, expected an absolute path without \"..\""
        )));
    }
    metadata(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => error_at(path, "no such file or directory"),
        _ => error_at(path, e),
    })
}

fn invalid(input: &InputName, problem: DocumentProblem) -> Error {
    let document = Item::Document(DOCUMENT.into());
    Error::new((input, document), Problem::InvalidDocument(problem))
}
