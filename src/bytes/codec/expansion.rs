//! An end to what a decoder makes of its input.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// What anything may expand to. A layer of nothing but zeros is legal: a disk image, a `lastlog`.
const ANYWAY: u64 = 8 << 30;

/// How many bytes may come of one where there are more than that. Deflate cannot do better (zlib's
/// "Technical Details", "Maximum Compression Factor"), so this holds for gzip in any case; zstd can
/// make 32,768 of one, and keep us busy for days with a file of a gigabyte.
const FACTOR: u64 = 1032;

/// Counts what a decoder reads.
pub struct Counted<R> {
    input: R,
    read: Rc<Cell<u64>>,
}

/// A decoder that must not make too much of what it reads.
pub struct Bounded<D> {
    decoder: D,
    read: Rc<Cell<u64>>,
    made: u64,
}

/// A decoder of `input`, as `open` makes it.
pub fn bounded<R: Read, D: Read>(
    input: R,
    open: impl FnOnce(Counted<R>) -> io::Result<D>,
) -> io::Result<Bounded<D>> {
    let read = Rc::new(Cell::new(0));
    let counted = Counted {
        input,
        read: read.clone(),
    };
    Ok(Bounded {
        decoder: open(counted)?,
        read,
        made: 0,
    })
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.read.set(self.read.get() + n as u64);
        Ok(n)
    }
}

impl<D: Read> Read for Bounded<D> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buf)?;
        self.made += n as u64;
        if self.made > ANYWAY && self.made / FACTOR > self.read.get() {
            return Err(io::Error::other(format!(
                "it expands to more than {} GiB and to more than {FACTOR} times its size",
                ANYWAY >> 30
            )));
        }
        Ok(n)
    }
}
