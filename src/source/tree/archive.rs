//! The entries of an archive by name, and where links in it lead.

use std::collections::{HashMap, HashSet};

use super::file::TreeFile;
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE};
use crate::tar::resolve;

/// How many links may lead to a file (as many as Linux follows).
const MAX_LINKS: usize = 40;

/// An entry of an archive.
pub enum ArchiveEntry {
    File(TreeFile),
    /// A symbolic link, relative to the directory that it is in.
    SymbolicLink(String),
    /// A hard link, relative to the root.
    HardLink(String),
}

/// Returns the directory of the archive that has an image in it, if there is one such directory.
pub fn directory_of_image(entries: &HashMap<String, ArchiveEntry>) -> Option<&str> {
    let marks = [LAYOUT_FILE, INDEX_FILE, DOCKER_FILE];
    let directories = entries.keys().filter_map(|name| {
        let (directory, file) = name.rsplit_once('/')?;
        marks.contains(&file).then_some(directory)
    });
    // The outermost one; of several, the first by name.
    directories.min_by_key(|directory| (directory.split('/').count(), *directory))
}

/// Returns the file of that name, or the one that links of that name lead to. Adds the names on the way
/// to `used`.
pub fn follow<'a>(
    entries: &'a HashMap<String, ArchiveEntry>,
    name: &str,
    used: &mut HashSet<String>,
) -> Option<&'a TreeFile> {
    let mut name = resolve("", name)?;
    for _ in 0..MAX_LINKS {
        let entry = entries.get(&name)?;
        used.insert(name.clone());
        match entry {
            ArchiveEntry::File(file) => return Some(file),
            ArchiveEntry::SymbolicLink(target) => {
                let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
                name = resolve(parent, target)?;
            }
            ArchiveEntry::HardLink(target) => name = resolve("", target)?,
        }
    }
    None
}
