//! The files of an input, whatever holds them: a directory, or an archive that was looked up or read
//! as a stream.

mod archive;
mod unused;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use archive::ArchiveEntry;

use crate::error::{DocumentProblem, Error, FileKind, InputName, Item, Problem};
use crate::image::Content;
use crate::oci::{
    Algorithm, Descriptor, Digest, Document, LAYOUT_FILE, MAX_MANIFEST, MediaType, docker, extent,
};
use crate::tar::resolve;

/// The files of skopeo's `dir:` (containers/image `directory_transport.go`).
const FLAT_MANIFEST: &str = "manifest.json";
const FLAT_VERSION: &str = "version";

/// What all manifests, indexes and configs of an input may sum up to, each as often as it is named:
/// a thousand images of the usual size. A small file can name a large one very often.
const MAX_DOCUMENTS: u64 = 64 << 20;

/// What a JSON value costs in memory, about: `0,` is two bytes in a document, but a value of 32 bytes
/// in our view of it, with a text besides.
const VALUE_COST: u64 = 64;

/// Files by name.
pub struct Tree {
    input: InputName,
    files: Files,
    /// How many bytes of documents may still be read.
    budget: Cell<u64>,
    /// The files that were found by their names.
    used: RefCell<HashSet<String>>,
    /// Layers that had to be staged because nothing says their digest; many names can mean one.
    staged: RefCell<HashMap<Place, Content>>,
}

/// Where bytes lie that are not verified yet: a file, and where in it they start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place(Arc<Path>, u64);

impl Place {
    /// The place of what lies in a file.
    pub fn of(content: &Content) -> Option<Self> {
        match content {
            Content::File(path) => Some(Self(path.clone(), 0)),
            Content::Range { path, offset, .. } => Some(Self(path.clone(), *offset)),
            _ => None,
        }
    }

    /// The same, without links on the way.
    pub fn real(self) -> Self {
        match self.0.canonicalize() {
            Ok(path) => Self(path.into(), self.1),
            Err(_) => self,
        }
    }
}

enum Files {
    /// An image layout.
    Directory(PathBuf),
    /// What skopeo's `dir:` transport writes: `manifest.json`, and blobs by their hex digits.
    Flat {
        path: PathBuf,
        root: Box<Descriptor>,
    },
    Archive(HashMap<String, ArchiveEntry>),
}

/// A file of an input.
#[derive(Clone)]
pub struct TreeFile {
    /// Its bytes.
    pub content: Content,
    /// How many there are.
    pub size: u64,
}

impl Tree {
    /// The files of a directory.
    pub fn directory(path: &Path) -> Result<Self, Error> {
        // Links in the output must lead to the blobs themselves, from wherever it is read.
        let real = path.canonicalize().map_err(Error::io("read", path))?;
        let mut tree = Self::new(InputName::from(path), Files::Directory(real.clone()));
        if tree.has(LAYOUT_FILE)? {
            return Ok(tree);
        }
        if let Some(manifest) = tree.bytes(FLAT_MANIFEST, MAX_MANIFEST)?
            && tree.has(FLAT_VERSION)?
        {
            let head: Document<Head> = tree.parse(FLAT_MANIFEST, manifest)?;
            let root = Box::new(Descriptor::of(head.view.media_type(), &head.raw));
            tree.files = Files::Flat { path: real, root };
            return Ok(tree);
        }
        let found = FileKind::Directory;
        Err(Error::new(tree.input(), Problem::NotAnImage { found }))
    }

    /// The entries of an archive.
    pub fn archive(input: InputName, entries: HashMap<String, ArchiveEntry>) -> Self {
        Self::new(input, Files::Archive(entries))
    }

    fn new(input: InputName, files: Files) -> Self {
        Self {
            input,
            files,
            budget: Cell::new(MAX_DOCUMENTS),
            used: RefCell::default(),
            staged: RefCell::default(),
        }
    }

    /// What was staged of a place.
    pub fn staged(&self, place: &Place) -> Option<Content> {
        self.staged.borrow().get(place).cloned()
    }

    /// Remembers what was staged of a place.
    pub fn keep(&self, place: Place, staged: Content) {
        self.staged.borrow_mut().insert(place, staged);
    }

    /// The name of the input, for messages.
    pub fn input(&self) -> &InputName {
        &self.input
    }

    /// Whether the files are those of an image layout, or are found in the same way.
    pub fn is_layout(&self) -> Result<bool, Error> {
        Ok(self.root().is_some() || self.has(LAYOUT_FILE)?)
    }

    /// The descriptor of all there is, where no file says it.
    pub fn root(&self) -> Option<&Descriptor> {
        match &self.files {
            Files::Flat { root, .. } => Some(root),
            _ => None,
        }
    }

    /// Whether there is a file of that name.
    pub fn has(&self, name: &str) -> Result<bool, Error> {
        Ok(self.find(name)?.is_some())
    }

