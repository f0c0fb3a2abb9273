//! Reads inputs: what a path holds is told by its content, never by its name.
//!
//! Directories and uncompressed archives are looked up; nothing of a layer is read before its bytes
//! are needed. A compressed archive is a stream: it is read once, from its beginning to its end, and
//! its layers are staged (and compressed anew) while they flow by.

mod archive;
pub mod callbacks;
mod docker_archive;
mod layout;
mod nix2container;
mod select;
mod stager;
mod tree;
mod two_formats;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bytes::codec::Encoding;
use crate::bytes::fill;
use crate::error::{Candidate, Error, FileKind, InputName, Problem, Warning};
use crate::image::{Companion, Image, IndexMetadata};
use crate::oci::{DOCKER_FILE, Descriptor, Digest, Platform};
use crate::source::callbacks::Callbacks;
use crate::tar::is_tar;
pub use select::Select;
pub(crate) use select::choose_digest;
pub use stager::Stager;
pub use tree::{FileLocation, Tree};

/// An image layout, an archive or a file of nix2container, and which of its images to read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Input {
    /// The file or directory; `-` is standard input.
    pub path: PathBuf,
    /// The images to read, where there are several.
    pub select: Select,
    /// The platform that the image must have; a different one in its config is an error.
    pub platform: Option<Platform>,
    /// The platform to write into the config of the image. Only a merge does.
    pub set_platform: Option<Platform>,
    /// The same for single images of several: each by a prefix of the digest that picks it.
    pub set_platforms: Vec<(String, Platform)>,
}

impl Input {
    /// All images at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// Whether the image is read from standard input.
    pub fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// Returns the platform to write into the config of the image that `digest` picks.
    pub(crate) fn platform_to_set(&self, digest: &Digest) -> Option<&Platform> {
        let digest = digest.to_string();
        let mut single = self.set_platforms.iter();
        let single = single.find(|(prefix, _)| digest.starts_with(prefix));
        single
            .map(|(_, platform)| platform)
            .or(self.set_platform.as_ref())
    }

    /// Returns the name of the input in messages.
    pub(crate) fn name(&self) -> InputName {
        match self.is_stdin() {
            true => InputName::Stdin,
            false => InputName::from(&*self.path),
        }
    }
}

/// What an input holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its images.
    pub images: Vec<Image>,
    /// What the field calls its format; nothing where several inputs were put together.
    pub format: &'static str,
    /// Whether the manifests are in the input, and not made of what is in it.
    pub has_manifests: bool,
    /// The names of its images, in its own words.
    pub names: Vec<String>,
    /// The image indexes that were taken apart, outermost first.
    pub indexes: Vec<(Descriptor, Arc<[u8]>)>,
    /// What its image indexes say of all of them together.
    pub metadata: IndexMetadata,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// What the user should know if the images are merged: what is left out of the output.
    pub left_out: Vec<Warning>,
    /// What is in its indexes or beside them and is not an image.
    pub companions: Vec<Companion>,
    /// The platforms of all its images, also of those that are not wanted.
    pub seen: Vec<Platform>,
    /// Those of them whose images are named in the input, but are not complete.
    pub incomplete: Vec<Platform>,
}

impl Contents {
    /// The platforms that can be taken.
    pub fn complete(&self) -> Vec<Platform> {
        let complete = self.seen.iter().filter(|p| !self.incomplete.contains(p));
        complete.cloned().collect()
    }
}

/// What is wanted of all inputs.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The platforms; none means all.
    pub platforms: &'a [Platform],
    /// The annotations of the image index about which inputs may contradict each other.
    pub decided: &'a BTreeMap<String, String>,
    /// Who is told of what is wrong.
    pub callbacks: &'a dyn Callbacks,
    /// Whether companions beside the images are read too, not only those in their indexes.
    pub referrers: bool,
}

/// What is wanted of an input.
struct Reading<'a> {
    input: &'a Input,
    wanted: Wanted<'a>,
}

impl<'a> Reading<'a> {
    fn callbacks(&self) -> &'a dyn Callbacks {
        self.wanted.callbacks
    }

    /// The positions of the candidates that are meant.
    fn choose(
        &self,
        input: &InputName,
        candidates: &[Candidate],
        unnamed_is_one: bool,
    ) -> Result<Vec<usize>, Error> {
        let (select, several) = (&self.input.select, self.callbacks().reads_all());
        select::choose(input, select, candidates, unnamed_is_one, several)
    }

    /// Whether an image of this platform is selected: by the platform in front of the input, and by
    /// those that are wanted of all inputs. An image that is to be changed is known by its new platform,
    /// an `arm` that is asserted to be a `v6` by that one.
    fn has(&self, platform: &Platform) -> bool {
        if self.input.set_platform.is_some() || !self.input.set_platforms.is_empty() {
            return true;
        }
        match &self.input.platform {
            Some(asserted) => platform
                .narrowed_by(asserted)
                .is_some_and(|narrowed| narrowed.is_one_of(self.wanted.platforms)),
            None => platform.is_one_of(self.wanted.platforms),
        }
    }

    /// Whether an image whose descriptor claims this platform may turn out to be selected: its config
    /// may name the variant that the claim leaves out.
    fn may_have(&self, claimed: &Platform) -> bool {
        let asserted = self.input.platform.as_ref();
        self.has(claimed) || asserted.is_some_and(|a| a.narrowed_by(claimed).is_some())
    }

    /// Whether the only image of an input is compared with the platform in front of the input, instead
    /// of being selected by it: the error then names both.
    fn compares_only(&self, platform: &Platform) -> bool {
        self.input.platform.is_some() && platform.is_one_of(self.wanted.platforms)
    }

    /// Whether some images of an input are selected by their platforms.
    fn is_narrowed(&self) -> bool {
        self.input.platform.is_some() || !self.wanted.platforms.is_empty()
    }
}

