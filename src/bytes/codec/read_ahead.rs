//! Decodes a stream on a thread of its own, so that it goes on while what it gave is hashed, cut and
//! compressed.

use std::io::{self, Read};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::bytes::copy::fill;

const CHUNK: usize = 256 << 10;

/// How many chunks may be ahead: as much as two blocks of gzip.
const AHEAD: usize = 8;

/// A reader that another thread fills.
pub enum ReadAhead<R> {
    /// The thread.
    Ahead {
        /// What it has read.
        chunks: Receiver<io::Result<Vec<u8>>>,
        /// What is being taken from.
        chunk: io::Cursor<Vec<u8>>,
    },
    /// Where no thread can be started.
    Here(R),
}

impl<R: Read> ReadAhead<R> {
    /// Starts to read what `open` gives; the thread ends with the stream, or when nobody reads it
    /// any more.
    pub fn start(open: impl FnOnce() -> io::Result<R> + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = bounded(AHEAD);
        // What is to be opened is handed over afterwards: a thread that does not start would keep it.
        let (give, take) = bounded(1);
        let thread = std::thread::Builder::new().name("decode".to_owned());
        if thread.spawn(move || run(&take, &sender)).is_err() {
            return open().map(Self::Here);
        }
        let chunk = io::Cursor::default();
        let _ = give.send(open);
        Ok(Self::Ahead { chunks, chunk })
    }
}

fn run<R: Read>(
    open: &Receiver<impl FnOnce() -> io::Result<R>>,
    sender: &Sender<io::Result<Vec<u8>>>,
) {
    let Ok(open) = open.recv() else { return };
    let mut input = match open() {
        Ok(input) => input,
        Err(error) => return drop(sender.send(Err(error))),
    };
    loop {
        let mut chunk = vec![0; CHUNK];
        let (filled, error) = fill_or_fail(&mut input, &mut chunk);
        chunk.truncate(filled);
        let is_end = chunk.is_empty() && error.is_none();
        let mut gone = !chunk.is_empty() && sender.send(Ok(chunk)).is_err();
        if let Some(error) = error {
            let _ = sender.send(Err(error));
            gone = true;
        }
        if is_end || gone {
            return;
        }
    }
}

/// What was read before an error counts too: a stream that is cut off is read up to there.
fn fill_or_fail(input: &mut impl Read, chunk: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut counted = Counted { input, count: 0 };
    match fill(&mut counted, chunk) {
        Ok(filled) => (filled, None),
        Err(error) => (counted.count, Some(error)),
    }
}

struct Counted<R> {
    input: R,
    count: usize,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.count += n;
        Ok(n)
    }
}

impl<R: Read> Read for ReadAhead<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (chunks, chunk) = match self {
            Self::Ahead { chunks, chunk } => (chunks, chunk),
            Self::Here(input) => return input.read(buf),
        };
        loop {
            match chunk.read(buf)? {
                0 if !buf.is_empty() => match chunks.recv() {
                    Ok(next) => *chunk = io::Cursor::new(next?),
                    // The thread has ended, and so has the stream.
                    Err(_) => return Ok(0),
                },
                n => return Ok(n),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_come_in_order_and_then_the_error() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("cut off"))
            }
        }
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
        let expected = bytes.clone();
        let mut input = ReadAhead::start(|| Ok(io::Cursor::new(bytes).chain(Fails))).unwrap();
        let mut found = vec![0; expected.len()];
        input.read_exact(&mut found).unwrap();
        assert!(found == expected);
        assert_eq!(input.read(&mut [0]).unwrap_err().to_string(), "cut off");
    }

    #[test]
    fn nobody_needs_to_read_to_the_end() {
        let mut input = ReadAhead::start(|| Ok(io::repeat(1))).unwrap();
        input.read_exact(&mut [0; 1000]).unwrap();
    }
}
