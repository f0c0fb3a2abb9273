//! The entries of a store path while a layer is read.

use std::io;

use super::budget::Budget;
use super::layer_record::{ENTRY_COST, PARENT_COST, StorePart, hard_link_target, keep};
use super::nar_stream::{NarStream, OutOfOrder};
use super::packages::FileSearch;
use super::references::ReferenceScanner;
use crate::bytes::fill;
use crate::tar::{EntryKind, LayerEntry};
use crate::util::text::sum;

/// The store path that the current entries belong to.
pub struct CurrentPart {
    pub root: String,
    stream: Option<NarStream>,
    part: StorePart,
    scanner: ReferenceScanner,
}

impl CurrentPart {
    pub fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            stream: Some(NarStream::default()),
            part: StorePart::default(),
            scanner: ReferenceScanner::default(),
        }
    }

    /// Adds an entry at a path in the store path.
    pub fn add(
        &mut self,
        path: &[u8],
        whole_path: &[u8],
        entry: &mut LayerEntry<'_, '_>,
        chunk: &mut [u8],
        budget: &Budget,
    ) -> io::Result<()> {
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
            EntryKind::HardLink => {
                self.stream = None;
                if let Some(target) = hard_link_target(entry) {
                    budget.charge(PARENT_COST + target.len())?;
                    self.part.link_targets.push(target);
                }
            }
            EntryKind::File if !entry.is_sparse() => {
                let mut search = FileSearch::new(whole_path, entry.size());
                self.file(path, &mut search, entry, chunk, budget)?;
                if let Some(found) = keep(search.finish(), budget)? {
                    budget.charge(ENTRY_COST + whole_path.len())?;
                    self.part.findings.push((whole_path.to_vec(), found));
                }
            }
            kind => {
                self.stream = None;
                self.part.foreign.get_or_insert(foreign(kind));
            }
        }
        budget.charge(self.scanner.new_cost())
    }

    fn file(
        &mut self,
        path: &[u8],
        search: &mut FileSearch<'_>,
        entry: &mut LayerEntry<'_, '_>,
        chunk: &mut [u8],
        budget: &Budget,
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
            budget.charge(self.scanner.new_cost())?;
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

    /// Adds a whiteout in the store path.
    pub fn add_whiteout(&mut self) {
        self.stream = None;
    }

    /// Returns the store path after its last entry.
    pub fn finish(self) -> (String, StorePart) {
        let mut part = self.part;
        part.nar = self.stream.map(NarStream::finish);
        part.hashes = self.scanner.finish();
        (self.root, part)
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

/// Returns the name of an entry that no store path can have.
pub fn foreign(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File | EntryKind::GnuSparse => "a sparse file",
        _ => "a device or pipe",
    }
}
