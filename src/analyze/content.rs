//! The content of a file: read once; its hash and its two ends are kept.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::symbols::{self, FileEnds};
use crate::bytes::fill;

const CHUNK: usize = 64 << 10;

/// The number of bytes that are kept from the beginning of a file: the linker of Go writes all headers there.
const HEAD: usize = 4096;

/// Sixteen bytes of a SHA-256: enough to distinguish files, even those of an attacker.
pub type ContentHash = u128;

/// Reads files, one after the other.
pub struct ContentReader {
    chunk: Vec<u8>,
    /// The last two chunks of a program.
    tail: Vec<u8>,
    /// The beginning of any file.
    head: Vec<u8>,
    size: u64,
}

impl Default for ContentReader {
    fn default() -> Self {
        Self {
            chunk: vec![0; CHUNK],
            tail: Vec::new(),
            head: Vec::with_capacity(HEAD),
            size: 0,
        }
    }
}

impl ContentReader {
    /// Reads a file to its end; returns its hash.
    pub fn read(&mut self, file: &mut impl Read) -> io::Result<ContentHash> {
        let mut hasher = Sha256::new();
        self.size = 0;
        self.head.clear();
        self.tail.clear();
        loop {
            let n = fill(file, &mut self.chunk)?;
            let chunk = &self.chunk[..n];
            if self.size == 0 {
                self.head.extend_from_slice(&chunk[..n.min(HEAD)]);
            }
            if self.head.starts_with(b"\x7fELF") {
                let kept = self.tail.len().saturating_sub(CHUNK);
                self.tail.drain(..kept);
                self.tail.extend_from_slice(chunk);
            }
            hasher.update(chunk);
            self.size += n as u64;
            if n < self.chunk.len() {
                return Ok(truncated(hasher));
            }
        }
    }

    /// Returns the beginning of the file that was read last.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns the bytes of debug symbols in the file that was read last.
    pub fn symbols(&self) -> Option<u64> {
        if self.tail.is_empty() {
            return None;
        }
        symbols::strippable_bytes(FileEnds {
            head: &self.head,
            tail: &self.tail,
            size: self.size,
        })
    }
}

/// Returns the first half of a hash.
pub fn truncated(hasher: Sha256) -> ContentHash {
    let digest: [u8; 32] = hasher.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    ContentHash::from_be_bytes(half)
}
