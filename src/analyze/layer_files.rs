//! The files of a layer, and the memory that each of them takes.

use std::collections::HashMap;

use super::category::FileCategory;
use super::content::ContentHash;
use super::paths::PathId;

/// The memory for a file besides its path: here, once more where files are compared, and where those of
/// the same content are ordered.
pub const FILE_COST: usize = 2 * size_of::<FileRecord>() + size_of::<(u64, &[FileRecord])>();

pub const MARK_COST: usize = size_of::<(PathId, Mark)>();

/// The memory for a hard link: here, and in a table where files are compared.
pub const LINK_COST: usize = 3 * size_of::<(PathId, PathId)>();

/// The memory for the symbols of a program: a hash table can be half empty.
pub const SYMBOLS_COST: usize = 2 * size_of::<(ContentHash, u64)>();

/// The memory for a store path or directory besides its path: here, and in everything that is reported
/// by name later (packages with versions take most). Images of store paths alone, with more of them than
/// fit, took 300 to 450 MiB in total.
pub const GROUP_COST: usize = 512;

/// A regular file that is not empty.
#[derive(Clone, Copy, Debug)]
pub struct FileRecord {
    pub path: PathId,
    pub category: FileCategory,
    pub size: u64,
    pub content: ContentHash,
}

/// A change that a layer makes to the layers below, besides its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It has an entry without content at the path: a link, a device, an empty file.
    Other,
    /// It deletes the path.
    Deleted,
    /// It deletes everything in the directory.
    Emptied,
}

/// The contents of a layer.
#[derive(Debug, Default)]
pub struct LayerFiles {
    pub files: Vec<FileRecord>,
    pub marks: Vec<(PathId, Mark)>,
    /// By store path or directory.
    pub groups: HashMap<PathId, GroupTotals>,
    /// The number of regular files, empty ones included.
    pub count: u64,
    /// The bytes of their contents.
    pub size: u64,
    /// The bytes of debug symbols in programs, by their content.
    pub symbols: HashMap<ContentHash, u64>,
    /// Hard links, each with the file that it is another name of, in the order of the layer.
    pub links: Vec<(PathId, PathId)>,
    /// Whether some groups did not fit into memory; their files were counted for the root.
    pub ungrouped: bool,
    /// The number of files that were only counted because no more fit into memory.
    pub unseen: u64,
    /// The number of files that were only counted because their paths are too long.
    pub too_long: u64,
}

/// The files of a store path or directory.
#[derive(Clone, Copy, Debug, Default)]
pub struct GroupTotals {
    pub size: u64,
    pub files: u64,
    /// The same for the same files, in any order.
    pub digest: ContentHash,
}
