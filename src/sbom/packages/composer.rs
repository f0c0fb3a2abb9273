//! Installed packages of PHP: `vendor/composer/installed.json`.
//!
//! Source: `Composer\Repository\FilesystemRepository` of Composer.

use serde::Deserialize;
use serde_json::Value;

use super::{Claim, FileFindings, FoundPackage};
use crate::sbom::report::ComponentType;
use crate::tar::resolve;

#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    Current {
        packages: Vec<Package>,
    },
    /// Of Composer 1.
    Legacy(Vec<Package>),
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(default)]
    license: Value,
    /// Relative to the directory of the file.
    #[serde(rename = "install-path")]
    path: Option<String>,
}

/// Reads the packages and claims their directories.
pub fn read(path: &[u8], bytes: &[u8], findings: &mut FileFindings) {
    let packages = match serde_json::from_slice(bytes) {
        Ok(Installed::Current { packages } | Installed::Legacy(packages)) => packages,
        Err(_) => return,
    };
    let path = String::from_utf8_lossy(path);
    let base = path.rsplit_once('/').map_or("", |(base, _)| base);
    // The autoloader is beside it.
    findings.claim(Claim::Directory(base.as_bytes().to_vec()));
    for found in packages {
        let (namespace, name) = match found.name.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, &*found.name),
        };
        let mut package = FoundPackage::new(ComponentType::Composer, name, &found.version);
        package.namespace = namespace;
        // The schema says that several are a choice.
        let licenses = match &found.license {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            one => Vec::from_iter(one.as_str()),
        };
        package.license = (!licenses.is_empty()).then(|| licenses.join(" OR "));
        let directory = found.path.unwrap_or_else(|| format!("../{}", found.name));
        let directory = resolve(base, &directory).map(String::into_bytes);
        let claim = directory
            .filter(|path| !path.is_empty())
            .map(Claim::Directory);
        if !findings.add(package) || !claim.is_none_or(|claim| findings.claim(claim)) {
            return;
        }
    }
}
