//! Names of images that are put together from variables.

use std::sync::LazyLock;

use regex::Regex;

use super::names::Name;
use super::pins::{Part, Pins};
use super::reference::{Suffix, occurrences, suffix};
use super::text::Text;
use crate::error::PinProblem;

/// The deepest defaults in defaults, `${A:-${B:-c}}`.
const MAX_DEPTH: usize = 8;

/// The longest text before a name that a message shows.
const MAX_SHOWN: usize = 80;

/// A variable of compose with a default that has no variables.
static DEFAULT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\$\{\w+:?-([^${}]*)\}").ok());

/// Fails if a value is a reference with the defaults of its variables, and remembers one that may be a reference
/// with other values of them.
pub fn check(pins: &Pins<'_>, text: &Text<'_>, part: &Part) -> Result<(), PinProblem> {
    let content = &text.text[part.range.clone()];
    if let Some(resolved) = resolve(content) {
        refuse_assembled(pins, text, part, &resolved)?;
    }
    doubt(pins, text, part);
    Ok(())
}

fn refuse_assembled(
    pins: &Pins<'_>,
    text: &Text<'_>,
    part: &Part,
    resolved: &str,
) -> Result<(), PinProblem> {
    let content = &text.text[part.range.clone()];
    let problem = |reference: &str| PinProblem::Assembled {
        line: text.line(part.range.start),
        reference: reference.to_owned(),
    };
    if part.is_image && pins.name(resolved).is_some() {
        return Err(problem(resolved));
    }
    for name in pins
        .names()
        .iter()
        .filter(|name| part.is_image || !name.is_word())
    {
        let written: Vec<&str> = occurrences(content, name, part.escapes)
            .iter()
            .map(|found| found.text)
            .collect();
        for found in occurrences(resolved, name, part.escapes) {
            let is_tagged = matches!(found.suffix, Suffix::Tag(_));
            if is_tagged && !found.is_joined && !written.contains(&found.text) {
                return Err(problem(found.text));
            }
        }
    }
    Ok(())
}

/// Replaces variables by their defaults; `None` if no variable has one.
fn resolve(content: &str) -> Option<String> {
    if !content.contains("${") {
        return None;
    }
    let default = DEFAULT.as_ref()?;
    let mut resolved = content.to_owned();
    for _ in 0..MAX_DEPTH {
        match default.replace_all(&resolved, "$1") {
            std::borrow::Cow::Borrowed(_) => break,
            std::borrow::Cow::Owned(next) => resolved = next,
        }
    }
    (resolved != content).then_some(resolved)
}

/// Remembers names whose first parts are variables: `${REGISTRY}/app:v1`, `{{ .registry }}/me/app:v1`.
pub fn doubt(pins: &Pins<'_>, text: &Text<'_>, part: &Part) {
    let content = &text.text[part.range.clone()];
    for name in pins.names() {
        for tail in tails(name) {
            for (start, _) in content.match_indices(tail) {
                let Some(before) = content[..start].strip_suffix('/') else {
                    continue;
                };
                let Some((length, suffix)) = suffix(&content[start + tail.len()..]) else {
                    continue;
                };
                let counts = match suffix {
                    Suffix::None => part.is_image,
                    Suffix::Tag(_) | Suffix::Variable => true,
                    Suffix::Digest(_) => false,
                };
                if counts && ends_with_variable(before) {
                    let line = text.line(part.range.start + start);
                    let end = start + tail.len() + length;
                    let shown = word(&content[..end], start);
                    pins.doubt(line, format!("{shown} may be {}", name.written));
                }
            }
        }
    }
}

/// The name, and the rests of it without the first parts.
fn tails(name: &Name) -> impl Iterator<Item = &str> {
    let written = &*name.written;
    let rests = written.match_indices('/').map(|(at, _)| &written[at + 1..]);
    std::iter::once(written).chain(rests)
}

fn ends_with_variable(before: &str) -> bool {
    if before.ends_with(['}', ')']) || ["]]", "%>", "}}#"].iter().any(|end| before.ends_with(end)) {
        return true;
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before.trim_end_matches(is_name);
    start.len() < before.len() && start.ends_with('$')
}

/// Returns the end of a text from the last blank or quote that is before a position.
fn word(text: &str, position: usize) -> &str {
    let before = &text[..position];
    let is_start = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ',');
    let start = before
        .char_indices()
        .rev()
        .take(MAX_SHOWN)
        .take_while(|(_, c)| !is_start(*c))
        .last();
    &text[start.map_or(position, |(at, _)| at)..]
}
