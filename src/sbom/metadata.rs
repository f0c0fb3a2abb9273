//! What nixpkgs says about packages: `meta`, by store path.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::error::{DocumentProblem, Error, Problem};

/// What nixpkgs says about the package of a store path. Unknown fields are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PackageMetadata {
    pub pname: Option<String>,
    pub version: Option<String>,
    /// Such as `dev`; otherwise it is parsed from the name.
    pub output: Option<String>,
    /// An expression of SPDX, or the name of another license.
    pub license: Option<String>,
    pub homepage: Option<String>,
    pub description: Option<String>,
    /// A program makes it an application.
    pub main_program: Option<String>,
    pub cpe: Option<String>,
    pub purl: Option<String>,
}

/// Metadata by absolute store path.
pub type Metadata = HashMap<String, PackageMetadata>;

/// Reads files with metadata; later ones have priority.
pub fn read(files: &[impl AsRef<Path>]) -> Result<Metadata, Error> {
    let mut metadata = Metadata::new();
    for path in files {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let found: Metadata = serde_json::from_slice(&bytes).map_err(|e| {
            let problem = Problem::InvalidDocument(DocumentProblem::Json(e));
            Error::new(path, problem)
        })?;
        metadata.extend(found);
    }
    Ok(metadata)
}
