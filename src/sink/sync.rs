//! Brings the output to the disk before it gets its name: after a crash of the machine, a rename may
//! be there while the bytes behind it are not.
//!
//! Each file is synced by itself. One `syncfs` would do it with fewer calls, but it also waits for
//! what all other programs have written (docs/benchmarks.md has figures).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use walkdir::WalkDir;

use crate::error::Error;
use crate::util::parallel;

/// How many files at once: they wait and do not work, and the journal of a file system can take all
/// that wait in one go. With one, 10,000 files take half a minute, with sixteen a second.
const AT_ONCE: usize = 16;

/// Syncs a file, or a directory with all that is in it.
pub fn all(root: &Path) -> Result<(), Error> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in WalkDir::new(root) {
        let entry = entry.map_err(|e| Error::io("sync", root)(e.into()))?;
        // A link is an entry of its directory; what it leads to is not ours.
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
        // There are file systems that know no such thing, of directories at least.
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
