//! Installed packages of Python.
//!
//! Sources: the specifications "Core metadata" and "Recording installed projects" of the Python Packaging
//! User Guide.

use super::{Claim, FoundPackage, field};
use crate::sbom::report::ComponentType;
use crate::tar::resolve;

/// Returns the package that metadata describes.
pub fn packages(text: &str) -> Vec<FoundPackage> {
    // The description comes after the fields.
    let header = text.split("\n\n").next().unwrap_or_default();
    let (Some(name), Some(version)) = (field(header, "Name"), field(header, "Version")) else {
        return Vec::new();
    };
    let mut package = FoundPackage::new(ComponentType::Pypi, name, version);
    package.license = field(header, "License-Expression").map(str::to_owned);
    vec![package]
}

/// Returns the files of an installed package, whose paths are relative to the directory above `dist-info`.
pub fn recorded(path: &[u8], bytes: &[u8]) -> Vec<Claim> {
    let above = |path: &str| path.rsplit_once('/').map(|(above, _)| above.to_owned());
    let path = std::str::from_utf8(path).ok();
    let Some(base) = path
        .and_then(above)
        .as_deref()
        .map(|path| above(path).unwrap_or_default())
    else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(bytes);
    let name = |line: &str| match line.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().map(str::to_owned),
        None => line.split(',').next().map(str::to_owned),
    };
    let names = text
        .lines()
        .filter_map(name)
        .filter(|name| !name.is_empty());
    let paths = names.filter_map(|name| resolve(&base, &name));
    paths.map(|path| Claim::File(path.into_bytes())).collect()
}
