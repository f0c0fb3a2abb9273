//! The annotations and other properties of image indexes. An index of an input is taken apart, and
//! its properties are carried into the merged index, so that no property is lost.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Problem, Subject, Warning};

/// The properties of an image index without its manifests.
#[derive(Clone, Debug, Default)]
pub struct IndexMetadata {
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its other properties, known to the specification or not.
    pub extra: Map<String, Value>,
    /// The annotations of its descriptor in `index.json` without names. `None` where several indexes
    /// differ.
    pub root_annotations: BTreeMap<String, Option<String>>,
}

impl IndexMetadata {
    /// Sets annotations of the index, and of its descriptor in `index.json`.
    pub fn set_annotations(
        &mut self,
        index: &BTreeMap<String, String>,
        index_descriptor: &BTreeMap<String, String>,
    ) {
        self.annotations.extend(index.clone());
        let of_root = index_descriptor.clone().into_iter();
        self.root_annotations
            .extend(of_root.map(|(key, value)| (key, Some(value))));
    }

    /// Adds the properties of another index. Where the two contradict each other, the user must have
    /// set the annotation in `decided`; that is not needed for annotations of descriptors, which are
    /// about one index alone (its creation date, for example).
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

/// Returns the same error for any order of inputs.
fn conflict(key: String, a: String, b: String) -> Error {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    Error::new(
        Subject::ALL,
        Problem::ConflictingIndexes { key, first, second },
    )
}
