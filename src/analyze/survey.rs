//! What is in layers: taken down while they flow by, in memory that has a bound.
//!
//! Of a file its path (as a number), its size and sixteen bytes of its SHA-256 are kept: with the
//! tree of paths about 130 bytes for each. When [`BUDGET`] is used up, further files only
//! count; what is said of single ones is then said of those that came first.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use sha2::{Digest as _, Sha256};

use super::content::{Buffer, Content, short};
use super::names::{self, Kind};
use super::paths::{MAX_PATH, Node, Paths, ROOT};
use crate::bytes::copy::{LayerObserver, LayerStream, OnVerified};
use crate::oci::DiffId;
use crate::tar::{EntryKind, LayerEntry, Whiteout, clean, walk, whiteout};
use crate::util::lock::{lock, unpoisoned};
use crate::util::text::sum;

/// What paths and files may take in memory: those of an image of several million files.
pub const BUDGET: usize = 512 << 20;

/// What a file costs besides its path: here, once more where files are compared, and where those that
/// are the same are ordered.
const FILE_COST: usize = 2 * size_of::<File>() + size_of::<(u64, &[File])>();

/// What a mark costs.
const MARK_COST: usize = size_of::<(Node, Mark)>();

/// What a hard link costs: here, and in a table where files are compared.
const LINK_COST: usize = 3 * size_of::<(Node, Node)>();

/// What the symbols of a program cost: a table is half empty at times.
const SYMBOLS_COST: usize = 2 * size_of::<(Content, u64)>();

/// What a store path or directory costs besides its path: here, and in all that is said of it by name
/// later on (packages with versions take most). Images that have nothing else, and more of them than
/// fit, took 300 to 450 MiB in all.
pub const GROUP_COST: usize = 512;

/// A regular file that is not empty.
#[derive(Clone, Copy, Debug)]
pub struct File {
    pub path: Node,
    pub kind: Kind,
    pub size: u64,
    pub content: Content,
}

/// What a layer does to those below it, besides having files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// There is something else at the path: a link, a device, an empty file.
    Other,
    /// What was at the path is not there any more.
    Deleted,
    /// Nothing of what was in the directory is there any more.
    Emptied,
}

/// What is in a layer.
#[derive(Debug, Default)]
pub struct LayerFiles {
    pub files: Vec<File>,
    pub marks: Vec<(Node, Mark)>,
    /// By store path or directory.
    pub groups: HashMap<Node, Group>,
    /// Regular files, empty ones too.
    pub count: u64,
    /// The bytes of their contents.
    pub size: u64,
    /// The bytes of debug symbols in programs, by their content.
    pub symbols: HashMap<Content, u64>,
    /// Hard links, each with the file that it is another name of, in the order of the layer.
    pub links: Vec<(Node, Node)>,
    /// Whether there was no room for all groups; what is in others was counted for the root.
    pub ungrouped: bool,
    /// How many files only counted, as there was no room for more.
    pub unseen: u64,
    /// How many files only counted, as their paths are too long.
    pub too_long: u64,
}

/// What is in a store path or directory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Group {
    pub size: u64,
    pub files: u64,
    /// The same for the same files, in any order.
    pub digest: Content,
}

/// Takes down what is in layers.
pub struct Survey {
    paths: Mutex<Paths>,
    layers: Mutex<HashMap<DiffId, Result<Arc<LayerFiles>, String>>>,
    /// The bytes that everything but the paths takes.
    used: AtomicUsize,
    budget: usize,
    /// Whether single files are taken down.
    with_files: bool,
}

