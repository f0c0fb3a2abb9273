//! Reads the documents that are attached, and recognises them by their content.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::{Attest, AttestedFile};
use crate::error::{DocumentProblem, Error, Problem};
use crate::oci::attestation::{DocumentFormat, DocumentHead, STATEMENT_TYPES};
use crate::oci::json_keys::duplicate_keys;
use crate::oci::statement::StatementProblem;
use crate::oci::{parse, statement};
use crate::source;

/// The number of keys that a message shows.
const MAX_KEYS: usize = 5;

/// A document that was read.
pub struct AttestedDocument {
    pub file: AttestedFile,
    pub head: DocumentHead,
    /// The bytes, from the first brace to the last.
    pub raw: Arc<[u8]>,
}

/// Reads the documents.
pub fn read(attest: &Attest) -> Result<Vec<AttestedDocument>, Error> {
    attest.files.iter().map(read_file).collect()
}

fn read_file(file: &AttestedFile) -> Result<AttestedDocument, Error> {
    let path = &*file.path;
    let raw = source::document(path)?;
    let raw = raw.trim_ascii();
    let unknown = |found| Err(Error::new(path, Problem::NotAttestable { found }));
    // An image that was given by mistake is not JSON.
    if !raw.starts_with(b"{") {
        return unknown(source::file_kind(raw).to_string());
    }
    let invalid = |error| {
        let problem = Problem::InvalidDocument(DocumentProblem::Json(error));
        Error::new(path, problem)
    };
    let keys: BTreeMap<String, &RawValue> = parse(raw).map_err(invalid)?;
    match DocumentHead::read(raw).map_err(invalid)? {
        Some(head) if head.is_signed => unknown("a DSSE envelope, which is signed".to_owned()),
        Some(head) => {
            if head.format == DocumentFormat::InToto {
                let checked = statement::check(&head);
                checked.map_err(|problem| Error::new(path, Problem::Statement(problem)))?;
            }
            if let Some(key) = duplicate_keys(raw).into_iter().next() {
                return Err(Error::new(path, Problem::AttestedKey { key }));
            }
            Ok(AttestedDocument {
                file: file.clone(),
                head,
                raw: raw.into(),
            })
        }
        None => match other_statement(&keys) {
            Some(problem) => Err(Error::new(path, Problem::Statement(problem))),
            None => unknown(object_with(&keys)),
        },
    }
}

/// Returns the problem of a statement whose type is not known.
fn other_statement(keys: &BTreeMap<String, &RawValue>) -> Option<StatementProblem> {
    let is_statement = ["predicateType", "predicate"]
        .iter()
        .all(|key| keys.contains_key(*key));
    let own = keys.get("_type").filter(|_| is_statement)?;
    let own: String = serde_json::from_str(own.get()).ok()?;
    (!own.starts_with(STATEMENT_TYPES)).then_some(StatementProblem::Type(own))
}

/// Describes a JSON object by its keys.
fn object_with(keys: &BTreeMap<String, &RawValue>) -> String {
    let shown: Vec<String> = (keys.keys().take(MAX_KEYS))
        .map(|key| format!("{key:?}"))
        .collect();
    let rest = match keys.len() > MAX_KEYS {
        true => ", …",
        false => "",
    };
    match shown.is_empty() {
        true => "an empty JSON object".to_owned(),
        false => format!("a JSON object with the keys {}{rest}", shown.join(", ")),
    }
}
