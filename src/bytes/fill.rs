//! Reads whole chunks, whatever a single read returns.

use std::io::{self, Read};

/// Reads until `chunk` is full or the input ends.
pub fn fill(input: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    match fill_or_fail(input, chunk) {
        (filled, None) => Ok(filled),
        (_, Some(error)) => Err(error),
    }
}

/// Does the same as [`fill`], and returns the number of bytes before an error too.
pub(super) fn fill_or_fail(input: &mut impl Read, chunk: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while filled < chunk.len() {
        match input.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}
