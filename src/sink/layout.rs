//! An OCI image layout directory (image-spec `image-layout.md`). `index.json` is written last: a
//! layout without it is visibly unfinished.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use walkdir::WalkDir;

use super::{Staging, copy, fixed_files};
use crate::bytes::store::Store;
use crate::error::Error;
use crate::image::blob::Content;
use crate::merge::index::{Merged, Part};
use crate::util::parallel;

/// Writes the layout as the output of `staging`.
pub fn write(
    merged: &Merged,
    link: bool,
    store: &Store<'_>,
    staging: &Staging,
) -> Result<(), Error> {
    let root = &staging.output();
    for part in &merged.blobs {
        let path = root.join(part.blob.descriptor.digest.blob_path());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
    }
    // What is staged is moved when nobody reads it any more: one file can be the content of two blobs,
    // named by digests of two algorithms.
    let (moved, made): (Vec<_>, Vec<_>) = merged.blobs.iter().partition(|part| is_moved(part));
    for parts in [made, moved] {
        parallel::map(store.jobs(), &parts, |part| {
            place(part, link, staging, root, store)
        })?;
    }
    for (name, bytes) in fixed_files(merged) {
        let path = root.join(name);
        fs::write(&path, bytes).map_err(Error::io("write", &path))?;
    }
    set_modes(root)
}

fn is_moved(part: &Part) -> bool {
    let digest = &part.blob.descriptor.digest;
    matches!(&part.blob.content, Content::Staged(staged) if staged.stored.0 == *digest)
}

fn place(
    part: &Part,
    link: bool,
    staging: &Staging,
    root: &Path,
    store: &Store<'_>,
) -> Result<(), Error> {
    let blob = &part.blob;
    let path = root.join(blob.descriptor.digest.blob_path());
    match &blob.content {
        // The blob itself, not a link to it: chains of links would keep every layout in between.
        Content::File(target) if link => {
            let target = target.canonicalize().map_err(Error::io("read", target))?;
            staging.may_link_to(&target)?;
            symlink(&target, &path).map_err(Error::io("create", &path))
        }
        Content::Staged(staged) if is_moved(part) => {
            let file = staged.file().map_err(|e| blob.unreadable(e))?;
            fs::rename(file, &path).map_err(Error::io("write", &path))
        }
        _ => {
            let mut file = File::create_new(&path).map_err(Error::io("create", &path))?;
            copy(part, &mut file, &path, store)
        }
    }
}

/// The same modes under every umask.
fn set_modes(root: &Path) -> Result<(), Error> {
    for entry in WalkDir::new(root) {
        let entry = entry.map_err(|e| Error::io("read", root)(e.into()))?;
        let mode = match entry.file_type() {
            kind if kind.is_dir() => 0o755,
            kind if kind.is_file() => 0o644,
            _ => continue,
        };
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode))
            .map_err(Error::io("set the mode of", entry.path()))?;
    }
    Ok(())
}
