//! The header of an installed package: an index of tags, and their values.
//!
//! Source: the manual of rpm, "RPM V4 Package format", "Header format", and its list of tags. In a database, a header
//! starts with the number of index entries and the size of the values.

use std::str::from_utf8;

use super::big;
use crate::sbom::packages::{Claim, FileFindings, FoundPackage};
use crate::sbom::report::ComponentType;

const NAME: usize = 1000;
const VERSION: usize = 1001;
const RELEASE: usize = 1002;
const EPOCH: usize = 1003;
const LICENSE: usize = 1014;
const ARCHITECTURE: usize = 1022;
const SOURCE: usize = 1044;
const DIRECTORY_INDEXES: usize = 1116;
const BASE_NAMES: usize = 1117;
const DIRECTORY_NAMES: usize = 1118;

/// The types of values.
const INT32: usize = 4;
const STRINGS: [usize; 3] = [6, 8, 9];

/// The size of an entry in the index.
const ENTRY: usize = 16;

/// The number of directories that one package has at most.
const MAX_DIRECTORIES: usize = 1 << 20;

/// Keys of signatures, which rpm lists like packages.
const KEYS: &str = "gpg-pubkey";

/// The parts of a header.
struct Header<'a> {
    index: &'a [u8],
    values: &'a [u8],
}

/// Reads the package of a header; none if it is not valid.
pub fn read(blob: &[u8], findings: &mut FileFindings) -> Option<()> {
    let (entries, size) = (big(blob, 0)?, big(blob, 4)?);
    let (index, rest) = blob
        .get(8..)?
        .split_at_checked(entries.checked_mul(ENTRY)?)?;
    let header = Header {
        index,
        values: rest.get(..size)?,
    };
    let text = |tag| header.strings(tag)?.next();
    let (name, version) = (text(NAME)?, text(VERSION)?);
    if name == KEYS {
        return Some(());
    }
    let version = format!("{version}-{}", text(RELEASE)?);
    let mut package = FoundPackage::new(ComponentType::Rpm, name, &version);
    let epoch = header.numbers(EPOCH).and_then(|mut all| all.next());
    package.qualify("epoch", epoch.map(|epoch| epoch.to_string()));
    package.qualify("arch", text(ARCHITECTURE));
    package.qualify("upstream", text(SOURCE));
    package.license = text(LICENSE).map(str::to_owned);
    if findings.add(package) {
        // A package may have no files.
        let _ = header.claim_files(findings);
    }
    Some(())
}

impl<'a> Header<'a> {
    /// Returns the values of a tag from its first on, with their number and type.
    fn find(&self, tag: usize) -> Option<(&'a [u8], usize, usize)> {
        let entries = self.index.chunks_exact(ENTRY);
        let entry = { entries }.find(|entry| big(entry, 0) == Some(tag))?;
        let values = self.values.get(big(entry, 8)?..)?;
        Some((values, big(entry, 12)?, big(entry, 4)?))
    }

    fn strings(&self, tag: usize) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        let (values, count, kind) = self.find(tag)?;
        let all = values.split(|byte| *byte == 0).take(count);
        STRINGS
            .contains(&kind)
            .then(|| all.map(|text| from_utf8(text).unwrap_or_default()))
    }

    fn numbers(&self, tag: usize) -> Option<impl Iterator<Item = usize> + use<'a>> {
        let (values, count, kind) = self.find(tag)?;
        let all = values.chunks_exact(4).take(count);
        (kind == INT32).then(|| all.filter_map(|value| big(value, 0)))
    }

    fn claim_files(&self, findings: &mut FileFindings) -> Option<()> {
        let directories = self.strings(DIRECTORY_NAMES)?.take(MAX_DIRECTORIES);
        let directories: Vec<&str> = directories.collect();
        let names = self.strings(BASE_NAMES)?;
        for (index, name) in self.numbers(DIRECTORY_INDEXES)?.zip(names) {
            let path = format!("{}{name}", directories.get(index)?);
            let path = path.trim_start_matches('/').as_bytes().to_vec();
            if !findings.claim(Claim::File(path)) {
                break;
            }
        }
        Some(())
    }
}
