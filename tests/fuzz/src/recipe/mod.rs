//! Generates images from the bytes of the fuzzer: valid ones with a few changes. Their digests are correct
//! nevertheless, so that the documents that are read last are reached too.
//!
//! Bytes of zero, and the end of the bytes, choose valid images.

mod docker;
mod json;
mod layout;
mod tar;
mod unusual;

use std::io::Write;

use arbitrary::Unstructured;

pub use docker::docker_archive;
pub use json::document;
pub use layout::layout;
pub use tar::{Entry, archive};
pub use unusual::unusual_archive;

/// Choices by the bytes of the fuzzer.
pub trait Dice {
    /// Returns 0 to `most`.
    fn up_to(&mut self, most: usize) -> usize;
    /// Returns true rarely, and never for a byte of zero.
    fn rarely(&mut self) -> bool;
    /// Returns one of several items; the first one for a byte of zero.
    fn one_of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T;
    /// Returns raw bytes.
    fn blob(&mut self, most: usize) -> Vec<u8>;
    /// Returns a short text of any characters.
    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.blob(24)).into_owned()
    }
}

impl Dice for Unstructured<'_> {
    fn up_to(&mut self, most: usize) -> usize {
        let byte: u8 = self.arbitrary().unwrap_or(0);
        usize::from(byte) % (most + 1)
    }

    fn rarely(&mut self) -> bool {
        self.arbitrary::<u8>().unwrap_or(0) > 235
    }

    fn one_of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.up_to(items.len() - 1)]
    }

    fn blob(&mut self, most: usize) -> Vec<u8> {
        let len = match self.is_empty() {
            true => 0,
            false => self.int_in_range(0..=most).unwrap_or(0).min(self.len()),
        };
        self.bytes(len).unwrap_or_default().to_vec()
    }
}

/// Generates the content of a layer, uncompressed. Some images get the same layers.
fn layer(u: &mut Unstructured<'_>) -> Vec<u8> {
    match u.up_to(5) {
        0 => tar::plain(&[("etc/shared", b"the same everywhere")]),
        1 => tar::plain(&[("bin/program", b"\x7fELF\x02\x01\x01")]),
        2 => tar::plain(&[("data", &u.blob(200))]),
        3 => Vec::new(),
        4 => vec![u.up_to(255) as u8; 70_000],
        _ => u.blob(300),
    }
}

/// How a layer is stored.
#[derive(Clone, Copy, PartialEq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

fn pack(u: &mut Unstructured<'_>, packing: Packing, content: &[u8]) -> Vec<u8> {
    let halves = match u.rarely() {
        true => content.split_at(content.len() / 2),
        false => (content, &b""[..]),
    };
    let mut packed = match packing {
        Packing::Plain => return content.to_vec(),
        Packing::Gzip => gzip(halves.0),
        Packing::Zstd => zstd(halves.0),
    };
    if !halves.1.is_empty() {
        // Several members or frames are one stream.
        packed.extend(match packing {
            Packing::Gzip => gzip(halves.1),
            _ => zstd(halves.1),
        });
    }
    if u.rarely() {
        spoil(u, &mut packed);
    }
    packed
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Changes, cuts or lengthens bytes.
fn spoil(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) {
    let at = match bytes.len() {
        0 => 0,
        len => u.int_in_range(0..=len - 1).unwrap_or(0),
    };
    match u.up_to(3) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << u.up_to(7),
        1 => bytes.truncate(at),
        2 => bytes.extend(u.blob(20)),
        _ => {
            let more = u.blob(20);
            bytes.splice(at..at, more);
        }
    }
}
