//! Records the store paths and other files of layers while their bytes are read, in bounded memory.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::names;
use super::nar::NarInfo;
use super::nar_stream::{NarStream, OutOfOrder};
use super::packages::{FileFindings, FileSearch};
use super::references::{PathHash, ReferenceScanner};
use crate::bytes::{LayerObserver, LayerStream, OnVerified, fill};
use crate::load::FoundInLayers;
use crate::oci::DiffId;
use crate::tar::{EntryKind, LayerEntry, TarError, Whiteout, clean, walk, whiteout};
use crate::util::text::sum;

/// The memory for everything that is recorded, in bytes: enough for some million files outside of store
/// paths, of which only the names are kept.
pub const BUDGET: usize = 256 << 20;

/// The memory for a store path besides its name.
const PART_COST: usize = 512;

/// The memory for another file besides its name.
const FILE_COST: usize = 96;

const CHUNK: usize = 64 << 10;

/// Records the contents of layers.
pub struct Survey {
    layers: FoundInLayers<LayerRecord>,
    used: AtomicUsize,
    budget: usize,
}

/// The contents of a layer.
#[derive(Default)]
pub struct LayerRecord {
    /// By store path, relative to the root directory.
    pub store: HashMap<String, StorePart>,
    /// What the layer deletes outside of store paths.
    pub whiteouts: Vec<(Vec<u8>, Whiteout)>,
    /// Files and links outside of store paths.
    pub others: Vec<OtherFile>,
    /// Files that say something about packages, with their paths.
    pub findings: Vec<(Vec<u8>, FileFindings)>,
    /// Whether some of the above did not fit into memory.
    pub is_incomplete: bool,
}

/// A file outside of store paths.
pub struct OtherFile {
    pub path: Vec<u8>,
    /// None for links and devices.
    pub size: Option<u64>,
}

/// The entries of a layer that belong to one store path.
#[derive(Default)]
pub struct StorePart {
    /// The bytes of its files.
    pub size: u64,
    /// As long as the entries come in the order of a NAR and depend on nothing else.
    pub nar: Option<NarInfo>,
    /// An entry that no store path can have.
    pub foreign: Option<&'static str>,
    /// Everything in it that can be the hash of a store path.
    pub hashes: HashSet<PathHash>,
}

/// The store path that the current entries belong to.
struct Current {
    root: String,
    stream: Option<NarStream>,
    part: StorePart,
    scanner: ReferenceScanner,
}

impl Survey {
    pub fn new(budget: usize) -> Self {
        Self {
            layers: FoundInLayers::default(),
            used: AtomicUsize::new(0),
            budget,
        }
    }

    /// Returns the contents of a layer, or the error that stopped reading it; `None` if it was not read.
    pub fn layer(&self, diff_id: &DiffId) -> Result<Option<Arc<LayerRecord>>, TarError> {
        self.layers.get(diff_id)
    }

    /// Reserves memory; returns whether there is enough.
    fn charge(&self, bytes: usize) -> bool {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed);
        let fits = used.saturating_add(bytes) <= self.budget;
        if !fits {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    fn read(&self, layer: &mut dyn LayerStream) -> Result<LayerRecord, TarError> {
        let mut record = LayerRecord::default();
        let mut current = None;
        let mut chunk = vec![0; CHUNK];
        walk(layer, |entry| {
            let name = entry.path().into_owned();
            let Some(path) = clean(&name) else {
                return Ok(());
            };
            let deleted = whiteout(&path);
            let named = deleted.as_ref().map_or(&*path, |(_, path)| path);
            match names::split(named) {
                // A whiteout of a store path deletes all of it.
                Some((root, inner)) if deleted.is_none() || !inner.is_empty() => {
                    let current = self.part(root, &mut current, &mut record);
                    let found = match deleted {
                        Some(_) => {
                            current.stream = None;
                            FileFindings::default()
                        }
                        None => current.add(inner, named, entry, &mut chunk)?,
                    };
                    self.add_findings(named, found, &mut record);
                }
                _ => {
                    let deleted = deleted.as_ref().map(|(kind, _)| *kind);
                    self.add_other(named, deleted, entry, &mut record);
                    if deleted.is_none() && entry.kind() == EntryKind::File && !entry.is_sparse() {
                        let found = search(named, entry, &mut chunk)?;
                        self.add_findings(named, found, &mut record);
                    }
                }
            }
            Ok(())
        })?;
        self.finish(current, &mut record);
        Ok(record)
    }

    /// Returns the store path of an entry: that of the entry before, or the next one.
    fn part<'a>(
        &self,
        root: &str,
        current: &'a mut Option<Current>,
        record: &mut LayerRecord,
    ) -> &'a mut Current {
        if current.as_ref().is_some_and(|current| current.root != root) {
            self.finish(current.take(), record);
        }
        current.get_or_insert_with(|| Current::new(root))
    }

    /// Keeps a store path after its last entry.
    fn finish(&self, current: Option<Current>, record: &mut LayerRecord) {
        let Some(Current {
            root,
            stream,
            mut part,
            scanner,
        }) = current
        else {
            return;
        };
        if !self.charge(PART_COST + 2 * root.len() + scanner.cost()) {
            record.is_incomplete = true;
            return;
        }
        part.nar = stream.map(NarStream::finish);
        part.hashes = scanner.finish();
        match record.store.get_mut(&root) {
            None => drop(record.store.insert(root, part)),
            // Entries of other store paths came in between.
            Some(earlier) => {
                earlier.nar = None;
                earlier.size = sum([earlier.size, part.size]);
                earlier.foreign = earlier.foreign.or(part.foreign);
                earlier.hashes.extend(part.hashes);
            }
        }
    }

    fn add_findings(&self, path: &[u8], found: FileFindings, record: &mut LayerRecord) {
        if found.is_empty() {
            return;
        }
        match self.charge(FILE_COST + path.len() + found.cost()) {
            true => record.findings.push((path.to_vec(), found)),
            false => record.is_incomplete = true,
        }
    }

    fn add_other(
        &self,
        path: &[u8],
        deleted: Option<Whiteout>,
        entry: &LayerEntry<'_, '_>,
        record: &mut LayerRecord,
    ) {
        let is_directory = entry.kind() == EntryKind::Directory;
        if deleted.is_none() && is_directory {
            return;
        }
        if !self.charge(FILE_COST + path.len()) {
            record.is_incomplete = true;
            return;
        }
        match deleted {
            Some(kind) => record.whiteouts.push((path.to_vec(), kind)),
            // Something else than a directory hides all that a store below has.
            None if names::contains_store(path) => {
                record.whiteouts.push((path.to_vec(), Whiteout::Name));
            }
            None => record.others.push(OtherFile {
                path: path.to_vec(),
                size: (entry.kind() == EntryKind::File).then(|| entry.size()),
            }),
        }
    }
}

