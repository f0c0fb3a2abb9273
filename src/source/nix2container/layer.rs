//! A layer that is not stored: the tar of a list of store paths, made while it is read.
//!
//! nix2container merges the files of all paths, under their names in the image, and writes them sorted.
//! Only the list of files is in memory, and only while the layer is read.
//!
//! The paths are absolute paths of *this* machine. They are read only because the user gave the document
//! that names them. Nothing is written there, and only regular files, directories and symbolic
//! links are read.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use regex::bytes::Regex;

use super::files::{FilesByName, SourceFile, TarName, list};
use super::go_tar::GoHeader;
use super::store_path::{Permissions, StorePath, compile};
use crate::image::Generate;
use crate::source::store_paths::error_at;
use crate::source::ustar::TypeFlag;
use crate::tar::BLOCK;
use crate::util::text::byte_count;

/// Regexes of one layer, each of which may take 256 KiB.
const MAX_REGEXES: usize = 256;

/// The store paths of a layer.
#[derive(Debug)]
pub struct StorePaths(pub Vec<StorePath>);

impl Generate for StorePaths {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        // Many paths have the same few regexes.
        let mut known: HashMap<&str, Regex> = HashMap::new();
        for perm in self.0.iter().flat_map(StorePath::permissions) {
            if !known.contains_key(&*perm.regex) {
                known.insert(&perm.regex, compile(&perm.regex)?);
            }
            if known.len() > MAX_REGEXES {
                return Err(io::Error::other(format!(
                    "its perms have more than {MAX_REGEXES} different regexes"
                )));
            }
        }
        let compiled = |path: &StorePath| -> Vec<Regex> {
            let perms = path.permissions().iter();
            perms
                .filter_map(|p| known.get(&*p.regex).cloned())
                .collect()
        };
        Ok(Box::new(GeneratedTar {
            paths: &self.0,
            perms: self.0.iter().map(compiled).collect(),
            files: list(&self.0)?.into_iter().peekable(),
            last: Vec::new(),
            blocks: Vec::new(),
            read: 0,
            content: None,
            ended: false,
        }))
    }
}

/// A reader of the bytes of the tar.
struct GeneratedTar<'a> {
    paths: &'a [StorePath],
    /// The regexes of the perms of each path.
    perms: Vec<Vec<Regex>>,
    files: Peekable<<FilesByName as IntoIterator>::IntoIter>,
    /// The name of the last entry.
    last: Vec<u8>,
    /// Headers or padding, and how much of them was read.
    blocks: Vec<u8>,
    read: usize,
    /// The file whose content comes next.
    content: Option<OpenFile>,
    ended: bool,
}

struct OpenFile {
    file: File,
    path: Box<Path>,
    left: u64,
    padding: usize,
}

impl Read for GeneratedTar<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.read == self.blocks.len() {
            if let Some(content) = &mut self.content {
                let OpenFile {
                    file, path, left, ..
                } = content;
                let n = file.take(*left).read(buf).map_err(|e| error_at(path, e))?;
                if n == 0 && !buf.is_empty() {
                    return Err(error_at(
                        path,
                        format!("it ends {} too early", byte_count(*left)),
                    ));
                }
                *left -= n as u64;
                if *left == 0 {
                    let padding = vec![0; content.padding];
                    self.content = None;
                    self.put(padding);
                }
                return Ok(n);
            }
            if self.ended {
                return Ok(0);
            }
            self.advance()?;
        }
        let n = (&self.blocks[self.read..]).read(buf)?;
        self.read += n;
        Ok(n)
    }
}

