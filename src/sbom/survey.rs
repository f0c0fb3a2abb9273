//! Records the store paths and other files of layers while their bytes are read, in bounded memory.

use std::io;
use std::sync::Arc;

use super::budget::Budget;
use super::current_part::CurrentPart;
use super::layer_record::{
    ENTRY_COST, LayerRecord, PARENT_COST, Place, Recorded, RecordedEntry, hard_link_target, keep,
};
use super::names;
use super::packages::{FileFindings, FileSearch};
use crate::bytes::{LayerObserver, LayerStream, OnVerified, fill};
use crate::load::FoundInLayers;
use crate::oci::DiffId;
use crate::tar::{EntryKind, LayerEntry, TarError, Whiteout, walk};
use crate::util::text::sum;

/// The memory for everything that is recorded, in bytes: enough for some million files outside of store
/// paths, of which only the names are kept.
pub const BUDGET: usize = 512 << 20;

/// The memory for a store path besides its name.
const PART_COST: usize = 512;

const CHUNK: usize = 64 << 10;

/// The first bytes of a file, which show whether it is a program. Most files are not.
const HEAD: usize = 512;

/// Records the contents of layers.
pub struct Survey {
    layers: FoundInLayers<LayerRecord>,
    pub budget: Budget,
}

impl Survey {
    pub fn new(budget: usize) -> Self {
        Self {
            layers: FoundInLayers::default(),
            budget: Budget::new(budget),
        }
    }

    /// Returns the contents of a layer, or the error that stopped reading it; `None` if it was not read.
    pub fn layer(&self, diff_id: &DiffId) -> Result<Option<Arc<LayerRecord>>, TarError> {
        self.layers.get(diff_id)
    }

    fn read(&self, layer: &mut dyn LayerStream) -> Result<LayerRecord, TarError> {
        let mut recorder = Recorder {
            budget: &self.budget,
            record: LayerRecord::default(),
            current: None,
            last: Vec::new(),
            chunk: vec![0; CHUNK],
        };
        walk(layer, |entry| recorder.add(entry))?;
        recorder.finish_part();
        Ok(recorder.record)
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

/// Records one layer.
struct Recorder<'a> {
    budget: &'a Budget,
    record: LayerRecord,
    /// The store path of the entry before.
    current: Option<CurrentPart>,
    /// The path of the entry before, outside of store paths.
    last: Vec<u8>,
    chunk: Vec<u8>,
}

impl Recorder<'_> {
    fn add(&mut self, entry: &mut LayerEntry<'_, '_>) -> io::Result<()> {
        let Some(Place { deleted, path }) = Place::of(entry)? else {
            return Ok(());
        };
        match names::split(&path) {
            // A whiteout of a store path deletes all of it.
            Some((root, inner)) if deleted != Some(Whiteout::Name) || !inner.is_empty() => {
                self.start_part(root)?;
                let Some(current) = &mut self.current else {
                    return Ok(());
                };
                match deleted {
                    Some(_) => current.add_whiteout(),
                    None => current.add(inner, &path, entry, &mut self.chunk, self.budget)?,
                }
                Ok(())
            }
            _ => self.add_other(&path, deleted, entry),
        }
    }

    /// Starts the entries of a store path, unless the entry before belongs to it too.
    fn start_part(&mut self, root: &str) -> io::Result<()> {
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.root == root)
        {
            return Ok(());
        }
        self.finish_part();
        self.budget
            .charge(PART_COST + ENTRY_COST + 4 * root.len())?;
        self.record.entries.push(RecordedEntry {
            path: root.as_bytes().into(),
            kind: Recorded::StorePath,
        });
        self.current = Some(CurrentPart::new(root));
        Ok(())
    }

    /// Keeps a store path after its last entry.
    fn finish_part(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        let (root, part) = current.finish();
        match self.record.store.get_mut(&root) {
            None => drop(self.record.store.insert(root, part)),
            // Entries of other paths came in between.
            Some(earlier) => {
                earlier.nar = None;
                earlier.size = sum([earlier.size, part.size]);
                earlier.foreign = earlier.foreign.or(part.foreign);
                earlier.hashes.extend(part.hashes);
                earlier.findings.extend(part.findings);
                earlier.link_targets.extend(part.link_targets);
            }
        }
    }

    fn add_other(
        &mut self,
        path: &[u8],
        deleted: Option<Whiteout>,
        entry: &mut LayerEntry<'_, '_>,
    ) -> io::Result<()> {
        self.finish_part();
        let pairs = path.iter().zip(&self.last);
        let common = pairs.take_while(|(byte, other)| byte == other).count();
        let parents = path[common..].iter().filter(|byte| **byte == b'/').count();
        self.budget
            .charge(ENTRY_COST + path.len() + parents * PARENT_COST)?;
        self.last.clear();
        self.last.extend_from_slice(path);
        let kind = match (deleted, entry.kind()) {
            (Some(kind), _) => Recorded::Whiteout(kind),
            (None, EntryKind::Directory) => Recorded::Directory,
            (None, EntryKind::HardLink) => match hard_link_target(entry) {
                Some(target) => {
                    self.budget.charge(target.len())?;
                    Recorded::HardLink(target.into())
                }
                None => Recorded::Other,
            },
            (None, EntryKind::File) => {
                let size = entry.size();
                let findings = match entry.is_sparse() {
                    true => FileFindings::default(),
                    false => search(path, entry, &mut self.chunk)?,
                };
                Recorded::File {
                    size,
                    findings: keep(findings, self.budget)?,
                }
            }
            _ => Recorded::Other,
        };
        self.record.entries.push(RecordedEntry {
            path: path.into(),
            kind,
        });
        Ok(())
    }
}

/// Searches a file outside of store paths, as far as its first bytes demand.
fn search(
    path: &[u8],
    entry: &mut LayerEntry<'_, '_>,
    chunk: &mut [u8],
) -> io::Result<FileFindings> {
    let mut search = FileSearch::new(path, entry.size());
    let mut want = HEAD;
    loop {
        let n = fill(entry, &mut chunk[..want])?;
        if !search.add(&chunk[..n]) || n < want {
            return Ok(search.finish());
        }
        want = chunk.len();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A layer of a thousand files with a prefix.
    fn layer(prefix: &str, content: impl Fn(usize) -> String) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for i in 0..1000 {
            let content = content(i);
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            let name = format!("{prefix}/{i}");
            tar.append_data(&mut header, name, content.as_bytes())
                .unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn whether_the_memory_is_enough_does_not_depend_on_the_order_of_layers() {
        let store = "nix/store/9z364a2vnvi1j6x5aqb7nab9ijkx5pgz-x";
        let layers = [
            layer("usr", |_| String::new()),
            layer("a/b/c/d", |_| String::new()),
            // Each can be the hash of a store path.
            layer(store, |i| format!("{i:032}")),
        ];
        let is_exceeded = |budget, order: [usize; 3]| {
            let survey = Survey::new(budget);
            for i in order {
                let read = survey.read(&mut Cursor::new(layers[i].clone()));
                assert!(read.is_ok() || survey.budget.is_exceeded());
            }
            survey.budget.is_exceeded()
        };
        let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
        let needed = (0..)
            .map(|i| i << 14)
            .find(|budget| !is_exceeded(*budget, orders[0]));
        let needed = needed.unwrap();
        assert!(needed > 2 * 1000 * ENTRY_COST, "{needed}");
        for order in orders {
            assert!(!is_exceeded(needed, order), "{order:?}");
            assert!(is_exceeded(needed - (1 << 14), order), "{order:?}");
        }
    }
}
