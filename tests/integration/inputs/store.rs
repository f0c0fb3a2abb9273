//! A Nix store in the directory of a test.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use crate::support::*;

/// A Nix store for one test.
pub struct Store(pub Scratch);

impl Store {
    pub fn new() -> Self {
        Self(Scratch::new())
    }

    /// The absolute path of something in the store.
    pub fn path(&self, name: &str) -> String {
        let path = self.0.path("store").join(name);
        path.to_str().unwrap().to_owned()
    }

    pub fn make(&self, name: &[u8]) -> PathBuf {
        let path = self.0.path("store").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub fn file(&self, name: impl AsRef<[u8]>, mode: u32, content: &[u8]) {
        let path = self.make(name.as_ref());
        // Only root can write to a file without write permission.
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    pub fn link(&self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) {
        symlink(OsStr::from_bytes(target.as_ref()), self.make(name.as_ref())).unwrap();
    }

    pub fn directory(&self, name: &str, mode: u32) {
        let path = self.make(name.as_bytes());
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// Gives all directories the same mode under every umask.
    pub fn seal(&self) {
        for entry in walkdir::WalkDir::new(self.path("")) {
            let entry = entry.unwrap();
            if entry.file_type().is_dir() {
                fs::set_permissions(entry.path(), Permissions::from_mode(0o755)).unwrap();
            }
        }
    }
}