impl Survey {
    /// One that takes no more than `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self {
            paths: Mutex::default(),
            layers: Mutex::default(),
            used: AtomicUsize::new(0),
            budget,
            with_files: true,
        }
    }

    /// One that sees files only as parts of store paths and directories.
    pub fn of_groups(budget: usize) -> Self {
        Self {
            with_files: false,
            ..Self::new(budget)
        }
    }

    /// How many bytes it may take.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// The paths, when all layers were seen.
    pub fn into_paths(self) -> Paths {
        unpoisoned(self.paths.into_inner())
    }

    fn paths(&self) -> MutexGuard<'_, Paths> {
        lock(&self.paths)
    }

    /// What is in a layer, or why that cannot be said; none if it was not seen.
    pub fn layer(&self, diff_id: &DiffId) -> Option<Result<Arc<LayerFiles>, String>> {
        lock(&self.layers).get(diff_id).cloned()
    }

    fn intern(&self, path: &[u8]) -> Option<Node> {
        let left = self
            .budget
            .saturating_sub(self.used.load(Ordering::Relaxed));
        self.paths().intern(path, left)
    }

    fn charge(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The number of a group; that of the root where there is no room, so that no bytes are lost.
    fn group(&self, path: &[u8], found: &mut LayerFiles) -> Node {
        // What is said of it later on has its name at least twice.
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

    fn look(&self, stream: &mut dyn LayerStream) -> io::Result<LayerFiles> {
        let mut found = LayerFiles::default();
        let mut buffer = Buffer::default();
        let mut last = (Vec::new(), ROOT);
        walk(stream, |entry| {
            self.take(entry, &mut found, &mut buffer, &mut last)
        })?;
        // Who is called next may be the last one to fit.
        found.files.shrink_to_fit();
        found.marks.shrink_to_fit();
        found.links.shrink_to_fit();
        found.groups.shrink_to_fit();
        Ok(found)
    }

    /// Takes an entry down. `last` is the group of the one before.
    fn take(
        &self,
        entry: &mut LayerEntry<'_, '_>,
        found: &mut LayerFiles,
        buffer: &mut Buffer,
        last: &mut (Vec<u8>, Node),
    ) -> io::Result<()> {
        let kind = entry.kind();
        if kind == EntryKind::Directory {
            return Ok(());
        }
        let name = entry.path().into_owned();
        let Some(path) = clean(&name) else {
            return Ok(());
        };
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
            content = buffer.read(entry)?;
            fingerprint.update(content.to_le_bytes());
        } else if kind == EntryKind::GnuSparse {
            // Its holes may be of any size: reading them is no good idea.
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
        group.digest = group.digest.wrapping_add(short(fingerprint));

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
            && let Some(target) = clean(&target).and_then(|path| self.intern(&path))
        {
            found.links.push((node, target));
            self.charge(LINK_COST);
        }
        if is_file && size > 0 {
            if let Some(symbols) = buffer.symbols() {
                found.symbols.insert(content, symbols);
                self.charge(SYMBOLS_COST);
            }
            found.files.push(File {
                path: node,
                kind: names::kind(&path, buffer.head()),
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
        let found = self.look(layer);
        Box::new(move |diff_id, _| {
            let found = found.map(Arc::new).map_err(|problem| problem.to_string());
            lock(&self.layers).insert(diff_id.clone(), found);
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
    fn store_paths_that_there_is_no_room_for_are_counted_as_the_root() {
        let tar = layer(|i| format!("nix/store/{i}/file"));
        let look = |survey: &Survey| survey.look(&mut Cursor::new(tar.clone())).unwrap();
        let roomy = look(&Survey::new(BUDGET));
        assert_eq!((roomy.groups.len(), roomy.ungrouped), (1000, false));
        for survey in [Survey::new(64 << 10), Survey::of_groups(64 << 10)] {
            let tight = look(&survey);
            assert!(tight.ungrouped);
            // The root is one, and all others have been paid for.
            let most = 1 + (64 << 10) / GROUP_COST;
            assert!(tight.groups.len() <= most, "{}", tight.groups.len());
            assert!(tight.groups.len() > most / 2, "{}", tight.groups.len());
            let files = tight.groups.values().map(|group| group.files);
            assert_eq!(files.sum::<u64>(), 1000);
            // Other layers have the same paths, but parts of their own.
            let all = (0..10).map(|_| look(&survey).groups.len() - 1);
            assert!(all.sum::<usize>() + tight.groups.len() <= most);
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_counted_all_the_same() {
        let tar = layer(|i| format!("usr/lib/{i}/file"));
        let roomy = Survey::new(BUDGET)
            .look(&mut Cursor::new(tar.clone()))
            .unwrap();
        assert_eq!((roomy.files.len(), roomy.unseen), (1000, 0));

        let survey = Survey::new(16 << 10);
        let tight = survey.look(&mut Cursor::new(tar)).unwrap();
        assert_eq!((tight.count, tight.size), (1000, 3000));
        assert_eq!(tight.files.len() as u64 + tight.unseen, 1000);
        assert!(tight.unseen > 500, "{}", tight.unseen);
        assert!(survey.paths().cost() + survey.used.load(Ordering::Relaxed) <= 17 << 10);
        let sizes = tight.groups.values().map(|group| group.size);
        assert_eq!(sizes.sum::<u64>(), 3000);
    }
}
