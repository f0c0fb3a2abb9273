//! A finding: the unit that `verify` reports.

use serde::Serialize;

use crate::error::{Code, Error, Severity};

/// A problem that was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Finding {
    /// Its severity.
    pub severity: Severity,
    /// The rule.
    pub id: &'static str,
    /// The image, as it was given.
    pub input: String,
    /// The thing in it: a digest, a file, an image; empty for the whole.
    pub subject: String,
    /// What was found, and what was expected.
    pub message: String,
    /// The fix, if one is known.
    pub hint: Option<String>,
    /// The requirement and its source.
    pub demand: &'static str,
}

impl Finding {
    /// A finding about `subject` in `input`.
    pub(crate) fn new(input: &str, code: Code, subject: &str, message: String) -> Self {
        let rule = code.rule();
        Self {
            severity: rule.severity,
            id: rule.id,
            input: input.to_owned(),
            subject: subject.to_owned(),
            message,
            hint: None,
            demand: rule.demand,
        }
    }

    /// The finding for an error in `input`.
    pub(crate) fn of(input: &str, error: &Error) -> Self {
        let object = error.problem().object();
        let subject = object.unwrap_or_else(|| error.subject().item.id());
        Self {
            hint: error.hint(),
            ..Self::new(input, error.code(), &subject, error.without_input())
        }
    }
}
