//! From a config to the program that it starts, through the layers of the image: as a container
//! runtime would find it.

use std::cell::Cell;
use std::collections::VecDeque;

use super::files::{Fact, File, Files, hash};
use super::machine::Machine;
use crate::oci::Execution;

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// As many scripts that are run by scripts as Linux starts (`exec_binprm`).
const MAX_SCRIPTS: usize = 5;

/// As long as a path that Linux looks up (`PATH_MAX`).
const MAX_PATH: usize = 4096;

/// In how many layers names are looked up for one image. The program of an image of ten thousand
/// layers takes a tenth of it; a long PATH of a hostile config would take minutes.
const MAX_LOOKUPS: usize = 1 << 22;

/// What runtimes take where the config has no PATH (containerd `oci.defaultUnixEnv`, moby).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const WINDOWS_PATH: &str = r"C:\Windows\System32;C:\Windows";

/// What is there without being in a layer.
const MOUNTED: [&str; 3] = ["/dev/", "/proc/", "/sys/"];

/// What an image starts.
#[derive(Debug, PartialEq, Eq)]
pub enum Started {
    Program(Program),
    /// Nothing can be started under this name.
    Missing(String),
    /// What is started has holes, so nobody knows what it is.
    Sparse(Vec<u8>),
    /// Nothing, or something that is not a program of a kind that we know.
    Unknown,
}

/// A program that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, without the `/` in front.
    pub path: Vec<u8>,
    /// The layer that it is in.
    pub layer: usize,
    /// What it was built for.
    pub machine: Machine,
}

/// It was given up.
#[derive(Debug)]
pub struct TooManyLookups;

type Result<T> = std::result::Result<T, TooManyLookups>;

/// The files of all layers, bottom first.
pub struct Image<'a> {
    layers: &'a [&'a Files],
    lookups: Cell<usize>,
}

/// What an image has at a name.
struct Seen<'a> {
    /// The topmost entry, and the layer that it is in. A directory need not have one.
    entry: Option<(usize, File<'a>)>,
    /// The lowest layer whose entries are still in what is there now, where that is a directory.
    floor: usize,
}

