//! A layer that is not stored: the tar of a list of store paths, made while it is read.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, fadvise};
use serde_json::json;

use super::conf::Owner;
use super::files::{FileContent, OpenFile, StoreFile, StoreFiles};
use super::header::Header;
use crate::image::LayerKey;
use crate::source::store_paths::error_at;
use crate::source::ustar::TypeFlag;
use crate::tar::BLOCK;
use crate::util::parallel;
use crate::util::text::byte_count;

/// The size of a record in bytes, to which `tarfile` pads an archive (`RECORDSIZE`).
const RECORD: u64 = 20 * BLOCK as u64;

/// The bytes of a file that the kernel is asked to read before their turn comes.
const READ_AHEAD: u64 = 1 << 20;

/// The directories that are in every layer, whatever the directory of the store is.
const STORE_DIRECTORIES: [&[u8]; 2] = [b"/nix", b"/nix/store"];

/// How many files are opened before their turn comes. More do not make a solid-state disk faster.
const WINDOW: u64 = 64;

/// Returns how many files each of `jobs` threads may open before their turn comes.
pub fn window(jobs: usize) -> usize {
    parallel::spare_files(jobs).clamp(1, WINDOW) as usize
}

/// The store paths of a layer.
#[derive(Clone, Debug)]
pub struct StoreLayer {
    pub paths: Vec<PathBuf>,
    pub owner: Arc<Owner>,
    /// How many files are opened before their turn comes, so that the disk reads several at once.
    pub window: usize,
}

impl StoreLayer {
    /// Returns what decides the bytes of the layer. Store paths do not change.
    pub fn key(&self) -> LayerKey {
        let Owner {
            uid,
            gid,
            uname,
            gname,
            mtime,
        } = &*self.owner;
        let paths: Vec<_> = self
            .paths
            .iter()
            .map(|path| path.to_string_lossy())
            .collect();
        LayerKey::of(&json!([
            "dockertools 1",
            paths,
            uid,
            gid,
            uname,
            gname,
            mtime
        ]))
    }

    /// Starts from the first byte.
    pub fn open(self) -> LayerTar {
        let mut blocks = Vec::new();
        for name in STORE_DIRECTORIES {
            let header = Header {
                name,
                kind: TypeFlag::Directory,
                mode: 0o755,
                size: 0,
                target: b"",
            };
            header.write(&self.owner, &mut blocks);
        }
        LayerTar {
            written: blocks.len() as u64,
            blocks,
            read: 0,
            files: StoreFiles::new(self.paths),
            opened: VecDeque::new(),
            owner: self.owner,
            window: self.window.max(1),
            content: None,
            has_ended: false,
        }
    }
}

/// A reader of the bytes of the tar.
pub struct LayerTar {
    files: StoreFiles,
    /// Files whose turn has not come.
    opened: VecDeque<io::Result<StoreFile>>,
    owner: Arc<Owner>,
    window: usize,
    /// Headers or padding, and how much of them was read.
    blocks: Vec<u8>,
    read: usize,
    /// The file whose content comes next.
    content: Option<FileBytes>,
    /// The number of bytes up to the end of `blocks` and `content`.
    written: u64,
    has_ended: bool,
}

struct FileBytes {
    path: Vec<u8>,
    opened: OpenFile,
    left: u64,
}

impl Read for LayerTar {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.read < self.blocks.len() {
                let n = (&self.blocks[self.read..]).read(buf)?;
                self.read += n;
                return Ok(n);
            }
            if let Some(content) = &mut self.content {
                let n = content.read(buf)?;
                if content.left == 0 {
                    let size = content.opened.size;
                    let padding = size.next_multiple_of(BLOCK as u64) - size;
                    self.content = None;
                    self.start_blocks();
                    self.pad(padding);
                }
                return Ok(n);
            }
            if self.has_ended {
                return Ok(0);
            }
            self.advance()?;
        }
    }
}

impl LayerTar {
    /// Goes on to the next entry, or to the end of the archive.
    fn advance(&mut self) -> io::Result<()> {
        self.start_blocks();
        while self.opened.len() < self.window {
            let Some(file) = self.files.next() else { break };
            self.opened.push_back(file.inspect(will_need));
        }
        let Some(file) = self.opened.pop_front() else {
            self.has_ended = true;
            self.pad(2 * BLOCK as u64);
            self.pad(self.written.next_multiple_of(RECORD) - self.written);
            return Ok(());
        };
        let StoreFile {
            path,
            mode,
            content,
        } = file?;
        let (kind, size, target) = match &content {
            FileContent::Directory => (TypeFlag::Directory, 0, &b""[..]),
            FileContent::Symlink(target) => (TypeFlag::Symlink, 0, target.to_bytes()),
            FileContent::Regular(opened) => (TypeFlag::Regular, opened.size, &b""[..]),
        };
        let header = Header {
            name: &path,
            kind,
            mode,
            size,
            target,
        };
        header.write(&self.owner, &mut self.blocks);
        self.written += self.blocks.len() as u64 + size;
        if let FileContent::Regular(opened) = content
            && size > 0
        {
            self.content = Some(FileBytes {
                path,
                opened,
                left: size,
            });
        }
        Ok(())
    }

    fn start_blocks(&mut self) {
        self.blocks.clear();
        self.read = 0;
    }

    fn pad(&mut self, bytes: u64) {
        self.written += bytes;
        // At most a record and two blocks.
        self.blocks.resize(self.blocks.len() + bytes as usize, 0);
    }
}

impl FileBytes {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let failed =
            |problem: io::Error, path: &[u8]| error_at(Path::new(OsStr::from_bytes(path)), problem);
        let n = (&self.opened.file).take(self.left).read(buf);
        let n = n.map_err(|e| failed(e, &self.path))?;
        if n == 0 && !buf.is_empty() {
            let problem = format!("it ends {} too early", byte_count(self.left));
            return Err(failed(io::Error::other(problem), &self.path));
        }
        self.left -= n as u64;
        if self.left == 0 {
            let unchanged = self.opened.check_unchanged();
            unchanged.map_err(|e| failed(e, &self.path))?;
        }
        Ok(n)
    }
}

/// Asks the kernel to read the start of a file. That is advice: it does not matter if it fails.
fn will_need(file: &StoreFile) {
    if let FileContent::Regular(opened) = &file.content
        && let Some(len) = std::num::NonZero::new(opened.size.min(READ_AHEAD))
    {
        let _ = fadvise(&opened.file, 0, Some(len), Advice::WillNeed);
    }
}
