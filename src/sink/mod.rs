//! Writes a merged image, all or nothing.

mod archive;
mod layout;
mod staging;

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::blob::Content;
use crate::codec::Encoding;
use crate::error::Error;
use crate::flow::{self, Hashes, Observe};
use crate::merge::{Merged, Part};
use crate::spec::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE, layout_marker};
use crate::store::Store;

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
fn copy(
    part: &Part,
    output: &mut File,
    path: &Path,
    observer: Option<&dyn Observe>,
) -> Result<(), Error> {
    let blob = &part.blob;
    if let Content::Staged(staged) = &blob.content
        && staged.stored.0 == blob.descriptor.digest
    {
        let input = staged.file().and_then(File::open);
        let mut input = input.map_err(|e| blob.unreadable(&e))?;
        // Verified when it was staged; between two files this never leaves the kernel.
        io::copy(&mut input, output).map_err(Error::io("write", path))?;
        return Ok(());
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
    let input = blob.content.open().map_err(|e| blob.unreadable(&e))?;
    // Of what is no layer there is nothing to see.
    let observer = observer.filter(|_| diff_id.is_some());
    let flow = flow::run(input, encoding, hashes, output, &mut io::sink(), observer)
        .map_err(|broken| broken.blame(|e| blob.unreadable(&e), path))?;
    // The diff ID first: of an uncompressed layer in a docker-archive it *is* the digest, and the
    // error that speaks of the config is the one that helps.
    if let Some(expected) = diff_id {
        blob.check_diff_id(&flow.diff_id, expected)?;
    }
    blob.check(&flow.blob)
}
