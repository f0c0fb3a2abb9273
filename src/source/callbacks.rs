//! What becomes of a rule that an input breaks, and who looks on while an input is read.
//!
//! The readers of `source` know the callbacks, once. For a merge the first one that is broken is the end
//! ([`FailFast`]); `verify` collects all of them, reads what others would not need, and checks more on
//! what it is shown.

use crate::error::Error;
use crate::image::{Companion, Layer};
use crate::oci::{Config, Descriptor, Document, Index, Manifest};
use crate::tar::EntryKind;

/// What the readers of inputs report to.
pub trait Callbacks: Sync {
    /// A rule is broken. `Ok` means: go on with what there is.
    fn violation(&self, error: Error) -> Result<(), Error>;

    /// The same where what depends on the broken thing cannot be read.
    fn unreadable(&self, error: Error) -> Result<(), Error> {
        self.violation(error)
    }

    /// Whether all of an input is to be read: also what no image needs, and images that are no
    /// platforms of one.
    fn reads_all(&self) -> bool {
        true
    }

    /// An entry of an archive, in their order.
    fn entry(&self, _name: &[u8], _kind: EntryKind) {}

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
    /// What could be read; none where it could not, but reading goes on.
    pub fn attempt<T>(&self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(error) => self.unreadable(error).map(|()| None),
        }
    }

    /// The outcome of a check on which nothing else depends.
    pub fn check(&self, result: Result<(), Error>) -> Result<(), Error> {
        result.or_else(|error| self.violation(error))
    }
}

/// The first broken rule is the end.
pub struct FailFast;

impl Callbacks for FailFast {
    fn violation(&self, error: Error) -> Result<(), Error> {
        Err(error)
    }

    fn reads_all(&self) -> bool {
        false
    }
}
