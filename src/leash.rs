//! A bound on what the tar crate reads into memory.

use std::cell::Cell;
use std::io::{self, Read, Seek};
use std::rc::Rc;

/// GNU long names and pax headers are read into memory as a whole. Linux has no path of more than
/// 4 KiB.
const MAX_HEADERS: u64 = 1 << 20;

/// Bounds what the tar crate reads from one entry to the next: headers, which it keeps in memory.
#[derive(Clone, Default)]
pub struct Leash(Rc<Cell<Option<u64>>>);

impl Leash {
    /// A reader that is bound.
    pub fn on<R>(&self, input: R) -> Leashed<R> {
        Leashed {
            input,
            leash: self.clone(),
        }
    }

    /// The next entry, for which only so much may be read.
    pub fn next<I: Iterator>(&self, entries: &mut I) -> Option<I::Item> {
        self.0.set(Some(MAX_HEADERS));
        let entry = entries.next();
        self.0.set(None);
        entry
    }
}

/// A reader that is bound.
pub struct Leashed<R> {
    input: R,
    leash: Leash,
}

impl<R: Read> Read for Leashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        if let Some(left) = self.leash.0.get() {
            let left = left.checked_sub(n as u64).ok_or_else(|| {
                io::Error::other(format!(
                    "the headers of an entry have more than {MAX_HEADERS} bytes"
                ))
            })?;
            self.leash.0.set(Some(left));
        }
        Ok(n)
    }
}

impl<R: Seek> Seek for Leashed<R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.input.seek(to)
    }
}
