//! What nixpkgs says about packages: `meta`, by store path.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::str::FromStr;

use packageurl::PackageUrl;
use serde::Deserialize;

use super::input_file;
use crate::error::{Code, Error, Warning};
use crate::util::text::{is_harmful, shortened};

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

/// Reads files with metadata; later ones have priority. Fields that the formats of SBOMs do not allow are left out,
/// with a warning.
pub fn read(files: &[impl AsRef<Path>], warnings: &mut Vec<Warning>) -> Result<Metadata, Error> {
    let mut metadata = Metadata::new();
    for file in files {
        let file = file.as_ref();
        let read = input_file::json::<BTreeMap<String, PackageMetadata>>(
            file,
            "a JSON object by store path",
        )?;
        for (path, mut package) in read {
            for (field, value) in package.remove_invalid() {
                let value = shortened(&value, 100);
                let text =
                    format!("the {field} of {path} is left out, because {value:?} is not valid");
                warnings.push(Warning::new(Code::InvalidMetadata, file, text));
            }
            metadata.insert(path, package);
        }
    }
    Ok(metadata)
}

impl PackageMetadata {
    /// Removes values that are not valid, and returns them with the names of their fields. Empty texts say nothing.
    fn remove_invalid(&mut self) -> Vec<(&'static str, String)> {
        let texts = [
            &mut self.pname,
            &mut self.version,
            &mut self.output,
            &mut self.license,
            &mut self.description,
            &mut self.main_program,
        ];
        for text in texts {
            text.take_if(|text| text.trim().is_empty());
        }
        let checked = [
            ("homepage", &mut self.homepage, is_url as fn(&str) -> bool),
            ("cpe", &mut self.cpe, is_cpe),
            ("purl", &mut self.purl, is_purl),
        ];
        let mut removed = Vec::new();
        for (field, value, is_valid) in checked {
            let invalid = value.take_if(|value| !is_valid(value));
            removed.extend(invalid.map(|value| (field, value)));
        }
        removed
    }
}

/// Whether a text is an absolute URL with a host, as SPDX and CycloneDX demand.
fn is_url(text: &str) -> bool {
    let schemes = ["http", "https", "ftp", "sftp", "git", "ssh", "svn"];
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_forbidden = |c: char| c.is_whitespace() || is_harmful(c) || "<>\"{}|\\^`".contains(c);
    schemes.contains(&scheme) && host.contains('.') && !text.contains(is_forbidden)
}

/// Whether a text is a formatted string of CPE 2.3 (NISTIR 7695, section 6.2): eleven attributes, in which other
/// punctuation has a backslash in front.
fn is_cpe(text: &str) -> bool {
    let Some(attributes) = text.strip_prefix("cpe:2.3:") else {
        return false;
    };
    let mut sizes = vec![0];
    let mut letters = attributes.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ':' => {
                sizes.push(0);
                continue;
            }
            '\\' if letters
                .next()
                .is_some_and(|next| next.is_ascii_punctuation()) => {}
            c if c.is_ascii_alphanumeric() || "._-*?".contains(c) => {}
            _ => return false,
        }
        if let Some(size) = sizes.last_mut() {
            *size += 1;
        }
    }
    let part = attributes.split(':').next().unwrap_or_default();
    ["a", "h", "o", "*", "-"].contains(&part) && sizes.len() == 11 && !sizes.contains(&0)
}

fn is_purl(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || is_harmful(c))
        && PackageUrl::from_str(text).is_ok()
}