/// Reads what is wanted of an input.
pub fn read(input: &Input, wanted: Wanted<'_>, stager: &Stager<'_>) -> Result<Contents, Error> {
    open(input, wanted.callbacks, stager)?.read(input, wanted, stager)
}

/// Puts together what several inputs hold. What their indexes say must not be lost, so where two
/// contradict each other, `decided` has the last word.
pub fn unite(
    contents: Vec<Contents>,
    decided: &BTreeMap<String, String>,
) -> Result<Contents, Error> {
    let mut united = Contents::default();
    for found in contents {
        united.images.extend(found.images);
        united.warnings.extend(found.warnings);
        united.warnings.extend(found.left_out);
        united.companions.extend(found.companions);
        united.indexes.extend(found.indexes);
        united.seen.extend(found.seen);
        united.incomplete.extend(found.incomplete);
        united
            .metadata
            .add(found.metadata, decided, &mut united.warnings)?;
    }
    Ok(united)
}

/// What an input was found to be.
pub enum Opened {
    /// Files: an image layout or a docker-archive.
    Tree(Box<Tree>),
    /// One of nix2container.
    Image(Box<Image>),
}

impl Opened {
    fn tree(tree: Tree) -> Self {
        Self::Tree(Box::new(tree))
    }

    /// Reads what is wanted of it.
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
        };
        let format = match contents.format {
            "" => self.format(),
            format => format,
        };
        Ok(Contents { format, ..contents })
    }

    /// Reads what a layout says to those who take it for a docker-archive, if it says anything.
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

    /// What the field calls the format.
    pub fn format(&self) -> &'static str {
        match self {
            Self::Tree(tree) => tree.format(),
            Self::Image(_) => "nix2container",
        }
    }
}

/// Opens an input. What is a stream is read to its end.
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
            nix2container::open(path, all, callbacks).map(|image| Opened::Image(Box::new(image)))
        }
        _ => {
            if let Some(counter) = stager.progress().of(&name) {
                counter.expect(metadata.len());
            }
            let all = stager.progress().count(&name, all);
            archive::open_stream(name, all, callbacks, stager).map(Opened::tree)
        }
    }
}

/// Returns the part of a path before its last colon, if that exists: `layout:tag` is how others write
/// what is `layout#tag` here.
fn before_colon(path: &Path) -> Option<PathBuf> {
    let (before, _) = path.to_str()?.rsplit_once(':')?;
    let before = Path::new(before);
    before.exists().then(|| before.to_owned())
}

/// What a file is that is not an image, by its first bytes.
fn file_kind(head: &[u8]) -> FileKind {
    match head {
        [] => FileKind::Empty,
        [b'{' | b'[', ..] => json_kind(head),
        [0x7f, b'E', b'L', b'F', ..] => FileKind::Elf,
        [b'#', b'!', ..] => FileKind::Script,
        _ if Encoding::sniff(head) == Encoding::Gzip => FileKind::Gzip,
        _ if Encoding::sniff(head) == Encoding::Zstd => FileKind::Zstd,
        _ if Encoding::undefined(head) == Some("xz") => FileKind::Xz,
        _ if Encoding::undefined(head) == Some("bzip2") => FileKind::Bzip2,
        _ if Encoding::undefined(head) == Some("lz4") => FileKind::Lz4,
        [b'P', b'K', 3, 4, ..] => FileKind::Zip,
        _ if head.iter().all(|b| *b == 0) => FileKind::Zeros,
        _ if is_dockerfile(head) => FileKind::Dockerfile,
        _ => FileKind::Other,
    }
}

/// What a JSON document is, of which `head` is at least the start.
fn json_kind(head: &[u8]) -> FileKind {
    let has = |key: &str| {
        let quoted = format!("\"{key}\"");
        head.windows(quoted.len()).any(|at| at == quoted.as_bytes())
    };
    match has("schemaVersion") || has("Config") && has("Layers") {
        true => FileKind::Manifest,
        false => FileKind::Json,
    }
}

/// Whether the first instruction is FROM, which only ARG and comments may precede (Dockerfile reference,
/// section FROM).
fn is_dockerfile(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().map(str::trim);
    let starts = |line: &str, word: &str| {
        let start = line.split_whitespace().next();
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let first = lines.find(|l| !l.is_empty() && !l.starts_with('#') && !starts(l, "ARG"));
    first.is_some_and(|line| starts(line, "FROM"))
}

/// The head of a file, its encoding, and its stream from the first byte on.
fn sniff<R: Read>(mut input: R) -> io::Result<(Vec<u8>, Encoding, impl Read + use<R>)> {
    let mut head = vec![0; 512];
    let n = fill(&mut input, &mut head)?;
    head.truncate(n);
    let encoding = Encoding::sniff(&head);
    let stream = Cursor::new(head.clone()).chain(input);
    Ok((head, encoding, stream))
}
