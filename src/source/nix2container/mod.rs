//! Images of [nix2container]: a JSON document that names store paths.
//!
//! Such an image holds no layer. It says which store paths each layer has, and the digest, the size
//! and the diff ID of the tar that its own tool makes of them when it copies the image. That tar
//! (`layer.rs`) and the config (`config.rs`) are made here with the same bytes, so an image keeps
//! the image ID that it has everywhere else, and a layer goes out only if it has the digest that the
//! document promises. Layers of other images, and those whose store paths cannot be reproduced, are
//! tars on disk that the document names (`layer-path`).
//!
//! The paths in the document are absolute ones of this machine, anywhere on it. That is the nature
//! of the format: they are *read* because the user gave us this document as an image, which is why
//! it is looked for only in a file that was named on the command line, never inside of an archive.
//!
//! [nix2container]: https://github.com/nlewo/nix2container

mod config;
mod files;
mod go_tar;
mod layer;
mod store_path;

use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Contents, Reading, file_kind};
use crate::bytes::codec::Encoding;
use crate::error::{Candidate, DocumentProblem, Error, InputName, Item, Problem, Subject};
use crate::image::{Blob, Content, FileLayer, Image, Layer, LayerType};
use crate::oci::{Config, Descriptor, DiffId, Digest, Document, MediaType, parse};
use crate::source::callbacks::Callbacks;
use config::{History, ImageConfig, Time};
use go_tar::clean_path;
use layer::StorePaths;
use store_path::StorePath;

/// What messages call the document.
const DOCUMENT: &str = "the nix2container image";

/// The only version that there ever was.
const VERSION: u64 = 1;

/// Far more than the closure of any image needs.
const MAX_DOCUMENT: u64 = 32 << 20;

/// The keys by which the document is told from any other JSON.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Probe {
    version: u64,
    #[serde(rename = "layers")]
    _layers: IgnoredAny,
    #[serde(rename = "image-config")]
    _image_config: IgnoredAny,
}

/// The document. Keys that nix2container does not know it drops when it reads one, and so do we. (Go
/// would take the others in any case; nix2container writes them like this.)
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Nix2Container {
    image_config: ImageConfig,
    layers: Option<Vec<LayerSpec>>,
    #[serde(default)]
    arch: String,
    created: Option<Time>,
}

#[derive(Deserialize)]
struct LayerSpec {
    digest: Digest,
    #[serde(default)]
    size: u64,
    diff_ids: DiffId,
    #[serde(default)]
    paths: Vec<StorePath>,
    mediatype: MediaType,
    #[serde(rename = "layer-path")]
    layer_path: Option<PathBuf>,
    #[serde(default, rename = "History")]
    history: History,
}

/// Takes an image if it is wanted.
pub fn read(image: &Image, reading: &Reading<'_>) -> Result<Contents, Error> {
    let only = Candidate {
        names: Vec::new(),
        platform: Some(image.platform.clone()),
    };
    reading.choose(&image.config.input, &[only], true)?;
    Ok(Contents {
        seen: vec![image.platform.clone()],
        images: reading
            .has(&image.platform)
            .then(|| image.clone())
            .into_iter()
            .collect(),
        ..Contents::default()
    })
}

/// Reads the image that `file` holds, a JSON document at `path`.
pub fn open(path: &Path, file: impl Read, callbacks: &dyn Callbacks) -> Result<Image, Error> {
    let mut raw = Vec::new();
    file.take(MAX_DOCUMENT + 1)
        .read_to_end(&mut raw)
        .map_err(Error::io("read", path))?;
    let input = InputName::from(path);
    // Of a document that is too large the keys are not known, but most likely it is something else.
    let Ok(Probe { version, .. }) = serde_json::from_slice(&raw) else {
        let found = file_kind(&raw);
        return Err(Error::new(input, Problem::NotAnImage { found }));
    };
    if version != VERSION {
        let (found, expected) = (version, VERSION);
        return Err(invalid(
            &input,
            DocumentProblem::Version { found, expected },
        ));
    }
    callbacks.document(DOCUMENT, &raw);
    let document: Nix2Container =
        parse(&raw).map_err(|e| invalid(&input, DocumentProblem::from_json(e, &raw)))?;
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
    if arch.is_empty() {
        callbacks.violation(Error::new(&input, Problem::NoPlatform))?;
    }
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
    let wrong = |problem: String| {
        let source = io::Error::other(problem);
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
                return Err(wrong(format!(
                    "{}: it is not a regular file",
                    path.display()
                )));
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
    // The layers of a base image come without a size.
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

/// What is at a path, or what is wrong with it. A tar may be a link to one; of a path, links are
/// part of the layer.
fn present(
    path: &Path,
    metadata: impl Fn(&Path) -> io::Result<Metadata>,
) -> Result<Metadata, String> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if !path.is_absolute() || clean_path(bytes) != bytes {
        return Err(format!(
            "found {path:?}, expected an absolute path without \"..\""
        ));
    }
    match metadata(path) {
        Ok(metadata) => Ok(metadata),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(format!("{}: no such file or directory", path.display()))
        }
        Err(e) => Err(format!("{}: {e}", path.display())),
    }
}

fn invalid(input: &InputName, problem: DocumentProblem) -> Error {
    let document = Item::Document(DOCUMENT.into());
    Error::new((input, document), Problem::InvalidDocument(problem))
}
