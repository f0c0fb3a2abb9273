//! The content of a file: read once, and what is kept of it is what it is known by and its two ends.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::symbols::{self, Ends};
use crate::bytes::copy;

const CHUNK: usize = 64 << 10;

/// How much of the beginning of a file is kept: the linker of Go has all headers in so many bytes.
const HEAD: usize = 4096;

/// Sixteen bytes of a SHA-256: enough to tell files apart, also where somebody wants them not to be.
pub type Content = u128;

/// Reads files, one after the other.
pub struct Buffer {
    chunk: Vec<u8>,
    /// Of a program, the chunk before the last one and that: the end of it.
    tail: Vec<u8>,
    /// Of any file.
    head: Vec<u8>,
    size: u64,
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            chunk: vec![0; CHUNK],
            tail: Vec::new(),
            head: Vec::with_capacity(HEAD),
            size: 0,
        }
    }
}

impl Buffer {
    /// Reads a file to its end.
    pub fn read(&mut self, file: &mut impl Read) -> io::Result<Content> {
        let mut hasher = Sha256::new();
        self.size = 0;
        self.head.clear();
        self.tail.clear();
        loop {
            let n = copy::fill(file, &mut self.chunk)?;
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
                return Ok(short(hasher));
            }
        }
    }

    /// The beginning of the file that was read last.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The debug symbols of the file that was read last.
    pub fn symbols(&self) -> Option<u64> {
        if self.tail.is_empty() {
            return None;
        }
        symbols::bytes(Ends {
            head: &self.head,
            tail: &self.tail,
            size: self.size,
        })
    }
}

/// What a content is known by.
pub fn short(hasher: Sha256) -> Content {
    let digest: [u8; 32] = hasher.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Content::from_be_bytes(half)
}
