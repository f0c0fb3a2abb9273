//! Callbacks of the readers: how a violation is handled, and what was read.
//!
//! The rules themselves are in the readers of `source`. A merge fails with the first violation
//! ([`FailFast`]); `verify` collects all of them, reads also the parts that a merge does not need, and makes
//! further checks in its callbacks.

use crate::error::Error;
use crate::image::{Companion, Layer};
use crate::oci::{Config, Descriptor, Document, Index, Manifest};
use crate::tar::{EntryKind, LayerDefects};

/// The callbacks of the readers of inputs.
pub trait Callbacks: Sync {
    /// Handles a violation of a rule. `Ok` means that the reader goes on with the rest.
    fn violation(&self, error: Error) -> Result<(), Error>;

    /// Handles a violation after which a part of the input cannot be read.
    fn unreadable(&self, error: Error) -> Result<(), Error> {
        self.violation(error)
    }

    /// Whether all of an input is to be read: also files that no image needs, and several images that are
    /// not the platforms of one image.
    fn reads_all(&self) -> bool {
        true
    }

    /// An entry of an archive, in their order.
    fn entry(&self, _name: &[u8], _kind: EntryKind) {}

    /// The defects of an archive at which programs fail that unpack it.
    fn defects(&self, _defects: LayerDefects) {}

    /// A JSON document, before it is parsed.
    fn document(&self, _name: &str, _raw: &[u8]) {}

    /// A descriptor, which the document `by` has.
    fn descriptor(&self, _by: &str, _descriptor: &Descriptor) {}

    /// An image index, or `index.json`.
    fn index(&self, _name: &str, _index: &Document<Index>) {}

    /// An image manifest, and what points to it.
    fn manifest(&self, _name: &str, _descriptor: &Descriptor, _manifest: &Document<Manifest>) {}

    /// The config of a container image.
    fn config(&self, _name: &str, _config: &Document<Config>) {}

    /// A name of an image in a docker-archive.
    fn repo_tag(&self, _tag: &str) {}

    /// Something that is not an image, in an index or beside the images.
    fn companion(&self, _companion: &Companion) {}

    /// A layer, whose bytes were not read yet unless they came through a stream. Also a blob of an
    /// unknown type that an index names.
    fn layer(&self, _layer: &Layer) {}
}

impl dyn Callbacks + '_ {
    /// Returns the value, or `None` if it could not be read and reading goes on.
    pub fn attempt<T>(&self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(error) => self.unreadable(error).map(|()| None),
        }
    }

    /// Handles the error of a check on which nothing else depends.
    pub fn check(&self, result: Result<(), Error>) -> Result<(), Error> {
        result.or_else(|error| self.violation(error))
    }
}

/// Callbacks that fail with the first violation.
pub struct FailFast;

impl Callbacks for FailFast {
    fn violation(&self, error: Error) -> Result<(), Error> {
        Err(error)
    }

    fn reads_all(&self) -> bool {
        false
    }
}
