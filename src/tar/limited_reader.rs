//! Limits the bytes that the tar crate reads into memory for one entry, and records the headers.
//!
//! The tar crate reads GNU long names and pax headers as a whole, of whatever size. It does not
//! expose the raw headers, which `headers` compares.

use std::cell::{Cell, Ref, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use super::{BLOCK, HeaderError};

/// The most that all headers of one entry may have. Linux has no path of more than 4 KiB.
pub const MAX_HEADERS: usize = 1 << 20;

/// Keeps the bytes that are read between two entries.
#[derive(Clone, Default)]
pub struct HeaderRecorder(Rc<Recording>);

#[derive(Default)]
struct Recording {
    /// Whether headers are being read, not content.
    is_on: Cell<bool>,
    bytes: RefCell<Vec<u8>>,
}

impl HeaderRecorder {
    /// Returns a reader whose headers are recorded.
    pub fn reader<R>(&self, input: R) -> LimitedReader<R> {
        LimitedReader {
            input,
            recorder: self.clone(),
        }
    }

    /// Runs `read`, which reads the headers of one entry, and records them.
    pub fn record<T>(&self, read: impl FnOnce() -> T) -> T {
        self.0.bytes.borrow_mut().clear();
        self.0.is_on.set(true);
        let read = read();
        self.0.is_on.set(false);
        read
    }

    /// Returns the headers that were recorded last, in whole blocks.
    pub fn headers(&self) -> Ref<'_, [u8]> {
        // The padding of the entry before comes first.
        Ref::map(self.0.bytes.borrow(), |bytes| &bytes[bytes.len() % BLOCK..])
    }
}

/// A reader whose headers are recorded and must not exceed [`MAX_HEADERS`].
pub struct LimitedReader<R> {
    input: R,
    recorder: HeaderRecorder,
}

impl<R: Read> Read for LimitedReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = loop {
            match self.input.read(buf) {
                // The tar crate takes it for the end of a header.
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        let Recording { is_on, bytes } = &*self.recorder.0;
        if is_on.get() {
            let mut bytes = bytes.borrow_mut();
            if bytes.len() + n > MAX_HEADERS {
                return Err(io::Error::other(HeaderError::TooLong { max: MAX_HEADERS }));
            }
            bytes.extend_from_slice(&buf[..n]);
        }
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for LimitedReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Over the content of the entry before, or over the padding of a header, which is recorded too.
        let is_padding = self.recorder.0.is_on.get() && !self.recorder.0.bytes.borrow().is_empty();
        if let (true, SeekFrom::Current(distance @ 1..512)) = (is_padding, to) {
            let mut padding = [0; BLOCK];
            let padding = &mut padding[..usize::try_from(distance).unwrap_or(0)];
            self.read_exact(padding)?;
            return self.input.stream_position();
        }
        self.input.seek(to)
    }
}
