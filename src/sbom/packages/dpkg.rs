//! The databases of dpkg, also in images without it (`status.d` of Google's distroless images).
//!
//! Source: dpkg's `dpkg-query(1)` and `deb-control(5)`.

use super::{Claim, FoundPackage, blocks, field};
use crate::sbom::report::ComponentType;
use crate::tar::clean;

/// Returns the installed packages.
pub fn packages(text: &str) -> Vec<FoundPackage> {
    let package = |block| {
        let status = field(block, "Status");
        if status.is_some_and(|status| !status.ends_with(" installed")) {
            return None;
        }
        let (name, version) = (field(block, "Package")?, field(block, "Version")?);
        let mut package = FoundPackage::new(ComponentType::Deb, name, version);
        package.architecture = field(block, "Architecture").map(str::to_owned);
        Some(package)
    };
    blocks(text).filter_map(package).collect()
}

/// Returns the files in a list of paths, one in each line.
pub fn listed(bytes: &[u8]) -> Vec<Claim> {
    claims(bytes.split(|b| *b == b'\n'))
}

/// Returns the files in a list of checksums, two spaces and relative paths.
pub fn summed(bytes: &[u8]) -> Vec<Claim> {
    let lines = bytes.split(|b| *b == b'\n');
    claims(lines.filter_map(|line| line.get(34..)))
}

fn claims<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Vec<Claim> {
    let paths = paths.filter(|path| !path.is_empty()).filter_map(clean);
    paths.map(|path| Claim::File(path.into_owned())).collect()
}
