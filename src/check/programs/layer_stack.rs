//! Finds the file, and its layer, that a container has at a path.

use std::cell::Cell;
use std::collections::VecDeque;

use super::file_table::{FileTable, LayerFile, RecordKind};
use super::machine::Machine;

/// The number of links that Linux follows.
const MAX_LINKS: usize = 40;

/// The length of the longest path that Linux looks up (`PATH_MAX`).
pub const MAX_PATH: usize = 4096;

/// The number of lookups of a name in a layer for one image. The program of an image of ten thousand
/// layers takes a tenth of it; a long PATH of a hostile config would take minutes.
const MAX_LOOKUPS: usize = 1 << 22;

/// The search was given up after [`MAX_LOOKUPS`].
#[derive(Debug)]
pub struct TooManyLookups;

pub type Result<T> = std::result::Result<T, TooManyLookups>;

/// A file of an image.
pub struct FoundFile<'a> {
    /// Its name, without links and without the `/` in front.
    pub path: Vec<u8>,
    /// The position of the layer that it is in.
    pub layer: usize,
    pub file: LayerFile<'a>,
}

impl FoundFile<'_> {
    pub fn is_directory(&self) -> bool {
        matches!(self.file, LayerFile::Directory)
    }
}

/// The files of all layers, bottom first.
pub struct LayerStack<'a> {
    layers: &'a [&'a FileTable],
    lookups: Cell<usize>,
}

/// The entry of an image at a name.
struct Lookup<'a> {
    /// The topmost entry, and the layer that it is in. A directory need not have one.
    entry: Option<(usize, LayerFile<'a>)>,
    /// The lowest layer whose entries are still in it, if it is a directory.
    floor: usize,
}

