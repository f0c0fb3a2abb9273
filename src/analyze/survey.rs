//! Records the files of layers while their bytes are copied, in bounded memory.
//!
//! The path of a file (as a number), its size and sixteen bytes of its SHA-256 are kept: with the tree
//! of paths about 130 bytes for each. When [`BUDGET`] is used up, further files are only counted, and
//! only the files before them are compared.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use sha2::{Digest as _, Sha256};

use super::category::FileCategory;
use super::content::{ContentReader, truncated};
use super::layer_files::{
    FILE_COST, FileRecord, GROUP_COST, LINK_COST, LayerFiles, MARK_COST, Mark, SYMBOLS_COST,
};
use super::names;
use super::paths::{MAX_PATH, PathId, PathTree, ROOT};
use crate::bytes::{LayerObserver, LayerStream, OnVerified};
use crate::load::FoundInLayers;
use crate::oci::DiffId;
use crate::tar::{EntryKind, LayerEntry, TarError, Whiteout, normal, walk, whiteout};
use crate::util::lock::{lock, unpoisoned};
use crate::util::text::sum;

/// The memory for paths and files, in bytes: enough for an image of several million files.
pub const BUDGET: usize = 512 << 20;

/// Records the files of layers.
pub struct Survey {
    paths: Mutex<PathTree>,
    layers: FoundInLayers<LayerFiles>,
    /// The memory that everything except the paths takes, in bytes.
    used: AtomicUsize,
    budget: usize,
    /// Whether single files are recorded.
    with_files: bool,
}

