//! References from one store path to others, found as Nix finds them: by the 32 digits that their names
//! start with, anywhere in the bytes.
//!
//! Source: `RefScanSink` of Nix. The store paths of an image are only known after all its layers were read,
//! so whatever can be such a hash is kept.

use std::collections::HashSet;

use super::hashes::IS_DIGIT;

/// The number of digits of the hash in a store path.
pub const HASH: usize = 32;

/// The hash in the name of a store path.
pub type PathHash = [u8; HASH];

/// Searches the bytes of a store path.
#[derive(Default)]
pub struct ReferenceScanner {
    found: HashSet<PathHash>,
    /// The last bytes of the string so far, less than a hash.
    tail: Vec<u8>,
    last: Option<PathHash>,
    /// How many of those that were found `new_cost` has returned.
    counted: usize,
}

impl ReferenceScanner {
    /// Searches the next bytes of a file.
    pub fn scan(&mut self, bytes: &[u8]) {
        let mut tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            tail.extend_from_slice(&bytes[..bytes.len().min(HASH - 1)]);
            self.search(&tail);
        }
        match bytes.len() >= HASH - 1 {
            true => {
                tail.clear();
                tail.extend_from_slice(&bytes[bytes.len() - (HASH - 1)..]);
            }
            false if tail.is_empty() => tail.extend_from_slice(bytes),
            false => {
                let more = tail.len().saturating_sub(HASH - 1);
                tail.drain(..more);
            }
        }
        self.tail = tail;
        self.search(bytes);
    }

    /// Ends a file: a hash is never in two of them.
    pub fn end(&mut self) {
        self.tail.clear();
    }

    /// Searches a whole text, such as the target of a link.
    pub fn text(&mut self, text: &[u8]) {
        self.search(text);
    }

    fn search(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while let Some(window) = bytes.get(at..at + HASH) {
            match window
                .iter()
                .rposition(|byte| !IS_DIGIT[usize::from(*byte)])
            {
                Some(other) => at += other + 1,
                None => {
                    let hash: PathHash = window.try_into().unwrap_or_default();
                    // The same digit over and over.
                    if self.last != Some(hash) {
                        self.found.insert(hash);
                        self.last = Some(hash);
                    }
                    at += 1;
                }
            }
        }
    }

    /// Returns the memory of what was found since the last call, in bytes.
    pub fn new_cost(&mut self) -> usize {
        let before = std::mem::replace(&mut self.counted, self.found.len());
        (self.counted - before) * 4 * HASH
    }

    pub fn finish(self) -> HashSet<PathHash> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_found_wherever_the_file_is_cut_into_chunks() {
        let hash = b"9z364a2vnvi1j6x5aqb7nab9ijkx5pgz";
        let text = [b"e\xff/nix/store/", &hash[..], b"-hello/bin"].concat();
        for cut in 0..=text.len() {
            for second in cut..=text.len() {
                let mut scanner = ReferenceScanner::default();
                scanner.scan(&text[..cut]);
                scanner.scan(&text[cut..second]);
                scanner.scan(&text[second..]);
                assert!(scanner.finish().contains(hash), "{cut} {second}");
            }
        }
        for (first, second) in text.split_at_checked(20).iter().copied() {
            let mut scanner = ReferenceScanner::default();
            scanner.scan(first);
            scanner.end();
            scanner.scan(second);
            assert!(!scanner.finish().contains(hash));
        }
    }
}
