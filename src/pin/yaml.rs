//! References in YAML and JSON.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::reference::{Pins, Suffix, occurrences};
use super::{Edit, line};
use crate::error::PinProblem;

/// No file of a deployment is nested as deeply.
const MAX_DEPTH: usize = 200;

/// Returns the edits of a YAML file with one document or several.
pub fn edits(pins: &Pins<'_>, text: &str) -> Result<Vec<Edit>, PinProblem> {
    let documents = match documents(text) {
        Ok(documents) => documents,
        // A template of Helm is not YAML.
        Err(problem) => return refuse_unless_pinned(pins, text, problem),
    };
    let mut edits = Vec::new();
    for document in &documents {
        visit(pins, text, document, false, &mut edits)?;
    }
    edits.sort_by_key(|edit| edit.start);
    Ok(edits)
}

/// Fails if a text that is not YAML has a reference that is not a digest.
fn refuse_unless_pinned(
    pins: &Pins<'_>,
    text: &str,
    problem: String,
) -> Result<Vec<Edit>, PinProblem> {
    for name in pins.names() {
        for occurrence in occurrences(text, name) {
            let line = || line(text, occurrence.start);
            let Suffix::Digest(digest) = occurrence.suffix else {
                let name = name.to_owned();
                return Err(PinProblem::NotYaml {
                    line: line(),
                    name,
                    problem,
                });
            };
            pins.expect_digest(name, digest, line)?;
        }
    }
    Ok(Vec::new())
}

/// A value of YAML, with the positions of its bytes.
enum Node {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// Keys and values.
    Mapping(Vec<(Node, Node)>),
    Alias,
}

struct Scalar {
    value: String,
    /// The bytes in the file, without quotes.
    range: Range<usize>,
}

impl Node {
    fn scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }
}

fn visit(
    pins: &Pins<'_>,
    text: &str,
    node: &Node,
    is_image: bool,
    edits: &mut Vec<Edit>,
) -> Result<(), PinProblem> {
    match node {
        Node::Alias => {}
        Node::Scalar(scalar) => edits.extend(scalar_edits(pins, text, scalar, is_image)?),
        Node::Sequence(items) => {
            for item in items {
                visit(pins, text, item, false, edits)?;
            }
        }
        Node::Mapping(entries) => {
            edits.extend(split_edit(pins, text, entries)?);
            for (key, value) in entries {
                visit(pins, text, key, false, edits)?;
                let is_image = key.scalar().is_some_and(|key| key.value == "image");
                visit(pins, text, value, is_image, edits)?;
            }
        }
    }
    Ok(())
}

fn scalar_edits(
    pins: &Pins<'_>,
    text: &str,
    scalar: &Scalar,
    is_image: bool,
) -> Result<Vec<Edit>, PinProblem> {
    let Scalar { value, range } = scalar;
    let written = &text[range.clone()];
    // Only there a name without a tag is an image: elsewhere it can be any text.
    if is_image && let Some(edit) = pins.untagged(text, range.start, written)? {
        return Ok(vec![edit]);
    }
    for name in pins.names() {
        // `\/` of JSON, or a line break in quotes.
        if occurrences(value, name).len() > occurrences(written, name).len() {
            return Err(PinProblem::Escaped {
                line: line(text, range.start),
                name: name.to_owned(),
            });
        }
    }
    pins.edits_in(text, range.start, written)
}

