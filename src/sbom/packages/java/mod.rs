//! Java archives: `pom.properties` of Maven, or the manifest and the name, also of archives in archives.

mod artifact;

use std::borrow::Cow;

use super::FileFindings;
use super::zip::{ZipArchive, ZipEntry};
use artifact::{FileName, Manifest};

/// How deep archives in archives are searched.
const MAX_DEPTH: usize = 2;

/// The size of the largest text in an archive.
const MAX_TEXT: usize = 1 << 20;

/// An archive may decompress to this many times its size, and [`MIN_READ`] bytes.
const RATIO: usize = 16;

const MIN_READ: usize = 4 << 20;

/// The most bytes that an archive, with the archives in it, may decompress to.
const MAX_READ: usize = 256 << 20;

/// Where Maven puts the description of an artifact: the directories below are the group and the name.
const MAVEN: &[u8] = b"META-INF/maven/";

/// Whether a name is that of a Java archive.
pub fn is_archive(name: &str) -> bool {
    // The last two are plugins of Jenkins.
    let extensions = [".jar", ".war", ".ear", ".hpi", ".jpi"];
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
            file.name.starts_with(MAVEN) && file.name.ends_with(b"/pom.properties")
        };
        for file in archive.files().filter(is_properties) {
            if let Some(text) = archive.read(&file, MAX_TEXT, &mut self.left) {
                found.extend(artifact::of_properties(&String::from_utf8_lossy(&text)));
            }
        }
        let name = inner.unwrap_or(self.path);
        let name = FileName::of(name.rsplit('/').next().unwrap_or(name));
        // An archive may have the files of others in it, with their `pom.properties`.
        if !found.iter().any(|artifact| name.is_of(&artifact.name)) && !name.is_renamed(&found) {
            let manifest = self.manifest(&archive);
            let files = archive.files().map(|file| file.name);
            let group = name.group(&manifest, !found.is_empty(), files);
            found.extend(name.artifact(&manifest, group));
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

    fn manifest(&mut self, archive: &ZipArchive<'_>) -> Manifest {
        let mut files = archive.files();
        let file = files.find(|file| file.name == b"META-INF/MANIFEST.MF");
        let text = file.and_then(|file| archive.read(&file, MAX_TEXT, &mut self.left));
        Manifest::parse(&String::from_utf8_lossy(
            text.as_ref().map_or(&[], Cow::as_ref),
        ))
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
