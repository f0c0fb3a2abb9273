//! What is recorded about a layer.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use super::budget::Budget;
use super::merged::MAX_PATH;
use super::nar::NarInfo;
use super::packages::FileFindings;
use super::references::PathHash;
use crate::tar::{EntryKind, LayerEntry, TarError, Whiteout, is_aufs_metadata, normal, whiteout};

/// The memory for another entry besides its name.
pub const ENTRY_COST: usize = 128;

/// The memory for a directory that has no entry.
pub const PARENT_COST: usize = 64;

/// The contents of a layer.
#[derive(Default)]
pub struct LayerRecord {
    /// By store path, relative to the root directory.
    pub store: HashMap<String, StorePart>,
    /// Whiteouts, and the entries outside of store paths, in their order.
    pub entries: Vec<RecordedEntry>,
}

/// An entry outside of store paths, or entries of one store path.
pub struct RecordedEntry {
    pub path: Box<[u8]>,
    pub kind: Recorded,
}

/// What an entry is.
pub enum Recorded {
    Whiteout(Whiteout),
    Directory,
    /// Entries of the store path at the path.
    StorePath,
    File {
        size: u64,
        findings: Option<Arc<FileFindings>>,
    },
    /// The path that it links to.
    HardLink(Box<[u8]>),
    /// A symbolic link or a device.
    Other,
}

/// The entries of a layer that belong to one store path.
#[derive(Default)]
pub struct StorePart {
    /// The bytes of its files.
    pub size: u64,
    /// As long as the entries come in the order of a NAR and depend on nothing else.
    pub nar: Option<NarInfo>,
    /// An entry that no store path can have.
    pub foreign: Option<&'static str>,
    /// Everything in it that can be the hash of a store path.
    pub hashes: HashSet<PathHash>,
    /// Files that say something about packages, by their whole paths, in the order of the entries.
    pub findings: Vec<(Vec<u8>, Arc<FileFindings>)>,
    /// The paths that hard links have as their targets.
    pub link_targets: Vec<Vec<u8>>,
}

/// The memory for the findings of a file besides packages and claims.
const FINDINGS_COST: usize = 256;

/// Where an entry is unpacked.
pub struct Place {
    /// Whether it is a whiteout of what the layers below have at the path.
    pub deleted: Option<Whiteout>,
    /// Relative to the root directory.
    pub path: Vec<u8>,
}

impl Place {
    /// Returns the place of an entry; none if no runtime unpacks it.
    pub fn of(entry: &LayerEntry<'_, '_>) -> io::Result<Option<Self>> {
        if matches!(
            entry.kind(),
            EntryKind::GlobalHeader | EntryKind::Unknown(_)
        ) {
            return Ok(None);
        }
        let name = entry.path();
        let path = normal(&name);
        if is_aufs_metadata(&path) {
            return Ok(None);
        }
        check_length(&path)?;
        let (deleted, path) = match whiteout(&path) {
            Some((kind, path)) => (Some(kind), path.into_owned()),
            None => (None, path.into_owned()),
        };
        Ok(Some(Self { deleted, path }))
    }
}

/// Fails if a path is too long for every system.
fn check_length(path: &[u8]) -> io::Result<()> {
    let (size, max) = (path.len(), MAX_PATH);
    match size > max {
        true => Err(TarError::PathTooLong { size, max }.into()),
        false => Ok(()),
    }
}

/// Returns the path that a hard link has as its target.
pub fn hard_link_target(entry: &LayerEntry<'_, '_>) -> Option<Vec<u8>> {
    Some(normal(&entry.link_target()?).into_owned())
}

/// Keeps findings if there are any.
pub fn keep(found: FileFindings, budget: &Budget) -> io::Result<Option<Arc<FileFindings>>> {
    if found.is_empty() {
        return Ok(None);
    }
    budget.charge(found.cost() + FINDINGS_COST)?;
    Ok(Some(Arc::new(found)))
}
