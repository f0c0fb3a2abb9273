//! What is in an input that nothing has asked for.

use std::path::Path;

use walkdir::WalkDir;

use super::{ArchiveEntry, FLAT_MANIFEST, FLAT_VERSION, Files, Tree};
use crate::error::Error;
use crate::source::archive::LEGACY;

impl Tree {
    /// The files that nothing has asked for, of those that are there for an image.
    pub fn unused(&self) -> Result<Vec<String>, Error> {
        let mut unused: Vec<String> = match &self.files {
            Files::Directory(path) => self.walk(&path.join("blobs"), "blobs/")?,
            Files::Flat { path, .. } => {
                let mut names = self.walk(path, "")?;
                names.retain(|name| {
                    ![FLAT_MANIFEST, FLAT_VERSION].contains(&&**name)
                        && !name.starts_with("signature-")
                });
                names
            }
            Files::Archive(entries) => {
                let is_layout = self.is_layout()?;
                // A link takes no place, and files of older formats are expected.
                let counts = |(name, entry): &(&String, &ArchiveEntry)| {
                    let basename = name.rsplit('/').next().unwrap_or_default();
                    !matches!(
                        entry,
                        ArchiveEntry::SymbolicLink(_) | ArchiveEntry::HardLink(_)
                    ) && match is_layout {
                        true => name.starts_with("blobs/"),
                        false => !LEGACY.contains(&basename),
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

    /// The names of the files in a directory, with `prefix` in front.
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