impl GeneratedTar<'_> {
    /// Goes on to the next entry, or to the end of the archive.
    fn advance(&mut self) -> io::Result<()> {
        let Some((TarName(name), _)) = self.files.peek() else {
            self.ended = true;
            self.put(vec![0; 2 * BLOCK]);
            return Ok(());
        };
        if let Some(parent) = next_parent(name, &self.last) {
            self.last = parent.to_vec();
            let header = header(&self.last, TypeFlag::Directory, 0o755);
            let path = Path::new(OsStr::from_bytes(&self.last));
            let blocks = header.bytes().map_err(|problem| error_at(path, problem))?;
            self.put(blocks);
        } else if let Some((TarName(name), node)) = self.files.next() {
            let blocks = self.file(&name, &node)?;
            self.put(blocks);
            self.last = name.into();
        }
        Ok(())
    }

    /// The header of a file; its content comes next.
    fn file(&mut self, name: &[u8], node: &SourceFile) -> io::Result<Vec<u8>> {
        let path = Path::new(OsStr::from_bytes(name));
        let path = node.source.as_deref().unwrap_or(path);
        let link = match node.kind {
            TypeFlag::Symlink => std::fs::read_link(path).map_err(|e| error_at(path, e))?,
            _ => PathBuf::new(),
        };
        let mut header = match node.kind {
            // The mode that stat reports for links on Linux, which ignores it.
            TypeFlag::Symlink => header(name, node.kind, 0o777),
            _ => header(name, node.kind, node.mode),
        };
        header.link = link.as_os_str().as_bytes();
        header.size = node.size;
        let perms = self.paths[node.path].permissions();
        for (regex, perm) in self.perms[node.path].iter().zip(perms) {
            if regex.is_match(path.as_os_str().as_bytes()) {
                perm.apply(&mut header).map_err(|e| error_at(path, e))?;
            }
        }
        if node.size > 0 {
            self.content = Some(OpenFile {
                file: File::open(path).map_err(|e| error_at(path, e))?,
                path: path.into(),
                left: node.size,
                padding: (node.size.wrapping_neg() % BLOCK as u64) as usize,
            });
        }
        header.bytes().map_err(|problem| error_at(path, problem))
    }

    fn put(&mut self, blocks: Vec<u8>) {
        self.blocks = blocks;
        self.read = 0;
    }
}

/// Returns the next directory on the way to `name` that has no entry yet because no store path has it.
/// Entries are in order, so a directory is missing if the last entry was not in it.
fn next_parent<'a>(name: &'a [u8], last: &[u8]) -> Option<&'a [u8]> {
    let same = name.iter().zip(last).take_while(|(a, b)| a == b).count();
    let is_there = |parent: &[u8]| {
        parent.len() <= same
            && (parent == b"/" || matches!(last.get(parent.len()), None | Some(b'/')))
    };
    let slashes = name.iter().enumerate().filter(|(_, b)| **b == b'/');
    slashes
        .map(|(i, _)| &name[..i.max(1)])
        .find(|parent| parent.len() < name.len() && !is_there(parent))
}

fn header(name: &[u8], kind: TypeFlag, mode: u32) -> GoHeader<'_> {
    GoHeader {
        name,
        kind,
        link: &[],
        size: 0,
        mode: mode.into(),
        uid: 0,
        gid: 0,
        uname: "root",
        gname: "root",
    }
}

impl Permissions {
    fn apply<'a>(&'a self, header: &mut GoHeader<'a>) -> Result<(), String> {
        header.uid = self.uid;
        header.gid = self.gid;
        if !self.uname.is_empty() {
            header.uname = &self.uname;
        }
        if !self.gname.is_empty() {
            header.gname = &self.gname;
        }
        if !self.mode.is_empty() {
            header.mode = octal(&self.mode).ok_or_else(|| {
                format!(
                    "its mode is {:?} by its perms, expected octal digits",
                    self.mode
                )
            })?;
        }
        Ok(())
    }
}

/// Parses a number as Go's `Sscanf` does with `%o`: whatever follows the digits is ignored.
fn octal(text: &str) -> Option<i64> {
    let text = text.trim_start_matches(' ');
    let sign = text.len() - text.trim_start_matches(['+', '-']).len();
    let digits = text[sign.min(1)..]
        .bytes()
        .take_while(|b| (b'0'..=b'7').contains(b));
    let end = sign.min(1) + digits.count();
    i64::from_str_radix(&text[..end], 8).ok()
}
