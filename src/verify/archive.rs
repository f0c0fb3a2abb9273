//! Checks of the entries of an archive: their order, and entries at which other readers fail.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use super::findings::Findings;
use crate::error::{Code, LayerDefect, Unpacker};
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE};
use crate::tar::{EntryKind, resolve};

/// The entries of an archive, as far as they are checked.
#[derive(Default)]
pub struct ArchiveEntries {
    names: HashSet<String>,
    repeated: BTreeSet<String>,
    directories: HashSet<String>,
    links: Vec<(String, &'static str)>,
    unsafe_entries: Vec<(String, Cow<'static, str>)>,
    /// What programs cannot unpack.
    pub defects: Vec<LayerDefect>,
    first_blob: Option<String>,
    index_is_late: bool,
}

impl ArchiveEntries {
    /// Adds the next entry.
    pub fn add(&mut self, raw: &[u8], kind: EntryKind) {
        let text = String::from_utf8_lossy(raw).into_owned();
        let name = std::str::from_utf8(raw)
            .ok()
            .and_then(|name| resolve("", name));
        let Some(name) = name else {
            let found = match std::str::from_utf8(raw) {
                Ok(_) => "leads out of the archive",
                Err(_) => "has a name that is not UTF-8",
            };
            return self.unsafe_entries.push((text, found.into()));
        };
        match kind {
            // Properties of the whole archive; `git archive` writes them.
            EntryKind::GlobalHeader => return,
            EntryKind::Directory => {
                self.directories.insert(name);
                return;
            }
            EntryKind::SymbolicLink => self.links.push((name.clone(), "a symbolic link")),
            EntryKind::HardLink => self.links.push((name.clone(), "a hard link")),
            EntryKind::File => {}
            EntryKind::Device => return self.unsafe_entries.push((text, "is a device".into())),
            EntryKind::Fifo => return self.unsafe_entries.push((text, "is a named pipe".into())),
            EntryKind::GnuSparse => {
                return self.unsafe_entries.push((text, "is a sparse file".into()));
            }
            EntryKind::Unknown(kind) => {
                let found = format!(
                    "is of the type \"{}\", which programs in Go do not unpack",
                    kind.escape_ascii()
                );
                return self.unsafe_entries.push((text, found.into()));
            }
        }
        if name.starts_with("blobs/") {
            self.first_blob.get_or_insert_with(|| name.clone());
        } else if name == INDEX_FILE && self.first_blob.is_some() {
            self.index_is_late = true;
        }
        if !self.names.insert(name.clone()) {
            self.repeated.insert(name);
        }
    }

    /// Checks the archive, which is an oci-archive (`is_layout`) or a docker-archive.
    pub fn check(&self, findings: &Findings, is_layout: bool) {
        for (name, what) in &self.unsafe_entries {
            findings.add(
                Code::UnsafeEntry,
                name,
                format!("the entry {name:?} {what}"),
            );
        }
        for name in &self.repeated {
            let decides = [INDEX_FILE, LAYOUT_FILE, DOCKER_FILE].contains(&&**name);
            let id = if decides {
                Code::DuplicateDocument
            } else {
                Code::DuplicateEntry
            };
            findings.add(
                id,
                name,
                format!("the archive has several entries {name:?}"),
            );
        }
        if !is_layout {
            return;
        }
        // skopeo and podman unpack an oci-archive before they read it. Entries of other types, and those that are
        // there twice, were reported.
        let is_new = |defect: &&LayerDefect| {
            use LayerDefect::{EntryType, Repeated};
            !matches!(defect, EntryType { .. } | Repeated { .. })
                && defect.rule().refused_by.contains(&Unpacker::Podman)
        };
        for defect in self.defects.iter().filter(is_new) {
            let message = format!("skopeo and podman cannot unpack it: {defect}");
            findings.add(Code::UnsafeEntry, "", message);
        }
        let links = self
            .links
            .iter()
            .filter(|(name, _)| name.starts_with("blobs/"));
        for (name, what) in links {
            findings.add(
                Code::LinkedBlob,
                name,
                format!("the entry {name:?} is {what}"),
            );
        }
        let parent = |name: &String| Some(name.rsplit_once('/')?.0.to_owned());
        let parents: BTreeSet<String> = self.names.iter().filter_map(parent).collect();
        let wanted = parents
            .iter()
            .filter(|p| *p == "blobs" || p.starts_with("blobs/"));
        let wanted: BTreeSet<&str> = wanted.flat_map(|p| ["blobs", p]).collect();
        for name in wanted
            .into_iter()
            .filter(|name| !self.directories.contains(*name))
        {
            let message = format!("the directory {name:?} has no entry");
            findings.add(Code::MissingDirectory, name, message);
        }
        if let (true, Some(first)) = (self.index_is_late, &self.first_blob) {
            let message =
                format!("{INDEX_FILE} comes after blobs, the first of which is {first:?}");
            findings.add(Code::ArchiveOrder, INDEX_FILE, message);
        }
    }
}
