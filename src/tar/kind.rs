//! The types of entries.

use tar::EntryType;

/// The type of an entry, by its own header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file, also one of the type that POSIX reserves for contiguous files.
    File,
    Directory,
    SymbolicLink,
    HardLink,
    /// A character or block device.
    Device,
    Fifo,
    /// A sparse file of GNU's own type. (Sparse files of pax are regular files; see [`TarEntry::is_sparse`].)
    ///
    /// [`TarEntry::is_sparse`]: super::TarEntry::is_sparse
    GnuSparse,
    /// Properties of the archive, not an entry; `git archive` writes a comment.
    GlobalHeader,
    Unknown,
}

impl EntryKind {
    pub(super) fn of(kind: EntryType) -> Self {
        match kind {
            EntryType::Regular | EntryType::Continuous => Self::File,
            EntryType::Directory => Self::Directory,
            EntryType::Symlink => Self::SymbolicLink,
            EntryType::Link => Self::HardLink,
            EntryType::Char | EntryType::Block => Self::Device,
            EntryType::Fifo => Self::Fifo,
            EntryType::GNUSparse => Self::GnuSparse,
            EntryType::XGlobalHeader => Self::GlobalHeader,
            _ => Self::Unknown,
        }
    }
}