    /// Looks a blob up.
    pub fn blob(&self, digest: &Digest) -> Result<Option<TreeFile>, Error> {
        let Files::Flat { path, root } = &self.files else {
            return self.find(&digest.blob_path());
        };
        if *digest == root.digest {
            return file(&path.join(FLAT_MANIFEST));
        }
        let file = |name: &str| {
            self.used.borrow_mut().insert(name.to_owned());
            file(&path.join(name))
        };
        // containers/image `directory_transport.go`: manifests of an index have a suffix, digests
        // that are not SHA-256 a prefix.
        let stem = match digest.algorithm() {
            Algorithm::Sha256 => digest.hex().to_owned(),
            Algorithm::Sha512 => format!("sha512-{}", digest.hex()),
        };
        match file(&stem)? {
            Some(found) => Ok(Some(found)),
            None => file(&(stem + ".manifest.json")),
        }
    }

    /// Looks a file up.
    pub fn find(&self, name: &str) -> Result<Option<TreeFile>, Error> {
        match &self.files {
            Files::Directory(path) | Files::Flat { path, .. } => {
                // A name that comes from an input must not lead out of it.
                let Some(name) = resolve("", name) else {
                    return Ok(None);
                };
                let found = file(&path.join(&name));
                self.used.borrow_mut().insert(name);
                found
            }
            Files::Archive(entries) => {
                let file = archive::follow(entries, name, &mut self.used.borrow_mut());
                Ok(file.cloned())
            }
        }
    }

    /// What the field calls the format.
    pub fn format(&self) -> &'static str {
        match (&self.files, self.is_layout().unwrap_or_default()) {
            (Files::Directory(_), _) => "oci-layout",
            (Files::Flat { .. }, _) => "dir",
            (Files::Archive(_), true) => "oci-archive",
            (Files::Archive(_), false) => "docker-archive",
        }
    }

    /// Whether the files are entries of an archive.
    pub fn is_archive(&self) -> bool {
        matches!(self.files, Files::Archive(_))
    }

    /// The bytes of a small file.
    pub fn bytes(&self, name: &str, limit: u64) -> Result<Option<Arc<[u8]>>, Error> {
        let found = self.find(name)?;
        found
            .map(|found| self.read(&found, name, limit))
            .transpose()
    }

    /// Takes `cost` bytes off what the documents of an input may cost.
    pub fn charge(&self, cost: u64) -> Result<(), Error> {
        let left = self.budget.get().checked_sub(cost);
        self.budget.set(left.ok_or_else(|| {
            let limit = MAX_DOCUMENTS;
            Error::new(&self.input, Problem::TooManyDocuments { limit })
        })?);
        Ok(())
    }

    /// The bytes of a small file that was found, which the input calls `name`.
    pub fn read(&self, found: &TreeFile, name: &str, limit: u64) -> Result<Arc<[u8]>, Error> {
        if found.size > limit {
            let size = found.size;
            return Err(self.document_error(name, Problem::DocumentTooLarge { size, limit }));
        }
        self.charge(found.size)?;
        if let Content::Bytes(bytes) = &found.content {
            return Ok(bytes.clone());
        }
        let mut bytes = Vec::new();
        found
            .content
            .open()
            // The limit holds although the file may grow while it is read.
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|source| self.document_error(name, Problem::Unreadable { source }))?;
        Ok(bytes.into())
    }

    /// Parses `raw`, which the input calls `name`.
    pub fn parse<T: DeserializeOwned>(
        &self,
        name: &str,
        raw: Arc<[u8]>,
    ) -> Result<Document<T>, Error> {
        self.charge(extent(&raw).values * VALUE_COST)?;
        Document::parse(raw.clone())
            .map_err(|e| self.invalid(name, DocumentProblem::from_json(e, &raw)))
    }

    /// The error for a document that is not valid.
    pub fn invalid(&self, document: &str, problem: DocumentProblem) -> Error {
        self.document_error(document, Problem::InvalidDocument(problem))
    }

    /// The error that a document has `problem`.
    pub fn document_error(&self, document: &str, problem: Problem) -> Error {
        Error::new((&self.input, Item::Document(document.into())), problem)
    }
}

fn file(path: &Path) -> Result<Option<TreeFile>, Error> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Some(TreeFile {
            content: Content::File(path.into()),
            size: metadata.len(),
        })),
        Ok(_) => Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("read", path)(e)),
    }
}

/// What a manifest says of itself. OCI leaves the media type out at times.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
}

impl Head {
    fn media_type(&self) -> MediaType {
        match &self.media_type {
            Some(media_type) => media_type.as_str().into(),
            None if self.schema_version == 1 => docker::SCHEMA_1.into(),
            None if self.manifests.is_some() => MediaType::ImageIndex,
            None => MediaType::ImageManifest,
        }
    }
}
