//! Copies a file or a directory of files, with changes of those that are text.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::Error;

/// A larger file is not written by hand, and is copied as it is.
const MAX_TEXT: u64 = 16 << 20;

/// Copies `source` to `target`, which does not exist. `change` gets the path and the content of each file of
/// UTF-8 text.
pub fn copy(
    source: &Path,
    target: &Path,
    mut change: impl FnMut(&Path, &str) -> Result<String, Error>,
) -> Result<(), Error> {
    copy_entry(source, target, &mut change, true)
}

fn copy_entry(
    source: &Path,
    target: &Path,
    change: &mut dyn FnMut(&Path, &str) -> Result<String, Error>,
    is_root: bool,
) -> Result<(), Error> {
    let metadata = match is_root {
        true => source.metadata(),
        false => source.symlink_metadata(),
    };
    let metadata = metadata.map_err(Error::io("read", source))?;
    let writing = Error::io("write", target);
    if metadata.is_symlink() {
        let to = fs::read_link(source).map_err(Error::io("read", source))?;
        return std::os::unix::fs::symlink(to, target).map_err(writing);
    }
    if metadata.is_dir() {
        fs::create_dir(target).map_err(writing)?;
        let entries = fs::read_dir(source).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(Error::io("read", source))?;
        let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
        names.sort();
        for name in names {
            copy_entry(&source.join(&name), &target.join(&name), change, false)?;
        }
        return Ok(());
    }
    if metadata.len() > MAX_TEXT {
        return fs::copy(source, target).map(drop).map_err(writing);
    }
    let content = fs::read(source).map_err(Error::io("read", source))?;
    let content = match String::from_utf8(content) {
        Ok(text) => change(source, &text)?.into_bytes(),
        Err(binary) => binary.into_bytes(),
    };
    fs::write(target, content).map_err(writing)?;
    if metadata.permissions().mode() & 0o111 != 0 {
        let permissions = fs::Permissions::from_mode(0o755);
        fs::set_permissions(target, permissions).map_err(Error::io("write", target))?;
    }
    Ok(())
}
