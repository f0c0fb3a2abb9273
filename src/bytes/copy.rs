//! Bytes flow from an input to an output once; digests are computed while they do.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use crate::bytes::codec::Encoding;
use crate::error::Error;
use crate::oci::{Algorithm, DiffId, Digest, Hasher};

/// Small enough to be hashed and written while it is in the cache.
const CHUNK: usize = 256 << 10;

/// Which algorithms the digests to compare with are of.
#[derive(Clone, Copy, Debug)]
pub struct Hashes {
    /// Of the descriptor.
    pub blob: Algorithm,
    /// Of the config.
    pub diff_id: Algorithm,
}

impl Hashes {
    /// What nearly every image has, and what we write.
    pub const SHA256: Self = Self {
        blob: Algorithm::Sha256,
        diff_id: Algorithm::Sha256,
    };
}

/// What flowed.
#[derive(Debug)]
pub struct Copied {
    /// Digest and size of the bytes as they came.
    pub blob: (Digest, u64),
    /// Digest of the decoded bytes.
    pub diff_id: DiffId,
}

/// What kept bytes from flowing: the two sides have different files to blame.
#[derive(Debug)]
pub enum CopyError {
    /// The input could not be read or decoded.
    Read(io::Error),
    /// The output could not be written.
    Write(io::Error),
}

impl CopyError {
    /// The error that names the file to blame.
    pub fn blame(self, input: impl FnOnce(io::Error) -> Error, output: &Path) -> Error {
        match self {
            Self::Read(error) => input(error),
            Self::Write(error) => Error::io("write", output)(error),
        }
    }
}

/// Reads `input`, which is encoded as `encoding`, to its end; its bytes go to `as_is`, the decoded
/// ones to `decoded`, and `observer` looks at those on the way.
pub fn verified(
    input: impl Read,
    encoding: Encoding,
    hashes: Hashes,
    as_is: &mut impl Write,
    decoded: &mut impl Write,
    observer: Option<&dyn LayerObserver>,
) -> Result<Copied, CopyError> {
    let mut tap = Tap {
        input,
        output: Hashing::new(as_is, hashes.blob),
        broken_output: None,
    };
    // Where nothing is to be decoded, the diff ID is the digest: one hash, not two.
    let same = encoding == Encoding::Plain && hashes.blob == hashes.diff_id;
    let hasher = (!same).then(|| Hasher::new(hashes.diff_id));
    let drained = if same {
        drain(&mut tap, hasher, decoded, observer)
    } else {
        let decoder = encoding.decode(&mut tap).map_err(CopyError::Read);
        decoder.and_then(|decoder| drain(decoder, hasher, decoded, observer))
    };
    let (diff_id, size, keep) = match (tap.broken_output.take(), drained) {
        (Some(error), _) => return Err(CopyError::Write(error)),
        (None, drained) => drained?,
    };
    // A decoder stops at the end of its stream, the digest of the blob is of all bytes.
    let mut chunk = vec![0; CHUNK];
    while tap.next(&mut chunk)? > 0 {}
    let blob = tap.output.finish();
    let diff_id = diff_id.map_or_else(|| DiffId(blob.0.clone()), DiffId);
    if let Some(keep) = keep {
        keep(&diff_id, size);
    }
    Ok(Copied { blob, diff_id })
}

fn drain<'a>(
    input: impl Read,
    hasher: Option<Hasher>,
    output: &mut impl Write,
    observer: Option<&'a dyn LayerObserver>,
) -> Result<(Option<Digest>, u64, Option<OnVerified<'a>>), CopyError> {
    let mut decoded = Decoded {
        input,
        hasher,
        output,
        chunk: vec![0; CHUNK],
        read: 0..0,
        size: 0,
        broken: None,
    };
    let keep = observer.map(|observer| observer.observe(&mut decoded));
    // What it has left, and what made it stop.
    while decoded.broken.is_none() && decoded.next() > 0 {}
    match decoded.broken {
        Some(broken) => Err(broken),
        None => Ok((decoded.hasher.map(Hasher::finish), decoded.size, keep)),
    }
}

