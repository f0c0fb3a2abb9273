//! What image indexes say beside their manifests. They are taken apart, and what they say goes into
//! the merged index: nothing of it may be lost.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Problem, Subject, Warning};
use crate::image::annotations::Annotations;

/// The properties of an index but its manifests.
#[derive(Clone, Debug, Default)]
pub struct IndexMetadata {
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its other properties, known to the specification or not.
    pub extra: Map<String, Value>,
    /// The annotations of its descriptor in `index.json`, but for names. None where several differ.
    pub root_annotations: BTreeMap<String, Option<String>>,
}

impl IndexMetadata {
    /// Lets the user have the last word.
    pub fn overrule(&mut self, annotations: &Annotations) {
        self.annotations.extend(annotations.index.clone());
        let of_root = annotations.index_descriptor.clone().into_iter();
        self.root_annotations
            .extend(of_root.map(|(key, value)| (key, Some(value))));
    }

    /// Adds what another index says. Where the two contradict each other, `decided` must have the
    /// word; it need not for descriptors, whose annotations speak of the one index alone (when it
    /// was made, say).
    pub fn add(
        &mut self,
        other: IndexMetadata,
        decided: &BTreeMap<String, String>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Error> {
        for (key, value) in other.annotations {
            let kept = self.annotations.entry(key.clone()).or_insert(value.clone());
            if *kept != value && !decided.contains_key(&key) {
                return Err(conflict(key, format!("{kept:?}"), format!("{value:?}")));
            }
        }
        for (key, value) in other.extra {
            let kept = self.extra.entry(key.clone()).or_insert(value.clone());
            if *kept != value {
                return Err(conflict(key, kept.to_string(), value.to_string()));
            }
        }
        for (key, value) in other.root_annotations {
            let kept = self
                .root_annotations
                .entry(key.clone())
                .or_insert(value.clone());
            if kept.is_some() && *kept != value {
                *kept = None;
                let text = format!(
                    "the annotation {key:?} of image indexes was left out, because they differ"
                );
                warnings.push(Warning::new(Code::AnnotationLeftOut, Subject::ALL, text));
            }
        }
        Ok(())
    }
}

/// The same error for any order of inputs.
fn conflict(key: String, a: String, b: String) -> Error {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    Error::new(
        Subject::ALL,
        Problem::ConflictingIndexes { key, first, second },
    )
}
