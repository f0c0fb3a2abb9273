//! Limits on the entries of an archive that is an image.

use std::io::Read;

use super::{TarEntry, TarError};

/// The largest image has some hundred entries; each becomes a name in memory, and may become a file.
const MAX_ENTRIES: usize = 65_536;

/// The names of all entries, and the targets of links: as many entries as there may be, each with two
/// names of 128 bytes, of which a digest takes 77 (`blobs/sha256/…`).
const MAX_NAMES: usize = 16 << 20;

/// Counts the entries of an archive. A layer, which can have a million files, has no such limits.
#[derive(Default)]
pub struct EntryLimits {
    entries: usize,
    names: usize,
}

impl EntryLimits {
    /// Counts an entry. Fails if there are too many, their names are too long, or it is a sparse file:
    /// no tool saves space with those in an archive of an image, and not all readers know each dialect.
    pub fn count<R: Read>(&mut self, entry: &TarEntry<'_, R>) -> Result<(), TarError> {
        if entry.is_sparse() {
            return Err(TarError::Sparse {
                name: entry.shown_path(),
            });
        }
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(TarError::TooManyEntries { max: MAX_ENTRIES });
        }
        self.names += entry.path().len() + entry.link_target().map_or(0, |link| link.len());
        if self.names > MAX_NAMES {
            return Err(TarError::NamesTooLong { max: MAX_NAMES });
        }
        Ok(())
    }
}
