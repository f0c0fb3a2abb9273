//! Layered images of nixpkgs' dockerTools, read from their `conf`: a JSON document that names store paths.
//!
//! `streamLayeredImage` and `buildLayeredImage` give this document to a script in Python
//! (`stream_layered_image.py`), which writes a docker-archive. This reader writes the same layers (`layer`,
//! `header`) and the same config (`config`) straight from the store paths (`files`): the image ID is that
//! of the archive. It does so in one pass over the files and on all cores, where the script reads every
//! file twice on one.
//!
//! The script decides what the image is, so a document with a key or a value that this version does not
//! know is refused with a separate error ([`Problem::UnsupportedConf`]); the caller can run the script
//! instead.
//!
//! The paths in the document are absolute paths of this machine. They are *read* because the user gave
//! the document as an image. Therefore the format is recognised only in a file of the command line.

mod conf;
mod config;
mod files;
mod header;
mod layer;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::store_paths::error_at;
use super::{Contents, Input, Opened, Reading, Select, Stager, Wanted, open};
use crate::bytes::codec::{Encoding, ReadAhead};
use crate::bytes::{Algorithms, Digests, VerifiedReader, Verify};
use crate::error::{Candidate, ConfProblem, Error, InputName, Item, Problem, Subject};
use crate::image::{Blob, Content, FileLayer, Image, Layer, LayerType};
use crate::oci::{Config, Descriptor, DiffId, Digest, Document};
use crate::source::callbacks::Callbacks;
use crate::util::parallel;
pub use conf::{Conf, is_conf};
use config::LayerHistory;
use layer::StoreLayer;

/// The name of the document in messages.
const DOCUMENT: &str = "the conf of the layered image";

/// More bytes than a checksum has, with all white space around it.
const MAX_CHECKSUM: u64 = 1 << 10;

/// The image that a conf describes.
pub struct LayeredImage {
    input: InputName,
    conf: Conf,
}

/// Parses the conf in `raw`, the content of the file at `path`.
pub fn parse(path: &Path, raw: &[u8], callbacks: &dyn Callbacks) -> Result<LayeredImage, Error> {
    let input = InputName::from(path);
    callbacks.document(DOCUMENT, raw);
    match Conf::parse(raw) {
        Ok(conf) => Ok(LayeredImage { input, conf }),
        Err(problem) => Err(unsupported(&input, problem)),
    }
}

/// Returns the contents of the input: the image, if it is wanted. Its layers are made here.
pub fn read(
    image: &LayeredImage,
    reading: &Reading<'_>,
    stager: &Stager<'_>,
) -> Result<Contents, Error> {
    let LayeredImage { input, conf } = image;
    let wrong_json = |e| unsupported(input, ConfProblem::Json(e));
    let no_layers = config::config(conf, conf.config.clone(), &[]).map_err(wrong_json)?;
    let no_layers: Document<Config> = Document::parse(no_layers).map_err(wrong_json)?;
    let platform = no_layers.view.platform();
    let only = Candidate {
        names: vec![conf.repo_tag.clone()],
        platform: Some(platform.clone()),
        ..Candidate::default()
    };
    reading.choose(input, &[only], true)?;
    let mut contents = Contents {
        seen: vec![platform.clone()],
        ..Contents::default()
    };
    if !(reading.has(&platform) || reading.compares_only(&platform)) {
        return Ok(contents);
    }
    let reader = LayeredImageReader {
        input,
        conf,
        wanted: reading.wanted,
        stager,
    };
    reading.callbacks().repo_tag(&conf.repo_tag);
    contents.names.push(conf.repo_tag.clone());
    contents.images.push(reader.image()?);
    Ok(contents)
}

struct LayeredImageReader<'a> {
    input: &'a InputName,
    conf: &'a Conf,
    wanted: Wanted<'a>,
    stager: &'a Stager<'a>,
}

