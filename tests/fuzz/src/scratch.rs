//! A directory for one run, deep enough that files above the working directory are noticed, and the ways in
//! which an archive can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{PipeReader, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::recipe::{gzip, zstd};

/// The bytes that fit into a pipe before a reader takes them.
const PIPE: usize = 64 << 10;

/// The directory.
pub struct Scratch {
    root: TempDir,
    work: PathBuf,
}

/// How an archive is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    File,
    Pipe,
    Gzip,
    Zstd,
}

/// The content of an input: an archive, or the files of a directory.
pub enum Parcel {
    Archive(Vec<u8>),
    Directory(BTreeMap<String, Vec<u8>>),
}

impl Parcel {
    pub fn is_archive(&self) -> bool {
        matches!(self, Self::Archive(_))
    }
}

/// A path that can be read until this is dropped.
pub struct Given {
    pub path: PathBuf,
    _pipe: Option<PipeReader>,
}

impl Scratch {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let work = root.path().join("1/2/3/4");
        fs::create_dir_all(&work).unwrap();
        Self { root, work }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// Returns all paths, with the bytes of files.
    pub fn everything(&self) -> BTreeSet<(PathBuf, Vec<u8>)> {
        let walk = walkdir::WalkDir::new(self.root.path());
        walk.into_iter()
            .map(|entry| {
                let entry = entry.unwrap();
                let bytes = match entry.file_type().is_file() {
                    true => fs::read(entry.path()).unwrap(),
                    false => Vec::new(),
                };
                (entry.into_path(), bytes)
            })
            .collect()
    }

    /// Writes a parcel that is read from a path.
    pub fn put(&self, number: usize, parcel: &Parcel) {
        let Parcel::Directory(files) = parcel else {
            return;
        };
        let root = self.path(&number.to_string());
        for (name, bytes) in files {
            write(&root.join(name), bytes);
        }
    }

    /// Makes a parcel readable.
    pub fn give(&self, number: usize, parcel: &Parcel, way: Way) -> Given {
        let path = self.path(&number.to_string());
        let Parcel::Archive(bytes) = parcel else {
            return Given { path, _pipe: None };
        };
        match way {
            Way::File => write(&path, bytes),
            Way::Pipe if bytes.len() <= PIPE => {
                let (reader, mut writer) = std::io::pipe().unwrap();
                writer.write_all(bytes).unwrap();
                return Given {
                    path: format!("/proc/self/fd/{}", reader.as_raw_fd()).into(),
                    _pipe: Some(reader),
                };
            }
            Way::Pipe | Way::Gzip => write(&path, &gzip(bytes)),
            Way::Zstd => write(&path, &zstd(bytes)),
        }
        Given { path, _pipe: None }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
