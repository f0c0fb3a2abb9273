//! Where the bytes of a file of an input are.

use std::path::Path;
use std::sync::Arc;

use crate::image::Content;

/// The location of bytes that are not verified yet: a file, and their offset in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileLocation(Arc<Path>, u64);

impl FileLocation {
    /// Returns the location of content that is in a file.
    pub fn of(content: &Content) -> Option<Self> {
        match content {
            Content::File(path) => Some(Self(path.clone(), 0)),
            Content::Range { path, offset, .. } => Some(Self(path.clone(), *offset)),
            _ => None,
        }
    }

    /// Resolves symbolic links.
    pub fn canonical(self) -> Self {
        match self.0.canonicalize() {
            Ok(path) => Self(path.into(), self.1),
            Err(_) => self,
        }
    }
}
