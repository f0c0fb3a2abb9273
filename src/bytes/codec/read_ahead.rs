//! Reads and decodes a stream on a separate thread, while earlier bytes are hashed and compressed.

use std::io::{self, Read};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::bytes::fill::fill_or_fail;

const CHUNK: usize = 256 << 10;

/// The number of chunks that are read ahead: two blocks of gzip.
const AHEAD: usize = 8;

/// A reader that is read on another thread.
pub enum ReadAhead<R> {
    /// The other end of the thread.
    Thread {
        /// The chunks that the thread has read.
        chunks: Receiver<io::Result<Vec<u8>>>,
        /// The chunk that is being read.
        chunk: io::Cursor<Vec<u8>>,
    },
    /// The reader itself, where no thread can be started.
    SameThread(R),
}

impl<R: Read> ReadAhead<R> {
    /// Starts to read the reader that `open` returns. The thread ends with the stream, or when this
    /// is dropped.
    pub fn start(open: impl FnOnce() -> io::Result<R> + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = bounded(AHEAD);
        // `open` is sent afterwards: a thread that does not start would keep it.
        let (send_open, receive_open) = bounded(1);
        let thread = std::thread::Builder::new().name("decode".to_owned());
        if thread.spawn(move || run(&receive_open, &sender)).is_err() {
            return open().map(Self::SameThread);
        }
        let chunk = io::Cursor::default();
        let _ = send_open.send(open);
        Ok(Self::Thread { chunks, chunk })
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
        let mut is_done = !chunk.is_empty() && sender.send(Ok(chunk)).is_err();
        if let Some(error) = error {
            let _ = sender.send(Err(error));
            is_done = true;
        }
        if is_end || is_done {
            return;
        }
    }
}

impl<R: Read> Read for ReadAhead<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (chunks, chunk) = match self {
            Self::Thread { chunks, chunk } => (chunks, chunk),
            Self::SameThread(input) => return input.read(buf),
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
    fn a_reader_that_is_not_read_to_its_end_can_be_dropped() {
        let mut input = ReadAhead::start(|| Ok(io::repeat(1))).unwrap();
        input.read_exact(&mut [0; 1000]).unwrap();
    }
}
