//! A bound on what the tar crate reads into memory, and the headers that it has read.

use std::cell::{Cell, Ref, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// What precedes the content of one entry: GNU long names and pax headers are read into memory as a
/// whole. Linux has no path of more than 4 KiB.
pub const MAX_HEADERS: usize = 1 << 20;

/// Tar counts in blocks of this size.
pub const BLOCK: usize = 512;

/// Keeps what the tar crate reads from one entry to the next.
#[derive(Clone, Default)]
pub struct Leash(Rc<State>);

#[derive(Default)]
struct State {
    /// Whether headers are being read, not content.
    reading: Cell<bool>,
    bytes: RefCell<Vec<u8>>,
}

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
        self.0.bytes.borrow_mut().clear();
        self.0.reading.set(true);
        let entry = entries.next();
        self.0.reading.set(false);
        entry
    }

    /// The headers of the entry that came last, whole blocks of them.
    pub fn headers(&self) -> Ref<'_, [u8]> {
        // What filled the last block of the entry before comes first.
        Ref::map(self.0.bytes.borrow(), |bytes| &bytes[bytes.len() % BLOCK..])
    }
}

/// A reader that is bound.
pub struct Leashed<R> {
    input: R,
    leash: Leash,
}

impl<R: Read> Read for Leashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = loop {
            match self.input.read(buf) {
                // The tar crate takes it for the end of a header.
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        let State { reading, bytes } = &*self.leash.0;
        if reading.get() {
            let mut bytes = bytes.borrow_mut();
            if bytes.len() + n > MAX_HEADERS {
                return Err(io::Error::other(format!(
                    "its headers have more than {MAX_HEADERS} bytes"
                )));
            }
            bytes.extend_from_slice(&buf[..n]);
        }
        Ok(n)
    }
}

impl<R: Seek> Seek for Leashed<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let State { reading, bytes } = &*self.leash.0;
        let mut bytes = bytes.borrow_mut();
        // Over the content of the entry before, or over what fills the last block of a header.
        if let (true, false, SeekFrom::Current(1..512)) = (reading.get(), bytes.is_empty(), to) {
            let end = bytes.len().next_multiple_of(BLOCK);
            bytes.resize(end, 0);
        }
        self.input.seek(to)
    }
}
