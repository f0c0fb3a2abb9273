//! References in HCL, the language of Nomad jobs: in strings and heredocs, not in comments.

use std::ops::Range;

use super::Edit;
use super::pins::{Part, Pins};
use super::reference::{Escapes, occurrences};
use super::text::Text;
use super::variables;
use crate::error::PinProblem;

/// The most blanks between `image`, `=` and its value.
const MAX_BLANKS: usize = 200;

/// Returns the edits of an HCL file.
pub fn edits(pins: &Pins<'_>, text: &Text<'_>) -> Result<Vec<Edit>, PinProblem> {
    let mut edits = Vec::new();
    for Template { range, escapes } in templates(text.text) {
        let part = Part {
            is_image: escapes == Escapes::Backslash && is_image(text.text, range.start - 1),
            range,
            escapes,
        };
        refuse_escaped(pins, text, &part)?;
        match pins.untagged(text, &part)? {
            Some(edit) => edits.push(edit),
            None => {
                edits.extend(pins.edits_in(text, &part)?);
                variables::check(pins, text, &part)?;
                pins.doubt_untagged(text, &part);
            }
        }
    }
    Ok(edits)
}

/// Whether the string at a position is the value of `image`.
fn is_image(text: &str, at: usize) -> bool {
    let start = (at.saturating_sub(MAX_BLANKS)..=at).find(|start| text.is_char_boundary(*start));
    let before = &text[start.unwrap_or(at)..at];
    let key = before.trim_end().strip_suffix('=').map(str::trim_end);
    let Some(before) = key.and_then(|text| text.strip_suffix("image")) else {
        return false;
    };
    !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Fails if a name is only there after its escapes (`\u002f`) are decoded.
fn refuse_escaped(pins: &Pins<'_>, text: &Text<'_>, part: &Part) -> Result<(), PinProblem> {
    let content = &text.text[part.range.clone()];
    if part.escapes == Escapes::None || !content.contains("\\u") && !content.contains("\\U") {
        return Ok(());
    }
    let decoded = decode(content);
    for name in pins.names() {
        let count = |text| occurrences(text, name, part.escapes).len();
        if count(&decoded) != count(content) {
            return Err(PinProblem::Escaped {
                line: text.line(part.range.start),
                name: name.written.clone(),
            });
        }
    }
    Ok(())
}

/// Decodes `\uXXXX` and `\UXXXXXXXX`.
fn decode(content: &str) -> String {
    let mut decoded = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let end = match escape.as_bytes().get(1) {
            Some(b'u') => 6,
            Some(b'U') => 10,
            _ => 2,
        };
        let hex = escape
            .get(2..end)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        decoded.push_str(before);
        rest = match hex.and_then(char::from_u32) {
            Some(c) => {
                decoded.push(c);
                &escape[end..]
            }
            None => {
                let kept = escape
                    .char_indices()
                    .nth(2)
                    .map_or(escape.len(), |(at, _)| at);
                decoded.push_str(&escape[..kept]);
                &escape[kept..]
            }
        };
    }
    decoded + rest
}

/// The content of a string or of a heredoc.
struct Template {
    range: Range<usize>,
    escapes: Escapes,
}

fn templates(text: &str) -> Vec<Template> {
    let mut templates = Vec::new();
    let mut at = 0;
    let until = |start: usize, end: &str| text[start..].find(end).map_or(text.len(), |i| start + i);
    while let Some(next) = text[at..].find(['#', '/', '"', '<']) {
        at += next;
        let rest = &text[at..];
        if rest.starts_with('#') || rest.starts_with("//") {
            at = until(at, "\n");
        } else if rest.starts_with("/*") {
            at = (until(at + 2, "*/") + 2).min(text.len());
        } else if rest.starts_with('"') {
            let range = at + 1..end_of_string(text, at + 1);
            at = (range.end + 1).min(text.len());
            templates.push(Template {
                range,
                escapes: Escapes::Backslash,
            });
        } else if let Some(range) = heredoc(text, at) {
            at = range.end;
            templates.push(Template {
                range,
                escapes: Escapes::None,
            });
        } else {
            at += 1;
        }
    }
    templates
}

/// Returns the position of the quote that ends a string. Quotes in its interpolations are those of other strings.
fn end_of_string(text: &str, start: usize) -> usize {
    /// What is open, from the outside to the inside.
    #[derive(PartialEq)]
    enum Open {
        String,
        Interpolation,
        Brace,
    }
    let bytes = text.as_bytes();
    let mut open = vec![Open::String];
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        let is_string = open.last() == Some(&Open::String);
        match byte {
            // A string ends on its line. Interpolations can have several.
            b'\n' if is_string => return at,
            b'\\' if is_string => at += 1,
            b'"' if is_string => {
                open.pop();
                if open.is_empty() {
                    return at;
                }
            }
            b'"' => open.push(Open::String),
            // `$${` is text.
            b'$' | b'%' if is_string && bytes.get(at + 1) == Some(byte) => at += 1,
            b'$' | b'%' if is_string && bytes.get(at + 1) == Some(&b'{') => {
                open.push(Open::Interpolation);
                at += 1;
            }
            b'{' if !is_string => open.push(Open::Brace),
            b'}' if !is_string => drop(open.pop()),
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Returns the content of a heredoc that starts at a position.
fn heredoc(text: &str, at: usize) -> Option<Range<usize>> {
    let after = text[at..].strip_prefix("<<")?;
    let after = after.strip_prefix('-').unwrap_or(after);
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let length = after.find(|c: char| !is_name(c))?;
    let (marker, after) = after.split_at(length);
    let after = after
        .strip_prefix('\r')
        .unwrap_or(after)
        .strip_prefix('\n')?;
    if marker.is_empty() {
        return None;
    }
    let start = text.len() - after.len();
    let mut end = start;
    for line in after.split_inclusive('\n') {
        if line.trim() == marker {
            break;
        }
        end += line.len();
    }
    Some(start..end)
}
