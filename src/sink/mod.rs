//! Writes a merged image, all or nothing.

mod archive;
mod layout;
mod staging;
mod sync;

use std::borrow::Cow;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::bytes::codec::Encoding;
use crate::bytes::copy::{self, Hashes, fill};
use crate::bytes::store::Store;
use crate::error::{Error, Problem};
use crate::image::blob::Content;
use crate::merge::index::{Merged, Part};
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE, layout_marker};

pub use staging::{Staging, clean_up};

/// What the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An OCI image layout directory.
    Layout,
    /// The same in a tar archive.
    Archive,
}

/// Writes `merged` into the staging area.
pub fn write(
    merged: &Merged,
    format: Format,
    link: bool,
    store: &Store<'_>,
    staging: &Staging,
) -> Result<(), Error> {
    match format {
        Format::Layout => layout::write(merged, link, store, staging),
        Format::Archive => archive::write(merged, store, &staging.output()),
    }
}

/// Makes sure that a page will only replace a page, and never an image.
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

/// Writes a file that is no image, all or nothing.
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
        let _short = staging::finish_first();
        let mut builder = tempfile::Builder::new();
        // What the umask leaves of it, as for any file that a program writes.
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

/// The files of an image layout that are no blobs, in the order of an archive.
fn fixed_files(merged: &Merged) -> Vec<(&'static str, Cow<'_, [u8]>)> {
    let mut files = vec![
        (LAYOUT_FILE, Cow::from(layout_marker())),
        (INDEX_FILE, Cow::from(&merged.root.raw[..])),
    ];
    let docker = merged.docker_manifest.as_ref();
    files.extend(docker.map(|bytes| (DOCKER_FILE, Cow::from(&bytes[..]))));
    files
}

/// Copies the bytes of a blob to `output`, where it stands at its place, and verifies them on the
/// way.
fn copy(part: &Part, output: &mut File, path: &Path, store: &Store<'_>) -> Result<(), Error> {
    let blob = &part.blob;
    if let Content::Staged(staged) = &blob.content
        && staged.stored.0 == blob.descriptor.digest
    {
        let input = staged.file().and_then(File::open);
        let mut input = input.map_err(|e| blob.unreadable(e))?;
        // Verified when it was staged; between two files this never leaves the kernel. Interrupted, it
        // goes on where both files are.
        return loop {
            match io::copy(&mut input, output) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                copied => break copied.map(drop).map_err(Error::io("write", path)),
            }
        };
    }
    let algorithm = blob.descriptor.digest.algorithm();
    let (encoding, diff_id, hashes) = match &part.layer {
        Some((encoding, diff_id)) => (*encoding, Some(diff_id), blob.hashes(diff_id)),
        None => {
            let hashes = Hashes {
                blob: algorithm,
                diff_id: algorithm,
            };
            (Encoding::Plain, None, hashes)
        }
    };
    let input = match part.layer {
        Some(_) => store.open(blob)?,
        None => blob.content.open().map_err(|e| blob.unreadable(e))?,
    };
    // Of what is no layer there is nothing to see.
    let observer = store.observer().filter(|_| diff_id.is_some());
    let flow = copy::verified(input, encoding, hashes, output, &mut io::sink(), observer)
        .map_err(|broken| broken.blame(|e| blob.unreadable(e), path))?;
    // The diff ID first: of an uncompressed layer in a docker-archive it *is* the digest, and the
    // error that speaks of the config is the one that helps.
    if let Some(expected) = diff_id {
        blob.check_diff_id(&flow.diff_id, expected)?;
    }
    blob.check(&flow.blob)
}
