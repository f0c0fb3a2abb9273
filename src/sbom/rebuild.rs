//! Reads layers again for what one pass does not give: the store paths whose entries come in another order, from
//! several layers or as hard links, and files that are searched by the name of a hard link. Their contents are
//! kept in temporary files until all layers are on top of each other.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::budget::Budget;
use super::current_part::foreign;
use super::layer_record::{LayerRecord, Place, Recorded, hard_link_target};
use super::names;
use crate::bytes::{LayerObserver, LayerStream, OnVerified};
use crate::load::FoundInLayers;
use crate::oci::DiffId;
use crate::tar::{EntryKind, LayerEntry, TarError, Whiteout, walk};

/// The memory for an entry besides its name.
const ENTRY_COST: usize = 256;

/// What is kept when layers are read again.
#[derive(Default)]
pub struct Wanted {
    /// Store paths, relative to the root directory.
    pub roots: HashSet<String>,
    /// Other files.
    pub files: HashSet<Vec<u8>>,
}

impl Wanted {
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty() && self.files.is_empty()
    }

    /// Adds what hard links have as their targets, and the targets of those.
    pub fn add_link_targets<'a>(&mut self, records: impl Iterator<Item = &'a LayerRecord>) {
        let (mut of_files, mut of_roots) = (HashMap::new(), HashMap::new());
        for record in records {
            for entry in &record.entries {
                if let Recorded::HardLink(target) = &entry.kind {
                    let targets: &mut Vec<&[u8]> = of_files.entry(&*entry.path).or_default();
                    targets.push(target);
                }
            }
            for (root, part) in &record.store {
                let targets: &mut Vec<&[u8]> = of_roots.entry(&**root).or_default();
                targets.extend(part.link_targets.iter().map(|target| &**target));
            }
        }
        let files = self.files.iter().filter_map(|path| of_files.get(&**path));
        let roots = self.roots.iter().filter_map(|root| of_roots.get(&**root));
        let mut next: Vec<&[u8]> = files.chain(roots).flatten().copied().collect();
        while let Some(target) = next.pop() {
            let more = match names::split(target) {
                Some((root, _)) if self.roots.insert(root.to_owned()) => of_roots.get(root),
                None if self.files.insert(target.to_vec()) => of_files.get(target),
                _ => None,
            };
            next.extend(more.into_iter().flatten());
        }
    }
}

/// Keeps the entries of some paths.
pub struct Rebuilder<'a> {
    wanted: Wanted,
    /// The directories above what is wanted.
    above: HashSet<Vec<u8>>,
    layers: FoundInLayers<KeptLayer>,
    budget: &'a Budget,
}

/// The entries of a layer that are kept.
#[derive(Default)]
pub struct KeptLayer {
    /// In their order, with paths relative to the root directory.
    pub changes: Vec<(Vec<u8>, Change)>,
    pub contents: Option<File>,
    /// The bytes in `contents`.
    pub size: u64,
}

/// What an entry does to a path.
pub enum Change {
    Delete(Whiteout),
    Directory,
    Symlink(Vec<u8>),
    /// The path of its target.
    HardLink(Vec<u8>),
    File(Content),
    /// Something that a NAR does not have.
    Foreign(&'static str),
}

/// The content of a file in a temporary file.
#[derive(Clone, Copy)]
pub struct Content {
    pub is_executable: bool,
    pub offset: u64,
    pub size: u64,
}

impl<'a> Rebuilder<'a> {
    /// Returns an observer that keeps what is wanted.
    pub fn new(wanted: Wanted, budget: &'a Budget) -> Self {
        let roots = wanted.roots.iter().map(String::as_bytes);
        let mut above = HashSet::new();
        for path in roots.chain(wanted.files.iter().map(Vec::as_slice)) {
            let ends = (0..path.len()).filter(|end| path[*end] == b'/');
            above.extend(ends.map(|end| path[..end].to_vec()));
        }
        above.insert(Vec::new());
        Self {
            wanted,
            above,
            layers: FoundInLayers::default(),
            budget,
        }
    }

    /// Returns what was kept of a layer, or the error that stopped reading it; `None` if it was not read.
    pub fn layer(&self, diff_id: &DiffId) -> Result<Option<Arc<KeptLayer>>, TarError> {
        self.layers.get(diff_id)
    }

    fn read(&self, layer: &mut dyn LayerStream) -> Result<KeptLayer, TarError> {
        let mut kept = KeptLayer::default();
        walk(layer, |entry| {
            let Some(Place { deleted, path }) = Place::of(entry)? else {
                return Ok(());
            };
            let is_wanted = match names::split(&path) {
                Some((root, _)) => self.wanted.roots.contains(root),
                None => self.wanted.files.contains(&*path),
            };
            let is_directory = deleted.is_none() && entry.kind() == EntryKind::Directory;
            if !is_wanted && (is_directory || !self.above.contains(&*path)) {
                return Ok(());
            }
            self.budget.charge(ENTRY_COST + path.len())?;
            let change = match deleted {
                Some(kind) => Change::Delete(kind),
                None if !is_wanted => Change::Foreign("a file above it"),
                None => self.change(entry, &mut kept)?,
            };
            kept.changes.push((path, change));
            Ok(())
        })?;
        Ok(kept)
    }

    /// Returns the change that an entry makes; appends its content to those of the layer.
    fn change(&self, entry: &mut LayerEntry<'_, '_>, kept: &mut KeptLayer) -> io::Result<Change> {
        let kind = entry.kind();
        Ok(match kind {
            EntryKind::Directory => Change::Directory,
            EntryKind::SymbolicLink => {
                let target = entry.link_target().unwrap_or_default().into_owned();
                self.budget.charge(target.len())?;
                Change::Symlink(target)
            }
            EntryKind::HardLink => match hard_link_target(entry) {
                Some(target) => {
                    self.budget.charge(target.len())?;
                    Change::HardLink(target)
                }
                None => Change::Foreign(NO_TARGET),
            },
            EntryKind::File if !entry.is_sparse() => {
                let is_executable = entry.is_owner_executable();
                let (offset, expected) = (kept.size, entry.size());
                let file = match &mut kept.contents {
                    Some(file) => file,
                    none => none.insert(tempfile::tempfile()?),
                };
                let size = io::copy(entry, file)?;
                if size != expected {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                kept.size += size;
                Change::File(Content {
                    is_executable,
                    offset,
                    size,
                })
            }
            kind => Change::Foreign(foreign(kind)),
        })
    }
}

/// What a store path has if the target of a hard link is missing.
pub const NO_TARGET: &str = "a hard link to nothing";

impl LayerObserver for Rebuilder<'_> {
    fn observe<'a>(&'a self, layer: &mut dyn LayerStream) -> OnVerified<'a> {
        let kept = self.read(layer);
        Box::new(move |diff_id, _| {
            self.layers.insert(diff_id, kept);
        })
    }
}