impl LayeredImageReader<'_> {
    fn image(&self) -> Result<Image, Error> {
        let callbacks = self.wanted.callbacks;
        let mut layers = Vec::new();
        let mut base_config = None;
        if let Some(base) = &self.conf.from_image {
            let base = self.base(base)?;
            base_config = Some(base.config.bytes(base.config.descriptor.size)?);
            layers.extend(base.file_layers().cloned());
        }
        let histories = self.histories(&layers)?;
        let numbered = (layers.len() + 1..).zip(&self.conf.store_layers);
        let of_store_paths: Vec<(usize, &Vec<String>)> = numbered.collect();
        let made = parallel::map(self.stager.jobs(), &of_store_paths, |(number, paths)| {
            self.store_layer(*number, paths)
        })?;
        layers.extend(made);
        layers.push(self.customisation_layer()?);
        let histories: Vec<LayerHistory> = (histories.into_iter())
            .zip(&layers)
            .map(|(paths, layer)| LayerHistory {
                diff_id: &layer.diff_id,
                paths,
            })
            .collect();
        let unsupported = |problem| unsupported(self.input, problem);
        let overlaid = match base_config {
            Some(base) => config::overlay(&base, self.conf.config.clone()).map_err(unsupported)?,
            None => self.conf.config.clone(),
        };
        let raw = config::config(self.conf, overlaid, &histories)
            .map_err(|e| unsupported(ConfProblem::Json(e)))?;
        let config: Document<Config> =
            Document::parse(raw).map_err(|e| unsupported(ConfProblem::Json(e)))?;
        let name = Digest::of(&config.raw).to_string();
        callbacks.config(&name, &config);
        let layers: Vec<Layer> = layers.into_iter().map(Layer::Files).collect();
        layers.iter().for_each(|layer| callbacks.layer(layer));
        let origin = Subject::from(self.input);
        Ok(Image::new(
            origin,
            &config,
            &name,
            self.input.clone(),
            layers,
        ))
    }

    /// Reads the base image: the first one of a docker-archive, as the script does.
    fn base(&self, path: &Path) -> Result<Image, Error> {
        let input = Input {
            path: path.to_owned(),
            select: Select::Position(0),
            ..Input::default()
        };
        let callbacks = BaseImage(self.wanted.callbacks);
        let wanted = Wanted {
            platforms: &[],
            callbacks: &callbacks,
            referrers: false,
            ..self.wanted
        };
        let not_supported = |found: &str| {
            let found = format!("{found} at {}", path.display());
            let problem = ConfProblem::value("from_image", found, "a docker-archive");
            unsupported(self.input, problem)
        };
        let opened = open(&input, &callbacks, self.stager).map_err(|e| match e.problem() {
            Problem::NotFound { .. } => {
                let problem = format!("the base image {} does not exist", path.display());
                let source = io::Error::other(problem);
                Error::new(self.input, Problem::StorePaths { source })
            }
            Problem::NotAnImage { found } => not_supported(&found.to_string()),
            _ => e,
        })?;
        let Opened::Tree(tree) = &opened else {
            return Err(not_supported(opened.format()));
        };
        if tree.is_layout()? {
            return Err(not_supported(opened.format()));
        }
        let contents = opened.read(&input, wanted, self.stager)?;
        let mut images = contents.images.into_iter();
        images
            .next()
            .ok_or_else(|| not_supported("without an image"))
    }

    /// Returns the names of the paths in the history of each layer.
    fn histories(&self, base_layers: &[FileLayer]) -> Result<Vec<Vec<String>>, Error> {
        let names = base_layers.iter().map(|layer| {
            let name = layer.blob.name.to_string();
            match config::is_plain(&name) {
                true => Ok(vec![name]),
                false => {
                    let found = format!("a base image with a layer {}", Value::from(name));
                    let expected =
                        "names of printable ASCII characters, without quotes and backslashes";
                    let problem = ConfProblem::value("from_image", found, expected);
                    Err(unsupported(self.input, problem))
                }
            }
        });
        let mut names: Vec<Vec<String>> = names.collect::<Result<_, Error>>()?;
        names.extend(self.conf.store_layers.iter().cloned());
        names.push(vec![self.conf.customisation_layer.clone()]);
        Ok(names)
    }

    /// Makes the layer of some store paths.
    fn store_layer(&self, number: usize, paths: &[String]) -> Result<FileLayer, Error> {
        let more = match paths.len() {
            n @ 2.. => format!(" and {} more", n - 1),
            _ => String::new(),
        };
        let name = match paths.first() {
            Some(first) => format!("{number} ({first}{more})"),
            None => number.to_string(),
        };
        let layer = StoreLayer {
            paths: paths.iter().map(Into::into).collect(),
            owner: self.conf.owner.clone(),
            window: layer::window(self.stager.jobs()),
        };
        let name: Arc<str> = name.into();
        let owner = StorePathsOwner((self.input, Item::Layer(name.clone())).into());
        let key = layer.key();
        if let Some(reused) = self.stager.reuse(&key) {
            return Ok(reused);
        }
        let content = self.stager.generate(&key, || {
            let opened = layer.clone();
            let bytes = ReadAhead::start(move || Ok(opened.open()));
            let bytes = bytes.map_err(|e| owner.unreadable(e))?;
            Ok(VerifiedReader {
                bytes: Box::new(self.stager.progress().count(self.input, bytes)),
                encoding: Encoding::Plain,
                algorithms: Algorithms::SHA256,
                observer: self.stager.observer(),
                owner: &owner,
            })
        })?;
        let Some(digests) = content.digests() else {
            return Err(owner.unreadable(io::Error::other("it was not read")));
        };
        let (diff_id, size) = (digests.diff_id.clone(), digests.blob.size);
        Ok(self.layer(name, content, diff_id, size))
    }

    /// Returns the layer that dockerTools has made in a separate derivation: a tar, and its digest
    /// beside it.
    fn customisation_layer(&self) -> Result<FileLayer, Error> {
        let directory = Path::new(&self.conf.customisation_layer);
        let path = directory.join("layer.tar");
        let subject = Subject::from((self.input, Item::Layer(path.display().to_string().into())));
        let owner = StorePathsOwner(subject);
        let checksum = directory.join("checksum");
        let text = regular(&checksum).and_then(|file| {
            let mut text = Vec::new();
            let read = file.take(MAX_CHECKSUM).read_to_end(&mut text);
            read.map(|_| text).map_err(|e| error_at(&checksum, e))
        });
        let text = text.map_err(|e| owner.unreadable(e))?;
        let text = String::from_utf8_lossy(&text);
        let digest = format!("sha256:{}", text.trim()).parse::<Digest>();
        let digest = digest.map_err(|_| {
            let problem = "it has no SHA-256 digest of 64 hexadecimal digits";
            owner.unreadable(error_at(&checksum, problem))
        })?;
        let file = regular(&path).and_then(|file| file.metadata());
        let size = file.map_err(|e| owner.unreadable(e))?.len();
        let name = path.display().to_string().into();
        let content = Content::File(path.into());
        Ok(self.layer(name, content, DiffId(digest), size))
    }

    fn layer(&self, name: Arc<str>, content: Content, diff_id: DiffId, size: u64) -> FileLayer {
        let media_type = LayerType::distributable(Encoding::Plain).oci();
        FileLayer {
            blob: Blob {
                descriptor: Descriptor::new(media_type, diff_id.0.clone(), size),
                content,
                input: self.input.clone(),
                name,
            },
            diff_id,
            encoding: Encoding::Plain,
        }
    }
}

