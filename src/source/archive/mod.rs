//! Tar archives, in one forward pass.
//!
//! Of an uncompressed file only the headers are read; its layers stay where they are (`file`). A stream
//! cannot be read twice, and its `manifest.json` may be its last entry, so everything that may be a
//! layer is staged on the way, and small JSON files are kept in memory (`stream`).

mod file;
mod stream;

use std::collections::HashMap;
use std::io::Read;

use super::tree::ArchiveEntry;
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE};
use crate::source::callbacks::Callbacks;
use crate::tar::{EntryKind, TarEntry, TarError, resolve};

pub use file::look_up;
pub use stream::open_stream;

/// Adds an entry. A later entry of the same name replaces an earlier one, as it does where an archive
/// is unpacked. But readers disagree about which of two documents counts: skopeo takes the first,
/// Docker the last.
fn insert(
    entries: &mut HashMap<String, ArchiveEntry>,
    name: String,
    entry: ArchiveEntry,
    callbacks: &dyn Callbacks,
) -> Result<(), TarError> {
    let decides = [DOCKER_FILE, INDEX_FILE, LAYOUT_FILE].contains(&&*name);
    // `verify` reports it as a separate finding, and goes on.
    if decides && entries.contains_key(&name) && !callbacks.reads_all() {
        return Err(TarError::Twice { name });
    }
    entries.insert(name, entry);
    Ok(())
}

/// Returns the name of an entry, relative to the root. A name that is not UTF-8 or that leads out of
/// the archive does not match a name in a document.
fn name<R: Read>(entry: &TarEntry<'_, R>) -> Option<String> {
    resolve("", std::str::from_utf8(&entry.path()).ok()?)
}

fn link<R: Read>(entry: &TarEntry<'_, R>) -> Option<ArchiveEntry> {
    let target = || String::from_utf8(entry.link_target()?.into_owned()).ok();
    match entry.kind() {
        EntryKind::SymbolicLink => target().map(ArchiveEntry::SymbolicLink),
        EntryKind::HardLink => target().map(ArchiveEntry::HardLink),
        _ => None,
    }
}
