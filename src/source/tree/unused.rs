//! The files of an input that no document names.

use std::path::Path;

use walkdir::WalkDir;

use super::flat::{FLAT_MANIFEST, FLAT_VERSION, signed_manifest};
use super::{ArchiveEntry, Tree, TreeFiles};
use crate::error::Error;
use crate::oci::LEGACY_DOCKER_FILES;

impl Tree {
    /// Lists the files that were not looked up, among those that belong to images.
    pub fn unused(&self) -> Result<Vec<String>, Error> {
        let mut unused: Vec<String> = match &self.files {
            TreeFiles::Directory(path) => self.walk(&path.join("blobs"), "blobs/")?,
            TreeFiles::Flat { path, .. } => {
                let mut names = self.walk(path, "")?;
                names.retain(|name| {
                    ![FLAT_MANIFEST, FLAT_VERSION].contains(&&**name)
                        && signed_manifest(name).is_none()
                });
                names
            }
            TreeFiles::Archive(entries) => {
                let is_layout = self.is_layout()?;
                // Links have no content, and files of older formats are expected.
                let counts = |(name, entry): &(&String, &ArchiveEntry)| {
                    let basename = name.rsplit('/').next().unwrap_or_default();
                    !matches!(
                        entry,
                        ArchiveEntry::SymbolicLink(_) | ArchiveEntry::HardLink(_)
                    ) && match is_layout {
                        true => name.starts_with("blobs/"),
                        false => !LEGACY_DOCKER_FILES.contains(&basename),
                    }
                };
                let entries = entries.iter().filter(counts);
                entries.map(|(name, _)| name.clone()).collect()
            }
        };
        let used = self.used.borrow();
        unused.retain(|name| !used.contains(name));
        unused.sort();
        Ok(unused)
    }

    /// Lists the signatures in a directory of skopeo's `dir:` transport.
    pub fn signatures(&self) -> Result<Vec<String>, Error> {
        let TreeFiles::Flat { path, .. } = &self.files else {
            return Ok(Vec::new());
        };
        let mut names = self.walk(path, "")?;
        names.retain(|name| signed_manifest(name).is_some());
        names.sort();
        Ok(names)
    }

    /// Lists the names of the files in a directory, with `prefix` in front.
    fn walk(&self, directory: &Path, prefix: &str) -> Result<Vec<String>, Error> {
        let entries = WalkDir::new(directory).min_depth(1);
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| Error::io("list", directory)(e.into()))?;
            if !entry.file_type().is_dir() {
                let name = entry.path().strip_prefix(directory).unwrap_or(entry.path());
                names.push(format!("{prefix}{}", name.display()));
            }
        }
        Ok(names)
    }
}
