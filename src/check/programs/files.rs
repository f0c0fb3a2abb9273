//! What is remembered of the files of a layer: enough to find a program in it later, when the config
//! is known, which in a stream comes last.
//!
//! Twelve bytes for each file, found by the hash of its name: names are not kept, so that a million
//! files fit. Files that nobody can start count too: they hide what layers below have at their names.

use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::machine::{HEAD, Machine};
use crate::bytes::copy::{LayerStream, fill};
use crate::tar::{EntryKind, LayerEntry, TarError, Whiteout, clean, walk, whiteout};

/// Room for some million files of all images together; those of the largest images of nixpkgs take a
/// tenth of it.
const ROOM: usize = 32 << 20;

/// More machines than anybody puts into a layer.
const MAX_MACHINES: usize = 64;

/// How many files are named that are for another machine.
const EXAMPLES: usize = 3;

/// Longer than what Linux reads of the first line of a script (`BINPRM_BUF_SIZE`).
const SCRIPT: usize = 256;

/// How much may still be remembered.
#[derive(Debug)]
pub struct Room(AtomicUsize);

impl Default for Room {
    fn default() -> Self {
        Self(AtomicUsize::new(ROOM))
    }
}

impl Room {
    fn take(&self, bytes: usize) -> bool {
        let take = |left: usize| left.checked_sub(bytes);
        (self.0)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

/// What a layer has at a name.
#[derive(Debug, PartialEq, Eq)]
pub enum File<'a> {
    Directory,
    /// A program.
    Program(Machine),
    /// A script, with the program that reads it.
    Script(&'a [u8]),
    /// A symbolic link, with its target.
    Symlink(&'a [u8]),
    /// A further name of another file, which may be in a layer below.
    Hardlink(&'a [u8]),
    /// Something else that can be started.
    Other,
    /// What cannot be started: data, a device.
    Plain,
    /// A file with holes, of which nobody knows what it is.
    Sparse,
}

/// The files of a layer.
#[derive(Debug, Default)]
pub struct Files {
    /// Hash of a name, in two parts, and what is there; in this order.
    found: Vec<[u32; 3]>,
    /// Targets and interpreters, each after its length.
    texts: Vec<u8>,
    /// The machines of programs and libraries.
    pub machines: Vec<Seen>,
    /// Whether not all of it could be remembered.
    pub is_incomplete: bool,
    /// Why it cannot be read to its end.
    pub damage: Option<TarError>,
}

/// The files that are for a machine.
#[derive(Debug)]
pub struct Seen {
    pub machine: Machine,
    pub count: usize,
    pub examples: Vec<Box<[u8]>>,
}

// Kinds of files, in the upper bits beside an index.
const DIRECTORY: u32 = 0;
const PROGRAM: u32 = 1;
const SCRIPT_KIND: u32 = 2;
const SYMLINK: u32 = 3;
const HARDLINK: u32 = 4;
const OTHER: u32 = 5;
const PLAIN: u32 = 6;
const SPARSE: u32 = 7;
const KIND_SHIFT: u32 = 29;

/// Names of one kind of fact are no names of another.
#[derive(Clone, Copy)]
pub enum Fact {
    File,
    /// The file is deleted from the layers below.
    Whiteout,
    /// So is all that is in the directory.
    Opaque,
    /// A program for Windows, which knows no case.
    Windows,
}

impl Files {
    /// The files of a layer that flows by.
    pub fn of(layer: &mut dyn LayerStream, room: &Room) -> Self {
        let mut files = Self::default();
        // What is no tar has no files; whoever unpacks it will say so.
        files.damage = walk(layer, |entry| files.see(entry, room)).err();
        // The last of several entries of a name counts; sorting keeps their order.
        files.found.sort_by_key(|[high, low, _]| [*high, *low]);
        files
    }

    fn see(&mut self, entry: &mut LayerEntry<'_, '_>, room: &Room) -> io::Result<()> {
        let path = entry.path();
        let Some(name) = clean(&path) else {
            return Ok(());
        };
        let name = name.into_owned();
        drop(path);
        if let Some((deleted, name)) = whiteout(&name) {
            let fact = match deleted {
                Whiteout::Name => Fact::Whiteout,
                Whiteout::Contents => Fact::Opaque,
            };
            self.remember(fact, &name, 0, room);
            return Ok(());
        }
        if entry.is_sparse() {
            self.remember(Fact::File, &name, SPARSE << KIND_SHIFT, room);
            return Ok(());
        }
        let target = || entry.link_target().unwrap_or_default().into_owned();
        match entry.kind() {
            EntryKind::Directory => self.remember(Fact::File, &name, DIRECTORY << KIND_SHIFT, room),
            EntryKind::SymbolicLink => {
                let target = target();
                self.remember_text(&name, SYMLINK, &target, room);
            }
            EntryKind::HardLink => {
                let target = target();
                let target = clean(&target).unwrap_or_default().into_owned();
                self.remember_text(&name, HARDLINK, &target, room);
            }
            EntryKind::File => self.see_file(&name, entry, room)?,
            _ => self.remember(Fact::File, &name, PLAIN << KIND_SHIFT, room),
        }
        Ok(())
    }

    fn see_file(
        &mut self,
        name: &[u8],
        entry: &mut LayerEntry<'_, '_>,
        room: &Room,
    ) -> io::Result<()> {
        let is_executable = entry.is_executable();
        let mut head = [0; HEAD];
        let mut n = fill(&mut entry.take(4), &mut head[..4])?;
        let more = match &head[..n] {
            [0x7f, b'E', b'L', b'F'] => 64,
            [b'M', b'Z', ..] => HEAD,
            [b'#', b'!', ..] if is_executable => SCRIPT,
            _ => 0,
        };
        if n == 4 && more > 4 {
            n += fill(entry, &mut head[4..more])?;
        }
        let head = &head[..n];
        if let Some(machine) = Machine::of(head) {
            match self.count(machine, name) {
                Some(i) => {
                    let what = PROGRAM << KIND_SHIFT | u32::try_from(i).unwrap_or(0);
                    // Libraries need not be executable, and are not what is started.
                    let is_started = if is_executable {
                        what
                    } else {
                        PLAIN << KIND_SHIFT
                    };
                    self.remember(Fact::File, name, is_started, room);
                    if matches!(machine, Machine::Pe { .. }) {
                        self.remember(Fact::Windows, &name.to_ascii_lowercase(), what, room);
                    }
                }
                None => self.is_incomplete = true,
            }
        } else if let Some(interpreter) = interpreter(head).filter(|_| is_executable) {
            self.remember_text(name, SCRIPT_KIND, interpreter, room);
        } else {
            let kind = if is_executable { OTHER } else { PLAIN };
            self.remember(Fact::File, name, kind << KIND_SHIFT, room);
        }
        Ok(())
    }

    /// Counts a file that is for a machine; the place of that in the list.
    fn count(&mut self, machine: Machine, name: &[u8]) -> Option<usize> {
        let place = self
            .machines
            .iter()
            .position(|seen| seen.machine == machine);
        let place = match place {
            Some(place) => place,
            None if self.machines.len() == MAX_MACHINES => return None,
            None => {
                self.machines.push(Seen {
                    machine,
                    count: 0,
                    examples: Vec::new(),
                });
                self.machines.len() - 1
            }
        };
        let seen = &mut self.machines[place];
        seen.count += 1;
        if seen.examples.len() < EXAMPLES {
            seen.examples.push(name.into());
        }
        Some(place)
    }

    fn remember(&mut self, fact: Fact, name: &[u8], what: u32, room: &Room) {
        if self.is_incomplete || !room.take(size_of::<[u32; 3]>()) {
            self.is_incomplete = true;
            return;
        }
        let [high, low] = hash(fact, name);
        self.found.push([high, low, what]);
    }

    fn remember_text(&mut self, name: &[u8], kind: u32, text: &[u8], room: &Room) {
        let place = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let length = u16::try_from(text.len());
        let (Ok(length), true) = (length, room.take(text.len() + 2)) else {
            self.is_incomplete = true;
            return;
        };
        self.texts.extend(length.to_le_bytes());
        self.texts.extend(text);
        self.remember(Fact::File, name, kind << KIND_SHIFT | place, room);
    }

    fn find(&self, hash: Hash) -> Option<u32> {
        let end = self
            .found
            .partition_point(|[high, low, _]| [*high, *low] <= hash);
        let [high, low, what] = *self.found.get(end.checked_sub(1)?)?;
        ([high, low] == hash).then_some(what)
    }

    /// The program that Windows finds at a name, which is in lower case.
    pub fn get_windows(&self, name: Hash) -> Option<Machine> {
        let what = self.find(name)?;
        Some(self.machines[index(what)].machine)
    }

    /// What the layer has at a name.
    pub fn get(&self, name: Hash) -> Option<File<'_>> {
        let what = self.find(name)?;
        let index = index(what);
        let text = || {
            let (length, text) = self.texts[index..].split_at(2);
            &text[..usize::from(u16::from_le_bytes([length[0], length[1]]))]
        };
        Some(match what >> KIND_SHIFT {
            DIRECTORY => File::Directory,
            PROGRAM => File::Program(self.machines[index].machine),
            SCRIPT_KIND => File::Script(text()),
            SYMLINK => File::Symlink(text()),
            HARDLINK => File::Hardlink(text()),
            OTHER => File::Other,
            SPARSE => File::Sparse,
            _ => File::Plain,
        })
    }

    /// Whether the layer has the fact.
    pub fn has(&self, fact: Hash) -> bool {
        self.find(fact).is_some()
    }

    /// Whether there is anything in the layer.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

fn index(what: u32) -> usize {
    (what & !(u32::MAX << KIND_SHIFT)) as usize
}

/// The program that the first line of a script names.
fn interpreter(head: &[u8]) -> Option<&[u8]> {
    let line = head.strip_prefix(b"#!")?;
    let line = line.split(|b| *b == b'\n').next()?;
    let mut words = line.split(|b| b" \t\r\0".contains(b));
    words.find(|word| !word.is_empty())
}

/// The hash of a fact about a name.
pub type Hash = [u32; 2];

/// By what facts are found.
pub fn hash(fact: Fact, name: &[u8]) -> Hash {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(fact as u8);
    hasher.write(name);
    let hash = hasher.finish();
    [(hash >> 32) as u32, hash as u32]
}
