//! What nixpkgs says about packages: `meta`, by store path.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::input_file;
use crate::error::Error;

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
        metadata.extend(input_file::json::<Metadata>(path.as_ref())?);
    }
    Ok(metadata)
}
