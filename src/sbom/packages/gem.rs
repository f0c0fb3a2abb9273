//! Installed packages of Ruby: their specifications.
//!
//! Source: `Gem::Specification#to_ruby` of RubyGems, which writes these files.

use super::{Claim, FileFindings, FoundPackage};
use crate::sbom::report::ComponentType;

/// Whether a directory has specifications of installed packages; those of Ruby itself are in `default`.
pub fn is_installed(directory: &str) -> bool {
    let directory = directory.strip_suffix("/default").unwrap_or(directory);
    directory == "specifications" || directory.ends_with("/specifications")
}

/// Reads a package and claims its directory.
pub fn read(path: &[u8], text: &str, findings: &mut FileFindings) {
    let value = |field: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.find_map(|line| {
            let assigned = line.strip_prefix("s.")?.strip_prefix(field)?;
            Some(assigned.trim_start().strip_prefix('=')?.trim())
        })
    };
    let stub = text.lines().find_map(|line| line.strip_prefix("# stub: "));
    let mut stub = stub.unwrap_or_default().split(' ');
    let mut next = |field| {
        stub.next()
            .filter(|word| !word.is_empty())
            .or_else(|| quoted(value(field)?))
    };
    let (Some(name), Some(version)) = (next("name"), next("version")) else {
        return;
    };
    let platform = next("platform").filter(|platform| *platform != "ruby");
    let mut package = FoundPackage::new(ComponentType::Gem, name, version);
    package.qualify("platform", platform);
    // Whether several are a choice is not known.
    let licenses = value("licenses").or_else(|| value("license"));
    let license = licenses.filter(|licenses| !licenses.contains(','));
    package.license = license.and_then(quoted).map(str::to_owned);
    findings.add(package);
    let path = String::from_utf8_lossy(path);
    if let Some((directory, file)) = path.rsplit_once("specifications/") {
        let name = file.strip_prefix("default/").unwrap_or(file);
        let name = name.strip_suffix(".gemspec").unwrap_or(name);
        findings.claim(Claim::Directory(
            format!("{directory}gems/{name}").into_bytes(),
        ));
    }
}

/// Returns the first text in quotes.
fn quoted(value: &str) -> Option<&str> {
    let start = value.find(['"', '\''])?;
    let (quote, rest) = value[start..].split_at(1);
    rest.split_once(quote).map(|(text, _)| text)
}
