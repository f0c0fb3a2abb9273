//! Uncompressed archives in a file that can be read again: only headers are read.

use std::collections::HashMap;
use std::fs::File;
use std::io::Seek;
use std::path::Path;
use std::sync::Arc;

use super::{insert, link, name};
use crate::error::{Error, InputName, Item};
use crate::image::Content;
use crate::source::callbacks::Callbacks;
use crate::source::tree::{ArchiveEntry, Tree, TreeFile};
use crate::tar::{EntryKind, EntryLimits, NameBudget, TarArchive, TarError, UnpackRules};

/// Looks up the entries of an archive of `size` bytes.
pub fn look_up(
    path: &Path,
    mut file: File,
    size: u64,
    callbacks: &dyn Callbacks,
) -> Result<Tree, Error> {
    file.rewind().map_err(Error::io("read", path))?;
    let input = InputName::from(path);
    let entries = index(&path.into(), file, size, callbacks)
        .map_err(|e| Error::unreadable((&input, Item::Stream("tar archive")))(e.into()))?;
    Ok(Tree::archive(input, entries))
}

fn index(
    path: &Arc<Path>,
    file: File,
    size: u64,
    callbacks: &dyn Callbacks,
) -> Result<HashMap<String, ArchiveEntry>, TarError> {
    let mut entries = HashMap::new();
    let mut limits = EntryLimits::default();
    let names = NameBudget::default();
    let mut rules = UnpackRules::new(&names);
    let mut archive = TarArchive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        limits.count(&entry)?;
        rules.check(&entry);
        callbacks.entry(&entry.path(), entry.kind());
        // Also of entries that are not read later.
        entry.check_end(size)?;
        let Some(name) = name(&entry) else { continue };
        let found = match link(&entry) {
            Some(link) => link,
            None if entry.kind() != EntryKind::File => continue,
            None => ArchiveEntry::File(TreeFile {
                content: Content::Range {
                    path: path.clone(),
                    offset: entry.position(),
                    len: entry.size(),
                },
                size: entry.size(),
            }),
        };
        insert(&mut entries, name, found, callbacks)?;
    }
    archive.finish()?;
    callbacks.defects(rules.finish());
    Ok(entries)
}
