//! The databases of dpkg, also in images without it (`status.d` of Google's distroless images).
//!
//! Source: dpkg's `dpkg-query(1)` and `deb-control(5)`.

use std::borrow::Cow;

use super::{FileFindings, FoundPackage, blocks, claim_directory, field};
use crate::sbom::report::ComponentType;
use crate::tar::clean;

/// The states of packages that have no files.
const ABSENT: [&str; 3] = ["not-installed", "config-files", "half-installed"];

/// Reads the installed packages.
pub fn read(path: &[u8], text: &str, findings: &mut FileFindings) {
    claim_directory(path, findings);
    let package = |block| {
        let status = field(block, "Status").and_then(|status| status.split(' ').next_back());
        if status.is_some_and(|status| ABSENT.contains(&status)) {
            return None;
        }
        let (name, version) = (field(block, "Package")?, field(block, "Version")?);
        let mut package = FoundPackage::new(ComponentType::Deb, name, version);
        package.qualify("arch", field(block, "Architecture"));
        let source = field(block, "Source").map(|source| match source.split_once(" (") {
            Some((name, version)) => format!("{name}@{}", version.trim_end_matches(')')),
            None => source.to_owned(),
        });
        package.qualify("upstream", source);
        Some(package)
    };
    let mut packages = blocks(text).filter_map(package);
    while packages.next().is_some_and(|package| findings.add(package)) {}
}

/// Reads the files in a list of paths, one in each line.
pub fn read_list(bytes: &[u8], findings: &mut FileFindings) {
    claim(bytes.split(|b| *b == b'\n'), findings);
}

/// Reads the files in a list of checksums, two spaces and relative paths.
pub fn read_sums(bytes: &[u8], findings: &mut FileFindings) {
    let lines = bytes.split(|b| *b == b'\n');
    claim(lines.filter_map(|line| line.get(34..)), findings);
}

fn claim<'a>(paths: impl Iterator<Item = &'a [u8]>, findings: &mut FileFindings) {
    let paths = paths.filter(|path| !path.is_empty()).filter_map(clean);
    findings.claim_files(paths.map(Cow::into_owned));
}