impl<'a> Image<'a> {
    pub fn new(layers: &'a [&'a Files]) -> Self {
        Self {
            layers,
            lookups: Cell::new(0),
        }
    }

    /// What is started.
    pub fn started(&self, execution: &Execution) -> Result<Started> {
        let Some(program) = execution.program() else {
            return Ok(Started::Unknown);
        };
        let mut word = program.as_bytes().to_vec();
        for _ in 0..MAX_SCRIPTS {
            let found = self.start(&word, execution)?;
            let (path, layer, file) = match found {
                Some(found) => found,
                None if self.may_be_elsewhere(&word, execution) => return Ok(Started::Unknown),
                None => return Ok(Started::Missing(String::from_utf8_lossy(&word).into())),
            };
            match file {
                File::Program(machine) => {
                    return Ok(Started::Program(Program {
                        path,
                        layer,
                        machine,
                    }));
                }
                // Loaded for as the kernel does, which knows no PATH.
                File::Script(interpreter) if interpreter.contains(&b'/') => {
                    word = interpreter.to_vec();
                }
                File::Sparse => return Ok(Started::Sparse(path)),
                _ => return Ok(Started::Unknown),
            }
        }
        Ok(Started::Unknown)
    }

    /// The same for Windows: `app.exe`, `C:\app\app`, `cmd /S /C`. What is not found is in its base
    /// image.
    pub fn started_on_windows(&self, execution: &Execution) -> Result<Started> {
        let Some(word) = execution.program() else {
            return Ok(Started::Unknown);
        };
        let word = word.to_ascii_lowercase().replace('\\', "/");
        let path = execution.variable("Path").or(execution.variable("PATH"));
        let path = path.unwrap_or(WINDOWS_PATH).to_ascii_lowercase();
        let path = path.replace('\\', "/");
        let working_dir = execution
            .working_dir
            .to_ascii_lowercase()
            .replace('\\', "/");
        let is_absolute = word.starts_with('/') || word.starts_with("c:");
        let places = (!word.contains('/')).then(|| path.split(';'));
        for place in std::iter::once(&*working_dir).chain(places.into_iter().flatten()) {
            let name = match is_absolute {
                true => word.clone(),
                false => format!("{place}/{word}"),
            };
            for suffix in ["", ".exe"] {
                if let Some(program) = self.windows_program(&format!("{name}{suffix}"))? {
                    return Ok(Started::Program(program));
                }
            }
        }
        Ok(Started::Unknown)
    }

    fn windows_program(&self, name: &str) -> Result<Option<Program>> {
        let name = name.trim_start_matches("c:").as_bytes();
        let Some(name) = crate::tar::clean(name).filter(|name| name.len() <= MAX_PATH) else {
            return Ok(None);
        };
        // The file system of a layer is in its directory `Files` (image-spec `layer.md`, Windows).
        let path = [b"files/", &*name].concat();
        let name = hash(Fact::Windows, &path);
        for (layer, files) in self.layers.iter().enumerate().rev() {
            self.charge()?;
            if let Some(machine) = files.get_windows(name) {
                return Ok(Some(Program {
                    path,
                    layer,
                    machine,
                }));
            }
        }
        Ok(None)
    }

    /// The topmost file of exactly this name, and its layer.
    pub fn layer_of(&self, name: &[u8]) -> Result<Option<usize>> {
        let entry = self.entry(name, self.layers.len())?;
        Ok(entry.map(|(layer, _)| layer))
    }

    /// What `word` starts: where it is, the layer, and the file.
    fn start(
        &self,
        word: &[u8],
        execution: &Execution,
    ) -> Result<Option<(Vec<u8>, usize, File<'a>)>> {
        let working_dir = execution.working_dir.as_bytes();
        let is_file = |file: &File<'_>| !matches!(file, File::Directory | File::Plain);
        if word.contains(&b'/') {
            let found = self.find(&[working_dir, word])?;
            return Ok(found.filter(|(_, _, file)| is_file(file)));
        }
        let path = execution.variable("PATH").unwrap_or(PATH).as_bytes();
        for place in path.split(|b| *b == b':') {
            let found = self.find(&[working_dir, place, word])?;
            if let Some(found) = found.filter(|(_, _, file)| is_file(file)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Whether a program that is not found may be there all the same.
    fn may_be_elsewhere(&self, word: &[u8], execution: &Execution) -> bool {
        let volumes = execution.volumes.iter().map(String::as_str);
        let mut places = MOUNTED.into_iter().chain(volumes);
        // An image without files is one to be filled, or to be tried out.
        self.layers.iter().all(|files| files.is_empty())
            || places.any(|place| word.starts_with(place.as_bytes()))
    }

    /// The file at the end of a path, of which an absolute part is seen from the root.
    fn find(&self, parts: &[&[u8]]) -> Result<Option<(Vec<u8>, usize, File<'a>)>> {
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
        let mut at = Path::at_root(self)?;
        let mut links = 0;
        while let Some(word) = left.pop_front() {
            if word == b".." {
                at.up();
                continue;
            }
            let parent = at.name.len();
            let seen = at.down(self, word, top)?;
            match seen.entry {
                // Layers above a link may have entries below its name, which are unpacked through it:
                // those of an image whose tool knew nothing of the layers below.
                Some((_, File::Symlink(_))) if self.is_below(&at, &left, seen.floor)? => {}
                Some((_, File::Symlink(target))) => {
                    links += 1;
                    if links > MAX_LINKS || target.len() > MAX_PATH {
                        return Ok(None);
                    }
                    match target.starts_with(b"/") {
                        true => at = Path::at_root(self)?,
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
                        File::Hardlink(target) => self.entry(target, layer + 1)?,
                        file => Some((layer, file)),
                    };
                    return Ok(found.map(|(layer, file)| (at.name, layer, file)));
                }
                None if left.is_empty() => return Ok(None),
                // A directory without an entry of its own is one all the same.
                _ => {}
            }
        }
        Ok(Some((at.name, 0, File::Directory)))
    }

    /// Whether layers from `floor` on have an entry of the name that is left, seen from `at`.
    fn is_below(&self, at: &Path, left: &VecDeque<&[u8]>, floor: usize) -> Result<bool> {
        if left.is_empty() || left.iter().any(|word| *word == b"..") {
            return Ok(false);
        }
        let words = left.iter().copied();
        let words: Vec<&[u8]> = std::iter::once(&*at.name).chain(words).collect();
        let name = hash(Fact::File, &words.join(&b'/'));
        for files in self.layers[floor..].iter().rev() {
            self.charge()?;
            if files.has(name) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The topmost entry of exactly that name below `top`; of a hard link, what it is a name of.
    fn entry(&self, name: &[u8], top: usize) -> Result<Option<(usize, File<'a>)>> {
        let (mut name, mut top) = (name, top);
        // Hard links lead to files of the same layer or of one below, so this ends.
        for _ in 0..MAX_LINKS {
            if name.len() > MAX_PATH {
                return Ok(None);
            }
            let mut at = Path::at_root(self)?;
            let mut entry = None;
            for word in split(name) {
                entry = at.down(self, word, top)?.entry;
            }
            match entry {
                Some((_, File::Hardlink(target))) if target == name => return Ok(None),
                Some((layer, File::Hardlink(target))) => (name, top) = (target, layer + 1),
                entry => return Ok(entry),
            }
        }
        Ok(None)
    }

    /// What the layers from `floor` to `top` have at a name.
    fn look(&self, name: &[u8], floor: usize, top: usize) -> Result<Seen<'a>> {
        let [file, whiteout, opaque] =
            [Fact::File, Fact::Whiteout, Fact::Opaque].map(|fact| hash(fact, name));
        let mut seen = Seen { entry: None, floor };
        for i in (floor..top).rev() {
            self.charge()?;
            let files = self.layers[i];
            match files.get(file) {
                Some(File::Directory) => {
                    seen.entry.get_or_insert((i, File::Directory));
                }
                // Whatever is above it is no longer in a directory of the layers below.
                Some(other) => {
                    seen.floor = i + 1;
                    seen.entry.get_or_insert((i, other));
                    break;
                }
                None => {}
            }
            if files.has(whiteout) || files.has(opaque) {
                seen.floor = i;
                break;
            }
        }
        Ok(seen)
    }

    fn charge(&self) -> Result<()> {
        self.lookups.set(self.lookups.get() + 1);
        match self.lookups.get() > MAX_LOOKUPS {
            true => Err(TooManyLookups),
            false => Ok(()),
        }
    }
}

/// A name, and for each of its directories the lowest layer whose entries are in it.
struct Path {
    name: Vec<u8>,
    floors: Vec<usize>,
}

impl Path {
    fn at_root(image: &Image<'_>) -> Result<Self> {
        let opaque = hash(Fact::Opaque, b"");
        let mut floor = 0;
        for (i, files) in image.layers.iter().enumerate().rev() {
            image.charge()?;
            if files.has(opaque) {
                floor = i;
                break;
            }
        }
        Ok(Self {
            name: Vec::new(),
            floors: vec![floor],
        })
    }

    fn down<'a>(&mut self, image: &Image<'a>, word: &[u8], top: usize) -> Result<Seen<'a>> {
        if !self.name.is_empty() {
            self.name.push(b'/');
        }
        self.name.extend(word);
        let floor = self.floors.last().copied().unwrap_or(0);
        let seen = image.look(&self.name, floor.min(top), top)?;
        self.floors.push(seen.floor);
        Ok(seen)
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
