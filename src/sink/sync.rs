//! Brings the output to the disk before it is renamed: after a crash of the machine, the new name may
//! be there while the bytes are not.
//!
//! Each file is synced by itself. One `syncfs` would need fewer calls, but it also waits for the writes
//! of all other programs (docs/benchmarks.md has figures).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use walkdir::WalkDir;

use crate::error::Error;
use crate::util::parallel;

/// The number of files that are synced at once: the threads only wait, and the journal of a file system
/// can take all of them in one transaction. With one, 10,000 files take half a minute, with sixteen a
/// second.
const AT_ONCE: usize = 16;

/// Syncs a file, or a directory with all that is in it.
pub fn all(root: &Path) -> Result<(), Error> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in WalkDir::new(root) {
        let entry = entry.map_err(|e| Error::io("sync", root)(e.into()))?;
        // A link is an entry of its directory; its target is not part of the output.
        if !entry.file_type().is_symlink() {
            paths.push(entry.into_path());
        }
    }
    let sync = |path: &PathBuf| one(path).map_err(Error::io("sync", path));
    parallel::map(AT_ONCE, &paths, sync).map(drop)
}

/// Syncs a file, or the names in a directory.
pub fn one(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        // Some file systems do not support this, at least for directories.
        Err(e)
            if [Errno::INVAL, Errno::NOTSUP, Errno::NOSYS]
                .map(Some)
                .contains(&Errno::from_io_error(&e)) =>
        {
            Ok(())
        }
        synced => synced,
    }
}
