//! The JSON files that describe store paths besides the image.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{DocumentProblem, Error, Problem};
use crate::source;

/// Reads a file of JSON; `expected` says what it has.
pub fn json<T: DeserializeOwned>(path: &Path, expected: &'static str) -> Result<T, Error> {
    let bytes = source::document(path)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let is_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
        let problem = match is_json {
            true => Problem::InvalidDocument(DocumentProblem::Json(error)),
            // Such as an image that was given by mistake.
            false => Problem::WrongFormat {
                found: source::file_kind(&bytes),
                expected,
            },
        };
        Error::new(path, problem)
    })
}
