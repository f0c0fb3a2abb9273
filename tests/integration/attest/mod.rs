//! `merge --attest`: SBOMs and in-toto statements in the image index and beside it.

mod documents;
mod index;
mod readers;
mod referrers;

use serde_json::{Value, json};

use crate::support::*;

pub const SPDX: &str = "application/spdx+json";
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
pub const PREDICATE_TYPE: &str = "in-toto.io/predicate-type";

/// An SBOM whose numbers and spaces a JSON library would write in another way.
pub const SBOM: &str = r#"{ "spdxVersion": "SPDX-2.3",
  "SPDXID": "SPDXRef-DOCUMENT", "name": "hello", "big": 12345678901234567890123, "packages": [] }
"#;

pub const CYCLONEDX: &str =
    r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}"#;

/// A statement about nothing in particular.
pub const PROVENANCE: &str = r#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1","predicate":{"n":1.50}}"#;

/// Two archives, `a.tar` for amd64 and `b.tar` for arm64, and the documents above.
pub fn documents() -> Scratch {
    let scratch = two_archives();
    scratch.write("sbom.json", SBOM.as_bytes());
    scratch.write("bom.json", CYCLONEDX.as_bytes());
    scratch.write("provenance.json", PROVENANCE.as_bytes());
    scratch
}

/// Options that attach each document.
pub const ALL: [&str; 8] = [
    "--attest",
    "linux/amd64=sbom.json",
    "--attest",
    "linux/arm64=bom.json",
    "--attest",
    "linux/amd64=provenance.json",
    "--attest",
    "linux/arm64=provenance.json",
];

/// The subject of a statement about a manifest.
pub fn subject(manifest: &Value) -> Value {
    let hex = manifest["digest"].as_str().unwrap().strip_prefix("sha256:");
    json!([{ "name": "_", "digest": { "sha256": hex.unwrap() } }])
}
