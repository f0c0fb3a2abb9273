//! The files of store paths, in the order of Python's `sorted(path.rglob("*"))`: each directory is sorted
//! by name, and its content comes right after it.
//!
//! Directories are read one at a time, so memory does not grow with the number of files but with the
//! largest directories on the way to one. Files are opened relative to their directory, which takes the
//! kernel half of the time that whole paths take.

use std::cmp::Ordering;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::vec;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, readlinkat, statat,
};

use super::header::characters;
use crate::source::store_paths::error_at;

/// The longest path that Linux opens (`PATH_MAX`, which counts a NUL).
const MAX_PATH: usize = 4095;

/// How many directories on the way to a file stay open. Others are opened again when their turn comes.
const OPEN_DIRECTORIES: usize = 8;

/// A file of a store path.
pub struct StoreFile {
    /// Its path, which is also its name in the layer.
    pub path: Vec<u8>,
    pub mode: u32,
    pub content: FileContent,
}

pub enum FileContent {
    Directory,
    Symlink(CString),
    Regular(OpenFile),
}

/// A regular file that was opened, but not read.
pub struct OpenFile {
    pub file: File,
    pub size: u64,
    version: Version,
}

/// What changes when a file is written.
#[derive(PartialEq, Eq)]
struct Version([i64; 5]);

impl OpenFile {
    /// Fails if the file was changed since it was opened.
    pub fn check_unchanged(&self) -> io::Result<()> {
        match Version::of(&fstat(&self.file)?) == self.version {
            true => Ok(()),
            false => Err(io::Error::other("it was changed while it was read")),
        }
    }
}

impl Version {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_wrap,
        reason = "the types of these fields differ between platforms; only their equality counts"
    )]
    fn of(stat: &Stat) -> Self {
        Self([
            stat.st_size as i64,
            stat.st_mtime as i64,
            stat.st_mtime_nsec as i64,
            stat.st_ctime as i64,
            stat.st_ctime_nsec as i64,
        ])
    }
}

/// An iterator over the files of store paths.
pub struct StoreFiles {
    roots: vec::IntoIter<PathBuf>,
    /// The directories on the way to the next file.
    directories: Vec<Directory>,
    /// The path of the last of them, or of the file that is being opened.
    path: Vec<u8>,
}

struct Directory {
    /// `None` while too many others are open.
    directory: Option<Dir>,
    /// The entries that are left, the last one first.
    entries: Vec<(CString, FileType)>,
    /// The length of its path.
    path: usize,
}

impl StoreFiles {
    /// Starts with the first of `paths`.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            roots: paths.into_iter(),
            directories: Vec::new(),
            path: Vec::new(),
        }
    }

    fn next_file(&mut self) -> io::Result<Option<StoreFile>> {
        while let Some(top) = self.directories.last_mut() {
            self.path.truncate(top.path);
            let Some((name, kind)) = top.entries.pop() else {
                self.directories.pop();
                continue;
            };
            if top.directory.is_none() {
                let path = OsStr::from_bytes(&self.path);
                let opened = open(path, DIRECTORY, Mode::empty()).and_then(Dir::new);
                top.directory = Some(opened?);
            }
            self.path.push(b'/');
            self.path.extend(name.to_bytes());
            let Some(directory) = &top.directory else {
                continue;
            };
            let opened = open_file(directory.fd()?, &name, kind, &self.path)?;
            return self.visit(opened).map(Some);
        }
        let Some(root) = self.roots.next() else {
            return Ok(None);
        };
        self.path.clear();
        self.path.extend(root.as_os_str().as_bytes());
        let name = CString::new(self.path.as_slice())?;
        let opened = open_file(CWD, &name, FileType::Unknown, &self.path)?;
        self.visit(opened).map(Some)
    }

    /// Goes into a directory; returns any file.
    fn visit(&mut self, opened: Opened) -> io::Result<StoreFile> {
        let (mode, content) = match opened {
            Opened::Other(mode, content) => (mode, content),
            Opened::Directory(mode, mut directory) => {
                let entries = entries(&mut directory)?;
                if let Some(deep) = self.directories.len().checked_sub(OPEN_DIRECTORIES) {
                    self.directories[deep].directory = None;
                }
                self.directories.push(Directory {
                    directory: Some(directory),
                    entries,
                    path: self.path.len(),
                });
                (mode, FileContent::Directory)
            }
        };
        Ok(StoreFile {
            path: self.path.clone(),
            mode,
            content,
        })
    }
}

