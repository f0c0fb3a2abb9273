//! A layer that exists nowhere: the tar of a list of store paths, made while it is read.
//!
//! nix2container merges the files of all paths, under the names that they have in the image, and
//! writes them sorted. Only the list of files is held in memory, and only while the layer is read.
//!
//! The paths are absolute ones of *this* machine. They are read because the user handed us the
//! document that names them, and for no other reason; nothing is ever written there, and nothing but
//! regular files, directories and symbolic links is looked at.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use regex::bytes::Regex;
use serde::Deserialize;

use super::files::{Files, Name, Node, about, files, regex};
use super::go_tar::{BLOCK, Header, Kind};
use crate::image::blob::Generate;

/// Regexes of one layer, each of which may take 256 KiB.
const MAX_REGEXES: usize = 256;

/// A store path, and how it goes into the layer.
#[derive(Debug, Deserialize)]
pub struct StorePath {
    /// Where it is on this machine.
    pub path: PathBuf,
    #[serde(default)]
    options: Option<Options>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    rewrite: Rewrite,
    perms: Vec<Perm>,
}

/// What becomes of the names of files: what the regex matches is replaced, all of it or the file is
/// left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rewrite {
    regex: String,
    repl: String,
}

/// Owner and mode of the files whose *source* path matches.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Perm {
    regex: String,
    mode: String,
    uid: i64,
    gid: i64,
    uname: String,
    gname: String,
}

impl StorePath {
    /// The regex, and what it is replaced with.
    pub fn rewrite(&self) -> Option<(&str, &str)> {
        let rewrite = &self.options.as_ref()?.rewrite;
        (!rewrite.regex.is_empty()).then_some((&rewrite.regex, &rewrite.repl))
    }

    /// Who owns the files; all that match apply, in this order.
    pub fn perms(&self) -> &[Perm] {
        self.options.as_ref().map_or(&[], |o| &o.perms)
    }
}

/// The store paths of a layer.
#[derive(Debug)]
pub struct StorePaths(pub Vec<StorePath>);

impl Generate for StorePaths {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        // Many paths have the same few.
        let mut known: HashMap<&str, Regex> = HashMap::new();
        for perm in self.0.iter().flat_map(StorePath::perms) {
            if !known.contains_key(&*perm.regex) {
                known.insert(&perm.regex, regex(&perm.regex)?);
            }
            if known.len() > MAX_REGEXES {
                return Err(io::Error::other(format!(
                    "its perms have more than {MAX_REGEXES} different regexes"
                )));
            }
        }
        let compiled = |path: &StorePath| -> Vec<Regex> {
            let perms = path.perms().iter();
            perms
                .filter_map(|p| known.get(&*p.regex).cloned())
                .collect()
        };
        Ok(Box::new(LayerStream {
            paths: &self.0,
            perms: self.0.iter().map(compiled).collect(),
            files: files(&self.0)?.into_iter().peekable(),
            last: Vec::new(),
            blocks: Vec::new(),
            read: 0,
            content: None,
            ended: false,
        }))
    }
}

/// The bytes of the tar.
struct LayerStream<'a> {
    paths: &'a [StorePath],
    /// The regexes of the perms of each path.
    perms: Vec<Vec<Regex>>,
    files: Peekable<<Files as IntoIterator>::IntoIter>,
    /// The name of the last entry.
    last: Vec<u8>,
    /// Headers, and the zeros that fill a block; how much of them was read.
    blocks: Vec<u8>,
    read: usize,
    /// The content that comes after them.
    content: Option<Content>,
    ended: bool,
}

struct Content {
    file: File,
    path: Box<Path>,
    left: u64,
    padding: usize,
}

impl Read for LayerStream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.read == self.blocks.len() {
            if let Some(content) = &mut self.content {
                let Content {
                    file, path, left, ..
                } = content;
                let n = file.take(*left).read(buf).map_err(|e| about(path, e))?;
                if n == 0 && !buf.is_empty() {
                    return Err(about(path, format!("it ends {left} bytes too early")));
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

impl LayerStream<'_> {
    /// Goes on to the next entry, or to the end of the archive.
    fn advance(&mut self) -> io::Result<()> {
        let Some((Name(name), _)) = self.files.peek() else {
            self.ended = true;
            self.put(vec![0; 2 * BLOCK]);
            return Ok(());
        };
        if let Some(parent) = next_parent(name, &self.last) {
            self.last = parent.to_vec();
            let header = header(&self.last, Kind::Directory, 0o755);
            let path = Path::new(OsStr::from_bytes(&self.last));
            let blocks = header.bytes().map_err(|problem| about(path, problem))?;
            self.put(blocks);
        } else if let Some((Name(name), node)) = self.files.next() {
            let blocks = self.file(&name, &node)?;
            self.put(blocks);
            self.last = name.into();
        }
        Ok(())
    }

    /// The header of a file; its content comes next.
    fn file(&mut self, name: &[u8], node: &Node) -> io::Result<Vec<u8>> {
        let path = Path::new(OsStr::from_bytes(name));
        let path = node.source.as_deref().unwrap_or(path);
        let link = match node.kind {
            Kind::Symlink => std::fs::read_link(path).map_err(|e| about(path, e))?,
            _ => PathBuf::new(),
        };
        let mut header = match node.kind {
            // The mode that links have on Linux, where they have none.
            Kind::Symlink => header(name, node.kind, 0o777),
            _ => header(name, node.kind, node.mode),
        };
        header.link = link.as_os_str().as_bytes();
        header.size = node.size;
        let perms = self.paths[node.path].perms();
        for (regex, perm) in self.perms[node.path].iter().zip(perms) {
            if regex.is_match(path.as_os_str().as_bytes()) {
                perm.apply(&mut header).map_err(|e| about(path, e))?;
            }
        }
        if node.size > 0 {
            self.content = Some(Content {
                file: File::open(path).map_err(|e| about(path, e))?,
                path: path.into(),
                left: node.size,
                padding: (node.size.wrapping_neg() % BLOCK as u64) as usize,
            });
        }
        header.bytes().map_err(|problem| about(path, problem))
    }

    fn put(&mut self, blocks: Vec<u8>) {
        self.blocks = blocks;
        self.read = 0;
    }
}

/// The next directory on the way to `name` that has no entry yet, although none of the store paths
/// has it. Entries are in order, so what is missing is what the last one was not in.
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

fn header(name: &[u8], kind: Kind, mode: u32) -> Header<'_> {
    Header {
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

impl Perm {
    fn apply<'a>(&'a self, header: &mut Header<'a>) -> Result<(), String> {
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

/// What Go's `Sscanf` makes of `%o`: what comes after the digits does not count.
fn octal(text: &str) -> Option<i64> {
    let text = text.trim_start_matches(' ');
    let sign = text.len() - text.trim_start_matches(['+', '-']).len();
    let digits = text[sign.min(1)..]
        .bytes()
        .take_while(|b| (b'0'..=b'7').contains(b));
    let end = sign.min(1) + digits.count();
    i64::from_str_radix(&text[..end], 8).ok()
}
