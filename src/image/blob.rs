//! Blobs: a descriptor with the content that it describes.

use std::fmt::Display;
use std::io::{self, Read};
use std::sync::Arc;

use crate::bytes::codec::Encoding;
use crate::bytes::progress::Progress;
use crate::bytes::{Algorithms, Digests, Observers, SizedDigest, VerifiedReader, Verify, fill};
use crate::error::{Error, InputName, Item, Problem, Subject};
use crate::image::content::Content;
use crate::oci::{Descriptor, DiffId};
use crate::util::text::byte_count;

/// A descriptor, the content that it describes, and the names for messages.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Media type, digest and size.
    pub descriptor: Descriptor,
    /// Where the bytes are.
    pub content: Content,
    /// The input that it comes from.
    pub input: InputName,
    /// The name of the blob in its input.
    pub name: Arc<str>,
}

impl Blob {
    /// Opens a blob that is carried unchanged: only its digest and size are known.
    pub fn open(&self, observers: Observers<'_>) -> Result<VerifiedReader<'_>, Error> {
        let algorithm = self.descriptor.digest.algorithm();
        Ok(VerifiedReader {
            bytes: self.open_counted(observers.progress)?,
            encoding: Encoding::Plain,
            algorithms: Algorithms {
                blob: algorithm,
                diff_id: algorithm,
            },
            observer: None,
            owner: self,
        })
    }

    /// Opens the content. Reading counts as progress, unless it is from the staging area: those bytes
    /// were counted when they were staged.
    pub(super) fn open_counted(&self, progress: &Progress) -> Result<Box<dyn Read + '_>, Error> {
        let bytes = self.content.open().map_err(|e| self.unreadable(e))?;
        Ok(match &self.content {
            Content::Staged(_) => bytes,
            _ => Box::new(progress.count(&self.input, bytes)),
        })
    }

    /// Returns the verified bytes of a small blob. Fails if it is larger than `limit` bytes.
    pub fn bytes(&self, limit: u64) -> Result<Vec<u8>, Error> {
        if self.descriptor.size > limit {
            let size = self.descriptor.size;
            let problem = Problem::DocumentTooLarge { size, limit };
            return Err(Error::new(self.subject(Item::Document), problem));
        }
        let mut bytes = Vec::new();
        let read = self.content.open();
        // One byte more than the descriptor's size shows that the content is larger.
        read.and_then(|file| file.take(self.descriptor.size + 1).read_to_end(&mut bytes))
            .map_err(|e| self.unreadable(e))?;
        self.check(&SizedDigest::of(&bytes, self.descriptor.digest.algorithm()))?;
        Ok(bytes)
    }

    /// Compares digest and size with those of the descriptor.
    pub fn check(&self, found: &SizedDigest) -> Result<(), Error> {
        let SizedDigest { digest, size } = found;
        // The size first: it distinguishes a truncated file from a changed one.
        if *size != self.descriptor.size {
            self.check_generated(byte_count(*size), self.descriptor.size)?;
            let (found, expected) = (*size, self.descriptor.size);
            let problem = Problem::WrongSize { found, expected };
            return Err(Error::new(self.subject(Item::Blob), problem));
        }
        if *digest != self.descriptor.digest {
            self.check_generated(digest, &self.descriptor.digest)?;
            let (found, expected) = (digest.clone(), self.descriptor.digest.clone());
            let problem = Problem::WrongDigest { found, expected };
            return Err(Error::new(self.subject(Item::Blob), problem));
        }
        Ok(())
    }

    /// Compares the diff ID with that of the config.
    pub fn check_diff_id(&self, found: &DiffId, expected: &DiffId) -> Result<(), Error> {
        if found == expected {
            return Ok(());
        }
        self.check_generated(found, expected)?;
        let problem = match self.undefined_compression() {
            Some(format) => Problem::UndefinedCompression { format },
            None => Problem::WrongDiffId {
                found: found.clone(),
                expected: expected.clone(),
            },
        };
        Err(Error::new(self.subject(Item::Layer), problem))
    }

    /// Returns the name of the compression, if it is one that OCI does not define and that is therefore
    /// not decompressed.
    fn undefined_compression(&self) -> Option<&'static str> {
        let mut head = [0; 8];
        let n = fill(&mut self.content.open().ok()?, &mut head).ok()?;
        Encoding::undefined(&head[..n])
    }

    /// Returns the subject of an error about this blob, as an item of the kind that the caller knows.
    pub fn subject(&self, item: impl FnOnce(Arc<str>) -> Item) -> Subject {
        (&self.input, item(self.name.clone())).into()
    }

    /// Returns the error for content that cannot be read or decoded.
    pub fn unreadable(&self, source: io::Error) -> Error {
        match self.content {
            Content::Generated(_) => {
                Error::new(self.subject(Item::Layer), Problem::StorePaths { source })
            }
            _ => Error::new(self.subject(Item::Blob), Problem::Unreadable { source }),
        }
    }

    /// Fails for generated content: the error must name the files that it was generated from.
    fn check_generated(&self, found: impl Display, expected: impl Display) -> Result<(), Error> {
        match self.content {
            Content::Generated(_) => {
                let (found, expected) = (found.to_string(), expected.to_string());
                let problem = Problem::StorePathsChanged { found, expected };
                Err(Error::new(self.subject(Item::Layer), problem))
            }
            _ => Ok(()),
        }
    }
}

impl Verify for Blob {
    fn unreadable(&self, problem: io::Error) -> Error {
        self.unreadable(problem)
    }

    fn verify(&self, found: &Digests) -> Result<(), Error> {
        self.check(&found.blob)
    }
}