impl Iterator for StoreFiles {
    type Item = io::Result<StoreFile>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_file();
        next.map_err(|e| error_at(Path::new(OsStr::from_bytes(&self.path)), e))
            .transpose()
    }
}

enum Opened {
    Directory(u32, Dir),
    Other(u32, FileContent),
}

/// For directories and files: links are not followed, and nothing waits for the other end of a pipe.
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const DIRECTORY: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Opens the entry `name` of a directory. Its type is checked first, because opening a device may have
/// effects.
fn open_file(
    directory: BorrowedFd<'_>,
    name: &CStr,
    kind: FileType,
    path: &[u8],
) -> io::Result<Opened> {
    if path.len() > MAX_PATH {
        let problem = format!("its path has more than {MAX_PATH} bytes, which no system unpacks");
        return Err(io::Error::other(problem));
    }
    let kind = match kind {
        FileType::Unknown => {
            let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
            FileType::from_raw_mode(stat.st_mode)
        }
        kind => kind,
    };
    match kind {
        FileType::Directory => {
            let opened = openat(directory, name, DIRECTORY, Mode::empty())?;
            let mode = mode(&fstat(&opened)?);
            Ok(Opened::Directory(mode, Dir::new(opened)?))
        }
        FileType::RegularFile => {
            let file = File::from(openat(directory, name, FILE, Mode::empty())?);
            let stat = fstat(&file)?;
            if !FileType::from_raw_mode(stat.st_mode).is_file() {
                return Err(io::Error::other("it was replaced while it was read"));
            }
            let content = FileContent::Regular(OpenFile {
                file,
                size: u64::try_from(stat.st_size).unwrap_or(0),
                version: Version::of(&stat),
            });
            Ok(Opened::Other(mode(&stat), content))
        }
        FileType::Symlink => {
            let target = readlinkat(directory, name, Vec::new())?;
            // The mode that Linux reports for links, and ignores.
            Ok(Opened::Other(0o777, FileContent::Symlink(target)))
        }
        _ => Err(io::Error::other(
            "it is neither a regular file, a directory nor a symbolic link",
        )),
    }
}

#[allow(clippy::useless_conversion, reason = "modes have 16 bits on macOS")]
fn mode(stat: &Stat) -> u32 {
    stat.st_mode.into()
}

/// Returns the entries of a directory, the last one first.
fn entries(directory: &mut Dir) -> io::Result<Vec<(CString, FileType)>> {
    let mut entries = Vec::new();
    while let Some(entry) = directory.read() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            entries.push((name.to_owned(), entry.file_type()));
        }
    }
    entries.sort_unstable_by(|(a, _), (b, _)| compare(b.to_bytes(), a.to_bytes()));
    Ok(entries)
}

/// Compares names as Python does: by code point. Of valid UTF-8 that is the order of the bytes.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let is_text = |name| std::str::from_utf8(name).is_ok();
    match is_text(a) && is_text(b) {
        true => a.cmp(b),
        false => characters(a).cmp(characters(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_by_code_points() {
        // U+FFFD is after the surrogates that stand for bytes, and U+1F600 after both.
        let sorted: [&[u8]; 6] = [
            b"a",
            b"a-b",
            "ä".as_bytes(),
            b"\xff",
            "\u{fffd}".as_bytes(),
            "\u{1f600}".as_bytes(),
        ];
        for pair in sorted.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }
}
