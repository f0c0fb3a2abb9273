//! Which files may be replaced by an output, and how a single file is replaced.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{sync, temporary};
use crate::bytes::fill;
use crate::error::{Error, Problem};
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE};
use crate::records::LAYER_RECORDS;
use crate::tar::is_tar;

/// Fails if there is a file that a merge may not replace. `--force` replaces only files that a merge
/// can have written.
pub fn may_replace_image(path: &Path, replace: bool) -> Result<(), Error> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let expected = "an image layout or an archive";
    let foreign = |found| Error::new(path, Problem::OutputForeign { found, expected });
    if metadata.is_symlink() {
        Err(foreign("a symbolic link"))
    } else if !replace {
        // Only what --force would replace.
        let is_directory = metadata.is_dir() && !is_layout(path).unwrap_or(true);
        Err(Error::new(
            path,
            match is_directory {
                true => Problem::OutputIsDirectory,
                false => Problem::OutputExists,
            },
        ))
    } else if metadata.is_dir() {
        match is_layout(path).map_err(Error::io("read", path))? {
            true => Ok(()),
            false => Err(foreign(
                "a directory that is not an image layout, or has other files in it",
            )),
        }
    } else if metadata.is_file() {
        match is_archive(path).map_err(Error::io("read", path))? {
            true => Ok(()),
            false => Err(foreign("a file that is not an archive")),
        }
    } else {
        Err(foreign("neither a file nor a directory"))
    }
}

/// Whether there is an image at a path.
pub fn is_image(path: &Path) -> bool {
    match path.is_dir() {
        true => is_layout(path).unwrap_or_default(),
        false => is_archive(path).unwrap_or_default(),
    }
}

fn is_layout(path: &Path) -> io::Result<bool> {
    let ours = [LAYOUT_FILE, INDEX_FILE, "blobs", DOCKER_FILE, LAYER_RECORDS];
    for entry in fs::read_dir(path)? {
        if !ours
            .iter()
            .any(|name| entry.as_ref().is_ok_and(|e| e.file_name() == *name))
        {
            return Ok(false);
        }
    }
    Ok(ours[..2].iter().all(|name| path.join(name).is_file()))
}

fn is_archive(path: &Path) -> io::Result<bool> {
    let mut head = [0; 512];
    let n = fill(&mut File::open(path)?, &mut head)?;
    Ok(is_tar(&head[..n]))
}

/// Fails if there is a file other than an HTML page.
pub fn may_replace_page(path: &Path) -> Result<(), Error> {
    const START: &[u8] = b"<!doctype html";
    let mut head = [0; START.len()];
    // Opening a pipe would wait for its writer.
    if !path.is_file() {
        return Ok(());
    }
    let read = File::open(path).and_then(|mut file| fill(&mut file, &mut head));
    let n = read.map_err(Error::io("read", path))?;
    match n == 0 || head[..n].eq_ignore_ascii_case(START) {
        true => Ok(()),
        false => {
            let found = "a file that is not a page";
            let expected = "an HTML page, or nothing";
            Err(Error::new(path, Problem::OutputForeign { found, expected }))
        }
    }
}

/// Creates a directory and those above it, if they do not exist.
pub fn create_directory(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::io("create", path))
}

/// Writes a single file, all or nothing.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // A device or a pipe is written to, not replaced.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return std::fs::write(path, bytes).map_err(Error::io("write", path));
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !parent.is_dir() {
        let parent = parent.to_owned();
        return Err(Error::new(path, Problem::NoParent { parent }));
    }
    let write = || -> io::Result<()> {
        let _signals = temporary::delay_signals();
        let mut builder = tempfile::Builder::new();
        // Less what the umask forbids, as for any file that a program writes.
        let mut file = builder
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(parent)?;
        file.write_all(bytes)?;
        sync::one(file.path())?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(Error::io("write", path))
}
