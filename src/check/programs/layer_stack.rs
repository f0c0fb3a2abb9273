//! Finds the file, and its layer, that a container has at a path.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

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
    /// Shared by the stacks of an image.
    lookups: Rc<Cell<usize>>,
}

/// The entry of an image at a name.
struct Lookup<'a> {
    /// The topmost entry, and the layer that it is in. A directory need not have one.
    entry: Option<(usize, LayerFile<'a>)>,
    /// The lowest layer whose entries are still in it, if it is a directory.
    floor: usize,
    /// Whether it has entries, and is a directory therefore.
    has_entries: bool,
}

impl Lookup<'_> {
    fn is_directory(&self) -> bool {
        match &self.entry {
            Some((_, file)) => *file == LayerFile::Directory,
            None => self.has_entries,
        }
    }
}

/// The words of a path that are left.
type Words<'a> = VecDeque<Word<'a>>;

/// A word of a path.
#[derive(Clone, Copy)]
struct Word<'a> {
    name: &'a [u8],
    /// Whether a runtime makes the directory if it is missing.
    is_made: bool,
}

impl<'a> LayerStack<'a> {
    pub fn new(layers: &'a [&'a FileTable]) -> Self {
        Self::counting(layers, Rc::default())
    }

    /// A stack whose lookups are added to others.
    pub fn counting(layers: &'a [&'a FileTable], lookups: Rc<Cell<usize>>) -> Self {
        Self { layers, lookups }
    }

    /// Whether no layer has any file.
    pub fn is_empty(&self) -> bool {
        self.layers.iter().all(|files| files.is_empty())
    }

    /// Whether there is an entry of exactly this name; for a hard link, whether there is its target.
    pub fn has_entry(&self, name: &[u8]) -> Result<bool> {
        Ok(match self.entry(name)? {
            Some((layer, LayerFile::HardLink(target))) => {
                self.hard_link(target, layer, MAX_LINKS)?.is_some()
            }
            entry => entry.is_some(),
        })
    }

    /// Returns the machine of the topmost program or library of exactly this name, and its layer.
    pub fn machine_of(&self, name: &[u8]) -> Result<Option<(usize, Machine)>> {
        let mut entry = self.entry(name)?;
        if let Some((layer, LayerFile::HardLink(target))) = entry {
            let found = self.hard_link(target, layer, MAX_LINKS)?;
            entry = found.map(|found| (found.layer, found.file));
        }
        Ok(match entry {
            Some((
                layer,
                LayerFile::Program(machine, _) | LayerFile::NotExecutable(Some(machine)),
            )) => Some((layer, machine)),
            _ => None,
        })
    }

    /// Returns the topmost entry of exactly this name, and its layer.
    fn entry(&self, name: &[u8]) -> Result<Option<(usize, LayerFile<'a>)>> {
        let mut at = Cursor::at_root(self)?;
        let mut entry = None;
        for word in split(name) {
            entry = at.down(self, word, self.layers.len())?.entry;
        }
        Ok(entry)
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

    /// Returns the file at a path, whose parts are joined; an absolute part starts from the root. The first part is
    /// the working directory, which runtimes make if it is missing.
    pub fn find(&self, parts: &[&[u8]]) -> Result<Option<FoundFile<'a>>> {
        self.find_or_lose(parts, &mut Vec::new())
    }

    /// Returns the path, without links, at which the search for a file ends that is not found.
    pub fn lost_path(&self, parts: &[&[u8]]) -> Result<Option<Vec<u8>>> {
        let mut lost = Vec::new();
        let found = self.find_or_lose(parts, &mut lost)?;
        Ok(found.is_none().then_some(lost))
    }

    fn find_or_lose(&self, parts: &[&[u8]], lost: &mut Vec<u8>) -> Result<Option<FoundFile<'a>>> {
        if parts.iter().map(|part| part.len() + 1).sum::<usize>() > MAX_PATH {
            return Ok(None);
        }
        let mut left = Words::new();
        for (i, part) in parts.iter().enumerate() {
            if part.starts_with(b"/") {
                left.clear();
            }
            let is_made = i == 0;
            left.extend(split(part).map(|name| Word { name, is_made }));
        }
        self.walk(left, self.layers.len(), true, MAX_LINKS, lost)
    }

    /// Returns the file that a hard link of a layer leads to. The directories of its target may be links; if
    /// the target is one, the hard link is the same one.
    fn hard_link(
        &self,
        target: &'a [u8],
        layer: usize,
        max_links: usize,
    ) -> Result<Option<FoundFile<'a>>> {
        if target.len() > MAX_PATH || max_links == 0 {
            return Ok(None);
        }
        let is_made = false;
        let words: Words = (split(target).map(|name| Word { name, is_made })).collect();
        // A later entry of the layer may remove the target: then it was in a layer below.
        for top in [layer + 1, layer] {
            let lost = &mut Vec::new();
            let found = self.walk(words.clone(), top, false, max_links - 1, lost)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Returns the file at a path from the root in the layers below `top`; if it is a symbolic link, the link
    /// itself unless `is_followed`. The path of a file that is missing is `lost`.
    fn walk<'b>(
        &self,
        mut left: Words<'b>,
        top: usize,
        is_followed: bool,
        max_links: usize,
        lost: &mut Vec<u8>,
    ) -> Result<Option<FoundFile<'a>>>
    where
        'a: 'b,
    {
        let mut at = Cursor::at_root(self)?;
        let mut links = 0;
        while let Some(word) = left.pop_front() {
            if word.name == b".." {
                if !at.is_directory() {
                    return Ok(None);
                }
                at.up();
                continue;
            }
            let parent = at.name.len();
            let found = at.down(self, word.name, top)?;
            let is_last = left.is_empty();
            let mut path = None;
            let entry = match found.entry {
                Some((layer, LayerFile::HardLink(target))) => {
                    let found = self.hard_link(target, layer, max_links)?;
                    found.map(|found| {
                        path = Some(found.path);
                        (found.layer, found.file)
                    })
                }
                entry => entry,
            };
            match entry {
                // Layers above a link may have entries below its name, which are unpacked through it:
                // those of an image whose tool did not know the layers below.
                Some((_, LayerFile::SymbolicLink(_)))
                    if self.is_below(&at, &left, found.floor)? => {}
                Some((_, LayerFile::SymbolicLink(target))) if is_followed || !is_last => {
                    links += 1;
                    if links > max_links || target.len() > MAX_PATH {
                        return Ok(None);
                    }
                    match target.starts_with(b"/") {
                        true => at = Cursor::at_root(self)?,
                        false => at.truncate(parent),
                    }
                    let is_made = word.is_made;
                    for name in split(target).rev() {
                        left.push_front(Word { name, is_made });
                    }
                    if left.is_empty() {
                        return Ok(None);
                    }
                }
                Some((layer, file)) if is_last => {
                    let path = path.unwrap_or(at.name);
                    return Ok(Some(FoundFile { path, layer, file }));
                }
                None if is_last && !found.has_entries => {
                    *lost = [b"/", &*at.name].concat();
                    return Ok(None);
                }
                // A directory need not have an entry.
                None if word.is_made => at.make_directory(),
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
    fn is_below(&self, at: &Cursor, left: &Words<'_>, floor: usize) -> Result<bool> {
        if left.is_empty() || left.iter().any(|word| word.name == b"..") {
            return Ok(false);
        }
        let words = left.iter().map(|word| word.name);
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

    /// Looks up a name in the layers from `floor` to `top`.
    fn look_up(&self, name: &[u8], floor: usize, top: usize) -> Result<Lookup<'a>> {
        let [file, whiteout, opaque, parent] = [
            RecordKind::File,
            RecordKind::Whiteout,
            RecordKind::Opaque,
            RecordKind::Parent,
        ]
        .map(|kind| kind.hash(name));
        let mut found = Lookup {
            entry: None,
            floor,
            has_entries: false,
        };
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
            if found.entry.is_none() && files.contains(parent) {
                found.has_entries = true;
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
    /// Whether each of its directories is one.
    are_directories: Vec<bool>,
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
            are_directories: vec![true],
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
        self.are_directories.push(found.is_directory());
        Ok(found)
    }

    fn is_directory(&self) -> bool {
        // Runtimes mount directories and files below these.
        let first = self.name.split(|b| *b == b'/').next().unwrap_or_default();
        let is_mounted = [&b"dev"[..], b"proc", b"sys", b"etc", b"run"].contains(&first);
        is_mounted || self.are_directories.last().copied().unwrap_or(true)
    }

    fn make_directory(&mut self) {
        if let Some(is_directory) = self.are_directories.last_mut() {
            *is_directory = true;
        }
    }

    fn up(&mut self) {
        let parent = self.name.iter().rposition(|b| *b == b'/').unwrap_or(0);
        self.truncate(parent);
    }

    fn truncate(&mut self, parent: usize) {
        if !self.name.is_empty() {
            self.floors.pop();
            self.are_directories.pop();
        }
        self.name.truncate(parent);
    }
}

fn split(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let words = path.split(|b| *b == b'/');
    words.filter(|word| !word.is_empty() && *word != b".")
}