/// The owner of bytes that are made from store paths: no document names their digest.
struct StorePathsOwner(Subject);

impl Verify for StorePathsOwner {
    fn unreadable(&self, source: io::Error) -> Error {
        Error::new(self.0.clone(), Problem::StorePaths { source })
    }

    fn verify(&self, _: &Digests) -> Result<(), Error> {
        Ok(())
    }
}

/// Callbacks for the base image: it is not one of the images of the input, but it must be valid.
struct BaseImage<'a>(&'a dyn Callbacks);

impl Callbacks for BaseImage<'_> {
    fn violation(&self, error: Error) -> Result<(), Error> {
        self.0.violation(error)
    }

    fn unreadable(&self, error: Error) -> Result<(), Error> {
        self.0.unreadable(error)
    }

    fn reads_all(&self) -> bool {
        false
    }
}

/// Opens a file of the customisation layer. Only regular files end.
fn regular(path: &Path) -> io::Result<File> {
    let metadata = path.metadata().map_err(|e| error_at(path, e))?;
    if !metadata.is_file() {
        return Err(error_at(path, "it is not a regular file"));
    }
    File::open(path).map_err(|e| error_at(path, e))
}

fn unsupported(input: &InputName, problem: ConfProblem) -> Error {
    let document = Item::Document(DOCUMENT.into());
    Error::new((input, document), Problem::UnsupportedConf(problem))
}

/// A JSON object.
type Object = Map<String, Value>;
