//! Names whose tag or digest is in another value of the same mapping, as in the values of Helm charts
//! (`repository`, perhaps with a `registry`) and in kustomize (`name` or `newName`).

use std::collections::HashSet;

use super::nodes::{Mapping, Node, NodeId, Nodes, Scalar};
use super::shared::Shared;
use crate::error::PinProblem;
use crate::pin::names::Name;
use crate::pin::pins::Pins;
use crate::pin::text::Text;
use crate::pin::{Edit, PinnedImage};

/// The keys of names, by precedence.
const NAMES: [&str; 7] = [
    "repository",
    "newName",
    "image",
    "imageRepository",
    "repo",
    "imageName",
    "name",
];
const REGISTRIES: [&str; 3] = ["registry", "imageRegistry", "hub"];
const TAGS: [&str; 3] = ["tag", "newTag", "imageTag"];
const DIGESTS: [&str; 2] = ["digest", "imageDigest"];

/// Returns all keys that have a meaning here.
pub fn keys() -> impl Iterator<Item = &'static str> {
    let rest = REGISTRIES.into_iter().chain(TAGS).chain(DIGESTS);
    NAMES.into_iter().chain(rest)
}

/// The names with a tag in another value.
#[derive(Default)]
pub struct Pairs {
    pub edits: Vec<Edit>,
    /// Names that need no tag in the same value.
    pub names: HashSet<NodeId>,
    /// The mappings in which `image` is such a name.
    pub images: HashSet<NodeId>,
}

/// Finds the pairs of all mappings.
pub fn find(pins: &Pins<'_>, text: &Text<'_>, nodes: &Nodes) -> Result<Pairs, PinProblem> {
    let mut pairs = Pairs::default();
    let mut shared = Shared::default();
    for (id, node) in nodes.all.iter().enumerate() {
        let Node::Mapping(mapping) = node else {
            continue;
        };
        let fields = Fields::of(nodes, mapping);
        pairs.names.extend(fields.other_names());
        let Some(pair) = fields.pair(pins) else {
            fields.doubt(pins, text);
            shared.add(&fields, None);
            continue;
        };
        pairs.names.insert(pair.field.id);
        if pair.field.key == "image" {
            pairs.images.insert(id);
        }
        fields.refuse_twice(text, &pair)?;
        let edit = fields.edit(pins, text, &pair)?;
        shared.add(&fields, edit);
    }
    pairs.edits = shared.edits(text, nodes)?;
    Ok(pairs)
}

/// A value of a known key.
#[derive(Clone, Copy)]
pub struct Field<'n> {
    pub key: &'static str,
    pub id: NodeId,
    scalar: &'n Scalar,
}

impl<'n> Field<'n> {
    /// Returns the value, if it is not empty.
    fn value(&self) -> Option<&'n str> {
        let is_empty = self.scalar.is_null() || self.scalar.value.is_empty();
        (!is_empty).then_some(&*self.scalar.value)
    }
}

/// A name with a tag in another value.
struct Pair<'p, 'n> {
    name: &'p Name,
    field: Field<'n>,
}

/// A change of a tag or a digest.
pub struct FieldEdit {
    pub id: NodeId,
    pub key: &'static str,
    pub name: String,
    pub edit: Edit,
}

/// The known keys of a mapping.
pub struct Fields<'n> {
    nodes: &'n Nodes,
    mapping: &'n Mapping,
    names: Vec<Field<'n>>,
    registry: Option<Field<'n>>,
    pub tag: Option<Field<'n>>,
    pub digest: Option<Field<'n>>,
}