impl<'a> LayerStack<'a> {
    pub fn new(layers: &'a [&'a FileTable]) -> Self {
        Self {
            layers,
            lookups: Cell::new(0),
        }
    }

    /// Whether no layer has any file.
    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|files| files.is_empty())
    }

    /// Returns the layer of the topmost file of exactly this name.
    pub fn layer_of(&self, name: &[u8]) -> Result<Option<usize>> {
        let entry = self.entry(name, self.layers.len())?;
        Ok(entry.map(|(layer, _)| layer))
    }

    /// Returns the program that Windows finds at a name in lower case, and its layer.
    pub fn windows_program(&self, name: &[u8]) -> Result<Option<(usize, Machine)>> {
        let name = RecordKind::Windows.hash(name);
        for (layer, files) in self.layers.iter().enumerate().rev() {
            self.charge()?;
            if let Some(machine) = files.windows_program(name) {
                return Ok(Some((layer, machine)));
            }
        }
        Ok(None)
    }

    /// Returns the file at a path, whose parts are joined; an absolute part starts from the root.
    pub fn find(&self, parts: &[&[u8]]) -> Result<Option<FoundFile<'a>>> {
        if parts.iter().map(|part| part.len() + 1).sum::<usize>() > MAX_PATH {
            return Ok(None);
        }
        let mut left: VecDeque<&[u8]> = VecDeque::new();
        for part in parts {
            if part.starts_with(b"/") {
                left.clear();
            }
            left.extend(split(part));
        }
        let top = self.layers.len();
        let mut at = Cursor::at_root(self)?;
        let mut links = 0;
        while let Some(word) = left.pop_front() {
            if word == b".." {
                at.up();
                continue;
            }
            let parent = at.name.len();
            let found = at.down(self, word, top)?;
            match found.entry {
                // Layers above a link may have entries below its name, which are unpacked through it:
                // those of an image whose tool did not know the layers below.
                Some((_, LayerFile::SymbolicLink(_)))
                    if self.is_below(&at, &left, found.floor)? => {}
                Some((_, LayerFile::SymbolicLink(target))) => {
                    links += 1;
                    if links > MAX_LINKS || target.len() > MAX_PATH {
                        return Ok(None);
                    }
                    match target.starts_with(b"/") {
                        true => at = Cursor::at_root(self)?,
                        false => at.truncate(parent),
                    }
                    for word in split(target).rev() {
                        left.push_front(word);
                    }
                    if left.is_empty() {
                        return Ok(None);
                    }
                }
                Some((layer, file)) if left.is_empty() => {
                    let found = match file {
                        LayerFile::HardLink(target) => self.entry(target, layer + 1)?,
                        file => Some((layer, file)),
                    };
                    return Ok(found.map(|(layer, file)| FoundFile {
                        path: at.name,
                        layer,
                        file,
                    }));
                }
                None if left.is_empty() => return Ok(None),
                // A directory need not have an entry.
                _ => {}
            }
        }
        Ok(Some(FoundFile {
            path: at.name,
            layer: 0,
            file: LayerFile::Directory,
        }))
    }

    /// Whether layers from `floor` on have an entry of the name that is left, relative to `at`.
    fn is_below(&self, at: &Cursor, left: &VecDeque<&[u8]>, floor: usize) -> Result<bool> {
        if left.is_empty() || left.iter().any(|word| *word == b"..") {
            return Ok(false);
        }
        let words = left.iter().copied();
        let words: Vec<&[u8]> = std::iter::once(&*at.name).chain(words).collect();
        let name = RecordKind::File.hash(&words.join(&b'/'));
        for files in self.layers[floor..].iter().rev() {
            self.charge()?;
            if files.contains(name) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the topmost entry of exactly that name below `top`; for a hard link, its target.
    fn entry(&self, name: &[u8], top: usize) -> Result<Option<(usize, LayerFile<'a>)>> {
        let (mut name, mut top) = (name, top);
        // Hard links lead to files of the same layer or of one below, so this ends.
        for _ in 0..MAX_LINKS {
            if name.len() > MAX_PATH {
                return Ok(None);
            }
            let mut at = Cursor::at_root(self)?;
            let mut entry = None;
            for word in split(name) {
                entry = at.down(self, word, top)?.entry;
            }
            match entry {
                Some((_, LayerFile::HardLink(target))) if target == name => return Ok(None),
                Some((layer, LayerFile::HardLink(target))) => (name, top) = (target, layer + 1),
                entry => return Ok(entry),
            }
        }
        Ok(None)
    }

    /// Looks up a name in the layers from `floor` to `top`.
    fn look_up(&self, name: &[u8], floor: usize, top: usize) -> Result<Lookup<'a>> {
        let [file, whiteout, opaque] = [RecordKind::File, RecordKind::Whiteout, RecordKind::Opaque]
            .map(|kind| kind.hash(name));
        let mut found = Lookup { entry: None, floor };
        for i in (floor..top).rev() {
            self.charge()?;
            let files = self.layers[i];
            match files.file(file) {
                Some(LayerFile::Directory) => {
                    found.entry.get_or_insert((i, LayerFile::Directory));
                }
                // A file hides the directory of that name in the layers below, with its entries.
                Some(other) => {
                    found.floor = i + 1;
                    found.entry.get_or_insert((i, other));
                    break;
                }
                None => {}
            }
            if files.contains(whiteout) || files.contains(opaque) {
                found.floor = i;
                break;
            }
        }
        Ok(found)
    }

    fn charge(&self) -> Result<()> {
        self.lookups.set(self.lookups.get() + 1);
        match self.lookups.get() > MAX_LOOKUPS {
            true => Err(TooManyLookups),
            false => Ok(()),
        }
    }
}

/// A place in the tree of directories: its name, and for each of its directories the lowest layer whose
/// entries are in it.
struct Cursor {
    name: Vec<u8>,
    floors: Vec<usize>,
}

impl Cursor {
    fn at_root(stack: &LayerStack<'_>) -> Result<Self> {
        let opaque = RecordKind::Opaque.hash(b"");
        let mut floor = 0;
        for (i, files) in stack.layers.iter().enumerate().rev() {
            stack.charge()?;
            if files.contains(opaque) {
                floor = i;
                break;
            }
        }
        Ok(Self {
            name: Vec::new(),
            floors: vec![floor],
        })
    }

    fn down<'a>(&mut self, stack: &LayerStack<'a>, word: &[u8], top: usize) -> Result<Lookup<'a>> {
        if !self.name.is_empty() {
            self.name.push(b'/');
        }
        self.name.extend(word);
        let floor = self.floors.last().copied().unwrap_or(0);
        let found = stack.look_up(&self.name, floor.min(top), top)?;
        self.floors.push(found.floor);
        Ok(found)
    }

    fn up(&mut self) {
        let parent = self.name.iter().rposition(|b| *b == b'/').unwrap_or(0);
        self.truncate(parent);
    }

    fn truncate(&mut self, parent: usize) {
        if !self.name.is_empty() {
            self.floors.pop();
        }
        self.name.truncate(parent);
    }
}

fn split(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let words = path.split(|b| *b == b'/');
    words.filter(|word| !word.is_empty() && *word != b".")
}
