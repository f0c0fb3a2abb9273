//! The files of an input, by name: those of a directory, or the entries of an archive.

mod archive;
mod file;
mod flat;
mod location;
mod unused;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use archive::ArchiveEntry;
pub use file::TreeFile;
pub use flat::signed_manifest;
use flat::{FLAT_MANIFEST, FLAT_VERSION, ManifestHead};
pub use location::FileLocation;

use crate::error::{DocumentProblem, Error, FileKind, InputName, Item, Problem};
use crate::image::Content;
use crate::oci::go_json::is_field;
use crate::oci::{
    DOCKER_FILE, Descriptor, Digest, Document, INDEX_FILE, LAYOUT_FILE, MAX_MANIFEST, extent,
};
use crate::tar::resolve;

/// The bytes that all manifests, indexes and configs of an input may have together, each as often as it is
/// named: a thousand images of the usual size. A small document can name a large one very often.
const MAX_DOCUMENTS: u64 = 64 << 20;

/// The memory for a JSON value, in bytes, estimated: `0,` is two bytes in a document, but 32 bytes in the parsed one,
/// and a text besides.
const VALUE_COST: u64 = 64;

/// The files of an input by name.
pub struct Tree {
    input: InputName,
    files: TreeFiles,
    /// How many bytes of documents may still be read.
    budget: Cell<u64>,
    /// The names of the files that were looked up.
    used: RefCell<HashSet<String>>,
    /// Layers that had to be staged because no document has their digest; several names can mean one.
    staged: RefCell<HashMap<FileLocation, Content>>,
    is_layout: OnceCell<bool>,
}

enum TreeFiles {
    /// An image layout.
    Directory(PathBuf),
    /// A directory of skopeo's `dir:` transport.
    Flat {
        path: PathBuf,
        root: Box<Descriptor>,
    },
    Archive(HashMap<String, ArchiveEntry>),
}

impl Tree {
    /// Returns the files of a directory.
    pub fn directory(path: &Path) -> Result<Self, Error> {
        // Links in the output must lead to the blobs themselves, from wherever it is read.
        let real = path.canonicalize().map_err(Error::io("read", path))?;
        let mut tree = Self::new(InputName::from(path), TreeFiles::Directory(real.clone()));
        if tree.has(LAYOUT_FILE)? {
            return Ok(tree);
        }
        if let Some(manifest) = tree.bytes(FLAT_MANIFEST, MAX_MANIFEST)?
            && tree.has(FLAT_VERSION)?
        {
            let head: Document<ManifestHead> = tree.parse(FLAT_MANIFEST, manifest)?;
            let root = Box::new(Descriptor::of(head.view.media_type(), &head.raw));
            tree.files = TreeFiles::Flat { path: real, root };
            return Ok(tree);
        }
        Err(tree.not_an_image()?)
    }

    /// Returns the error for files that are neither a layout nor a docker-archive.
    pub fn not_an_image(&self) -> Result<Error, Error> {
        let found = match &self.files {
            _ if self.has(INDEX_FILE)? => FileKind::UnmarkedLayout,
            TreeFiles::Archive(entries) => match archive::directory_of_image(entries) {
                Some(directory) => FileKind::Nested(directory.to_owned()),
                None => FileKind::Tar,
            },
            TreeFiles::Directory(_) | TreeFiles::Flat { .. } => FileKind::Directory,
        };
        Ok(Error::new(self.input(), Problem::NotAnImage { found }))
    }

    /// Returns the entries of an archive.
    pub fn archive(input: InputName, entries: HashMap<String, ArchiveEntry>) -> Self {
        Self::new(input, TreeFiles::Archive(entries))
    }

    fn new(input: InputName, files: TreeFiles) -> Self {
        Self {
            input,
            files,
            budget: Cell::new(MAX_DOCUMENTS),
            used: RefCell::default(),
            staged: RefCell::default(),
            is_layout: OnceCell::new(),
        }
    }

    /// Returns the layer at a location, if it was staged.
    pub fn staged(&self, location: &FileLocation) -> Option<Content> {
        self.staged.borrow().get(location).cloned()
    }

    /// Remembers the staged layer of a location.
    pub fn add_staged(&self, location: FileLocation, staged: Content) {
        self.staged.borrow_mut().insert(location, staged);
    }

    /// Returns the name of the input, for messages.
    pub fn input(&self) -> &InputName {
        &self.input
    }

