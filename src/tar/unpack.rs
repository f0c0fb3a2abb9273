//! Checks whether runtimes can unpack a layer: rules that need more than one entry, and limits of Linux.
//!
//! `error::layer` lists the rules with their sources. An archive that breaks one of them is valid, and all
//! readers list the same entries.

use std::io::Read;

use super::seen_names::{NameBudget, NameKind, SeenNames};
use super::{EntryKind, TarEntry, normal};
use crate::error::LayerDefect;

/// The number of defects of a layer that are kept, and of its hard links whose targets are not in it.
const MAX_DEFECTS: usize = 20;

/// The bytes of the directories without an entry that are kept: those of some thousand.
const MAX_DIRECTORIES: usize = 64 << 10;

/// `NAME_MAX`, `PATH_MAX`, `XATTR_NAME_MAX` and `XATTR_SIZE_MAX` of Linux, without zero bytes at ends.
const MAX_NAME: usize = 255;
const MAX_PATH: usize = 4095;
const MAX_ATTRIBUTE_NAME: usize = 255;
const MAX_ATTRIBUTE: usize = 65_536;

/// The bytes of the directories above the entries of a layer that are looked up: enough for a million
/// directories, and a fraction of a second. Entries in very deep directories could take minutes.
const MAX_ABOVE: usize = 128 << 20;

/// What is wrong with a layer.
#[derive(Debug, Default)]
pub struct LayerDefects {
    /// The first defects.
    pub found: Vec<LayerDefect>,
    /// Hard links whose targets may be in a layer below: names and targets.
    pub outer_links: Vec<(Vec<u8>, Vec<u8>)>,
    /// The directories of entries that have no entry themselves, each with the first entry in it.
    pub outer_directories: Vec<(Vec<u8>, Vec<u8>)>,
}

impl LayerDefects {
    /// Returns the defects of an archive that is unpacked into an empty directory.
    pub fn alone(self) -> impl Iterator<Item = LayerDefect> {
        let links = self.outer_links.into_iter();
        let links = links.map(|(name, target)| link_to_nothing(&name, &target));
        self.found.into_iter().chain(links)
    }
}

/// Returns the defect of an entry below something that is not a directory.
pub fn below_file(path: &[u8], file: &[u8]) -> LayerDefect {
    LayerDefect::BelowFile {
        name: shown(path),
        file: shown(file),
    }
}

/// Returns the defect of a hard link whose target is in no layer.
pub fn link_to_nothing(name: &[u8], target: &[u8]) -> LayerDefect {
    LayerDefect::LinkToNothing {
        name: shown(name),
        target: shown(target),
    }
}

/// The rules, while the entries of a layer are read.
pub struct UnpackRules<'a> {
    names: SeenNames<'a>,
    /// The directory of the last entry, below which no file was found.
    directory: Vec<u8>,
    defects: LayerDefects,
    /// The bytes of directories that may still be kept.
    directories_left: usize,
    /// The bytes of the directories above entries that may still be looked up.
    above_left: usize,
}

impl<'a> UnpackRules<'a> {
    /// Starts a layer.
    pub fn new(budget: &'a NameBudget) -> Self {
        Self {
            names: SeenNames::new(budget),
            directory: Vec::new(),
            defects: LayerDefects::default(),
            directories_left: MAX_DIRECTORIES,
            above_left: MAX_ABOVE,
        }
    }

    /// Returns what was found.
    pub fn finish(self) -> LayerDefects {
        self.defects
    }

    /// Checks the next entry.
    pub fn check<R: Read>(&mut self, entry: &TarEntry<'_, R>) {
        let path = entry.path();
        self.check_as(entry, &path, &normal(&path));
    }

