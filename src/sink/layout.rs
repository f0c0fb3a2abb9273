//! An OCI image layout directory (image-spec `image-layout.md`). `index.json` is written last: a
//! layout without it is visibly unfinished.

use std::borrow::Cow;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use walkdir::WalkDir;

use super::atomic_output::AtomicOutput;
use super::blob::{copy, staged_file};
use super::fixed_files::fixed_files;
use super::modes::set_mode;
use super::options::WriteOptions;
use crate::bytes::Observers;
use crate::error::Error;
use crate::image::{AnyBlob, Content, MultiPlatformImage};
use crate::records::LAYER_RECORDS;
use crate::util::parallel;

/// Writes the layout to the directory of `output`.
pub fn write(
    merged: &MultiPlatformImage,
    options: WriteOptions,
    observers: Observers<'_>,
    output: &AtomicOutput,
) -> Result<(), Error> {
    let root = &output.path();
    for blob in &merged.blobs {
        let path = root.join(blob.blob().descriptor.digest.blob_path());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
    }
    // Staged files are moved after all blobs that need their bytes are written: a file can be the
    // content of two blobs, named by digests of two algorithms.
    let is_moved = |blob: &&AnyBlob| staged_file(blob.blob()).is_some();
    let (moved, copied): (Vec<_>, Vec<_>) = merged.blobs.iter().partition(is_moved);
    for blobs in [copied, moved] {
        parallel::map(options.jobs, &blobs, |blob| {
            write_blob(blob, options.link, output, root, observers)
        })?;
    }
    let records = merged.layer_records.as_ref();
    let records = records.map(|bytes| (LAYER_RECORDS, Cow::from(&bytes[..])));
    // `index.json` is the last of them.
    for (name, bytes) in records.into_iter().chain(fixed_files(merged)) {
        let path = root.join(name);
        fs::write(&path, bytes).map_err(Error::io("write", &path))?;
    }
    set_modes(root)
}

fn write_blob(
    blob: &AnyBlob,
    link: bool,
    output: &AtomicOutput,
    root: &Path,
    observers: Observers<'_>,
) -> Result<(), Error> {
    let path = root.join(blob.blob().descriptor.digest.blob_path());
    if let Some(staged) = staged_file(blob.blob()) {
        return fs::rename(staged.path(), &path).map_err(Error::io("write", &path));
    }
    match &blob.blob().content {
        // To the blob itself, not to a link to it: chains of links would keep every layout in
        // between alive.
        Content::File(target) | Content::Recorded(target) if link => {
            let target = target.canonicalize().map_err(Error::io("read", target))?;
            output.may_link_to(&target)?;
            symlink(&target, &path).map_err(Error::io("create", &path))
        }
        _ => {
            let mut file = File::create_new(&path).map_err(Error::io("create", &path))?;
            copy(blob, &mut file, &path, observers)
        }
    }
}

/// Sets the same modes under every umask.
fn set_modes(root: &Path) -> Result<(), Error> {
    for entry in WalkDir::new(root) {
        let entry = entry.map_err(|e| Error::io("read", root)(e.into()))?;
        let mode = match entry.file_type() {
            kind if kind.is_dir() => 0o755,
            kind if kind.is_file() => 0o644,
            _ => continue,
        };
        set_mode(entry.path(), mode)?;
    }
    Ok(())
}