    /// Whether the files are those of an image layout, or of a `dir:`, which is read in the same way. Docker 25.0.0 to
    /// 25.0.2 wrote a layout without images around a docker-archive (moby/moby#47210): that is one.
    pub fn is_layout(&self) -> Result<bool, Error> {
        if let Some(known) = self.is_layout.get() {
            return Ok(*known);
        }
        let is_layout = self.root().is_some()
            || self.has(LAYOUT_FILE)? && !(self.has(DOCKER_FILE)? && self.has_empty_index());
        Ok(*self.is_layout.get_or_init(|| is_layout))
    }

    /// Whether `index.json` is there and names nothing.
    fn has_empty_index(&self) -> bool {
        // An error is reported by the reader of the layout.
        let Ok(Some(raw)) = self.bytes(INDEX_FILE, MAX_MANIFEST) else {
            return false;
        };
        let index: Result<Document<Map<String, Value>>, _> = self.parse(INDEX_FILE, raw);
        let is_empty = |(key, value): (&String, &Value)| match value {
            _ if ["layers", "config"]
                .iter()
                .any(|other| is_field(key, other)) =>
            {
                false
            }
            Value::Null => true,
            Value::Array(items) => items.is_empty() || !is_field(key, "manifests"),
            _ => !is_field(key, "manifests"),
        };
        index.is_ok_and(|index| index.view.iter().all(is_empty))
    }

    /// Returns the descriptor of the only manifest, in a format without an index.
    pub fn root(&self) -> Option<&Descriptor> {
        match &self.files {
            TreeFiles::Flat { root, .. } => Some(root),
            _ => None,
        }
    }

    /// Whether there is a file of that name.
    pub fn has(&self, name: &str) -> Result<bool, Error> {
        Ok(self.find(name)?.is_some())
    }

    /// Returns the file of a blob, if it exists.
    pub fn blob(&self, digest: &Digest) -> Result<Option<TreeFile>, Error> {
        let TreeFiles::Flat { path, root } = &self.files else {
            return self.find(&digest.blob_path());
        };
        if *digest == root.digest {
            return file(&path.join(FLAT_MANIFEST));
        }
        for name in flat::blob_names(digest) {
            let found = file(&path.join(&name));
            self.used.borrow_mut().insert(name);
            if let Some(found) = found? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Returns the file of that name, if it exists.
    pub fn find(&self, name: &str) -> Result<Option<TreeFile>, Error> {
        match &self.files {
            TreeFiles::Directory(path) | TreeFiles::Flat { path, .. } => {
                // A name that comes from an input must not lead out of it.
                let Some(name) = resolve("", name) else {
                    return Ok(None);
                };
                let found = file(&path.join(&name));
                self.used.borrow_mut().insert(name);
                found
            }
            TreeFiles::Archive(entries) => {
                let file = archive::follow(entries, name, &mut self.used.borrow_mut());
                Ok(file.cloned())
            }
        }
    }

    /// Returns the name of the format, such as `oci-archive`.
    pub fn format(&self) -> &'static str {
        match (&self.files, self.is_layout().unwrap_or_default()) {
            (TreeFiles::Directory(_), _) => "oci-layout",
            (TreeFiles::Flat { .. }, _) => "dir",
            (TreeFiles::Archive(_), true) => "oci-archive",
            (TreeFiles::Archive(_), false) => "docker-archive",
        }
    }

    /// Whether the files are entries of an archive.
    pub fn is_archive(&self) -> bool {
        matches!(self.files, TreeFiles::Archive(_))
    }

    /// Returns the bytes of a small file.
    pub fn bytes(&self, name: &str, limit: u64) -> Result<Option<Arc<[u8]>>, Error> {
        let found = self.find(name)?;
        found
            .map(|found| self.read(&found, name, limit))
            .transpose()
    }

    /// Charges `cost` bytes to the budget for documents.
    pub fn charge(&self, cost: u64) -> Result<(), Error> {
        let left = self.budget.get().checked_sub(cost);
        self.budget.set(left.ok_or_else(|| {
            let limit = MAX_DOCUMENTS;
            Error::new(&self.input, Problem::TooManyDocuments { limit })
        })?);
        Ok(())
    }

    /// Returns the bytes of a small file that was found, which the input calls `name`.
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

    /// Reads a document without reporting what is wrong with it: one that is missing, or not valid, is
    /// `None`. Its digest is not verified.
    pub fn peek<T: DeserializeOwned>(&self, digest: &Digest, limit: u64) -> Option<T> {
        let name = digest.to_string();
        let found = self.blob(digest).ok()??;
        let raw = self.read(&found, &name, limit).ok()?;
        Some(self.parse(&name, raw).ok()?.view)
    }

    /// Returns the error for a document that is not valid.
    pub fn invalid(&self, document: &str, problem: DocumentProblem) -> Error {
        self.document_error(document, Problem::InvalidDocument(problem))
    }

    /// Returns the error that a document has `problem`.
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
