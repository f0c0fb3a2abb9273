//! Writes a merged image, all or nothing.

mod archive;
mod layout;
mod staging;

use std::fs::File;
use std::io;
use std::path::Path;

use crate::blob::Content;
use crate::codec::Encoding;
use crate::error::Error;
use crate::flow::{self, Hashes};
use crate::merge::{Merged, Part};

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
    jobs: usize,
    staging: &Staging,
) -> Result<(), Error> {
    match format {
        Format::Layout => layout::write(merged, link, jobs, &staging.output()),
        Format::Archive => archive::write(merged, jobs, &staging.output()),
    }
}

/// Copies the bytes of a blob to `output`, where it stands at its place, and verifies them on the
/// way.
fn copy(part: &Part, output: &mut File, path: &Path) -> Result<(), Error> {
    let blob = &part.blob;
    let unreadable = |e: io::Error| blob.unreadable("blob", &e);
    if let Content::Staged(staged) = &blob.content
        && staged.stored.0 == blob.descriptor.digest
    {
        let mut input = File::open(&staged.path).map_err(Error::io("read", &staged.path))?;
        // Verified when it was staged; between two files this never leaves the kernel.
        io::copy(&mut input, output).map_err(Error::io("write", path))?;
        return Ok(());
    }
    let algorithm = blob.descriptor.digest.algorithm();
    let (encoding, diff_id) = match &part.layer {
        Some((encoding, diff_id)) => (*encoding, Some(diff_id)),
        None => (Encoding::Plain, None),
    };
    let hashes = Hashes {
        blob: algorithm,
        diff_id: diff_id.map_or(algorithm, |id| id.0.algorithm()),
    };
    let input = blob.content.open().map_err(unreadable)?;
    let flow = flow::run(input, encoding, hashes, output, &mut io::sink())
        .map_err(|broken| broken.blame(unreadable, path))?;
    // The diff ID first: of an uncompressed layer in a docker-archive it *is* the digest, and the
    // error that speaks of the config is the one that helps.
    if let Some(expected) = diff_id {
        blob.check_diff_id(&flow.diff_id, expected)?;
    }
    blob.check(&flow.blob)
}
