//! An oci-archive: an image layout as a tar archive whose bytes depend on nothing but the image.
//!
//! POSIX ustar (with GNU's long names for `sha512`, which are too long for ustar), owner 0:0, mtime 0;
//! `oci-layout` and `index.json` first, then the directories of the blobs, then the blobs in the order
//! of [`MultiPlatformImage::blobs`], all of them regular files (containerd ignores hard links). The directories
//! are for skopeo and podman: they create those that an archive does not list as owned by root, which
//! only root may do.
//!
//! All sizes are known before the first byte is written, so every blob has its position in the file,
//! and several are written at once.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::blob::copy;
use super::fixed_files::fixed_files;
use super::modes::set_mode;
use crate::bytes::Observers;
use crate::error::Error;
use crate::image::{AnyBlob, MultiPlatformImage};
use crate::util::parallel;
use crate::util::text::sum;

/// The size of a tar block in bytes.
const BLOCK: u64 = 512;

/// Writes the archive into the file `path`, which does not exist yet.
pub fn write(
    merged: &MultiPlatformImage,
    jobs: usize,
    observers: Observers<'_>,
    path: &Path,
) -> Result<(), Error> {
    let failed = || Error::io("write", path);
    let mut file = File::create_new(path).map_err(failed())?;
    let mut end = 0;
    for (name, bytes) in fixed_files(merged) {
        let size = bytes.len() as u64;
        let header = header(name, Some(size)).map_err(failed())?;
        file.seek(SeekFrom::Start(end)).map_err(failed())?;
        file.write_all(&[&header, &*bytes].concat())
            .map_err(failed())?;
        end = end_of_entry(end, &header, size);
    }
    let directories: BTreeSet<String> = merged
        .blobs
        .iter()
        .map(|blob| format!("blobs/{}/", blob.blob().descriptor.digest.algorithm()))
        .chain(["blobs/".to_owned()])
        .collect();
    for name in directories {
        let header = header(&name, None).map_err(failed())?;
        file.seek(SeekFrom::Start(end)).map_err(failed())?;
        file.write_all(&header).map_err(failed())?;
        end = end_of_entry(end, &header, 0);
    }
    let mut offsets = Vec::with_capacity(merged.blobs.len());
    for blob in &merged.blobs {
        let descriptor = &blob.blob().descriptor;
        let header = header(&descriptor.digest.blob_path(), Some(descriptor.size));
        let header = header.map_err(failed())?;
        offsets.push((blob, end));
        end = end_of_entry(end, &header, descriptor.size);
    }
    // Two blocks of zeros end an archive.
    file.set_len(end.saturating_add(2 * BLOCK))
        .map_err(failed())?;
    drop(file);

    parallel::map(jobs, &offsets, |(blob, offset)| {
        write_blob(blob, *offset, path, observers)
    })?;
    set_mode(path, 0o644)
}

/// Returns the position after an entry of `size` bytes whose header is at `at`. A descriptor can claim
/// a size that no file can have: making the archive that large then fails.
fn end_of_entry(at: u64, header: &[u8], size: u64) -> u64 {
    let size = size.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX);
    sum([at, header.len() as u64, size])
}

/// Writes the header and the bytes of a blob at `offset`.
fn write_blob(
    blob: &AnyBlob,
    offset: u64,
    path: &Path,
    observers: Observers<'_>,
) -> Result<(), Error> {
    let descriptor = &blob.blob().descriptor;
    let mut file = File::options()
        .write(true)
        .open(path)
        .map_err(Error::io("write", path))?;
    header(&descriptor.digest.blob_path(), Some(descriptor.size))
        .and_then(|header| {
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(&header)
        })
        .map_err(Error::io("write", path))?;
    copy(blob, &mut file, path, observers)
}

/// Returns the header of a file of `size` bytes, or of a directory.
fn header(name: &str, size: Option<u64>) -> io::Result<Vec<u8>> {
    let (kind, mode) = match size {
        Some(_) => (tar::EntryType::Regular, 0o644),
        None => (tar::EntryType::Directory, 0o755),
    };
    let mut header = tar::Header::new_ustar();
    if header.set_path(name).is_err() {
        header = tar::Header::new_gnu();
    }
    header.set_entry_type(kind);
    header.set_size(size.unwrap_or(0));
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, name, io::empty())?;
    Ok(std::mem::take(archive.get_mut()))
}

#[cfg(test)]
mod tests {
    use super::end_of_entry;

    #[test]
    fn the_end_of_an_entry_does_not_overflow() {
        let header = [0; 512];
        assert_eq!(end_of_entry(512, &header, 1), 3 * 512);
        // The size of the largest file, which a sparse one can have.
        for at in [512, i64::MAX as u64] {
            assert!(end_of_entry(at, &header, i64::MAX as u64) > at);
        }
        assert_eq!(end_of_entry(512, &header, u64::MAX), u64::MAX);
    }
}
