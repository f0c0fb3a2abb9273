//! References in HCL, the language of Nomad jobs: in strings and heredocs, not in comments.

use super::Edit;
use super::reference::Pins;
use crate::error::PinProblem;

/// Returns the edits of an HCL file.
pub fn edits(pins: &Pins<'_>, text: &str) -> Result<Vec<Edit>, PinProblem> {
    let mut edits = Vec::new();
    for (start, end) in strings(text) {
        let content = &text[start..end];
        let untagged = match is_image(&text[..start]) {
            true => pins.untagged(text, start, content)?,
            false => None,
        };
        match untagged {
            Some(edit) => edits.push(edit),
            None => edits.extend(pins.edits_in(text, start, content)?),
        }
    }
    Ok(edits)
}

/// Whether the value after this text, which ends with a quote, is that of `image`.
fn is_image(before: &str) -> bool {
    let key = before.strip_suffix('"').map(str::trim_end);
    let key = key
        .and_then(|text| text.strip_suffix('='))
        .map(str::trim_end);
    let Some(before) = key.and_then(|text| text.strip_suffix("image")) else {
        return false;
    };
    !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Returns the positions of the contents of strings and heredocs.
fn strings(text: &str) -> Vec<(usize, usize)> {
    let mut strings = Vec::new();
    let mut at = 0;
    let until = |start: usize, end: &str| text[start..].find(end).map_or(text.len(), |i| start + i);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with('#') || rest.starts_with("//") {
            at = until(at, "\n");
        } else if rest.starts_with("/*") {
            at = (until(at + 2, "*/") + 2).min(text.len());
        } else if rest.starts_with('"') {
            let start = at + 1;
            let end = end_of_string(text, start);
            strings.push((start, end));
            at = (end + 1).min(text.len());
        } else if let Some((start, end)) = heredoc(text, at) {
            strings.push((start, end));
            at = end;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    strings
}

fn end_of_string(text: &str, start: usize) -> usize {
    let mut is_escaped = false;
    for (i, c) in text[start..].char_indices() {
        match c {
            // A string ends on its line.
            '\n' => return start + i,
            '"' if !is_escaped => return start + i,
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    text.len()
}

/// Returns the content of a heredoc that starts at a position.
fn heredoc(text: &str, at: usize) -> Option<(usize, usize)> {
    let marker = text[at..].strip_prefix("<<")?;
    let marker = marker.strip_prefix('-').unwrap_or(marker);
    let (marker, _) = marker.split_once('\n')?;
    let marker = marker.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if marker.is_empty() || !marker.chars().all(is_name) {
        return None;
    }
    let start = at + text[at..].find('\n')? + 1;
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        if line.trim() == marker {
            break;
        }
        end += line.len();
    }
    Some((start, end))
}
