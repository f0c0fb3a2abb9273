//! Installed packages of Node.js: `package.json` in `node_modules`.

use serde::Deserialize;
use serde_json::Value;

use super::{Claim, FileFindings, FoundPackage};
use crate::sbom::report::ComponentType;

/// Whether a directory is that of a package in `node_modules`; others have tests and examples.
pub fn is_package(directory: &str) -> bool {
    let Some((_, rest)) = directory.rsplit_once("node_modules/") else {
        return false;
    };
    match rest.starts_with('@') {
        true => rest.split('/').count() == 2,
        false => !rest.is_empty() && !rest.contains('/'),
    }
}

#[derive(Deserialize)]
struct PackageJson {
    name: String,
    version: String,
    #[serde(default)]
    license: Value,
}

/// Reads a package and claims its directory.
pub fn read(path: &[u8], bytes: &[u8], findings: &mut FileFindings) {
    let Ok(found) = serde_json::from_slice::<PackageJson>(bytes) else {
        return;
    };
    let (namespace, name) = match found.name.split_once('/') {
        Some((scope, name)) => (Some(scope.to_owned()), name),
        None => (None, &*found.name),
    };
    let mut package = FoundPackage::new(ComponentType::Npm, name, &found.version);
    package.namespace = namespace;
    package.license = found.license.as_str().map(str::to_owned);
    findings.add(package);
    if let Some(directory) = path.strip_suffix(b"/package.json") {
        findings.claim(Claim::Directory(directory.to_vec()));
    }
}
