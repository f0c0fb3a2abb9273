//! Blobs: a descriptor plus the content that it describes.
//!
//! Content comes in two kinds. What lies in an input, or is made from one, is opened when it is
//! needed and verified by whoever reads it, on that very pass. What was *staged* was verified while
//! it was written and is ours.

use std::fmt::{Debug, Display};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::bytes::codec::Encoding;
use crate::bytes::copy::Hashes;
use crate::error::{Error, InputName, Item, Problem, Subject};
use crate::oci::{Descriptor, DiffId, Digest, Hasher};

/// Where the bytes of a blob are.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory, verified: manifests and configs.
    Bytes(Arc<[u8]>),
    /// A file as it is, of an image layout directory for example, not yet verified.
    File(Arc<Path>),
    /// A part of an uncompressed archive, not yet verified.
    Range {
        /// The archive.
        path: Arc<Path>,
        /// Where the bytes start.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// Made from other files each time it is opened, not yet verified.
    Generated(Arc<dyn Generate>),
    /// Written to the staging area, and verified there.
    Staged(Arc<Staged>),
    /// Staged for another blob of this digest, perhaps of another image, which
    /// [`Store::resolve`](crate::bytes::store::Store::resolve) finds when all inputs are read.
    Known(Digest),
    /// Not in the image: a layer that must be fetched from the URLs of its descriptor.
    Elsewhere,
}

/// What makes a blob that is stored nowhere.
pub trait Generate: Debug + Send + Sync {
    /// Starts from the first byte. Errors name the file to blame.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

/// A file of the staging area: `original` bytes, at rest as `stored`.
#[derive(Debug)]
pub struct Staged {
    /// The file; none if the bytes were only looked at.
    pub path: Option<Box<Path>>,
    /// Digest and size of what was read.
    pub original: (Digest, u64),
    /// Digest and size of what the file holds.
    pub stored: (Digest, u64),
    /// How `original` was encoded.
    pub original_encoding: Encoding,
    /// How the file is encoded.
    pub encoding: Encoding,
    /// The digest of the bytes without any compression.
    pub diff_id: DiffId,
}

impl Staged {
    /// The file, for who cannot do without it.
    pub fn file(&self) -> io::Result<&Path> {
        self.path
            .as_deref()
            .ok_or_else(|| io::Error::other("it came through a stream and was not kept"))
    }
}

impl Content {
    /// Opens content as it was before staging. Nothing is verified here.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(&bytes[..]),
            Self::File(path) => Box::new(File::open(path)?),
            Self::Range { path, offset, len } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                Box::new(file.take(*len))
            }
            Self::Known(digest) => {
                let message = format!("{digest} is not resolved yet");
                return Err(io::Error::new(io::ErrorKind::NotFound, message));
            }
            Self::Elsewhere => {
                let message = "the layer is not in the image, but at the URLs of its descriptor";
                return Err(io::Error::new(io::ErrorKind::NotFound, message));
            }
            Self::Generated(recipe) => recipe.open()?,
            Self::Staged(staged) => {
                let file = File::open(staged.file()?)?;
                if staged.encoding == staged.original_encoding {
                    Box::new(file)
                } else {
                    staged.encoding.decode(file)?
                }
            }
        })
    }
}

/// A descriptor, the content that it describes, and the names for messages.
#[derive(Clone, Debug)]
pub struct Blob {
    /// What it is.
    pub descriptor: Descriptor,
    /// Where it is.
    pub content: Content,
    /// The input that it came from, for messages.
    pub input: InputName,
    /// Its name in that input, for messages.
    pub name: Arc<str>,
}

impl Blob {
    /// The verified bytes of a small blob.
    pub fn bytes(&self, limit: u64) -> Result<Vec<u8>, Error> {
        if self.descriptor.size > limit {
            let size = self.descriptor.size;
            let subject = self.subject(Item::Document);
            return Err(Error::new(
                subject,
                Problem::DocumentTooLarge { size, limit },
            ));
        }
        let mut bytes = Vec::new();
        let read = self.content.open();
        // A byte more than there should be shows that there are more.
        read.and_then(|file| file.take(self.descriptor.size + 1).read_to_end(&mut bytes))
            .map_err(|e| self.unreadable(e))?;
        let mut hasher = Hasher::new(self.descriptor.digest.algorithm());
        hasher.update(&bytes);
        self.check(&(hasher.finish(), bytes.len() as u64))?;
        Ok(bytes)
    }

    /// The algorithms to verify a layer by.
    pub fn hashes(&self, diff_id: &DiffId) -> Hashes {
        Hashes {
            blob: self.descriptor.digest.algorithm(),
            diff_id: diff_id.0.algorithm(),
        }
    }

    /// Compares what was read with what the descriptor promises.
    pub fn check(&self, found: &(Digest, u64)) -> Result<(), Error> {
        let (digest, size) = found;
        // The size first: it tells a file that was cut off from one that was changed.
        if *size != self.descriptor.size {
            self.check_recipe(format_args!("{size} bytes"), self.descriptor.size)?;
            let (found, expected) = (*size, self.descriptor.size);
            let problem = Problem::WrongSize { found, expected };
            return Err(Error::new(self.subject(Item::Blob), problem));
        }
        if *digest != self.descriptor.digest {
            self.check_recipe(digest, &self.descriptor.digest)?;
            let (found, expected) = (digest.clone(), self.descriptor.digest.clone());
            let problem = Problem::WrongDigest { found, expected };
            return Err(Error::new(self.subject(Item::Blob), problem));
        }
        Ok(())
    }

    /// Compares the uncompressed content that was read with what the config promises.
    pub fn check_diff_id(&self, found: &DiffId, expected: &DiffId) -> Result<(), Error> {
        if found == expected {
            return Ok(());
        }
        self.check_recipe(found, expected)?;
        let (found, expected) = (found.clone(), expected.clone());
        let problem = Problem::WrongDiffId { found, expected };
        Err(Error::new(self.subject(Item::Layer), problem))
    }

    /// The blob in its input, as the kind of thing that the caller takes it for.
    pub fn subject(&self, item: impl FnOnce(Arc<str>) -> Item) -> Subject {
        (&self.input, item(self.name.clone())).into()
    }

    /// The error for content that cannot be read.
    pub fn unreadable(&self, source: io::Error) -> Error {
        match self.content {
            Content::Generated(_) => {
                Error::new(self.subject(Item::Layer), Problem::StorePaths { source })
            }
            _ => Error::new(self.subject(Item::Blob), Problem::Unreadable { source }),
        }
    }

    /// Of content that was just made, the files that it was made from are to blame.
    fn check_recipe(&self, found: impl Display, expected: impl Display) -> Result<(), Error> {
        let (found, expected) = (found.to_string(), expected.to_string());
        match self.content {
            Content::Generated(_) => {
                let problem = Problem::StorePathsChanged { found, expected };
                Err(Error::new(self.subject(Item::Layer), problem))
            }
            _ => Ok(()),
        }
    }
}
