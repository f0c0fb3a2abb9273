//! A text, with the numbers of its lines.

/// The bytes for which the lines are counted together.
const BLOCK: usize = 1024;

/// The bytes of a line that are read backwards from a position: a comment has its mark near.
const MAX_BACK: usize = 4096;

/// The content of a file.
pub struct Text<'t> {
    pub text: &'t str,
    /// The number of line breaks before each block of bytes.
    before_blocks: Vec<usize>,
}

impl<'t> Text<'t> {
    pub fn new(text: &'t str) -> Self {
        let mut breaks = 0;
        let before_blocks = text.as_bytes().chunks(BLOCK).map(|block| {
            let before = breaks;
            breaks += line_breaks(block);
            before
        });
        Self {
            text,
            before_blocks: before_blocks.collect(),
        }
    }

    /// Returns the number of the line of a position, from 1.
    pub fn line(&self, at: usize) -> usize {
        let block = at / BLOCK;
        let before = self.before_blocks.get(block);
        let before = before.or(self.before_blocks.last()).copied();
        let start = block.min(self.before_blocks.len().saturating_sub(1)) * BLOCK;
        before.unwrap_or(0) + line_breaks(&self.text.as_bytes()[start..at]) + 1
    }

    /// Returns the part of the line before a position; `None` if that is very long.
    pub fn line_before(&self, at: usize) -> Option<&'t str> {
        let back = at.saturating_sub(MAX_BACK);
        let bytes = &self.text.as_bytes()[back..at];
        let start = match memchr::memrchr(b'\n', bytes) {
            Some(end) => back + end + 1,
            None if back == 0 => 0,
            None => return None,
        };
        Some(&self.text[start..at])
    }
}

fn line_breaks(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}
