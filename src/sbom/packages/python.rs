//! Installed packages of Python.
//!
//! Sources: the specifications "Core metadata" and "Recording installed projects" of the Python Packaging
//! User Guide.

use super::{Claim, FileFindings, FoundPackage, field};
use crate::sbom::report::ComponentType;
use crate::tar::resolve;

/// Reads the package that metadata describes.
pub fn read(text: &str, findings: &mut FileFindings) {
    // The description comes after the fields.
    let header = text.split("\n\n").next().unwrap_or_default();
    let (Some(name), Some(version)) = (field(header, "Name"), field(header, "Version")) else {
        return;
    };
    let mut package = FoundPackage::new(ComponentType::Pypi, name, version);
    package.license = field(header, "License-Expression").map(str::to_owned);
    findings.add(package);
}

/// Reads the files of an installed package, whose paths are relative to the directory above `dist-info`.
pub fn read_record(path: &[u8], text: &str, findings: &mut FileFindings) {
    let Ok(path) = std::str::from_utf8(path) else {
        return;
    };
    let above = |path: &str| path.rsplit_once('/').map(|(above, _)| above.to_owned());
    let base = above(path)
        .and_then(|path| above(&path))
        .unwrap_or_default();
    let name = |line: &str| match line.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().map(str::to_owned),
        None => line.split(',').next().map(str::to_owned),
    };
    let names = text.lines().filter_map(name);
    let names = names.filter(|name| !name.is_empty());
    let paths = names.filter_map(|name| resolve(&base, &name));
    let mut claims = paths.map(|path| Claim::File(path.into_bytes()));
    while claims.next().is_some_and(|claim| findings.claim(claim)) {}
}
