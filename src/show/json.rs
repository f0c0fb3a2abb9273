//! JSON that can be printed: characters that move the cursor, change the direction of reading or are invisible are
//! escaped. They stay the same characters for a reader of JSON.

use std::io::{self, Write};

use polyarch::internals::text::is_harmful;
use serde::Serialize;

/// Writes a report and a line break.
pub fn write(mut writer: impl Write, report: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string_pretty(report)?;
    let mut rest = &*json;
    // Of those, only line breaks are outside of texts.
    let is_escaped = |c: char| is_harmful(c) && c != '\n';
    while let Some(at) = rest.find(is_escaped) {
        let (before, from) = rest.split_at(at);
        writer.write_all(before.as_bytes())?;
        let mut letters = from.chars();
        if let Some(letter) = letters.next() {
            write!(writer, "\\u{:04x}", u32::from(letter))?;
        }
        rest = letters.as_str();
    }
    writeln!(writer, "{rest}")
}
