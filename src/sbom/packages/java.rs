//! Java archives: `pom.properties` of Maven, or the manifest, also of archives in archives.

use super::zip::{ZipArchive, ZipEntry};
use super::{FoundPackage, field};
use crate::sbom::report::ComponentType;

/// How deep archives in archives are searched.
const MAX_DEPTH: usize = 2;

/// The size of the largest text in an archive.
const MAX_TEXT: usize = 1 << 20;

/// The bytes of all archives in an archive that are searched.
const MAX_INNER: usize = 256 << 20;

/// Whether a name is that of a Java archive.
pub fn is_archive(name: &str) -> bool {
    let extensions = [".jar", ".war", ".ear"];
    extensions.iter().any(|extension| name.ends_with(extension))
}

/// Returns the packages in an archive; none if it cannot be read.
pub fn packages(path: &[u8], bytes: &[u8]) -> Option<Vec<FoundPackage>> {
    let path = String::from_utf8_lossy(path);
    let mut found = Vec::new();
    let mut left = MAX_INNER;
    search(&path, None, bytes, 0, &mut left, &mut found)?;
    Some(found)
}

fn search(
    path: &str,
    inner: Option<&str>,
    bytes: &[u8],
    depth: usize,
    left: &mut usize,
    found: &mut Vec<FoundPackage>,
) -> Option<()> {
    let archive = ZipArchive::new(bytes)?;
    let before = found.len();
    for file in archive.files() {
        if file.name.starts_with(b"META-INF/maven/")
            && file.name.ends_with(b"/pom.properties")
            && let Some(text) = archive.read(file, MAX_TEXT)
        {
            found.extend(of_properties(&String::from_utf8_lossy(&text)));
        }
    }
    if found.len() == before {
        let is_manifest = |file: &&ZipEntry<'_>| file.name == b"META-INF/MANIFEST.MF";
        let manifest = archive.files().iter().find(is_manifest);
        let manifest = manifest.and_then(|file| archive.read(file, MAX_TEXT));
        let name = inner.unwrap_or(path).rsplit('/').next().unwrap_or(path);
        found.extend(of_manifest(
            &String::from_utf8_lossy(&manifest.unwrap_or_default()),
            name,
        ));
    }
    for package in &mut found[before..] {
        package.inner = inner.map(str::to_owned);
    }
    if depth < MAX_DEPTH {
        for file in archive.files() {
            let name = String::from_utf8_lossy(file.name);
            if !is_archive(&name) {
                continue;
            }
            let Some(bytes) = archive.read(file, *left) else {
                continue;
            };
            *left -= bytes.len();
            let inner = match inner {
                Some(outer) => format!("{outer}!/{name}"),
                None => name.into_owned(),
            };
            search(path, Some(&inner), &bytes, depth + 1, left, found);
        }
    }
    Some(())
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
