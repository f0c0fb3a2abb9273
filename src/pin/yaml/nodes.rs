//! The values of YAML, with the positions of their bytes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::pairs;

/// No file of a deployment is nested as deeply.
const MAX_DEPTH: usize = 200;

/// The characters between two known positions.
const STEP: usize = 64;

/// The place of a node in [`Nodes::all`]. An alias has that of the node that it names.
pub type NodeId = usize;

/// All values of a file.
#[derive(Default)]
pub struct Nodes {
    pub all: Vec<Node>,
    /// How often each node is named, by its own place and by aliases.
    pub uses: Vec<usize>,
}

pub enum Node {
    Scalar(Scalar),
    Sequence(Vec<NodeId>),
    Mapping(Mapping),
}

pub struct Scalar {
    pub value: String,
    /// The bytes in the file, without quotes.
    pub range: Range<usize>,
    pub is_double_quoted: bool,
    /// Whether it has no quotes and is not a block.
    pub is_plain: bool,
}

#[derive(Default)]
pub struct Mapping {
    /// Keys and values.
    pub entries: Vec<(NodeId, NodeId)>,
    /// The values of known keys that it has by `<<`.
    merged: BTreeMap<&'static str, NodeId>,
}

impl Scalar {
    pub fn is_null(&self) -> bool {
        self.is_plain && matches!(&*self.value, "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Nodes {
    /// Parses all documents of a text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut events = Events {
            parser: Parser::new_from_str(text),
            text,
            positions: text
                .char_indices()
                .step_by(STEP)
                .map(|(at, _)| at)
                .collect(),
            anchors: HashMap::new(),
            nodes: Self::default(),
        };
        while let Some((event, span)) = events.next()? {
            match event {
                Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                    events.node(event, span, 0)?;
                }
                _ => {}
            }
        }
        Ok(events.nodes)
    }

    pub fn scalar(&self, id: NodeId) -> Option<&Scalar> {
        match &self.all[id] {
            Node::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Returns the values that a mapping has for a key itself.
    pub fn own<'n>(&'n self, mapping: &'n Mapping, key: &str) -> impl Iterator<Item = NodeId> {
        let is_meant = move |found: NodeId| self.scalar(found).is_some_and(|own| own.value == key);
        let found = mapping
            .entries
            .iter()
            .filter(move |(key, _)| is_meant(*key));
        found.map(|(_, value)| *value)
    }

    /// Returns the value that a mapping has for a known key, itself or by `<<`.
    pub fn get(&self, mapping: &Mapping, key: &str) -> Option<NodeId> {
        let own = self.own(mapping, key).next();
        own.or_else(|| mapping.merged.get(key).copied())
    }

    /// Returns the values of known keys that a mapping gets by `<<`.
    fn merged(&self, mapping: &Mapping) -> BTreeMap<&'static str, NodeId> {
        let mut merged = BTreeMap::new();
        for value in self.own(mapping, "<<") {
            let sources = match &self.all[value] {
                Node::Sequence(items) => items,
                _ => &vec![value],
            };
            for source in sources {
                let Node::Mapping(source) = &self.all[*source] else {
                    continue;
                };
                for key in pairs::keys() {
                    if let Some(value) = self.get(source, key) {
                        merged.entry(key).or_insert(value);
                    }
                }
            }
        }
        merged
    }
}

struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
    /// The position in bytes of every [`STEP`]th character.
    positions: Vec<usize>,
    /// The nodes of anchors.
    anchors: HashMap<usize, NodeId>,
    nodes: Nodes,
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

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<NodeId, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
        }
        let anchor = match event {
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _) => anchor,
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).copied();
                let node = node.ok_or_else(|| "an alias has no anchor".to_owned())?;
                self.nodes.uses[node] += 1;
                return Ok(node);
            }
            _ => return Err("a value is missing".to_owned()),
        };
        // An alias in the value can name it.
        let id = self.nodes.all.len();
        self.nodes.all.push(Node::Sequence(Vec::new()));
        self.nodes.uses.push(1);
        // 0 means that it has no anchor.
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        let node = match event {
            Event::Scalar(value, style, ..) => Node::Scalar(Scalar {
                value: value.into_owned(),
                range: self.content(span, style),
                is_double_quoted: style == ScalarStyle::DoubleQuoted,
                is_plain: style == ScalarStyle::Plain,
            }),
            Event::SequenceStart(..) => Node::Sequence(self.sequence(depth)?),
            _ => Node::Mapping(self.mapping(depth)?),
        };
        self.nodes.all[id] = node;
        Ok(id)
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<NodeId>, String> {
        let mut items = Vec::new();
        loop {
            match self.more()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Mapping, String> {
        let mut mapping = Mapping::default();
        loop {
            match self.more()? {
                (Event::MappingEnd, _) => break,
                (event, span) => {
                    let key = self.node(event, span, depth + 1)?;
                    let (event, span) = self.more()?;
                    let value = self.node(event, span, depth + 1)?;
                    mapping.entries.push((key, value));
                }
            }
        }
        mapping.merged = self.nodes.merged(&mapping);
        Ok(mapping)
    }

    /// Returns the position in bytes of a character.
    fn position(&self, index: usize) -> usize {
        let Some(start) = self.positions.get(index / STEP) else {
            return self.text.len();
        };
        let mut after = self.text[*start..].char_indices();
        let found = after.nth(index % STEP);
        found.map_or(self.text.len(), |(at, _)| start + at)
    }

    /// Returns the bytes of a scalar without its quotes.
    fn content(&self, span: Span, style: ScalarStyle) -> Range<usize> {
        let start = self.position(span.start.index());
        let end = self.position(span.end.index()).max(start);
        let start = start + properties(&self.text[start..end]);
        let written = &self.text[start..end];
        match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if written.len() > 1 => {
                start + 1..start + written.trim_end().len() - 1
            }
            ScalarStyle::Plain => start..start + written.trim_end().len(),
            _ => start..end,
        }
    }
}

/// Returns the length of the anchor and the tag before a value.
fn properties(written: &str) -> usize {
    let mut rest = written;
    while rest.starts_with(['&', '!']) {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest = rest[end..].trim_start();
        while let Some(comment) = rest.strip_prefix('#') {
            let end = comment.find('\n').unwrap_or(comment.len());
            rest = comment[end..].trim_start();
        }
    }
    written.len() - rest.len()
}
