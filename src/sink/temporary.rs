//! The temporary directories of this process, which a signal must not leave behind.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use crate::util::lock::lock;

/// The directories. They are created, renamed and removed only while this is locked.
static DIRECTORIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Creates a directory in `parent`.
pub fn create(prefix: &OsStr, parent: &Path) -> io::Result<TempDir> {
    let mut directories = lock(&DIRECTORIES);
    let directory = tempfile::Builder::new()
        .prefix(prefix)
        // Staged files were verified; no other user may change them, whatever the umask allows.
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)?;
    directories.push(directory.path().to_owned());
    Ok(directory)
}

/// Removes a directory.
pub fn remove(directory: &Path) {
    let mut directories = lock(&DIRECTORIES);
    // Before the lock is released, or a signal in between would leave the directory.
    let _ = fs::remove_dir_all(directory);
    directories.retain(|path| path != directory);
}

/// Holds back a signal: it ends the process after the returned guard is dropped.
pub fn delay_signals() -> impl Drop {
    lock(&DIRECTORIES)
}

/// Removes all temporary directories before the process ends because of a signal. No directory can be
/// created, renamed or removed afterwards.
pub fn clean_up() {
    let directories = lock(&DIRECTORIES);
    for path in directories.iter() {
        // Other threads still write into it.
        for _ in 0..100 {
            match fs::remove_dir_all(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {}
                _ => break,
            }
        }
    }
    std::mem::forget(directories);
}
