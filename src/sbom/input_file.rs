//! The JSON files that describe store paths besides the image.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{DocumentProblem, Error, Problem};
use crate::source;

/// Reads a file of JSON.
pub fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = source::document(path)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        let problem = Problem::InvalidDocument(DocumentProblem::Json(e));
        Error::new(path, problem)
    })
}