/// Who looks at layers while their bytes flow by.
pub trait LayerObserver: Sync {
    /// Reads as much of the decoded bytes as it wants to see. What it returns is called if all of
    /// them were read, with the digest that they have, and with how many they are.
    fn observe<'a>(&'a self, layer: &mut dyn LayerStream) -> OnVerified<'a>;
}

/// What to do when it is known which layer it was.
pub type OnVerified<'a> = Box<dyn FnOnce(&DiffId, u64) + 'a>;

/// Decoded bytes. Seeking goes forward only: it skips what nobody wants to see, without a copy.
pub trait LayerStream: Read + Seek {}

impl<R: Read, W: Write> LayerStream for Decoded<'_, R, W> {}

/// A reader that hashes and writes what it reads, chunk by chunk, whatever is read of a chunk.
struct Decoded<'a, R, W> {
    input: R,
    hasher: Option<Hasher>,
    output: &'a mut W,
    chunk: Vec<u8>,
    /// What of the chunk is still to be read.
    read: Range<usize>,
    /// How many bytes were decoded, those of the chunk included.
    size: u64,
    broken: Option<CopyError>,
}

impl<R: Read, W: Write> Decoded<'_, R, W> {
    /// Goes on to the next chunk; its size.
    fn next(&mut self) -> usize {
        self.read = 0..0;
        match fill(&mut self.input, &mut self.chunk) {
            Ok(n) => {
                let bytes = &self.chunk[..n];
                self.size += n as u64;
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(bytes);
                }
                match self.output.write_all(bytes) {
                    Ok(()) => self.read = 0..n,
                    Err(error) => self.broken = Some(CopyError::Write(error)),
                }
            }
            Err(error) => self.broken = Some(CopyError::Read(error)),
        }
        self.read.len()
    }

    /// Makes sure that there is something to be read, if anything is left.
    fn refill(&mut self) -> io::Result<()> {
        if self.read.is_empty() && self.broken.is_none() {
            self.next();
        }
        match self.broken {
            None => Ok(()),
            Some(_) => Err(io::Error::other("the stream is broken")),
        }
    }
}

impl<R: Read, W: Write> Read for Decoded<'_, R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.refill()?;
        let n = self.read.len().min(buf.len());
        buf[..n].copy_from_slice(&self.chunk[self.read.start..][..n]);
        self.read.start += n;
        Ok(n)
    }
}

impl<R: Read, W: Write> Seek for Decoded<'_, R, W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Current(distance @ 0..) = to else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let mut left = distance.unsigned_abs();
        while left > 0 {
            self.refill()?;
            if self.read.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let n = usize::try_from(left).map_or(self.read.len(), |left| left.min(self.read.len()));
            self.read.start += n;
            left -= n as u64;
        }
        Ok(self.size - self.read.len() as u64)
    }
}

/// A reader that also writes what it reads.
struct Tap<R, W> {
    input: R,
    output: Hashing<W>,
    broken_output: Option<io::Error>,
}

impl<R: Read, W: Write> Tap<R, W> {
    fn next(&mut self, chunk: &mut [u8]) -> Result<usize, CopyError> {
        let n = fill(&mut self.input, chunk).map_err(CopyError::Read)?;
        self.output
            .write_all(&chunk[..n])
            .map_err(CopyError::Write)?;
        Ok(n)
    }
}

impl<R: Read, W: Write> Read for Tap<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        if let Err(error) = self.output.write_all(&buf[..n]) {
            self.broken_output = Some(error);
            return Err(io::Error::other("the output is broken"));
        }
        Ok(n)
    }
}

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

/// A writer that computes digest and size of what it writes.
pub struct Hashing<W> {
    output: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> Hashing<W> {
    /// Starts with nothing.
    pub fn new(output: W, algorithm: Algorithm) -> Self {
        Self {
            output,
            hasher: Hasher::new(algorithm),
            size: 0,
        }
    }

    /// Digest and size of all that was written.
    pub fn finish(self) -> (Digest, u64) {
        (self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.output.write(buf)?;
        self.hasher.update(&buf[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
