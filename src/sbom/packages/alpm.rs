//! The database of pacman, the package manager of Arch Linux: a directory for each package.
//!
//! Source: `lib/libalpm/be_local.c` of pacman.

use std::borrow::Cow;

use super::{FileFindings, FoundPackage, blocks, claim_directory};
use crate::sbom::report::ComponentType;
use crate::tar::clean;

/// Whether a directory is that of an installed package.
pub fn is_package(directory: &str) -> bool {
    let name = directory.strip_prefix("var/lib/pacman/local/");
    name.is_some_and(|name| !name.contains('/'))
}

/// Returns the lines of a section: `%NAME%`, values, an empty line.
fn section<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let starts = |block: &&str| {
        let first = block.trim_start().lines().next().unwrap_or_default();
        first.trim_matches('%') == name && first.starts_with('%')
    };
    let block = blocks(text).find(starts).unwrap_or_default();
    block.trim_start().lines().skip(1)
}

/// Reads a package.
pub fn read(path: &[u8], text: &str, findings: &mut FileFindings) {
    let of = |name: &str| section(text, name).next();
    let (Some(name), Some(version)) = (of("NAME"), of("VERSION")) else {
        return;
    };
    let mut package = FoundPackage::new(ComponentType::Alpm, name, version);
    package.qualify("arch", of("ARCH"));
    package.qualify("upstream", of("BASE").filter(|base| *base != name));
    let mut licenses = section(text, "LICENSE");
    let license = licenses.next().filter(|_| licenses.next().is_none());
    package.license = license.map(str::to_owned);
    findings.add(package);
    claim_directory(path, findings);
}

/// Reads the files of a package; directories have a slash at their ends.
pub fn read_files(text: &str, findings: &mut FileFindings) {
    let files = section(text, "FILES").filter(|path| !path.ends_with('/'));
    let paths = files.filter_map(|path| clean(path.as_bytes()));
    findings.claim_files(paths.map(Cow::into_owned));
}