impl Survey {
    /// Returns a survey that takes no more than `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self {
            paths: Mutex::default(),
            layers: FoundInLayers::default(),
            used: AtomicUsize::new(0),
            budget,
            with_files: true,
        }
    }

    /// Returns a survey of store paths and directories, without single files.
    pub fn of_groups(budget: usize) -> Self {
        Self {
            with_files: false,
            ..Self::new(budget)
        }
    }

    /// Returns the memory that the survey may take, in bytes.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Returns the paths of all layers.
    pub fn into_paths(self) -> PathTree {
        unpoisoned(self.paths.into_inner())
    }

    fn paths(&self) -> MutexGuard<'_, PathTree> {
        lock(&self.paths)
    }

    /// Returns the files of a layer, or the error that stopped reading it; `None` if it was not read.
    pub fn layer(&self, diff_id: &DiffId) -> Result<Option<Arc<LayerFiles>>, TarError> {
        self.layers.get(diff_id)
    }

    fn intern(&self, path: &[u8]) -> Option<PathId> {
        let left = self
            .budget
            .saturating_sub(self.used.load(Ordering::Relaxed));
        self.paths().intern(path, left)
    }

    fn charge(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds a group; returns the root where no more fit into memory, so that no bytes are lost.
    fn group(&self, path: &[u8], found: &mut LayerFiles) -> PathId {
        // The report has its name at least twice.
        let cost = GROUP_COST + 2 * path.len();
        let node = self.intern(path);
        match node.filter(|node| found.groups.contains_key(node)) {
            Some(known) => known,
            None if path.is_empty() || path.len() > MAX_PATH => ROOT,
            None => {
                let used = self.used.load(Ordering::Relaxed) + self.paths().cost();
                match node.filter(|_| used + cost <= self.budget) {
                    Some(new) => {
                        self.charge(cost);
                        new
                    }
                    None => {
                        found.ungrouped = true;
                        ROOT
                    }
                }
            }
        }
    }

    fn read(&self, layer: &mut dyn LayerStream) -> Result<LayerFiles, TarError> {
        let mut found = LayerFiles::default();
        let mut reader = ContentReader::default();
        let mut last = (Vec::new(), ROOT);
        walk(layer, |entry| {
            self.add(entry, &mut found, &mut reader, &mut last)
        })?;
        // The next layer may be the last one to fit.
        found.files.shrink_to_fit();
        found.marks.shrink_to_fit();
        found.links.shrink_to_fit();
        found.groups.shrink_to_fit();
        Ok(found)
    }

    /// Adds an entry. `last` is the group of the entry before.
    fn add(
        &self,
        entry: &mut LayerEntry<'_, '_>,
        found: &mut LayerFiles,
        reader: &mut ContentReader,
        last: &mut (Vec<u8>, PathId),
    ) -> io::Result<()> {
        let kind = entry.kind();
        if kind == EntryKind::Directory {
            return Ok(());
        }
        let name = entry.path().into_owned();
        let path = normal(&name);
        if let Some((deleted, path)) = whiteout(&path) {
            let mark = match deleted {
                Whiteout::Name => Mark::Deleted,
                Whiteout::Contents => Mark::Emptied,
            };
            if self.with_files
                && let Some(node) = self.intern(&path)
            {
                found.marks.push((node, mark));
                self.charge(MARK_COST);
            }
            return Ok(());
        }
        let group = names::group(&path);
        let inner = &path[group.len()..];
        let mut fingerprint = Sha256::new();
        fingerprint.update((inner.len() as u64).to_le_bytes());
        fingerprint.update(inner);
        fingerprint.update([u8::from(entry.is_executable())]);
        fingerprint.update([entry.type_byte()]);

        let is_file = kind == EntryKind::File;
        let (mut size, mut content) = (0, 0);
        if is_file {
            size = entry.size();
            content = reader.read(entry)?;
            fingerprint.update(content.to_le_bytes());
        } else if kind == EntryKind::GnuSparse {
            // Its holes may be of any size, so they are not read.
            size = entry.stored_size();
        } else if let Some(target) = entry.link_target() {
            fingerprint.update(&target);
        }

        found.count += u64::from(is_file);
        found.size = sum([found.size, size]);
        if last.0 != group {
            *last = (group.to_vec(), self.group(group, found));
        }
        let group = found.groups.entry(last.1).or_default();
        group.size = sum([group.size, size]);
        group.files += u64::from(is_file);
        group.digest = group.digest.wrapping_add(truncated(fingerprint));

        if !self.with_files {
            return Ok(());
        }
        if path.len() > MAX_PATH {
            found.too_long += u64::from(is_file);
            return Ok(());
        }
        let Some(node) = self.intern(&path) else {
            found.unseen += u64::from(is_file);
            return Ok(());
        };
        if kind == EntryKind::HardLink
            && let Some(target) = entry.link_target()
            && let Some(target) = self.intern(&normal(&target))
        {
            found.links.push((node, target));
            self.charge(LINK_COST);
        }
        if is_file && size > 0 {
            if let Some(symbols) = reader.symbols() {
                found.symbols.insert(content, symbols);
                self.charge(SYMBOLS_COST);
            }
            found.files.push(FileRecord {
                path: node,
                category: FileCategory::of(&path, reader.head()),
                size,
                content,
            });
            self.charge(FILE_COST);
        } else {
            found.marks.push((node, Mark::Other));
            self.charge(MARK_COST);
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    impl LayerStream for Cursor<Vec<u8>> {}

    /// A layer of a thousand files of three bytes.
    fn layer(name: impl Fn(usize) -> String) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for i in 0..1000 {
            let mut header = tar::Header::new_gnu();
            header.set_size(3);
            tar.append_data(&mut header, name(i), &b"abc"[..]).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn store_paths_beyond_the_budget_are_counted_for_the_root() {
        let tar = layer(|i| format!("nix/store/{i}/file"));
        let read = |survey: &Survey| survey.read(&mut Cursor::new(tar.clone())).unwrap();
        let roomy = read(&Survey::new(BUDGET));
        assert_eq!((roomy.groups.len(), roomy.ungrouped), (1000, false));
        for survey in [Survey::new(64 << 10), Survey::of_groups(64 << 10)] {
            let tight = read(&survey);
            assert!(tight.ungrouped);
            // The root is one of them; all others were charged.
            let most = 1 + (64 << 10) / GROUP_COST;
            assert!(tight.groups.len() <= most, "{}", tight.groups.len());
            assert!(tight.groups.len() > most / 2, "{}", tight.groups.len());
            let files = tight.groups.values().map(|group| group.files);
            assert_eq!(files.sum::<u64>(), 1000);
            // Other layers have the same paths, but their own parts.
            let all = (0..10).map(|_| read(&survey).groups.len() - 1);
            assert!(all.sum::<usize>() + tight.groups.len() <= most);
        }
    }

    #[test]
    fn files_beyond_the_budget_are_counted() {
        let tar = layer(|i| format!("usr/lib/{i}/file"));
        let roomy = Survey::new(BUDGET)
            .read(&mut Cursor::new(tar.clone()))
            .unwrap();
        assert_eq!((roomy.files.len(), roomy.unseen), (1000, 0));

        let survey = Survey::new(16 << 10);
        let tight = survey.read(&mut Cursor::new(tar)).unwrap();
        assert_eq!((tight.count, tight.size), (1000, 3000));
        assert_eq!(tight.files.len() as u64 + tight.unseen, 1000);
        assert!(tight.unseen > 500, "{}", tight.unseen);
        assert!(survey.paths().cost() + survey.used.load(Ordering::Relaxed) <= 17 << 10);
        let sizes = tight.groups.values().map(|group| group.size);
        assert_eq!(sizes.sum::<u64>(), 3000);
    }
}
