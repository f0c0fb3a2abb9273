//! Copies a file or a directory of files, with changes of those that are text.

use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use crate::error::{Code, Error, Opaque, PinProblem, Problem, Warning};

/// A larger file is not written by hand, and is only searched.
const MAX_TEXT: u64 = 16 << 20;

/// The links that are replaced by their targets. Without a limit, a few directories of links that lead to each
/// other have any number of files.
const MAX_FOLLOWED: usize = 1000;

/// The content of a file.
pub enum Content<'c> {
    Text(&'c str),
    /// A file that cannot be changed, and why.
    Opaque(&'c mut dyn Read, Opaque),
}

/// Gets each file. Returns the text that replaces the content, if it is text.
pub trait Change {
    fn change(&mut self, file: &Path, content: Content<'_>) -> Result<Option<String>, Error>;
    fn warn(&mut self, warning: Warning);
}

/// Copies `source` to `target`, which does not exist. A link stays a link if it leads to a place in the source,
/// which is then in the copy too; otherwise the copy has what it leads to.
pub fn copy(source: &Path, target: &Path, change: &mut dyn Change) -> Result<(), Error> {
    let metadata = source.metadata().map_err(Error::no_file(source))?;
    let mut copier = Copier {
        change,
        directories: Vec::new(),
        followed: 0,
    };
    match metadata.is_dir() {
        true => copier.followed_directory(source, target),
        false => copier.file(source, target, &metadata),
    }
}

struct Copier<'c> {
    change: &'c mut dyn Change,
    /// The source, and the directories outside of it that are being copied, without links in their paths.
    directories: Vec<PathBuf>,
    followed: usize,
}

impl Copier<'_> {
    /// Copies an entry of a directory, which is `depth` levels below the source or a directory that a link leads to.
    fn entry(&mut self, source: &Path, target: &Path, depth: usize) -> Result<(), Error> {
        let metadata = source
            .symlink_metadata()
            .map_err(Error::io("read", source))?;
        if metadata.is_symlink() {
            self.link(source, target, depth)
        } else if metadata.is_dir() {
            self.directory(source, target, depth + 1)
        } else {
            self.file(source, target, &metadata)
        }
    }

    fn link(&mut self, source: &Path, target: &Path, depth: usize) -> Result<(), Error> {
        let to = fs::read_link(source).map_err(Error::io("read", source))?;
        let metadata = match source.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!("leads to {}, which does not exist", to.display());
                self.change
                    .warn(Warning::new(Code::NotPinned, source, text));
                return symlink(to, target).map_err(Error::io("write", target));
            }
            metadata => metadata.map_err(Error::io("read", source))?,
        };
        if stays_inside(&to, depth) {
            return symlink(to, target).map_err(Error::io("write", target));
        }
        self.followed += 1;
        if self.followed > MAX_FOLLOWED {
            let limit = MAX_FOLLOWED;
            return Err(pin_error(source, PinProblem::TooManyLinks { limit }));
        }
        match metadata.is_dir() {
            true => self.followed_directory(source, target),
            false => self.file(source, target, &metadata),
        }
    }

    fn followed_directory(&mut self, source: &Path, target: &Path) -> Result<(), Error> {
        let path = source.canonicalize().map_err(Error::io("read", source))?;
        let parent = source.parent().filter(|_| !self.directories.is_empty());
        let parent = parent.map(Path::canonicalize).transpose();
        let parent = parent.map_err(Error::io("read", source))?;
        if parent.is_some_and(|parent| parent.starts_with(&path))
            || self.directories.contains(&path)
        {
            return Err(pin_error(source, PinProblem::LinkToItself { to: path }));
        }
        self.directories.push(path);
        self.directory(source, target, 0)?;
        self.directories.pop();
        Ok(())
    }

    fn directory(&mut self, source: &Path, target: &Path, depth: usize) -> Result<(), Error> {
        fs::create_dir(target).map_err(Error::io("write", target))?;
        let entries = fs::read_dir(source).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(Error::io("read", source))?;
        let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
        names.sort();
        for name in names {
            self.entry(&source.join(&name), &target.join(&name), depth)?;
        }
        Ok(())
    }

    fn file(&mut self, source: &Path, target: &Path, metadata: &Metadata) -> Result<(), Error> {
        if !metadata.is_file() {
            // Opening a pipe would wait for its writer.
            let found = kind(metadata.file_type());
            return Err(pin_error(source, PinProblem::NotAFile { found }));
        }
        match metadata.len() > MAX_TEXT {
            true => {
                let mut file = File::open(source).map_err(Error::io("read", source))?;
                let content = Content::Opaque(&mut file, Opaque::Large);
                self.change.change(source, content)?;
                file.rewind().map_err(Error::io("read", source))?;
                let mut target_file = File::create(target).map_err(Error::io("write", target))?;
                io::copy(&mut file, &mut target_file).map_err(Error::io("write", target))?;
            }
            false => {
                let content = self.changed(source)?;
                fs::write(target, content).map_err(Error::io("write", target))?;
            }
        }
        let mode = match metadata.permissions().mode() & 0o111 {
            0 => return Ok(()),
            _ => fs::Permissions::from_mode(0o755),
        };
        fs::set_permissions(target, mode).map_err(Error::io("write", target))
    }

    fn changed(&mut self, source: &Path) -> Result<Vec<u8>, Error> {
        let content = fs::read(source).map_err(Error::io("read", source))?;
        let changed = match std::str::from_utf8(&content) {
            Ok(text) => self.change.change(source, Content::Text(text))?,
            Err(_) => {
                let opaque = Content::Opaque(&mut &*content, Opaque::NotUtf8);
                self.change.change(source, opaque)?
            }
        };
        Ok(changed.map_or(content, String::into_bytes))
    }
}

/// Whether a link in a directory of this depth leads to a place below the directory of depth 0, by its text alone:
/// a `..` after a name can lead out of it through another link.
fn stays_inside(to: &Path, depth: usize) -> bool {
    let is_up = |component: &Component<'_>| *component == Component::ParentDir;
    let up = to.components().take_while(is_up).count();
    let mut rest = to.components().skip(up);
    let is_name = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    up <= depth && rest.all(is_name)
}

fn kind(file_type: FileType) -> &'static str {
    if file_type.is_fifo() {
        "a named pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn pin_error(file: &Path, problem: PinProblem) -> Error {
    Error::new(file, Problem::Pin(problem))
}
