//! Reads inputs. The format is detected from the content, never from the name.
//!
//! Of directories and uncompressed archives only names and documents are read; layers are read when their
//! bytes are needed. A compressed archive is a stream: it is read once, from its beginning to its end, and
//! its layers are staged (and compressed again) while they are read.

mod archive;
pub mod callbacks;
mod contents;
mod docker_archive;
mod dockertools;
mod document;
mod first_bytes;
mod input;
mod layout;
mod nix2container;
mod reading;
mod select;
mod stager;
mod store_paths;
mod tree;
mod two_formats;
mod ustar;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::bytes::codec::Encoding;
use crate::bytes::fill;
use crate::error::{Error, Problem};
use crate::image::Image;
use crate::oci::DOCKER_FILE;
use crate::source::callbacks::Callbacks;
use crate::tar::is_tar;
pub use contents::{Contents, unite};
use dockertools::LayeredImage;
pub use document::document;
pub use first_bytes::file_kind;
use first_bytes::sniff;
pub use input::Input;
use reading::Reading;
pub use reading::Wanted;
pub use select::Select;
pub(crate) use select::choose_digest;
pub use stager::Stager;
pub use tree::{FileLocation, Tree};

/// The largest document that describes an image: far more than the closure of any image needs.
const MAX_DOCUMENT: u64 = 32 << 20;

/// Reads the wanted parts of an input.
pub fn read(input: &Input, wanted: Wanted<'_>, stager: &Stager<'_>) -> Result<Contents, Error> {
    open(input, wanted.callbacks, stager)?.read(input, wanted, stager)
}

/// An input whose format was detected.
pub enum Opened {
    /// Files: an image layout or a docker-archive.
    Tree(Box<Tree>),
    /// A document of nix2container.
    Image(Box<Image>),
    /// The conf of a layered image of dockerTools.
    Conf(Box<LayeredImage>),
}

impl Opened {
    fn tree(tree: Tree) -> Self {
        Self::Tree(Box::new(tree))
    }

    /// Reads the wanted parts.
    pub fn read(
        &self,
        input: &Input,
        wanted: Wanted<'_>,
        stager: &Stager<'_>,
    ) -> Result<Contents, Error> {
        let reading = Reading { input, wanted };
        let contents = match self {
            Self::Tree(tree) if tree.is_layout()? => two_formats::read(tree, &reading, stager)?,
            Self::Tree(tree) => docker_archive::read(tree, &reading, stager)?,
            Self::Image(image) => nix2container::read(image, &reading)?,
            Self::Conf(image) => dockertools::read(image, &reading, stager)?,
        };
        let format = match contents.format {
            "" => self.format(),
            format => format,
        };
        Ok(Contents { format, ..contents })
    }

    /// Reads the `manifest.json` of a layout, if it has one, as readers of docker-archives do.
    pub fn read_as_docker_archive(
        &self,
        input: &Input,
        wanted: Wanted<'_>,
        stager: &Stager<'_>,
    ) -> Result<Option<Contents>, Error> {
        let reading = Reading { input, wanted };
        match self {
            Self::Tree(tree)
                if tree.root().is_none() && tree.is_layout()? && tree.has(DOCKER_FILE)? =>
            {
                docker_archive::read(tree, &reading, stager).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Returns the name of the format, such as `oci-archive`.
    pub fn format(&self) -> &'static str {
        match self {
            Self::Tree(tree) => tree.format(),
            Self::Image(_) => "nix2container",
            Self::Conf(_) => "dockertools-conf",
        }
    }
}

/// Opens an input. A stream is read to its end.
pub fn open(
    input: &Input,
    callbacks: &dyn Callbacks,
    stager: &Stager<'_>,
) -> Result<Opened, Error> {
    let (path, name) = (&input.path, input.name());
    if input.is_stdin() {
        let stdin = stager.progress().count(&name, io::stdin());
        let tree = archive::open_stream(name, stdin, callbacks, stager);
        return tree.map(Opened::tree);
    }
    let metadata = path.metadata().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            let select = Some(input.select.to_string()).filter(|select| !select.is_empty());
            let before_colon = before_colon(path);
            let problem = Problem::NotFound {
                select,
                before_colon,
            };
            Error::new(&**path, problem)
        }
        _ => Error::io("read", path)(e),
    })?;
    if metadata.is_dir() {
        return Tree::directory(path).map(Opened::tree);
    }
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    if !metadata.is_file() {
        let file = stager.progress().count(&name, file);
        return archive::open_stream(name, file, callbacks, stager).map(Opened::tree);
    }
    let mut head = [0; 512];
    let n = fill(&mut file, &mut head).map_err(Error::io("read", path))?;
    let head = &head[..n];
    let all = io::Cursor::new(head.to_vec()).chain(file);
    match Encoding::sniff(head) {
        Encoding::Plain if is_tar(head) => {
            let (_, file) = all.into_inner();
            archive::look_up(path, file, metadata.len(), callbacks).map(Opened::tree)
        }
        Encoding::Plain if head.trim_ascii_start().starts_with(b"{") => {
            open_document(path, all, callbacks)
        }
        _ => {
            stager.progress().expect(&name, metadata.len());
            let all = stager.progress().count(&name, all);
            archive::open_stream(name, all, callbacks, stager).map(Opened::tree)
        }
    }
}

/// Reads a JSON document that describes an image.
fn open_document(path: &Path, file: impl Read, callbacks: &dyn Callbacks) -> Result<Opened, Error> {
    let mut raw = Vec::new();
    file.take(MAX_DOCUMENT + 1)
        .read_to_end(&mut raw)
        .map_err(Error::io("read", path))?;
    if dockertools::is_conf(&raw) {
        let image = dockertools::parse(path, &raw, callbacks)?;
        return Ok(Opened::Conf(Box::new(image)));
    }
    let image = nix2container::parse(path, &raw, callbacks)?;
    Ok(Opened::Image(Box::new(image)))
}

/// Returns the part of a path before its last colon, if that exists: `layout:tag` is how others write
/// what is `layout#tag` here.
pub fn before_colon(path: &Path) -> Option<PathBuf> {
    let (before, _) = path.to_str()?.rsplit_once(':')?;
    let before = Path::new(before);
    before.exists().then(|| before.to_owned())
}