impl<'n> Fields<'n> {
    fn of(nodes: &'n Nodes, mapping: &'n Mapping) -> Self {
        let field = |key: &&'static str| {
            let id = nodes.get(mapping, key)?;
            let scalar = nodes.scalar(id)?;
            Some(Field { key, id, scalar })
        };
        Self {
            nodes,
            mapping,
            names: NAMES.iter().filter_map(field).collect(),
            registry: REGISTRIES.iter().find_map(field),
            tag: TAGS.iter().find_map(field),
            digest: DIGESTS.iter().find_map(field),
        }
    }

    /// Whether the mapping has a name.
    pub fn has_name(&self) -> bool {
        !self.names.is_empty()
    }

    /// Returns how often a value is the tag or the digest of the mapping itself, not by `<<`.
    pub fn own_uses(&self, id: NodeId) -> usize {
        let of_keys = TAGS.iter().chain(&DIGESTS);
        of_keys
            .flat_map(|key| self.nodes.own(self.mapping, key))
            .filter(|own| *own == id)
            .count()
    }

    /// Returns the names that are those of other images, or not names of images.
    fn other_names(&self) -> impl Iterator<Item = NodeId> {
        let is_new = self.names.iter().any(|field| field.key == "newName");
        let has_registry = self.registry.is_some_and(|field| field.value().is_some());
        let is_other = move |field: &&Field<'_>| has_registry || is_new && field.key == "name";
        self.names.iter().filter(is_other).map(|field| field.id)
    }

    fn is_tagged(&self) -> bool {
        self.tag.is_some() || self.digest.is_some()
    }

    fn pair<'p>(&self, pins: &'p Pins<'_>) -> Option<Pair<'p, 'n>> {
        let is_new = self.names.iter().any(|field| field.key == "newName");
        let counts = |field: &&Field<'_>| match field.key {
            "repository" => true,
            // With `newName`, it is the name that is replaced.
            "name" => self.is_tagged() && !is_new,
            _ => self.is_tagged(),
        };
        self.names.iter().filter(counts).find_map(|field| {
            let value = field.value()?;
            let name = match self.registry.and_then(|registry| registry.value()) {
                Some(registry) => pins.name(&format!("{registry}/{value}")),
                None => pins.name(value),
            };
            name.map(|name| Pair {
                name,
                field: *field,
            })
        })
    }

    /// Remembers a name that is one of the images, if the registry that is not beside it is theirs.
    fn doubt(&self, pins: &Pins<'_>, text: &Text<'_>) {
        let registry = self.registry.and_then(|registry| registry.value());
        let is_unknown = registry.is_none_or(|registry| registry.contains(['$', '{']));
        if !is_unknown || !self.is_tagged() {
            return;
        }
        for field in &self.names {
            let same_path = |name: &&Name| {
                let path = name.path();
                path.is_some_and(|path| field.scalar.value == path && path.contains('/'))
            };
            if let Some(name) = pins.names().iter().find(same_path) {
                let line = text.line(field.scalar.range.start);
                pins.doubt(
                    line,
                    format!("{} may be {}", field.scalar.value, name.written),
                );
            }
        }
    }

    /// Fails if readers of YAML can choose between two values.
    fn refuse_twice(&self, text: &Text<'_>, pair: &Pair<'_, '_>) -> Result<(), PinProblem> {
        for key in keys() {
            if let Some(second) = self.nodes.own(self.mapping, key).nth(1) {
                let line = self.nodes.scalar(second).unwrap_or(pair.field.scalar);
                return Err(PinProblem::TwoValues {
                    line: text.line(line.range.start),
                    name: pair.name.written.clone(),
                    key: key.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Returns the image of a pair.
    fn image<'i>(
        &self,
        pins: &Pins<'i>,
        pair: &Pair<'_, '_>,
        line: usize,
    ) -> Result<(usize, &'i PinnedImage), PinProblem> {
        let name = pair.name;
        if let Some(tag) = self.tag.and_then(|tag| tag.value()) {
            let image = pins.tagged(&name.normal, tag);
            return image
                .ok_or_else(|| pins.other_tag(name, line, format!("{}:{tag}", name.written)));
        }
        let mut images = pins.named(&name.normal);
        let first = images.next();
        let is_same =
            |other: &PinnedImage| first.is_some_and(|(_, image)| image.digest == other.digest);
        match first {
            Some(image) if images.all(|(_, other)| is_same(other)) => Ok(image),
            _ => Err(pins.other_tag(name, line, format!("{} without a tag", name.written))),
        }
    }

    fn edit(
        &self,
        pins: &Pins<'_>,
        text: &Text<'_>,
        pair: &Pair<'_, '_>,
    ) -> Result<Option<FieldEdit>, PinProblem> {
        let line = text.line(pair.field.scalar.range.start);
        let tag = self.tag.and_then(|tag| tag.value());
        // Pinned by an earlier run.
        if let Some((_, digest)) = tag.and_then(|tag| tag.split_once('@')) {
            return pins
                .expect_digest(pair.name, digest, || line)
                .map(|()| None);
        }
        let (i, image) = self.image(pins, pair, line)?;
        let (field, new) = match (self.digest, self.tag) {
            (Some(digest), _) => match digest.value() {
                Some(value) => {
                    return pins.expect_digest(pair.name, value, || line).map(|()| None);
                }
                None => (digest, image.digest.to_string()),
            },
            (None, Some(field)) => {
                let tag = tag.or(image.tags.first().map(String::as_str));
                let tag = tag.ok_or_else(|| {
                    let reference = format!("{} without a tag", pair.name.written);
                    pins.other_tag(pair.name, line, reference)
                })?;
                (field, format!("{tag}@{}", image.digest))
            }
            (None, None) => return Err(no_tag(pair, line)),
        };
        pins.found(i);
        let edit = field_edit(text, &field, new).ok_or_else(|| no_tag(pair, line))?;
        Ok(Some(FieldEdit {
            id: field.id,
            key: field.key,
            name: pair.name.written.clone(),
            edit,
        }))
    }
}

fn no_tag(pair: &Pair<'_, '_>, line: usize) -> PinProblem {
    let name = pair.name.written.clone();
    PinProblem::NoTag { line, name }
}

/// Returns the edit of a value; `None` if its bytes are not the value.
fn field_edit(text: &Text<'_>, field: &Field<'_>, new: String) -> Option<Edit> {
    let scalar = field.scalar;
    let old = &text.text[scalar.range.clone()];
    // Nothing is written there, or it has escapes.
    if scalar.is_plain && old.is_empty() || old != scalar.value {
        return None;
    }
    let content = text
        .text
        .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_json = content.starts_with(['{', '[']);
    // A number or null of JSON becomes a string.
    let needs_quotes = scalar.is_plain && (is_json || scalar.is_null());
    Some(Edit {
        start: scalar.range.start,
        old: old.to_owned(),
        new: match needs_quotes {
            true => format!("\"{new}\""),
            false => new,
        },
    })
}
