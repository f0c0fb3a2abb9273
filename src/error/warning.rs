//! Warnings: the output or the report is complete, but the user should know something.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{Code, Subject};

/// Something that the user should know: a stable code, what it is about, and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The stable id.
    pub code: Code,
    pub(crate) subject: Subject,
    /// The text, without the subject.
    pub text: String,
}

impl Warning {
    /// Returns a warning about `subject`.
    pub(crate) fn new(code: Code, subject: impl Into<Subject>, text: impl Into<String>) -> Self {
        Self {
            code,
            subject: subject.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.subject.separator() {
            "" => "",
            _ => ": ",
        };
        write!(f, "{}{separator}{}", self.subject, self.text)
    }
}

/// The fields of a finding of `verify` that a warning has.
impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Warning", 4)?;
        fields.serialize_field("id", self.code.rule().id)?;
        let input = self.subject.input.as_ref().map(ToString::to_string);
        fields.serialize_field("input", &input)?;
        fields.serialize_field("subject", &self.subject.item.id())?;
        fields.serialize_field("message", &self.text)?;
        fields.end()
    }
}
