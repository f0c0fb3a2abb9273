//! Packages of Node.js: `package.json` of installed packages in `node_modules`, and of applications.

use serde::Deserialize;
use serde_json::Value;

use super::{Claim, FileFindings, FoundPackage};
use crate::sbom::report::ComponentType;

/// Whether `package.json` in a directory can be that of a package: packages in `node_modules` have those of tests and
/// examples in them.
pub fn may_be_package(directory: &str) -> bool {
    let is_in_modules = directory.split('/').any(|name| name == "node_modules");
    !is_in_modules || is_installed(directory)
}

/// Whether a directory is that of a package in `node_modules`.
fn is_installed(directory: &str) -> bool {
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
    /// The legacy field.
    #[serde(default)]
    licenses: Value,
    #[serde(default)]
    engines: Value,
}

impl PackageJson {
    fn license(&self) -> Option<String> {
        let name = |license: &Value| {
            let name = license.as_str().or_else(|| license.get("type")?.as_str());
            name.map(str::to_owned)
        };
        let choices = self.licenses.as_array().into_iter().flatten();
        let choices: Vec<String> = choices.filter_map(name).collect();
        let choice = (!choices.is_empty()).then(|| choices.join(" OR "));
        name(&self.license).or(choice)
    }
}

/// Reads a package, and claims its directory if it is installed. An application may be at the top of an image.
pub fn read(path: &[u8], bytes: &[u8], findings: &mut FileFindings) {
    let Ok(found) = serde_json::from_slice::<PackageJson>(bytes) else {
        return;
    };
    // Extensions of editors have such files too.
    if found.version.is_empty() || found.engines.get("vscode").is_some() {
        return;
    }
    let (namespace, name) = match found.name.split_once('/') {
        Some((scope, name)) => (Some(scope.to_owned()), name),
        None => (None, &*found.name),
    };
    let mut package = FoundPackage::new(ComponentType::Npm, name, &found.version);
    package.namespace = namespace;
    package.license = found.license();
    findings.add(package);
    let directory = path.strip_suffix(b"/package.json").unwrap_or_default();
    if std::str::from_utf8(directory).is_ok_and(is_installed) {
        findings.claim(Claim::Directory(directory.to_vec()));
    }
}
