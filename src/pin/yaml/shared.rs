//! Tags and digests that several mappings have by an anchor: they change for all of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::nodes::{NodeId, Nodes};
use super::pairs::{FieldEdit, Fields};
use crate::error::PinProblem;
use crate::pin::Edit;
use crate::pin::text::Text;

/// The edits of tags and digests, and the other uses of the values.
#[derive(Default)]
pub struct Shared {
    edits: BTreeMap<NodeId, FieldEdit>,
    /// How often a value is the tag or digest of a mapping.
    uses: HashMap<NodeId, usize>,
    /// Values that must not change.
    others: HashSet<NodeId>,
}

impl Shared {
    /// Adds a mapping, with the edit of its tag or digest.
    pub fn add(&mut self, fields: &Fields<'_>, edit: Option<FieldEdit>) {
        for field in [fields.tag, fields.digest].into_iter().flatten() {
            *self.uses.entry(field.id).or_default() += fields.own_uses(field.id);
            let changes = edit.as_ref().is_some_and(|edit| edit.id == field.id);
            if !changes && fields.has_name() {
                self.others.insert(field.id);
            }
        }
        let Some(edit) = edit else { return };
        let first = self.edits.get(&edit.id);
        if first.is_some_and(|first| first.edit.new != edit.edit.new) {
            self.others.insert(edit.id);
        }
        self.edits.insert(edit.id, edit);
    }

    /// Returns the edits. Fails if one of them changes a value of another thing.
    pub fn edits(self, text: &Text<'_>, nodes: &Nodes) -> Result<Vec<Edit>, PinProblem> {
        let mut edits = Vec::new();
        for (id, found) in self.edits {
            let uses = self.uses.get(&id).copied().unwrap_or(0);
            if self.others.contains(&id) || nodes.uses[id] > uses {
                return Err(PinProblem::Shared {
                    line: text.line(found.edit.start),
                    name: found.name,
                    key: found.key.to_owned(),
                });
            }
            edits.push(found.edit);
        }
        Ok(edits)
    }
}
