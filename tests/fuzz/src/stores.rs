//! Store paths of the machine, in a directory of the test.

use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use arbitrary::Unstructured;
use tempfile::TempDir;

use super::recipe::Dice;

/// The directory of the store paths in documents.
pub const STORE: &str = "/nix/store/";

/// Returns the document with the store of the test instead of that of Nix.
pub fn placed(document: &[u8], store: &TempDir) -> Vec<u8> {
    let ours = format!("{}/", store.path().display());
    String::from_utf8_lossy(document)
        .replace(STORE, &ours)
        .into_bytes()
}

/// Creates store paths and returns their names.
pub fn fill(u: &mut Unstructured<'_>, store: &Path) -> Vec<String> {
    let names: Vec<String> = (0..=u.up_to(2)).map(|i| format!("path{i}")).collect();
    for name in &names {
        let root = store.join(name);
        match u.up_to(5) {
            0 => fs::write(&root, u.blob(20)).unwrap(),
            1 => symlink(u.one_of(&["path0", "loop", "/nowhere"]), &root).unwrap(),
            _ => tree(u, &root, 0),
        }
    }
    names
}

fn tree(u: &mut Unstructured<'_>, directory: &Path, depth: usize) {
    fs::create_dir(directory).unwrap();
    for _ in 0..u.up_to(3) {
        let mut name = match u.up_to(3) {
            0 => b"file".to_vec(),
            1 => vec![b'n'; 90 + u.up_to(160)],
            _ => u.blob(40),
        };
        name.retain(|b| !matches!(b, 0 | b'/'));
        let path = directory.join(std::ffi::OsStr::from_bytes(&name));
        if path.symlink_metadata().is_ok() || name.is_empty() {
            continue;
        }
        match u.up_to(4) {
            0 | 1 => {
                fs::write(&path, u.blob(600)).unwrap();
                let modes = [&0o444, &0o555, &0o755, &0o4755, &0o7777];
                let mode = Permissions::from_mode(*u.one_of(&modes));
                fs::set_permissions(&path, mode).unwrap();
            }
            2 => {
                let mut target = u.blob(130);
                target.retain(|b| *b != 0);
                target.push(b'x');
                symlink(std::ffi::OsStr::from_bytes(&target), &path).unwrap();
            }
            _ if depth < 6 => tree(u, &path, depth + 1),
            _ => {}
        }
    }
}
