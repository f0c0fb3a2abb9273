//! Copies single blobs to the output.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::bytes::{Observers, StagedBlob};
use crate::error::Error;
use crate::image::{AnyBlob, Blob, Content};

/// Returns the staged file that has the bytes of a blob. They were verified when it was written.
pub fn staged_file(blob: &Blob) -> Option<&StagedBlob> {
    match &blob.content {
        Content::Staged(staged) => {
            Some(&**staged).filter(|staged| staged.has(&blob.descriptor.digest))
        }
        _ => None,
    }
}

/// Copies a blob to `output`, which is the file at `path`, from its current position. The blob is
/// verified on this pass, unless it was when it was staged.
pub fn copy(
    blob: &AnyBlob,
    output: &mut File,
    path: &Path,
    observers: Observers<'_>,
) -> Result<(), Error> {
    let Some(staged) = staged_file(blob.blob()) else {
        return blob.open(observers)?.copy_to(output, path).map(drop);
    };
    let input = File::open(staged.path());
    let mut input = input.map_err(|e| blob.blob().unreadable(e))?;
    // Between two files the bytes never leave the kernel. After an interruption the copy goes on
    // where both files are.
    loop {
        match io::copy(&mut input, output) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            copied => return copied.map(drop).map_err(Error::io("write", path)),
        }
    }
}
