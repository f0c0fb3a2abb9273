//! Java archives: `pom.properties` of Maven, or the manifest, also of archives in archives.

use super::zip::{ZipArchive, ZipEntry};
use super::{FileFindings, FoundPackage, field};
use crate::sbom::report::ComponentType;

/// How deep archives in archives are searched.
const MAX_DEPTH: usize = 2;

/// The size of the largest text in an archive.
const MAX_TEXT: usize = 1 << 20;

/// An archive may decompress to this many times its size, and [`MIN_READ`] bytes.
const RATIO: usize = 16;

const MIN_READ: usize = 4 << 20;

/// The most bytes that an archive, with the archives in it, may decompress to.
const MAX_READ: usize = 256 << 20;

/// Whether a name is that of a Java archive.
pub fn is_archive(name: &str) -> bool {
    let extensions = [".jar", ".war", ".ear"];
    extensions.iter().any(|extension| name.ends_with(extension))
}

/// Reads the packages in an archive.
pub fn read(path: &[u8], bytes: &[u8], findings: &mut FileFindings) {
    let path = String::from_utf8_lossy(path);
    let mut search = ArchiveSearch {
        path: &path,
        left: (bytes.len() * RATIO + MIN_READ).min(MAX_READ),
        findings,
    };
    if search.read(None, bytes, 0).is_none() {
        findings.skipped = Some("it is not a valid archive");
    } else if search.left == 0 {
        findings.skipped = Some("it decompresses to too many bytes");
    }
}

struct ArchiveSearch<'a> {
    path: &'a str,
    /// The bytes that may still be read.
    left: usize,
    findings: &'a mut FileFindings,
}

impl ArchiveSearch<'_> {
    /// Reads an archive, which is in another one if it has an `inner` path; none if it is not valid.
    fn read(&mut self, inner: Option<&str>, bytes: &[u8], depth: usize) -> Option<()> {
        let archive = ZipArchive::new(bytes)?;
        let mut found = Vec::new();
        let is_properties = |file: &ZipEntry<'_>| {
            file.name.starts_with(b"META-INF/maven/") && file.name.ends_with(b"/pom.properties")
        };
        for file in archive.files().filter(is_properties) {
            if let Some(text) = archive.read(&file, MAX_TEXT, &mut self.left) {
                found.extend(of_properties(&String::from_utf8_lossy(&text)));
            }
        }
        if found.is_empty() {
            let mut files = archive.files();
            let manifest = files.find(|file| file.name == b"META-INF/MANIFEST.MF");
            let manifest = manifest.and_then(|file| archive.read(&file, MAX_TEXT, &mut self.left));
            let name = inner.unwrap_or(self.path);
            let name = name.rsplit('/').next().unwrap_or(name);
            let text = manifest.unwrap_or_default();
            found.extend(of_manifest(&String::from_utf8_lossy(&text), name));
        }
        for mut package in found {
            package.inner = inner.map(str::to_owned);
            self.findings.add(package);
        }
        if depth < MAX_DEPTH {
            self.read_archives(&archive, inner, depth);
        }
        Some(())
    }

    fn read_archives(&mut self, archive: &ZipArchive<'_>, inner: Option<&str>, depth: usize) {
        for file in archive.files() {
            let name = String::from_utf8_lossy(file.name);
            if !is_archive(&name) {
                continue;
            }
            let Some(bytes) = archive.read(&file, MAX_READ, &mut self.left) else {
                continue;
            };
            let inner = match inner {
                Some(outer) => format!("{outer}!/{name}"),
                None => name.into_owned(),
            };
            // Other files may have such a name.
            let _ = self.read(Some(&inner), &bytes, depth + 1);
        }
    }
}

/// The artifact that Maven has built.
fn of_properties(text: &str) -> Option<FoundPackage> {
    let of = |key: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.trim().strip_prefix(key)?.trim().strip_prefix('='));
        value.map(str::trim).filter(|value| !value.is_empty())
    };
    let mut package = FoundPackage::new(ComponentType::Maven, of("artifactId")?, of("version")?);
    package.namespace = of("groupId").map(str::to_owned);
    Some(package)
}

/// The archive as its manifest describes it, or else its name.
fn of_manifest(text: &str, file: &str) -> Option<FoundPackage> {
    // Long lines go on after a line break and a space.
    let text = text.replace("\r\n", "\n").replace("\n ", "");
    let main = text.split("\n\n").next().unwrap_or_default();
    let base = file.rsplit_once('.').map_or(file, |(base, _)| base);
    let split = base
        .match_indices('-')
        .find(|(at, _)| base[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let (name, version) = match split {
        Some((at, _)) => (&base[..at], Some(&base[at + 1..])),
        None => (base, None),
    };
    let version = field(main, "Implementation-Version")
        .or_else(|| field(main, "Bundle-Version"))
        .or(version)?;
    Some(FoundPackage::new(ComponentType::Maven, name, version))
}
