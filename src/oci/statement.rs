//! In-toto statements: their checks, and the subject that a merge adds.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::attestation::{DocumentHead, STATEMENT_TYPE};

/// The `_type` of statements before version 1, which BuildKit writes.
const STATEMENT_TYPE_0_1: &str = "https://in-toto.io/Statement/v0.1";

/// Why a statement cannot be attached.
#[derive(Debug, thiserror::Error)]
pub enum StatementProblem {
    #[error("its _type is {0:?}, expected {STATEMENT_TYPE:?} or {STATEMENT_TYPE_0_1:?}")]
    Type(String),

    #[error("its predicateType is empty, expected the URI of a predicate")]
    PredicateType,

    #[error("one of its subjects has no digest, expected a digest in each")]
    SubjectWithoutDigest,
}

/// Checks a statement that is to be attached.
pub fn check(head: &DocumentHead) -> Result<(), StatementProblem> {
    let statement_type = head.statement_type.as_deref().unwrap_or_default();
    if ![STATEMENT_TYPE, STATEMENT_TYPE_0_1].contains(&statement_type) {
        return Err(StatementProblem::Type(statement_type.to_owned()));
    }
    if head.predicate_type.as_deref().is_none_or(str::is_empty) {
        return Err(StatementProblem::PredicateType);
    }
    if head.has_subject_without_digest {
        return Err(StatementProblem::SubjectWithoutDigest);
    }
    Ok(())
}

/// Returns a statement with this `subject`. All its other bytes stay as they are: numbers have more digits than
/// a JSON library keeps.
pub fn with_subject(raw: &[u8], subject: &str) -> serde_json::Result<Vec<u8>> {
    let Members(members) = serde_json::from_slice(raw)?;
    let range = |name: &str| {
        let (_, value) = members.iter().find(|(key, _)| key == name)?;
        // The value is a part of the document.
        let start = value.get().as_ptr().addr() - raw.as_ptr().addr();
        Some(start..start + value.get().len())
    };
    let (before, new, after) = match (range("subject"), range("_type")) {
        (Some(own), _) => (own.start, subject.to_owned(), own.end),
        (None, Some(own)) => (own.end, format!(",\"subject\":{subject}"), own.end),
        // Without members.
        (None, None) => return Ok(raw.to_vec()),
    };
    Ok([&raw[..before], new.as_bytes(), &raw[after..]].concat())
}

/// The keys and values of an object, as they are written.
struct Members<'d>(Vec<(Cow<'d, str>, &'d RawValue)>);

impl<'d> Deserialize<'d> for Members<'d> {
    fn deserialize<D: serde::Deserializer<'d>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'d> Visitor<'d> for MembersVisitor {
    type Value = Members<'d>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'d>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
