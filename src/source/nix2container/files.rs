//! The files of a layer: those of all its store paths, by their names in the image, in the order of the
//! tar.
//!
//! Where Nix on macOS has changed names that differ only in case, nix2container changes them back. That
//! is not done here, so such a layer has the wrong digest and is refused.

use std::collections::BTreeMap;
use std::fs::FileType;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use walkdir::WalkDir;

use super::go_tar::clean_path;
use super::store_path::{StorePath, compile};
use crate::source::store_paths::error_at;
use crate::source::ustar::TypeFlag;

/// The longest name that Linux accepts (`PATH_MAX`): runtimes cannot unpack longer ones.
const MAX_NAME: usize = 4096;

/// The files of a layer, without directories that no store path has (`/nix`).
pub type FilesByName = BTreeMap<TarName, SourceFile>;

/// A name in the tar, in the order of entries: directory by directory, each sorted by name.
#[derive(PartialEq, Eq)]
pub struct TarName(pub Box<[u8]>);

impl Ord for TarName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // No name has a NUL, so with NULs for slashes the content of a directory comes right after it.
        fn key(name: &TarName) -> impl Iterator<Item = u8> {
            name.0.iter().map(|b| if *b == b'/' { 0 } else { *b })
        }
        key(self).cmp(key(other))
    }
}

impl PartialOrd for TarName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A file of a store path.
pub struct SourceFile {
    /// The path to read, if it differs from the name.
    pub source: Option<Box<Path>>,
    /// The position of its store path.
    pub path: usize,
    pub kind: TypeFlag,
    pub mode: u32,
    /// 0 for all but regular files.
    pub size: u64,
}

/// Lists the files of all `paths`.
pub fn list(paths: &[StorePath]) -> io::Result<FilesByName> {
    let mut files = FilesByName::new();
    for (i, path) in paths.iter().enumerate() {
        let rewrite = match path.rewrite() {
            Some((_, repl)) if repl.len() > MAX_NAME => {
                let problem = format!("its name in the layer is longer than {MAX_NAME} bytes");
                return Err(error_at(&path.path, problem));
            }
            Some((pattern, repl)) => Some((compile(pattern)?, repl.as_bytes())),
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
            // A file without a name is not part of the layer.
            if name.is_empty() {
                continue;
            }
            let name = clean_path(&name);
            let failed = |problem: String| error_at(entry.path(), problem);
            let kind = kind(metadata.file_type()).map_err(failed)?;
            let node = SourceFile {
                source: (name != source).then(|| entry.path().into()),
                path: i,
                kind,
                mode: metadata.mode() & 0o7777,
                size: match kind {
                    TypeFlag::Regular => metadata.len(),
                    _ => 0,
                },
            };
            let name = TarName(name.into());
            check(&name, &node, &files, paths).map_err(failed)?;
            files.insert(name, node);
        }
    }
    Ok(files)
}

/// Checks a file against the others: of two with the same name the last one counts, and they must have
/// the same metadata.
fn check(
    name: &TarName,
    node: &SourceFile,
    files: &FilesByName,
    paths: &[StorePath],
) -> Result<(), String> {
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
    if paths[other.path].permissions() != paths[node.path].permissions() {
        return Err("the layer has it twice, with different perms".to_owned());
    }
    Ok(())
}

fn kind(found: FileType) -> Result<TypeFlag, String> {
    if found.is_file() {
        Ok(TypeFlag::Regular)
    } else if found.is_dir() {
        Ok(TypeFlag::Directory)
    } else if found.is_symlink() {
        Ok(TypeFlag::Symlink)
    } else {
        Err("it is neither a regular file, a directory nor a symbolic link".to_owned())
    }
}
