//! Installed packages of Python.
//!
//! Sources: the specifications "Core metadata" and "Recording installed projects" of the Python Packaging
//! User Guide.

use super::{FileFindings, FoundPackage, field};
use crate::sbom::license::is_expression;
use crate::sbom::report::ComponentType;
use crate::tar::resolve;

/// Reads the package that metadata describes.
pub fn read(text: &str, findings: &mut FileFindings) {
    // The description comes after the fields.
    let text = text.replace("\r\n", "\n");
    let header = text.split("\n\n").next().unwrap_or_default();
    let (Some(name), Some(version)) = (field(header, "Name"), field(header, "Version")) else {
        return;
    };
    let mut package = FoundPackage::new(ComponentType::Pypi, name, version);
    // The older field has any text, and often the whole license.
    let license = field(header, "License").filter(|license| is_expression(license));
    let license = field(header, "License-Expression").or(license);
    package.license = license.map(str::to_owned);
    findings.add(package);
}

/// Reads the files of an installed package, whose paths are relative to the directory above `dist-info`.
pub fn read_record(path: &[u8], text: &str, findings: &mut FileFindings) {
    let base = above(path).map_or("", |metadata| {
        metadata.rsplit_once('/').map_or("", |it| it.0)
    });
    let name = |line: &str| match line.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().map(str::to_owned),
        None => line.split(',').next().map(str::to_owned),
    };
    claim(base, text.lines().filter_map(name), findings);
}

/// Reads the files of a package that is installed in the older way, whose paths are relative to `egg-info`.
pub fn read_files(path: &[u8], text: &str, findings: &mut FileFindings) {
    let names = text.lines().map(str::to_owned);
    claim(above(path).unwrap_or_default(), names, findings);
}

/// Returns the directory of a file.
fn above(path: &[u8]) -> Option<&str> {
    let path = std::str::from_utf8(path).ok()?;
    path.rsplit_once('/').map(|(above, _)| above)
}

fn claim(base: &str, names: impl Iterator<Item = String>, findings: &mut FileFindings) {
    let names = names.filter(|name| !name.is_empty());
    let paths = names.filter_map(|name| resolve(base, &name));
    findings.claim_files(paths.map(String::into_bytes));
}
