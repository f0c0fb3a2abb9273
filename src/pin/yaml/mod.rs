//! References in YAML, and in JSON as a part of it. Only the bytes of values change.

mod nodes;
mod pairs;
mod shared;

use std::collections::BTreeMap;

use super::Edit;
use super::pins::{Part, Pins};
use super::plain;
use super::reference::{Escapes, Occurrence, Suffix, occurrences};
use super::text::Text;
use super::variables;
use crate::error::PinProblem;

use nodes::{Node, Nodes, Scalar};
use pairs::Pairs;

/// Returns the edits of a YAML file with one document or several.
pub fn edits(pins: &Pins<'_>, text: &Text<'_>) -> Result<Vec<Edit>, PinProblem> {
    let nodes = match Nodes::parse(text.text) {
        Ok(nodes) => nodes,
        // A template of Helm is not YAML.
        Err(problem) => {
            let not_yaml = |line, name| {
                let problem = problem.clone();
                PinProblem::NotYaml {
                    line,
                    name,
                    problem,
                }
            };
            return plain::refuse_in(pins, text, not_yaml).map(|()| Vec::new());
        }
    };
    let pairs = pairs::find(pins, text, &nodes)?;
    let is_image = images(&nodes, &pairs);
    // An anchored value is changed once.
    let mut edits: BTreeMap<usize, Edit> = BTreeMap::new();
    for (id, node) in nodes.all.iter().enumerate() {
        if let Node::Scalar(scalar) = node {
            let place = Place {
                is_image: is_image[id],
                is_paired: pairs.names.contains(&id),
            };
            let found = scalar_edits(pins, text, scalar, place)?;
            edits.extend(found.into_iter().map(|edit| (edit.start, edit)));
        }
    }
    edits.extend(pairs.edits.into_iter().map(|edit| (edit.start, edit)));
    Ok(edits.into_values().collect())
}

/// The place of a scalar.
#[derive(Clone, Copy)]
struct Place {
    /// It is the value of `image`, at least once.
    is_image: bool,
    /// It is a name whose tag is in another value.
    is_paired: bool,
}

/// Returns for each node whether it is the value of `image`, with the tag in it.
fn images(nodes: &Nodes, pairs: &Pairs) -> Vec<bool> {
    let mut is_image = vec![false; nodes.all.len()];
    for (id, node) in nodes.all.iter().enumerate() {
        let Node::Mapping(mapping) = node else {
            continue;
        };
        for (key, value) in &mapping.entries {
            let is_key = nodes.scalar(*key).is_some_and(|key| key.value == "image");
            if is_key && !pairs.images.contains(&id) {
                is_image[*value] = true;
            }
        }
    }
    is_image
}

fn scalar_edits(
    pins: &Pins<'_>,
    text: &Text<'_>,
    scalar: &Scalar,
    place: Place,
) -> Result<Vec<Edit>, PinProblem> {
    let part = Part {
        range: scalar.range.clone(),
        is_image: place.is_image,
        escapes: match scalar.is_double_quoted {
            true => Escapes::Backslash,
            false => Escapes::None,
        },
    };
    refuse_escaped(pins, text, scalar, &part)?;
    // Only there a name without a tag is an image: elsewhere it can be any text.
    if let Some(edit) = pins.untagged(text, &part)? {
        return Ok(vec![edit]);
    }
    let edits = pins.edits_in(text, &part)?;
    variables::check(pins, text, &part)?;
    if !place.is_paired {
        pins.doubt_untagged(text, &part);
    }
    Ok(edits)
}

/// Fails if the value has other references than the bytes of the file: by `\/` of JSON, or a line break in quotes.
fn refuse_escaped(
    pins: &Pins<'_>,
    text: &Text<'_>,
    scalar: &Scalar,
    part: &Part,
) -> Result<(), PinProblem> {
    let written = &text.text[part.range.clone()];
    if scalar.value == written {
        return Ok(());
    }
    for name in pins.names() {
        let in_value = occurrences(&scalar.value, name, Escapes::None);
        let in_file = occurrences(written, name, part.escapes);
        let is_whole = part.is_image && scalar.value == name.written;
        if is_whole || !references(&in_value).eq(references(&in_file)) {
            return Err(PinProblem::Escaped {
                line: text.line(part.range.start),
                name: name.written.clone(),
            });
        }
    }
    Ok(())
}

/// Returns the references with a tag or a digest. A variable can have escapes.
fn references<'t>(found: &[Occurrence<'t>]) -> impl Iterator<Item = Option<&'t str>> {
    let found = found.iter().filter(|found| found.suffix != Suffix::None);
    found.map(|found| (found.suffix != Suffix::Variable).then_some(found.text))
}
