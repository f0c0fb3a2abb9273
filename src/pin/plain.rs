//! Text in which no reference is replaced: files of other kinds, and templates that are not YAML.

use super::names::Name;
use super::pins::{Certainty, Part, Pins, certainty};
use super::reference::{Escapes, Occurrence, Suffix, occurrences};
use super::text::Text;
use super::variables;
use crate::error::PinProblem;

/// The most characters of `image = ` before a name.
const MAX_KEY: usize = 40;

/// Fails if a text has a reference that is not a digest. `problem` says why it is not replaced.
pub fn refuse_in(
    pins: &Pins<'_>,
    text: &Text<'_>,
    problem: impl Fn(usize, String) -> PinProblem,
) -> Result<(), PinProblem> {
    let part = Part {
        range: 0..text.text.len(),
        is_image: false,
        escapes: Escapes::None,
    };
    for name in pins.names() {
        for found in occurrences(text.text, name, part.escapes) {
            match found_certainty(pins, text, name, &found)? {
                Certainty::Certain => {
                    return Err(problem(text.line(found.start), found.text.to_owned()));
                }
                Certainty::Doubtful => {
                    let line = text.line(found.start);
                    pins.doubt(line, format!("{} may name the image", found.text));
                }
                Certainty::None => {}
            }
        }
    }
    variables::doubt(pins, text, &part);
    Ok(())
}

/// How certain it is that a reference would be replaced in YAML. Reports other references.
fn found_certainty(
    pins: &Pins<'_>,
    text: &Text<'_>,
    name: &Name,
    found: &Occurrence<'_>,
) -> Result<Certainty, PinProblem> {
    let before = text.line_before(found.start).unwrap_or_default();
    let is_image = is_image(before);
    if found.suffix == Suffix::None && !is_image && !name.is_word() {
        doubt_value(pins, text, found, before);
    }
    let is_word = match found.suffix {
        Suffix::None if is_image => name.is_word(),
        Suffix::Tag(tag) if !found.is_joined && pins.tagged(&name.normal, tag).is_some() => false,
        _ => {
            pins.judge(text, name, found, is_image)?;
            return Ok(Certainty::None);
        }
    };
    Ok(certainty(text, found, is_word))
}

/// Remembers a name that is a whole value, such as that of a variable: the tag can be in another one.
fn doubt_value(pins: &Pins<'_>, text: &Text<'_>, found: &Occurrence<'_>, before: &str) {
    let after = &text.text[found.start + found.text.len()..];
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    let is_value = before.ends_with(['=', '"', '\'']) && after.chars().next().is_none_or(is_end);
    if is_value && certainty(text, found, false) != Certainty::None {
        let line = text.line(found.start);
        pins.doubt(line, format!("{} has no tag", found.text));
    }
}

/// Whether a text ends with `image: `, `Image=`, `APP_IMAGE="` or `FROM `.
fn is_image(before: &str) -> bool {
    let start = before.char_indices().rev().take(MAX_KEY).last();
    let before = &before[start.map_or(before.len(), |(at, _)| at)..];
    let before = before.to_ascii_lowercase();
    if before.trim_start().starts_with("from ") {
        return true;
    }
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    let key = before.trim_end_matches(is_blank).strip_suffix([':', '=']);
    key.is_some_and(|key| key.trim_end_matches(is_blank).ends_with("image"))
}
