//! Packages of .NET programs: `*.deps.json`.
//!
//! Source: `Documentation/design-docs/corehost.md` of the .NET runtime.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{FileFindings, FoundPackage};
use crate::sbom::report::ComponentType;
use crate::tar::resolve;

#[derive(Deserialize)]
struct Dependencies {
    /// By target and library.
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Files>>,
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type")]
    kind: String,
}

/// The files of a library, by their paths in the package.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Files {
    #[serde(default)]
    runtime: BTreeMap<String, Value>,
    #[serde(default)]
    native: BTreeMap<String, Value>,
    #[serde(default)]
    resources: BTreeMap<String, Value>,
    #[serde(default)]
    runtime_targets: BTreeMap<String, Value>,
}

impl Files {
    /// Returns their paths beside the program: some keep their directories, others only that of their language.
    fn paths(&self) -> impl Iterator<Item = &str> {
        let flat = self.runtime.keys().chain(self.native.keys());
        let flat = flat.map(|path| last(path, 1));
        let localized = self.resources.keys().map(|path| last(path, 2));
        flat.chain(localized)
            .chain(self.runtime_targets.keys().map(String::as_str))
    }
}

/// Returns the last parts of a path.
fn last(path: &str, parts: usize) -> &str {
    let slash = path.rmatch_indices('/').nth(parts - 1);
    slash.map_or(path, |(at, _)| &path[at + 1..])
}

/// Reads the packages and claims their files.
pub fn read(path: &[u8], bytes: &[u8], findings: &mut FileFindings) {
    let Ok(found) = serde_json::from_slice::<Dependencies>(bytes) else {
        return;
    };
    // Packages without files were needed to build the program only.
    let with_files: BTreeSet<&String> = found
        .targets
        .values()
        .flatten()
        .filter_map(|(library, files)| files.paths().next().map(|_| library))
        .collect();
    for (library, Library { kind }) in &found.libraries {
        if !with_files.contains(library) {
            continue;
        }
        let Some((name, version)) = library.split_once('/') else {
            continue;
        };
        // Projects are the program itself. A program that brings its runtime names the package of it.
        let name = match &**kind {
            "package" => name,
            "runtimepack" => name.strip_prefix("runtimepack.").unwrap_or(name),
            _ => continue,
        };
        if !findings.add(FoundPackage::new(ComponentType::Nuget, name, version)) {
            return;
        }
    }
    let path = String::from_utf8_lossy(path);
    let base = path.rsplit_once('/').map_or("", |(base, _)| base);
    let files = found.targets.values().flat_map(BTreeMap::values);
    let paths = files.flat_map(Files::paths);
    let paths = paths.filter_map(|path| resolve(base, path));
    findings.claim_files(paths.map(String::into_bytes));
}
