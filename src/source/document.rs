//! Documents beside an image, such as an SBOM or a closure.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Problem};
use crate::oci::attestation::MAX_DOCUMENT;

/// Reads a document; fails if it has more than [`MAX_DOCUMENT`] bytes.
pub fn document(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = || Error::io("read", path);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::no_file(path))?;
    let expected = file.metadata().map_err(failed())?.len();
    (file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)).map_err(failed())?;
    let (size, limit) = (expected.max(bytes.len() as u64), MAX_DOCUMENT);
    match bytes.len() as u64 > limit {
        true => Err(Error::new(path, Problem::DocumentTooLarge { size, limit })),
        false => Ok(bytes),
    }
}
