//! Copies a blob in one pass that computes both of its digests: that of its bytes, and that of its
//! decoded bytes (the diff ID).

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use crate::bytes::codec::Encoding;
use crate::bytes::fill::fill;
use crate::bytes::hashing::{Algorithms, Digests, HashingWriter};
use crate::bytes::observers::{LayerObserver, LayerStream, OnVerified};
use crate::oci::{DiffId, Digest, Hasher};

/// The size of a chunk in bytes: it is hashed and written while it is in the processor's cache.
const CHUNK: usize = 256 << 10;

/// Why a copy failed: because of the input or of the output.
#[derive(Debug)]
pub enum CopyError {
    /// The input cannot be read or decoded.
    Read(io::Error),
    /// The output cannot be written.
    Write(io::Error),
}

/// Reads a blob to its end without keeping it.
pub fn hash(
    input: impl Read,
    encoding: Encoding,
    algorithms: Algorithms,
    observer: Option<&dyn LayerObserver>,
) -> io::Result<Digests> {
    let (as_is, decoded) = (&mut io::sink(), &mut io::sink());
    let copied = copy(input, encoding, algorithms, as_is, decoded, observer);
    copied.map_err(|(CopyError::Read(error) | CopyError::Write(error))| error)
}

/// Reads a blob to its end. Its bytes are written to `as_is`, the decoded ones to `decoded`, and the
/// observer reads the decoded ones on the way.
pub fn copy(
    input: impl Read,
    encoding: Encoding,
    algorithms: Algorithms,
    as_is: &mut impl Write,
    decoded: &mut impl Write,
    observer: Option<&dyn LayerObserver>,
) -> Result<Digests, CopyError> {
    let mut input = TeeReader {
        input,
        output: HashingWriter::new(as_is, algorithms.blob),
        write_error: None,
    };
    // The diff ID of an uncompressed blob is its digest: one hash, not two.
    let is_same = encoding == Encoding::Plain && algorithms.blob == algorithms.diff_id;
    let hasher = (!is_same).then(|| Hasher::new(algorithms.diff_id));
    let drained = if is_same {
        drain(&mut input, hasher, decoded, observer)
    } else {
        let decoder = encoding.decode(&mut input).map_err(CopyError::Read);
        decoder.and_then(|decoder| drain(decoder, hasher, decoded, observer))
    };
    // The error of the decoder is only that a read failed.
    let (diff_id, size, on_verified) = match (input.write_error.take(), drained) {
        (Some(error), _) => return Err(CopyError::Write(error)),
        (None, drained) => drained?,
    };
    // A decoder stops at the end of its stream, but the digest covers all bytes.
    let mut chunk = vec![0; CHUNK];
    while input.copy_chunk(&mut chunk)? > 0 {}
    let blob = input.output.finish();
    let diff_id = DiffId(diff_id.unwrap_or_else(|| blob.digest.clone()));
    if let Some(on_verified) = on_verified {
        on_verified(&diff_id, size);
    }
    Ok(Digests {
        encoding,
        blob,
        diff_id,
    })
}

fn drain<'a>(
    input: impl Read,
    hasher: Option<Hasher>,
    output: &mut impl Write,
    observer: Option<&'a dyn LayerObserver>,
) -> Result<(Option<Digest>, u64, Option<OnVerified<'a>>), CopyError> {
    let mut decoded = DecodedStream::new(input, hasher, output);
    let on_verified = observer.map(|observer| observer.observe(&mut decoded));
    let (digest, size) = decoded.finish()?;
    Ok((digest, size, on_verified))
}

/// A reader that writes the bytes that it reads to an output.
struct TeeReader<R, W> {
    input: R,
    output: HashingWriter<W>,
    /// Why the output could not be written. The decoder above only gets a failed read.
    write_error: Option<io::Error>,
}

impl<R: Read, W: Write> TeeReader<R, W> {
    /// Copies up to one chunk and returns its size.
    fn copy_chunk(&mut self, chunk: &mut [u8]) -> Result<usize, CopyError> {
        let n = fill(&mut self.input, chunk).map_err(CopyError::Read)?;
        self.output
            .write_all(&chunk[..n])
            .map_err(CopyError::Write)?;
        Ok(n)
    }
}

impl<R: Read, W: Write> Read for TeeReader<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        if let Err(error) = self.output.write_all(&buf[..n]) {
            self.write_error = Some(error);
            return Err(io::Error::other("the output has failed"));
        }
        Ok(n)
    }
}

/// A reader of decoded bytes that hashes and writes each chunk whole, even if only a part of it is read.
struct DecodedStream<'a, R, W> {
    input: R,
    hasher: Option<Hasher>,
    output: &'a mut W,
    chunk: Vec<u8>,
    /// The part of the chunk that is not read yet.
    unread: Range<usize>,
    /// The number of decoded bytes, including those of the chunk.
    size: u64,
    error: Option<CopyError>,
}

impl<'a, R: Read, W: Write> DecodedStream<'a, R, W> {
    /// Starts a stream. Without a hasher its bytes are not hashed.
    fn new(input: R, hasher: Option<Hasher>, output: &'a mut W) -> Self {
        Self {
            input,
            hasher,
            output,
            chunk: vec![0; CHUNK],
            unread: 0..0,
            size: 0,
            error: None,
        }
    }

    /// Reads the bytes that are left. Returns the digest, if there is a hasher, and the number of all
    /// bytes, or the error that ended the stream.
    fn finish(mut self) -> Result<(Option<Digest>, u64), CopyError> {
        while self.error.is_none() && self.next_chunk() > 0 {}
        match self.error {
            Some(error) => Err(error),
            None => Ok((self.hasher.map(Hasher::finish), self.size)),
        }
    }

    /// Reads the next chunk and returns its size.
    fn next_chunk(&mut self) -> usize {
        self.unread = 0..0;
        match fill(&mut self.input, &mut self.chunk) {
            Ok(n) => {
                let bytes = &self.chunk[..n];
                self.size += n as u64;
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(bytes);
                }
                match self.output.write_all(bytes) {
                    Ok(()) => self.unread = 0..n,
                    Err(error) => self.error = Some(CopyError::Write(error)),
                }
            }
            Err(error) => self.error = Some(CopyError::Read(error)),
        }
        self.unread.len()
    }

    /// Makes sure that there are unread bytes, unless the stream has ended.
    fn refill(&mut self) -> io::Result<()> {
        if self.unread.is_empty() && self.error.is_none() {
            self.next_chunk();
        }
        match self.error {
            None => Ok(()),
            // `finish` returns the error itself.
            Some(_) => Err(io::Error::other("the stream has failed")),
        }
    }
}

impl<R: Read, W: Write> LayerStream for DecodedStream<'_, R, W> {}

impl<R: Read, W: Write> Read for DecodedStream<'_, R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.refill()?;
        let n = self.unread.len().min(buf.len());
        buf[..n].copy_from_slice(&self.chunk[self.unread.start..][..n]);
        self.unread.start += n;
        Ok(n)
    }
}

impl<R: Read, W: Write> Seek for DecodedStream<'_, R, W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Current(distance @ 0..) = to else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let mut left = distance.unsigned_abs();
        while left > 0 {
            self.refill()?;
            if self.unread.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let n =
                usize::try_from(left).map_or(self.unread.len(), |left| left.min(self.unread.len()));
            self.unread.start += n;
            left -= n as u64;
        }
        Ok(self.size - self.unread.len() as u64)
    }
}