    /// Checks the next entry, which has this path and this [`normal`] name.
    pub fn check_as<R: Read>(&mut self, entry: &TarEntry<'_, R>, path: &[u8], name: &[u8]) {
        let kind = entry.kind();
        match kind {
            EntryKind::GlobalHeader => {
                return self.add(|| LayerDefect::GlobalHeader { name: shown(path) });
            }
            EntryKind::Unknown(kind) => {
                let kind = kind.escape_ascii().to_string();
                return self.add(|| LayerDefect::EntryType {
                    name: shown(path),
                    kind,
                });
            }
            _ => {}
        }
        self.check_attributes(entry, path);
        if name.is_empty() {
            if kind != EntryKind::Directory {
                self.add(|| LayerDefect::Root { name: shown(path) });
            }
            return;
        }
        if name.len() > MAX_NAME {
            if name.split(|b| *b == b'/').any(|part| part.len() > MAX_NAME) {
                self.add(|| LayerDefect::LongName { name: shown(path) });
            } else if name.len() > MAX_PATH {
                self.add(|| LayerDefect::LongPath { name: shown(path) });
            }
        }
        let start = name.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
        let (directory, base) = (&name[..start.saturating_sub(1)], &name[start..]);
        self.check_directory(directory, path);
        if base.starts_with(b".wh.") {
            match base {
                b".wh." | b".wh..." => self.add(|| LayerDefect::Whiteout { name: shown(path) }),
                b".wh.." => self.add(|| LayerDefect::WhiteoutOfDirectory { name: shown(path) }),
                _ => drop(self.names.insert(&whiteout_key(name), NameKind::File)),
            }
            return;
        }
        match kind {
            EntryKind::HardLink => self.check_hard_link(entry, name),
            EntryKind::SymbolicLink => {
                let target = entry.link_target().unwrap_or_default();
                if target.is_empty() {
                    self.add(|| LayerDefect::EmptySymlink { name: shown(path) });
                } else if target.len() > MAX_PATH {
                    self.add(|| LayerDefect::LongSymlink { name: shown(path) });
                }
            }
            _ => {}
        }
        let kind = match kind {
            EntryKind::Directory => NameKind::Directory,
            EntryKind::SymbolicLink => NameKind::SymbolicLink,
            _ => NameKind::File,
        };
        if self.names.insert(name, kind) {
            self.add(|| LayerDefect::Repeated { name: shown(path) });
        }
        // It may have replaced a directory.
        if kind != NameKind::Directory && is_in(&self.directory, name) {
            self.directory.clear();
        }
    }

    /// Checks that no part of the directory of an entry is a file.
    fn check_directory(&mut self, directory: &[u8], path: &[u8]) {
        // Most entries follow another one of their directory.
        if self.directory == directory {
            return;
        }
        let mut above = directory;
        while !above.is_empty() {
            let Some(left) = self.above_left.checked_sub(above.len()) else {
                return;
            };
            self.above_left = left;
            match self.names.kind(above) {
                Some(NameKind::File) => {
                    return self.add(|| below_file(path, above));
                }
                Some(NameKind::Directory) => break,
                // Layers below decide what it is.
                Some(NameKind::SymbolicLink) => {
                    self.add_outer_directory(directory, path);
                    break;
                }
                None => {
                    let end = above.iter().rposition(|b| *b == b'/').unwrap_or(0);
                    above = &above[..end];
                }
            }
        }
        if above.is_empty() && !directory.is_empty() {
            self.add_outer_directory(directory, path);
        }
        self.directory.clear();
        self.directory.extend(directory);
    }

    fn add_outer_directory(&mut self, directory: &[u8], path: &[u8]) {
        let left = self
            .directories_left
            .checked_sub(directory.len() + path.len());
        let is_known = !self.names.is_incomplete && is_shallow(directory);
        let Some(left) = left.filter(|_| is_known) else {
            return;
        };
        self.directories_left = left;
        let pair = (directory.to_vec(), path.to_vec());
        self.defects.outer_directories.push(pair);
    }

    fn check_hard_link<R: Read>(&mut self, entry: &TarEntry<'_, R>, name: &[u8]) {
        let target = entry.link_target().unwrap_or_default();
        let normal = normal(&target);
        let (path, shown_target) = (entry.path(), shown(&target));
        if *normal == *name {
            return self.add(|| LayerDefect::LinkToItself { name: shown(&path) });
        }
        match self.names.kind(&normal) {
            Some(NameKind::Directory) => self.add(|| LayerDefect::LinkToDirectory {
                name: shown(&path),
                target: shown_target,
            }),
            Some(_) => {}
            None if normal.is_empty() => self.add(|| LayerDefect::LinkToDirectory {
                name: shown(&path),
                target: shown_target,
            }),
            None if self.is_through_link(&normal) => {}
            None if self.is_deleted(&normal) => self.add(|| LayerDefect::LinkToNothing {
                name: shown(&path),
                target: shown_target,
            }),
            None => {
                let links = &mut self.defects.outer_links;
                let is_known = !self.names.is_incomplete;
                if is_known && is_shallow(&normal) && links.len() < MAX_DEFECTS {
                    links.push((name.to_vec(), normal.into_owned()));
                }
            }
        }
    }

