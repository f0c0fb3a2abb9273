//! Bytes flow from an input to an output once; digests are computed while they do.

use std::io::{self, Read, Write};
use std::path::Path;

use crate::codec::Encoding;
use crate::error::Error;
use crate::spec::{Algorithm, DiffId, Digest, Hasher};

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
pub struct Flow {
    /// Digest and size of the bytes as they came.
    pub blob: (Digest, u64),
    /// Digest of the decoded bytes.
    pub diff_id: DiffId,
}

/// What kept bytes from flowing: the two sides have different files to blame.
#[derive(Debug)]
pub enum Broken {
    /// The input could not be read or decoded.
    Read(io::Error),
    /// The output could not be written.
    Write(io::Error),
}

impl Broken {
    /// The error that names the file to blame.
    pub fn blame(self, input: impl FnOnce(io::Error) -> Error, output: &Path) -> Error {
        match self {
            Self::Read(error) => input(error),
            Self::Write(error) => Error::io("write", output)(error),
        }
    }
}

/// Reads `input`, which is encoded as `encoding`, to its end; its bytes go to `as_is`, the decoded
/// ones to `decoded`.
pub fn run(
    input: impl Read,
    encoding: Encoding,
    hashes: Hashes,
    as_is: &mut impl Write,
    decoded: &mut impl Write,
) -> Result<Flow, Broken> {
    let mut tap = Tap {
        input,
        output: Hashing::new(as_is, hashes.blob),
        broken_output: None,
    };
    let mut chunk = vec![0; CHUNK];

    // Where nothing is to be decoded, the diff ID is the digest: one hash, not two.
    if encoding == Encoding::Plain && hashes.blob == hashes.diff_id {
        while let n @ 1.. = tap.next(&mut chunk)? {
            decoded.write_all(&chunk[..n]).map_err(Broken::Write)?;
        }
        let blob = tap.output.finish();
        let diff_id = DiffId(blob.0.clone());
        return Ok(Flow { blob, diff_id });
    }

    let mut hasher = Hasher::new(hashes.diff_id);
    let drained = drain(&mut tap, encoding, &mut chunk, &mut hasher, decoded);
    match (tap.broken_output.take(), drained) {
        (Some(error), _) => return Err(Broken::Write(error)),
        (None, drained) => drained?,
    }
    // A decoder stops at the end of its stream, the digest of the blob is of all bytes.
    while tap.next(&mut chunk)? > 0 {}
    Ok(Flow {
        blob: tap.output.finish(),
        diff_id: DiffId(hasher.finish()),
    })
}

fn drain(
    tap: &mut impl Read,
    encoding: Encoding,
    chunk: &mut [u8],
    hasher: &mut Hasher,
    output: &mut impl Write,
) -> Result<(), Broken> {
    let mut decoder = encoding.decode(tap).map_err(Broken::Read)?;
    while let n @ 1.. = fill(&mut decoder, chunk).map_err(Broken::Read)? {
        hasher.update(&chunk[..n]);
        output.write_all(&chunk[..n]).map_err(Broken::Write)?;
    }
    Ok(())
}

/// A reader that also writes what it reads.
struct Tap<R, W> {
    input: R,
    output: Hashing<W>,
    broken_output: Option<io::Error>,
}

impl<R: Read, W: Write> Tap<R, W> {
    fn next(&mut self, chunk: &mut [u8]) -> Result<usize, Broken> {
        let n = fill(&mut self.input, chunk).map_err(Broken::Read)?;
        self.output.write_all(&chunk[..n]).map_err(Broken::Write)?;
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
    let mut filled = 0;
    while filled < chunk.len() {
        match input.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
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
