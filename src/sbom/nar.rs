//! The Nix archive format (NAR): how Nix serialises a store path to hash it.
//!
//! Source: the Nix manual, "Nix Archive (NAR) format". A NAR consists of strings, each with its length as
//! eight bytes in front and zeros up to a multiple of eight behind. The entries of a directory are sorted
//! by the bytes of their names.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::hashes::nix_sha256;

/// The hash and the size of a store path as a NAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NarInfo {
    pub hash: [u8; 32],
    /// In bytes.
    pub size: u64,
}

impl NarInfo {
    /// Returns the hash as the narinfo file of a binary cache has it: `sha256:` and 52 digits of Nix's base 32.
    pub fn nix_hash(&self) -> String {
        nix_sha256(&self.hash)
    }
}

impl Serialize for NarInfo {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.nix_hash())
    }
}

/// Hashes a NAR while it is written.
pub struct NarHasher {
    hasher: Sha256,
    size: u64,
}

impl Default for NarHasher {
    fn default() -> Self {
        let mut nar = Self {
            hasher: Sha256::new(),
            size: 0,
        };
        nar.string(b"nix-archive-1");
        nar
    }
}

impl NarHasher {
    pub fn start_directory(&mut self) {
        self.strings(&[b"(", b"type", b"directory"]);
    }

    pub fn end_directory(&mut self) {
        self.string(b")");
    }

    /// Starts an entry of a directory, which is followed by the file, link or directory.
    pub fn start_entry(&mut self, name: &[u8]) {
        self.strings(&[b"entry", b"(", b"name", name, b"node"]);
    }

    pub fn end_entry(&mut self) {
        self.string(b")");
    }

    pub fn symlink(&mut self, target: &[u8]) {
        self.strings(&[b"(", b"type", b"symlink", b"target", target, b")"]);
    }

    /// Starts a file, which is followed by its content of `size` bytes.
    pub fn start_file(&mut self, is_executable: bool, size: u64) {
        self.strings(&[b"(", b"type", b"regular"]);
        if is_executable {
            self.strings(&[b"executable", b""]);
        }
        self.string(b"contents");
        self.raw(&size.to_le_bytes());
    }

    /// Adds content of a file.
    pub fn content(&mut self, bytes: &[u8]) {
        self.raw(bytes);
    }

    /// Ends a file of `size` bytes.
    pub fn end_file(&mut self, size: u64) {
        self.pad(size);
        self.string(b")");
    }

    pub fn finish(self) -> NarInfo {
        NarInfo {
            hash: self.hasher.finalize().into(),
            size: self.size,
        }
    }

    fn strings(&mut self, texts: &[&[u8]]) {
        for text in texts {
            self.string(text);
        }
    }

    fn string(&mut self, text: &[u8]) {
        let size = text.len() as u64;
        self.raw(&size.to_le_bytes());
        self.raw(text);
        self.pad(size);
    }

    fn pad(&mut self, size: u64) {
        let rest = (size.wrapping_neg() % 8) as usize;
        self.raw(&[0; 8][..rest]);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }
}
