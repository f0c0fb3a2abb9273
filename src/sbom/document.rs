//! What documents of both formats have: names, ids, and an identifier that depends on the content alone.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::purl;
use super::report::{Component, SbomPlatform, SbomReport};

pub const TOOL: &str = "polyarch";
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns the name of the image with its tag; of one without a name, its digest.
pub fn image_name(report: &SbomReport) -> String {
    let digest = report.index.as_ref().or(match &report.platforms[..] {
        [first, ..] => Some(first.manifest.as_ref().unwrap_or(&first.image_id)),
        [] => None,
    });
    match (whole_name(report), digest) {
        (Some(name), _) => name.to_owned(),
        (None, Some(digest)) => digest.to_string(),
        (None, None) => "image".to_owned(),
    }
}

fn whole_name(report: &SbomReport) -> Option<&str> {
    let mut names = report.names.iter();
    let whole = names.find(|name| purl::split_tag(name).is_some());
    whole.map(String::as_str)
}

/// Returns the package URL of the image for a platform, or of the index.
pub fn image_purl(report: &SbomReport, platform: Option<&SbomPlatform>) -> Option<String> {
    let digest = match platform {
        Some(platform) => platform.manifest.as_ref()?,
        None => report.index.as_ref()?,
    };
    purl::image(whole_name(report)?, digest, platform)
}

/// Returns a UUID of the content of a document, of version 8 (RFC 9562, section 5.8), made of its SHA-256.
/// The same document has the same UUID, and another one has another.
pub fn uuid(document: &Value) -> String {
    let mut bytes: [u8; 32] = Sha256::digest(document.to_string()).into();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes[..16].iter().map(|b| format!("{b:02x}")).collect();
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// Returns the text that the id of a component is made of.
pub fn id_text(component: &Component) -> String {
    match &component.store {
        Some(_) => component.path.rsplit('/').next().unwrap_or("").to_owned(),
        None => format!(
            "{}-{}-{}",
            component.kind.name(),
            component.name,
            component.version
        ),
    }
}

/// Unique ids of letters, digits, dots and dashes.
#[derive(Default)]
pub struct Ids {
    taken: HashSet<String>,
    /// How often a text was given: the search for the next free number starts there.
    counts: HashMap<String, usize>,
}

impl Ids {
    /// Returns an id like a text.
    pub fn of(&mut self, text: &str) -> String {
        let letter = |c: char| match c {
            c if c.is_ascii_alphanumeric() || c == '.' => c,
            _ => '-',
        };
        let id: String = text.chars().map(letter).collect();
        let number = self.counts.entry(id.clone()).or_default();
        loop {
            *number += 1;
            let unique = match *number {
                1 => id.clone(),
                number => format!("{id}-{number}"),
            };
            if self.taken.insert(unique.clone()) {
                return unique;
            }
        }
    }
}
