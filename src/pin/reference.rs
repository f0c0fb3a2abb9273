//! Finds references in a text by what is around them, never by a part of a longer name.

use super::names::Name;

/// The part of a reference after the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix<'t> {
    /// The name alone.
    None,
    Tag(&'t str),
    /// A digest, with or without a tag before it.
    Digest(&'t str),
    /// A tag or a digest with a variable or a template in it.
    Variable,
}

/// A reference in a text.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'t> {
    pub start: usize,
    pub text: &'t str,
    pub suffix: Suffix<'t>,
    /// Whether a colon is before it: `image:ghcr.io/me/app:v1`, or another thing.
    pub is_joined: bool,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escapes {
    None,
    /// `\n` before a name is a line break.
    Backslash,
}

/// The beginnings of variables and templates: of shells and compose, Helm and Go, Levant, HCL, and others.
const TEMPLATES: [&str; 8] = ["${", "$(", "{{", "[[", "%{", "#{", "<%", "{%"];

/// The longest reference with a variable that a message has.
const MAX_SHOWN: usize = 80;

/// What can be before a name without being a part of it.
const TRANSPORTS: [&str; 5] = [
    "docker://",
    "docker-image://",
    "oci://",
    "docker-daemon:",
    "containers-storage:",
];

/// Returns the references of one name in a text.
pub fn occurrences<'t>(text: &'t str, name: &Name, escapes: Escapes) -> Vec<Occurrence<'t>> {
    let name = &*name.written;
    let starts = text.match_indices(name).map(|(start, _)| start);
    let found = starts.filter_map(|start| {
        let is_joined = joins(&text[..start], escapes)?;
        let (length, suffix) = suffix(&text[start + name.len()..])?;
        Some(Occurrence {
            start,
            text: &text[start..start + name.len() + length],
            suffix,
            is_joined,
        })
    });
    found.collect()
}

/// Returns whether a reference after this text is joined to it with a colon, and `None` if it is a part of a
/// longer name.
fn joins(before: &str, escapes: Escapes) -> Option<bool> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    let is_free = !before.ends_with(is_part)
        || TRANSPORTS.iter().any(|name| before.ends_with(name))
        || is_default(before)
        || escapes == Escapes::Backslash && is_after_escape(before);
    match is_free {
        true => Some(false),
        false => before.ends_with(':').then_some(true),
    }
}

/// Whether a text ends with `${VAR:-` or another form of compose that has a value.
fn is_default(before: &str) -> bool {
    let Some(before) = before.strip_suffix(['-', '+']) else {
        return false;
    };
    let before = before.strip_suffix(':').unwrap_or(before);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before.trim_end_matches(is_name);
    start.len() < before.len() && start.ends_with("${")
}

/// Whether a text ends with `\n`, `\r` or `\t`.
fn is_after_escape(before: &str) -> bool {
    let before = before.strip_suffix(['n', 'r', 't']);
    let is_odd = |before: &str| {
        let backslashes = before.bytes().rev().take_while(|byte| *byte == b'\\');
        backslashes.count() % 2 == 1
    };
    before.is_some_and(is_odd)
}

/// Splits the suffix from a text after a name, with its length; none if the name goes on.
pub fn suffix(rest: &str) -> Option<(usize, Suffix<'_>)> {
    if let Some(digest) = rest.strip_prefix('@') {
        return digest_suffix(rest, digest);
    }
    if is_template(rest) {
        return Some((template_length(rest), Suffix::Variable));
    }
    if is_end(rest) || is_punctuation(rest) {
        return Some((0, Suffix::None));
    }
    let tag = rest.strip_prefix(':')?;
    let is_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let length = tag.find(|c: char| !is_tag(c)).unwrap_or(tag.len());
    // The end of a sentence.
    let length = match is_end(&tag[length..]) {
        true => tag[..length].trim_end_matches('.').len(),
        false => length,
    };
    let (tag, after) = tag.split_at(length);
    let is_variable = match tag.is_empty() {
        true => after.starts_with(['$', '{', '[', '%', '<', '#', '@']),
        false => is_template(after),
    };
    if is_variable {
        let length = 1 + length + template_length(after);
        return Some((length, Suffix::Variable));
    }
    if tag.is_empty() {
        return None;
    }
    match after.strip_prefix('@') {
        Some(digest) => match digest_suffix(after, digest) {
            Some((more, digest)) => Some((1 + length + more, digest)),
            None => Some((1 + length, Suffix::Tag(tag))),
        },
        // The port of a registry, or a path in a list of mounts.
        None if !is_end(after) && !is_punctuation(after) => None,
        None => Some((1 + length, Suffix::Tag(tag))),
    }
}

/// Reads a digest after an `@`. An address (`app@example.com`) is not one.
fn digest_suffix<'t>(rest: &'t str, digest: &'t str) -> Option<(usize, Suffix<'t>)> {
    if is_template(digest) {
        return Some((1 + template_length(&rest[1..]), Suffix::Variable));
    }
    let is_other = |c: char| !c.is_ascii_alphanumeric();
    let (algorithm, hex) = digest.split_once(':')?;
    if algorithm.contains(is_other) {
        return None;
    }
    let length = hex.find(is_other).unwrap_or(hex.len());
    let length = algorithm.len() + 1 + length;
    Some((length + 1, Suffix::Digest(&digest[..length])))
}

/// Whether a reference can end before this text.
fn is_end(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_alphanumeric() || "_-/:@.".contains(c))
}

/// The end of a sentence, or a key of YAML.
fn is_punctuation(text: &str) -> bool {
    let after = text.strip_prefix(['.', ':']);
    after.is_some_and(|after| after.chars().next().is_none_or(char::is_whitespace))
}

/// Whether a variable or a template begins here.
fn is_template(text: &str) -> bool {
    let is_variable = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    TEMPLATES.iter().any(|start| text.starts_with(start))
        || text.strip_prefix('$').is_some_and(is_variable)
}

/// Returns the length of a variable or a template, with what is joined to it.
fn template_length(text: &str) -> usize {
    let end = text
        .char_indices()
        .nth(MAX_SHOWN)
        .map_or(text.len(), |(at, _)| at);
    let text = &text[..end];
    let closed = match text.get(..2).unwrap_or_default() {
        "${" | "#{" | "%{" => text.find('}').map(|at| at + 1),
        "$(" => text.find(')').map(|at| at + 1),
        "{{" => text.find("}}").map(|at| at + 2),
        "[[" => text.find("]]").map(|at| at + 2),
        "<%" | "{%" => text.find("%").map(|at| at + 2),
        _ => Some(0),
    };
    let closed = closed.filter(|at| text.is_char_boundary(*at));
    let start = closed.unwrap_or(0);
    let is_after =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '`' | '}' | ')' | ']');
    let after = text[start..].find(is_after);
    after.map_or(text.len(), |at| start + at)
}
