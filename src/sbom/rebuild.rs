//! Reads layers again for what one pass does not give: the store paths whose entries come in another order, from
//! several layers or as hard links, and files that are searched by the name of a hard link. Their contents are
//! kept in temporary files until all layers are on top of each other.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Read};
use std::sync::Arc;

use super::budget::Budget;
use super::current_part::foreign;
use super::layer_record::{LayerRecord, Place, Recorded, hard_link_target};
use super::names;
use super::stack::Records;
use crate::bytes::{LayerObserver, LayerStream, OnVerified};
use crate::image::Image;
use crate::load::FoundInLayers;
use crate::oci::DiffId;
use crate::tar::{EntryKind, LayerEntry, TarError, Whiteout, walk};

/// The memory for an entry besides its name.
const ENTRY_COST: usize = 256;

/// The bytes that are written at once.
const BUFFER: usize = 64 << 10;

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
    /// The path of its target, and whether it says that the file is executable.
    HardLink(Vec<u8>, bool),
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

    /// Returns the layers of images that have something to keep.
    pub fn layers_of(&self, images: &[Image], records: &[Records]) -> HashSet<DiffId> {
        let layers = images.iter().flat_map(|image| &image.layers);
        let layers = layers.zip(records.iter().flatten());
        let has_any = |record: &LayerRecord| {
            let mut entries = record.entries.iter();
            entries.any(|entry| {
                let is_directory = matches!(entry.kind, Recorded::Directory);
                self.keeps(&entry.path, is_directory).is_some()
            })
        };
        layers
            .filter(|(_, record)| record.as_ref().is_some_and(|record| has_any(record)))
            .filter_map(|(layer, _)| layer.diff_id().cloned())
            .collect()
    }

    /// Returns whether what is at a path is wanted, or in the way of something that is; none if it is neither.
    fn keeps(&self, path: &[u8], is_directory: bool) -> Option<Reason> {
        let is_wanted = match names::split(path) {
            Some((root, _)) => self.wanted.roots.contains(root),
            None => self.wanted.files.contains(path),
        };
        match is_wanted {
            true => Some(Reason::Wanted),
            false if !is_directory && self.above.contains(path) => Some(Reason::Above),
            false => None,
        }
    }

    fn read(&self, layer: &mut dyn LayerStream) -> Result<KeptLayer, TarError> {
        let mut kept = KeptLayer::default();
        let mut contents = Contents::default();
        walk(layer, |entry| {
            let Some(Place { deleted, path }) = Place::of(entry)? else {
                return Ok(());
            };
            let is_directory = deleted.is_none() && entry.kind() == EntryKind::Directory;
            let Some(reason) = self.keeps(&path, is_directory) else {
                return Ok(());
            };
            self.budget.charge(ENTRY_COST + path.len())?;
            let change = match deleted {
                Some(kind) => Change::Delete(kind),
                None if reason == Reason::Above => Change::Foreign("a file above it"),
                None => self.change(entry, &mut contents)?,
            };
            kept.changes.push((path, change));
            Ok(())
        })?;
        (kept.contents, kept.size) = contents.finish()?;
        Ok(kept)
    }

    /// Returns the change that an entry makes; appends its content to those of the layer.
    fn change(
        &self,
        entry: &mut LayerEntry<'_, '_>,
        contents: &mut Contents,
    ) -> io::Result<Change> {
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
                    Change::HardLink(target, entry.is_owner_executable())
                }
                None => Change::Foreign(NO_TARGET),
            },
            EntryKind::File if !entry.is_sparse() => {
                let is_executable = entry.is_owner_executable();
                let size = entry.size();
                let offset = contents.add(entry, size)?;
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

/// Why an entry is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Wanted,
    /// It may be in the place of a directory above what is wanted.
    Above,
}

/// Writes the contents of files one after another into a temporary file.
#[derive(Default)]
struct Contents {
    file: Option<BufWriter<File>>,
    size: u64,
}

impl Contents {
    /// Appends a content of `expected` bytes, and returns its offset.
    fn add(&mut self, content: &mut impl Read, expected: u64) -> io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::with_capacity(BUFFER, tempfile::tempfile()?)),
        };
        let size = io::copy(content, file)?;
        if size != expected {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let offset = self.size;
        self.size += size;
        Ok(offset)
    }

    fn finish(self) -> io::Result<(Option<File>, u64)> {
        let file = self.file.map(BufWriter::into_inner).transpose();
        Ok((file.map_err(IntoInnerError::into_error)?, self.size))
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
