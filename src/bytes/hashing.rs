//! Digests of blobs, and the writer that computes them.

use std::io::{self, Write};

use crate::bytes::codec::Encoding;
use crate::oci::{Algorithm, DiffId, Digest, Hasher};

/// The algorithms to hash a blob and its decoded content with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Algorithms {
    /// The algorithm of the descriptor's digest.
    pub blob: Algorithm,
    /// The algorithm of the diff ID in the config.
    pub diff_id: Algorithm,
}

impl Algorithms {
    /// The algorithms of nearly every image, and of our output.
    pub const SHA256: Self = Self {
        blob: Algorithm::Sha256,
        diff_id: Algorithm::Sha256,
    };
}

/// A digest, and the size in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizedDigest {
    /// The digest of the bytes.
    pub digest: Digest,
    /// The number of bytes.
    pub size: u64,
}

impl SizedDigest {
    /// Hashes bytes in memory.
    pub fn of(bytes: &[u8], algorithm: Algorithm) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        Self {
            digest: hasher.finish(),
            size: bytes.len() as u64,
        }
    }
}

/// The digests of a blob that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// How the blob is encoded.
    pub encoding: Encoding,
    /// Digest and size of its bytes.
    pub blob: SizedDigest,
    /// The digest of its decoded bytes.
    pub diff_id: DiffId,
}

impl Digests {
    /// Returns the algorithms that computed them.
    pub fn algorithms(&self) -> Algorithms {
        Algorithms {
            blob: self.blob.digest.algorithm(),
            diff_id: self.diff_id.0.algorithm(),
        }
    }
}

/// A writer that hashes and counts the bytes written to it.
pub struct HashingWriter<W> {
    output: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Starts with no bytes.
    pub fn new(output: W, algorithm: Algorithm) -> Self {
        Self {
            output,
            hasher: Hasher::new(algorithm),
            size: 0,
        }
    }

    /// Returns digest and size of all bytes.
    pub fn finish(self) -> SizedDigest {
        SizedDigest {
            digest: self.hasher.finish(),
            size: self.size,
        }
    }
}

impl<W: Write> Write for HashingWriter<W> {
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