/// The keys of a mapping that name an image and its tag in two values, as the values of Helm charts
/// (`repository`, perhaps with a `registry`) and kustomize (`name` or `newName`) do.
fn split_edit(
    pins: &Pins<'_>,
    text: &str,
    entries: &[(Node, Node)],
) -> Result<Option<Edit>, PinProblem> {
    let get = |wanted: &str| {
        let is_meant =
            |(key, _): &&(Node, Node)| key.scalar().is_some_and(|key| key.value == wanted);
        entries
            .iter()
            .find(is_meant)
            .and_then(|(_, value)| value.scalar())
    };
    let (tag, digest) = (get("tag").or(get("newTag")), get("digest"));
    let repository = match get("repository") {
        Some(repository) => repository,
        // Other mappings have a `name` too.
        None => match get("newName").or(get("name")) {
            Some(name) if tag.is_some() || digest.is_some() => name,
            _ => return Ok(None),
        },
    };
    let full = match get("registry").filter(|registry| !registry.value.is_empty()) {
        Some(registry) => format!("{}/{}", registry.value, repository.value),
        None => repository.value.clone(),
    };
    let Some(name) = pins.names().into_iter().find(|name| *name == full) else {
        return Ok(None);
    };
    let at = || line(text, repository.range.start);
    let tag_of_image = tag
        .map(|tag| tag.value.as_str())
        .filter(|tag| !tag.is_empty());
    let image = match tag_of_image {
        // Pinned by an earlier run.
        Some(pinned) if pinned.contains('@') => {
            let (_, digest) = pinned.split_once('@').unwrap_or_default();
            return pins.expect_digest(name, digest, at).map(|()| None);
        }
        Some(tag) => pins.tagged(name, tag).ok_or_else(|| PinProblem::OtherTag {
            line: at(),
            reference: format!("{name}:{tag}"),
            tags: pins.tags(name),
        })?,
        None => pins
            .images()
            .find(|(_, image)| image.name == name)
            .ok_or_else(|| PinProblem::NoTag {
                line: at(),
                name: name.to_owned(),
            })?,
    };
    let (i, image) = image;
    let (scalar, new) = match (digest, tag) {
        (Some(digest), _) if digest.value == image.digest.to_string() => {
            pins.found(i);
            return Ok(None);
        }
        (Some(digest), _) if !digest.value.is_empty() => {
            return pins.expect_digest(name, &digest.value, at).map(|()| None);
        }
        (Some(digest), _) => (digest, image.digest.to_string()),
        (None, Some(tag)) => {
            let name = tag_of_image.or(image.tags.first().map(String::as_str));
            (
                tag,
                format!("{}@{}", name.unwrap_or_default(), image.digest),
            )
        }
        (None, None) => {
            let name = name.to_owned();
            return Err(PinProblem::NoTag { line: at(), name });
        }
    };
    pins.found(i);
    let old = text[scalar.range.clone()].to_owned();
    let start = scalar.range.start;
    // Nothing is written there, not even quotes.
    let is_absent = old.is_empty() && !text[..start].ends_with(['"', '\'']);
    match is_absent || old != scalar.value {
        true => Err(PinProblem::NoTag {
            line: at(),
            name: name.to_owned(),
        }),
        false => Ok(Some(Edit { start, old, new })),
    }
}

/// Parses all documents of a text.
fn documents(text: &str) -> Result<Vec<Node>, String> {
    let positions: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut events = Events {
        parser: Parser::new_from_str(text),
        text,
        positions,
    };
    let mut documents = Vec::new();
    while let Some((event, span)) = events.next()? {
        match event {
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                documents.push(events.node(event, span, 0)?);
            }
            _ => {}
        }
    }
    Ok(documents)
}

struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
    /// The position of each character in bytes.
    positions: Vec<usize>,
}

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, String> {
        self.parser
            .next_event()
            .transpose()
            .map_err(|e| e.to_string())
    }

    /// The next event, which the parser owes.
    fn more(&mut self) -> Result<(Event<'t>, Span), String> {
        self.next()?.ok_or_else(|| "it ends early".to_owned())
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
        }
        Ok(match event {
            Event::Scalar(value, style, ..) => Node::Scalar(Scalar {
                value: value.into_owned(),
                range: self.content(span, style),
            }),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.more()? {
                        (Event::SequenceEnd, _) => break Node::Sequence(items),
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    match self.more()? {
                        (Event::MappingEnd, _) => break Node::Mapping(entries),
                        (event, span) => {
                            let key = self.node(event, span, depth + 1)?;
                            let (event, span) = self.more()?;
                            entries.push((key, self.node(event, span, depth + 1)?));
                        }
                    }
                }
            }
            _ => Node::Alias,
        })
    }

    /// Returns the bytes of a scalar without its quotes.
    fn content(&self, span: Span, style: ScalarStyle) -> Range<usize> {
        let at = |index: usize| {
            self.positions
                .get(index)
                .copied()
                .unwrap_or(self.text.len())
        };
        let (start, end) = (at(span.start.index()), at(span.end.index()));
        let written = &self.text[start..end.max(start)];
        match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if written.len() > 1 => {
                start + 1..start + written.trim_end().len() - 1
            }
            ScalarStyle::Plain => start..start + written.trim_end().len(),
            _ => start..end,
        }
    }
}
