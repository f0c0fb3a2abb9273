//! The files of a layer: those of all its store paths, under the names that they have in the image,
//! in the order of the tar.
//!
//! Where Nix on macOS has changed names that differ in nothing but case, nix2container changes them
//! back. That is not done here, so such a layer has the wrong digest and does not go out.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::FileType;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use regex::bytes::{Regex, RegexBuilder};
use walkdir::WalkDir;

use super::go_tar::{Kind, clean_path};
use super::layer::StorePath;

/// Longer names than Linux takes (`PATH_MAX`): no runtime could unpack them.
const MAX_NAME: usize = 4096;

/// What a compiled regex may take: `.*\.sh` takes 4 KiB, any sensible one less than this.
const MAX_REGEX: usize = 256 << 10;

/// Files by name. Directories that no store path has (`/nix`) are not listed.
pub type Files = BTreeMap<Name, Node>;

/// A name in the tar, in the order of entries: directory by directory, each sorted by name.
#[derive(PartialEq, Eq)]
pub struct Name(pub Box<[u8]>);

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // No name has a NUL, so with NULs for slashes what is in a directory comes right after it.
        fn key(name: &Name) -> impl Iterator<Item = u8> {
            name.0.iter().map(|b| if *b == b'/' { 0 } else { *b })
        }
        key(self).cmp(key(other))
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A file of a store path.
pub struct Node {
    /// Where it is, if it is not where its name says.
    pub source: Option<Box<Path>>,
    /// Which of the store paths it is of.
    pub path: usize,
    pub kind: Kind,
    pub mode: u32,
    /// 0 for all but regular files.
    pub size: u64,
}

/// The files of all `paths`.
pub fn files(paths: &[StorePath]) -> io::Result<Files> {
    let mut files = Files::new();
    for (i, path) in paths.iter().enumerate() {
        let rewrite = match path.rewrite() {
            Some((_, repl)) if repl.len() > MAX_NAME => {
                let problem = format!("what its name becomes is longer than {MAX_NAME} bytes");
                return Err(about(&path.path, problem));
            }
            Some((pattern, repl)) => Some((regex(pattern)?, repl.as_bytes())),
            None => None,
        };
        let walk = WalkDir::new(&path.path)
            .follow_root_links(false)
            // Where a rewrite gives two files the same name, the last one counts.
            .sort_by_file_name();
        for entry in walk {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let source = entry.path().as_os_str().as_bytes();
            let name = match &rewrite {
                Some((regex, repl)) => regex.replace_all(source, *repl),
                None => source.into(),
            };
            // What is left without a name is not part of the layer.
            if name.is_empty() {
                continue;
            }
            let name = clean_path(&name);
            let failed = |problem| about(entry.path(), problem);
            let kind = kind(metadata.file_type()).map_err(failed)?;
            let node = Node {
                source: (name != source).then(|| entry.path().into()),
                path: i,
                kind,
                mode: metadata.mode() & 0o7777,
                size: match kind {
                    Kind::Regular => metadata.len(),
                    _ => 0,
                },
            };
            let name = Name(name.into());
            check(&name, &node, &files, paths).map_err(failed)?;
            files.insert(name, node);
        }
    }
    Ok(files)
}

/// Whether a file fits in with the others: of two that have the same name the last one counts, if
/// they look the same.
fn check(name: &Name, node: &Node, files: &Files, paths: &[StorePath]) -> Result<(), String> {
    if name.0.len() > MAX_NAME || name.0.contains(&0) {
        let problem = "its name in the layer has a NUL or is longer than";
        return Err(format!("{problem} {MAX_NAME} bytes"));
    }
    let Some(other) = files.get(name) else {
        return Ok(());
    };
    if (other.kind, other.mode, other.size) != (node.kind, node.mode, node.size) {
        return Err(format!(
            "the layer has another file of that name, from {}",
            paths[other.path].path.display()
        ));
    }
    if paths[other.path].perms() != paths[node.path].perms() {
        return Err("the layer has it twice, with different perms".to_owned());
    }
    Ok(())
}

fn kind(found: FileType) -> Result<Kind, String> {
    if found.is_file() {
        Ok(Kind::Regular)
    } else if found.is_dir() {
        Ok(Kind::Directory)
    } else if found.is_symlink() {
        Ok(Kind::Symlink)
    } else {
        Err("it is neither a regular file, a directory nor a symbolic link".to_owned())
    }
}

/// Go's regular expressions and ours are both RE2's: the same syntax, the first match counts, and
/// `$1` and `${name}` stand for groups in a replacement. Where they differ (`\w` and names that are
/// no ASCII, `$01`), a layer has the wrong digest, never the wrong content.
pub fn regex(text: &str) -> io::Result<Regex> {
    let mut builder = RegexBuilder::new(text);
    builder
        .size_limit(MAX_REGEX)
        .build()
        .map_err(io::Error::other)
}

/// An error that names the file to blame.
pub fn about(path: &Path, problem: impl Display) -> io::Error {
    io::Error::other(format!("{}: {problem}", path.display()))
}
