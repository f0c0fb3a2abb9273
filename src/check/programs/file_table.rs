//! A table of the files of a layer, to find a program in it later: in a stream the config comes last.
//!
//! Twelve bytes for each file, found by the hash of its name: names are not kept, so that a million
//! files fit. Files that cannot be started count too: they hide what layers below have at their names.

use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::machine::Machine;
use crate::tar::{LayerDefects, TarError};

/// Memory for some million files of all images together; those of the largest images of nixpkgs take a
/// tenth of it.
const BUDGET: usize = 32 << 20;

/// More machines than any real layer has.
const MAX_MACHINES: usize = 64;

/// The bytes of names that are kept for each machine: those of some ten thousand files.
const MAX_NAMES: usize = 1 << 20;

/// The memory that is left for all tables.
#[derive(Debug)]
pub struct TableBudget(AtomicUsize);

impl Default for TableBudget {
    fn default() -> Self {
        Self(AtomicUsize::new(BUDGET))
    }
}

impl TableBudget {
    fn take(&self, bytes: usize) -> bool {
        let take = |left: usize| left.checked_sub(bytes);
        (self.0)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

/// The entry of a layer at a name.
#[derive(Debug, PartialEq, Eq)]
pub enum LayerFile<'a> {
    Directory,
    /// A program, with the bytes of its [`Demands`](super::demands::Demands).
    Program(Machine, &'a [u8]),
    /// The bytes of a [`Script`](super::wrappers::Script).
    Script(&'a [u8]),
    /// A symbolic link, with its target.
    SymbolicLink(&'a [u8]),
    /// Another name of a file, which may be in a layer below.
    HardLink(&'a [u8]),
    /// An executable file of another kind.
    Executable,
    /// A file without x bits: data, or a library with its machine.
    NotExecutable(Option<Machine>),
    /// An executable file without content.
    Empty,
    /// An executable ELF file that ends before its headers or segments do.
    CutOff,
    /// Something that cannot be started: a device.
    Plain,
    /// A file with holes, whose content is not known.
    Sparse,
}

/// The files of a layer.
#[derive(Debug, Default)]
pub struct FileTable {
    /// The hash of a name, in two parts, and a packed [`LayerFile`]; in this order.
    records: Vec<[u32; 3]>,
    /// Targets, scripts and demands, each after its length.
    texts: Vec<u8>,
    /// The machines of programs and libraries.
    pub machines: Vec<MachineFiles>,
    /// The directory of the last record. It and the directories above it have records.
    directory: Vec<u8>,
    /// Whether the budget was used up before the end of the layer.
    pub is_incomplete: bool,
    /// What runtimes cannot unpack.
    pub defects: LayerDefects,
    /// Why the layer cannot be read to its end.
    pub damage: Option<TarError>,
}

/// The files that are built for one machine.
#[derive(Debug)]
pub struct MachineFiles {
    pub machine: Machine,
    /// How many records there are, also of those whose names are not kept.
    pub count: usize,
    /// The names of the first ones.
    pub names: Vec<Box<[u8]>>,
    /// The bytes of `names`.
    pub size: usize,
}

/// Kinds of files, in the upper bits of a packed file. The lower ones are an index into `machines` or
/// `texts`.
mod tag {
    pub const DIRECTORY: u32 = 0;
    pub const PROGRAM: u32 = 1;
    pub const SCRIPT: u32 = 2;
    pub const SYMBOLIC_LINK: u32 = 3;
    pub const HARD_LINK: u32 = 4;
    pub const EXECUTABLE: u32 = 5;
    pub const PLAIN: u32 = 6;
    pub const SPARSE: u32 = 7;
    /// The index is that of a machine plus one, or 0.
    pub const NOT_EXECUTABLE: u32 = 8;
    pub const EMPTY: u32 = 9;
    pub const CUT_OFF: u32 = 10;
    /// A program with demands: the text is the index of its machine and the demands.
    pub const DEMANDING: u32 = 11;
    pub const SHIFT: u32 = 28;
}

/// The kind of a record of a name. Records of different kinds do not collide.
#[derive(Clone, Copy)]
pub enum RecordKind {
    File,
    /// The name is deleted from the layers below.
    Whiteout,
    /// Everything in the directory is deleted from the layers below.
    Opaque,
    /// A program for Windows, whose names ignore case.
    Windows,
    /// A directory that has entries, but perhaps no own one.
    Parent,
}

/// The key of a record.
pub type NameHash = [u32; 2];

impl RecordKind {
    pub fn hash(self, name: &[u8]) -> NameHash {
        let mut hasher = self.hasher();
        hasher.write(name);
        name_hash(&hasher)
    }

    fn hasher(self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(self as u8);
        hasher
    }
}

/// Returns the hash of the name that was written to `hasher`.
fn name_hash(hasher: &DefaultHasher) -> NameHash {
    let hash = hasher.finish();
    [(hash >> 32) as u32, hash as u32]
}

/// Returns the length of the longest directory that both names are or are in.
fn shared_directory(name: &[u8], other: &[u8]) -> usize {
    let same = name.iter().zip(other).take_while(|(a, b)| a == b).count();
    let ends = |name: &[u8]| name.get(same).is_none_or(|b| *b == b'/');
    match ends(name) && ends(other) {
        true => same,
        false => name[..same].iter().rposition(|b| *b == b'/').unwrap_or(0),
    }
}

impl FileTable {
    /// Records a file, link or directory. Of several records of a name the last one counts.
    pub fn add(&mut self, name: &[u8], file: &LayerFile<'_>, budget: &TableBudget) {
        let (tag, index) = match *file {
            LayerFile::Directory => (tag::DIRECTORY, Some(0)),
            LayerFile::Program(machine, demands) => {
                return self.add_program(name, machine, Some(demands), budget);
            }
            LayerFile::Script(text) => (tag::SCRIPT, self.add_text(text, budget)),
            LayerFile::SymbolicLink(text) => (tag::SYMBOLIC_LINK, self.add_text(text, budget)),
            LayerFile::HardLink(text) => (tag::HARD_LINK, self.add_text(text, budget)),
            LayerFile::Executable => (tag::EXECUTABLE, Some(0)),
            LayerFile::NotExecutable(None) => (tag::NOT_EXECUTABLE, Some(0)),
            LayerFile::NotExecutable(Some(machine)) => {
                return self.add_program(name, machine, None, budget);
            }
            LayerFile::Empty => (tag::EMPTY, Some(0)),
            LayerFile::CutOff => (tag::CUT_OFF, Some(0)),
            LayerFile::Plain => (tag::PLAIN, Some(0)),
            LayerFile::Sparse => (tag::SPARSE, Some(0)),
        };
        match index {
            Some(index) => self.push(RecordKind::File, name, pack(tag, index), budget),
            None => self.is_incomplete = true,
        }
        let is_directory = tag == tag::DIRECTORY;
        self.add_parents(name, is_directory, budget);
    }

    /// Records a program with its demands, or a library that is not executable.
    fn add_program(
        &mut self,
        name: &[u8],
        machine: Machine,
        demands: Option<&[u8]>,
        budget: &TableBudget,
    ) {
        let Some(index) = self.count(machine, name, budget) else {
            self.is_incomplete = true;
            return;
        };
        let program = pack(tag::PROGRAM, index);
        let file = match demands {
            None => pack(tag::NOT_EXECUTABLE, index + 1),
            Some([]) => program,
            Some(demands) => {
                let text = [&[index as u8], demands].concat();
                // Without its demands, a program is still checked for its platform.
                let text = self.add_text(&text, budget);
                text.map_or(program, |text| pack(tag::DEMANDING, text))
            }
        };
        self.push(RecordKind::File, name, file, budget);
        self.add_parents(name, false, budget);
        if matches!(machine, Machine::Pe { .. }) {
            let name = name.to_ascii_lowercase();
            self.push(RecordKind::Windows, &name, program, budget);
        }
    }

    /// Records that a name, or the content of a directory, is deleted from the layers below.
    pub fn add_whiteout(&mut self, kind: RecordKind, name: &[u8], budget: &TableBudget) {
        self.push(kind, name, 0, budget);
        self.add_parents(name, false, budget);
    }

    /// Records the directories of an entry. Those of the last one need not be recorded again: most archives
    /// have the entries of a directory one after the other.
    fn add_parents(&mut self, name: &[u8], is_directory: bool, budget: &TableBudget) {
        let parent = name.iter().rposition(|b| *b == b'/').unwrap_or(0);
        let parent = &name[..parent];
        // The hash goes on from each directory to the one in it: that of the whole name for each would take a
        // time that is quadratic in the depth.
        let mut known = shared_directory(parent, &self.directory);
        let mut hasher = RecordKind::Parent.hasher();
        hasher.write(&parent[..known]);
        while known < parent.len() && !self.is_incomplete {
            let part = &parent[known + 1..];
            let end = part.iter().position(|b| *b == b'/');
            let end = end.map_or(parent.len(), |end| known + 1 + end);
            hasher.write(&parent[known..end]);
            self.push_hash(name_hash(&hasher), 0, budget);
            known = end;
        }
        let directory = if is_directory { name } else { parent };
        if directory != self.directory {
            self.directory.clear();
            self.directory.extend(directory);
        }
    }

    /// Adds a record of a name by its hash.
    fn push_hash(&mut self, [high, low]: NameHash, packed: u32, budget: &TableBudget) {
        if self.is_incomplete || !budget.take(size_of::<[u32; 3]>()) {
            self.is_incomplete = true;
            return;
        }
        self.records.push([high, low, packed]);
    }

    /// Returns the records and the texts, to save them.
    pub fn raw(&self) -> (&[[u32; 3]], &[u8]) {
        (&self.records, &self.texts)
    }

    /// Returns a table that was saved. Fails if its parts do not fit together, or the budget is used up.
    pub fn from_raw(
        records: Vec<[u32; 3]>,
        texts: Vec<u8>,
        machines: Vec<MachineFiles>,
        budget: &TableBudget,
    ) -> Option<Self> {
        let is_text = |index: usize| {
            let text = texts.get(index..).and_then(|at| at.split_at_checked(2));
            text.is_some_and(|(length, text)| {
                text.len() >= usize::from(u16::from_le_bytes([length[0], length[1]]))
            })
        };
        let is_valid = |[_, _, packed]: &[u32; 3]| {
            let (tag, index) = unpack(*packed);
            match tag {
                tag::PROGRAM => index < machines.len(),
                tag::NOT_EXECUTABLE => index <= machines.len(),
                tag::DEMANDING => {
                    let machine = texts.get(index + 2).copied();
                    let length = texts.get(index..).and_then(<[u8]>::first_chunk);
                    let is_empty = length.is_none_or(|length| *length == [0, 0]);
                    let machine = machine.filter(|_| !is_empty && is_text(index));
                    machine.is_some_and(|machine| usize::from(machine) < machines.len())
                }
                tag::SCRIPT | tag::SYMBOLIC_LINK | tag::HARD_LINK => is_text(index),
                _ => true,
            }
        };
        let is_valid = records.iter().all(is_valid) && machines.len() <= MAX_MACHINES;
        let names: usize = machines.iter().map(|files| files.size).sum();
        let size = size_of_val(records.as_slice()) + texts.len() + names;
        (is_valid && budget.take(size)).then_some(Self {
            records,
            texts,
            machines,
            ..Self::default()
        })
    }

    /// Sorts the records for lookups, after all of them were added.
    pub fn finish(&mut self) {
        self.directory = Vec::new();
        // Sorting keeps the order of records of the same name.
        self.records.sort_by_key(|[high, low, _]| [*high, *low]);
    }

    fn push(&mut self, kind: RecordKind, name: &[u8], packed: u32, budget: &TableBudget) {
        if !self.is_incomplete {
            self.push_hash(kind.hash(name), packed, budget);
        }
    }

    /// Adds a text; returns its index.
    fn add_text(&mut self, text: &[u8], budget: &TableBudget) -> Option<usize> {
        let length = u16::try_from(text.len()).ok()?;
        if !budget.take(text.len() + 2) {
            return None;
        }
        let index = self.texts.len();
        self.texts.extend(length.to_le_bytes());
        self.texts.extend(text);
        Some(index)
    }

    /// Counts a file of a machine; returns the index of the machine.
    fn count(&mut self, machine: Machine, name: &[u8], budget: &TableBudget) -> Option<usize> {
        let known = |files: &MachineFiles| files.machine == machine;
        let index = match self.machines.iter().position(known) {
            Some(index) => index,
            None if self.machines.len() == MAX_MACHINES => return None,
            None => {
                self.machines.push(MachineFiles {
                    machine,
                    count: 0,
                    names: Vec::new(),
                    size: 0,
                });
                self.machines.len() - 1
            }
        };
        let files = &mut self.machines[index];
        files.count += 1;
        if files.size + name.len() <= MAX_NAMES && budget.take(name.len() + size_of::<Box<[u8]>>())
        {
            files.size += name.len();
            files.names.push(name.into());
        }
        Some(index)
    }

    fn find(&self, hash: NameHash) -> Option<u32> {
        let end = self
            .records
            .partition_point(|[high, low, _]| [*high, *low] <= hash);
        let [high, low, packed] = *self.records.get(end.checked_sub(1)?)?;
        ([high, low] == hash).then_some(packed)
    }

    /// Returns the entry of the layer at a name.
    pub fn file(&self, name: NameHash) -> Option<LayerFile<'_>> {
        let (tag, index) = unpack(self.find(name)?);
        let text = || {
            let (length, text) = self.texts[index..].split_at(2);
            &text[..usize::from(u16::from_le_bytes([length[0], length[1]]))]
        };
        Some(match tag {
            tag::DIRECTORY => LayerFile::Directory,
            tag::PROGRAM => LayerFile::Program(self.machines[index].machine, &[]),
            tag::DEMANDING => {
                let (machine, demands) = text().split_first()?;
                LayerFile::Program(self.machines[usize::from(*machine)].machine, demands)
            }
            tag::SCRIPT => LayerFile::Script(text()),
            tag::SYMBOLIC_LINK => LayerFile::SymbolicLink(text()),
            tag::HARD_LINK => LayerFile::HardLink(text()),
            tag::EXECUTABLE => LayerFile::Executable,
            tag::SPARSE => LayerFile::Sparse,
            tag::NOT_EXECUTABLE => {
                let machine = index
                    .checked_sub(1)
                    .map(|index| self.machines[index].machine);
                LayerFile::NotExecutable(machine)
            }
            tag::EMPTY => LayerFile::Empty,
            tag::CUT_OFF => LayerFile::CutOff,
            _ => LayerFile::Plain,
        })
    }

    /// Returns the machine of the program that Windows finds at a name in lower case.
    pub fn windows_program(&self, name: NameHash) -> Option<Machine> {
        let (_, index) = unpack(self.find(name)?);
        Some(self.machines.get(index)?.machine)
    }

    /// Whether there is a record of this key.
    pub fn contains(&self, name: NameHash) -> bool {
        self.find(name).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

fn pack(tag: u32, index: usize) -> u32 {
    // The budget keeps all indices below the bits of the tag.
    tag << tag::SHIFT | u32::try_from(index).unwrap_or(0)
}

fn unpack(packed: u32) -> (u32, usize) {
    let index = packed & !(u32::MAX << tag::SHIFT);
    (packed >> tag::SHIFT, index as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_of_all_entries_are_recorded() {
        let budget = TableBudget::default();
        let mut table = FileTable::default();
        let names = ["a/b/c/x", "a/b/y", "a/bc/z", "ab/x", "d/", "d/e/f", "x"];
        for name in names {
            table.add(name.as_bytes(), &LayerFile::Plain, &budget);
        }
        table.finish();
        let is_parent = |name: &str| table.contains(RecordKind::Parent.hash(name.as_bytes()));
        for parent in ["a", "a/b", "a/b/c", "a/bc", "ab", "d", "d/e"] {
            assert!(is_parent(parent), "{parent}");
        }
        for other in ["", "b", "a/b/c/x", "x", "d/e/f", "a/"] {
            assert!(!is_parent(other), "{other:?}");
        }
    }

    /// 4,000 entries, each in 2,000 other directories: a minute, if each were hashed from its start.
    #[test]
    fn deep_directories_take_little_time() {
        let budget = TableBudget::default();
        let mut table = FileTable::default();
        let deep = "d/".repeat(2000);
        for i in 0..4000 {
            let name = format!("{i}/{deep}x");
            table.add(name.as_bytes(), &LayerFile::Plain, &budget);
        }
        assert!(table.is_incomplete);
    }
}
