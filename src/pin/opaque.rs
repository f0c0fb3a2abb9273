//! Searches files that cannot be changed: those that are not UTF-8, or too large.

use std::io::{self, Read};

use super::pins::Pins;
use super::reference::{Escapes, Suffix, occurrences};

/// The bytes that are searched at a time.
const CHUNK: u64 = 1 << 20;

/// The bytes that are searched again with the next ones. No reference is longer.
const OVERLAP: usize = 4096;

/// Returns the first reference of an image by its tag, or by another digest.
pub fn reference(pins: &Pins<'_>, bytes: &mut dyn Read) -> io::Result<Option<String>> {
    let mut chunk = Vec::new();
    let mut is_first = true;
    loop {
        let is_last = bytes.take(CHUNK).read_to_end(&mut chunk)? == 0;
        // Without its zeros, UTF-16 is ASCII.
        let text: Vec<u8> = chunk.iter().copied().filter(|byte| *byte != 0).collect();
        let text = String::from_utf8_lossy(&text);
        if let Some(found) = reference_in(pins, &text, is_first, is_last) {
            return Ok(Some(found));
        }
        if is_last {
            return Ok(None);
        }
        chunk.drain(..chunk.len().saturating_sub(OVERLAP));
        is_first = false;
    }
}

fn reference_in(pins: &Pins<'_>, text: &str, is_first: bool, is_last: bool) -> Option<String> {
    for name in pins.names() {
        for found in occurrences(text, name, Escapes::None) {
            // The rest of a longer name or tag can be in the chunk before or after.
            let is_cut = found.start == 0 && !is_first
                || found.start + found.text.len() == text.len() && !is_last;
            let is_pinned = match found.suffix {
                // In any bytes, a word with a colon can be anything.
                Suffix::Tag(tag) if name.is_word() || found.is_joined => {
                    pins.tagged(&name.normal, tag).is_none()
                }
                Suffix::None | Suffix::Variable => true,
                Suffix::Tag(_) => false,
                Suffix::Digest(digest) => pins.expect_digest(name, digest, || 0).is_ok(),
            };
            if !is_cut && !is_pinned {
                return Some(found.text.to_owned());
            }
        }
    }
    None
}