/// Searches a file outside of store paths, as far as its first bytes demand.
fn search(
    path: &[u8],
    entry: &mut LayerEntry<'_, '_>,
    chunk: &mut [u8],
) -> io::Result<FileFindings> {
    let mut search = FileSearch::new(path, entry.size());
    loop {
        let n = fill(entry, chunk)?;
        if !search.add(&chunk[..n]) || n < chunk.len() {
            return Ok(search.finish());
        }
    }
}

impl Current {
    fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            stream: Some(NarStream::default()),
            part: StorePart::default(),
            scanner: ReferenceScanner::default(),
        }
    }

    /// Adds an entry at a path in the store path; returns the packages in it.
    fn add(
        &mut self,
        path: &[u8],
        whole_path: &[u8],
        entry: &mut LayerEntry<'_, '_>,
        chunk: &mut [u8],
    ) -> io::Result<FileFindings> {
        self.scanner.text(path);
        let kind = entry.kind();
        match kind {
            EntryKind::Directory => self.keep(|stream| stream.directory(path)),
            EntryKind::SymbolicLink => {
                let target = entry.link_target().unwrap_or_default().into_owned();
                self.scanner.text(&target);
                self.keep(|stream| stream.symlink(path, &target));
            }
            // Its content came earlier.
            EntryKind::HardLink => self.stream = None,
            EntryKind::File if !entry.is_sparse() => {
                let mut search = FileSearch::new(whole_path, entry.size());
                self.file(path, &mut search, entry, chunk)?;
                return Ok(search.finish());
            }
            _ => {
                self.stream = None;
                let foreign = match kind {
                    EntryKind::File | EntryKind::GnuSparse => "a sparse file",
                    _ => "a device or pipe",
                };
                self.part.foreign.get_or_insert(foreign);
            }
        }
        Ok(FileFindings::default())
    }

    fn file(
        &mut self,
        path: &[u8],
        search: &mut FileSearch<'_>,
        entry: &mut LayerEntry<'_, '_>,
        chunk: &mut [u8],
    ) -> io::Result<()> {
        let size = entry.size();
        self.part.size = sum([self.part.size, size]);
        let is_executable = entry.is_owner_executable();
        let stream = self.stream.take();
        let mut stream = stream.and_then(|mut stream| {
            let started = stream.file(path, is_executable, size).is_ok();
            started.then_some(stream)
        });
        let (mut read, mut is_searched) = (0, true);
        loop {
            let n = fill(entry, chunk)?;
            let bytes = &chunk[..n];
            if let Some(stream) = &mut stream {
                stream.content(bytes);
            }
            self.scanner.scan(bytes);
            is_searched = is_searched && search.add(bytes);
            read += n as u64;
            if n < chunk.len() {
                break;
            }
        }
        self.scanner.end();
        if let Some(stream) = &mut stream {
            stream.end_file(size);
        }
        if read != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.stream = stream;
        Ok(())
    }

    /// Gives up the NAR if an entry does not come in its order.
    fn keep(&mut self, add: impl FnOnce(&mut NarStream) -> Result<(), OutOfOrder>) {
        if let Some(stream) = &mut self.stream
            && add(stream).is_err()
        {
            self.stream = None;
        }
    }
}

impl LayerObserver for Survey {
    fn observe<'a>(&'a self, layer: &mut dyn LayerStream) -> OnVerified<'a> {
        let found = self.read(layer);
        Box::new(move |diff_id, _| {
            self.layers.insert(diff_id, found);
        })
    }
}