    /// Whether a path may lead through a symbolic link.
    fn is_through_link(&mut self, path: &[u8]) -> bool {
        for (at, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
            let Some(left) = self.above_left.checked_sub(at) else {
                return true;
            };
            self.above_left = left;
            if self.names.kind(&path[..at]) == Some(NameKind::SymbolicLink) {
                return true;
            }
        }
        false
    }

    /// Whether an earlier entry deletes a file of the layers below, or a directory that it is in. Entries are applied in
    /// their order, so a later one does not matter.
    fn is_deleted(&mut self, path: &[u8]) -> bool {
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/');
        let ends = ends.map(|(at, _)| at).chain([path.len()]);
        let mut start = 0;
        for end in ends {
            let Some(left) = self.above_left.checked_sub(2 * end) else {
                return false;
            };
            self.above_left = left;
            let (directory, name) = (&path[..start], &path[start..end]);
            let whiteouts = [
                [directory, b".wh.", name].concat(),
                [directory, b".wh..wh..opq"].concat(),
            ];
            let is_there = |name: &Vec<u8>| self.names.kind(&whiteout_key(name)).is_some();
            if whiteouts.iter().any(is_there) {
                return true;
            }
            start = end + 1;
        }
        false
    }

    fn check_attributes<R: Read>(&mut self, entry: &TarEntry<'_, R>, path: &[u8]) {
        use EntryKind::{Directory, File, GnuSparse, HardLink};
        let is_file = matches!(entry.kind(), Directory | File | GnuSparse | HardLink);
        for (attribute, value) in entry.attributes() {
            let defect = if is_attribute_name(attribute) {
                if value.len() > MAX_ATTRIBUTE {
                    LayerDefect::LongAttribute {
                        name: shown(path),
                        attribute: shown(attribute),
                    }
                } else if attribute.starts_with(b"user.") && !is_file {
                    LayerDefect::UserAttribute {
                        name: shown(path),
                        attribute: shown(attribute),
                    }
                } else if attribute == b"security.capability" && !is_capability(value) {
                    LayerDefect::Capabilities { name: shown(path) }
                } else {
                    continue;
                }
            } else {
                LayerDefect::AttributeName {
                    name: shown(path),
                    attribute: shown(attribute),
                }
            };
            self.add(|| defect);
        }
    }

    fn add(&mut self, defect: impl FnOnce() -> LayerDefect) {
        if self.defects.found.len() < MAX_DEFECTS {
            self.defects.found.push(defect());
        }
    }
}

/// The name of a whiteout among those of entries. It differs from all of them: AUFS has directories with such names.
fn whiteout_key(name: &[u8]) -> Vec<u8> {
    [name, b"/"].concat()
}

/// Whether a path can be looked up in the layers below in little time: real ones are not as deep.
fn is_shallow(path: &[u8]) -> bool {
    const MAX_DEPTH: usize = 100;
    path.len() <= MAX_PATH && path.split(|b| *b == b'/').nth(MAX_DEPTH).is_none()
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(MAX_PATH)]).into_owned()
}

/// Whether `path` is `directory` or below it.
fn is_in(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn is_attribute_name(name: &[u8]) -> bool {
    const NAMESPACES: [&[u8]; 4] = [b"user.", b"trusted.", b"security.", b"system."];
    (1..=MAX_ATTRIBUTE_NAME).contains(&name.len()) && !NAMESPACES.contains(&name)
}

/// Whether a value is a `vfs_cap_data` of version 2 or a `vfs_ns_cap_data` of version 3.
fn is_capability(value: &[u8]) -> bool {
    const EFFECTIVE: u8 = 1;
    match value {
        [flags, 0, 0, version, ..] => {
            flags & !EFFECTIVE == 0 && [(2, 20), (3, 24)].contains(&(*version, value.len()))
        }
        _ => false,
    }
}
