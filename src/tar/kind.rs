//! The types of entries.

use tar::EntryType;

/// The type of an entry, by its own header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    SymbolicLink,
    /// Another name of an earlier entry.
    HardLink,
    /// A character or block device.
    Device,
    /// A named pipe.
    Fifo,
    /// A sparse file of GNU's own type. (Sparse files of pax are regular files; see [`TarEntry::is_sparse`].)
    ///
    /// [`TarEntry::is_sparse`]: super::TarEntry::is_sparse
    GnuSparse,
    /// Properties of the archive, not an entry; `git archive` writes a comment.
    GlobalHeader,
    /// A type that Go's readers, and so most consumers, neither unpack nor read: also the type `7`, which
    /// POSIX reserves for contiguous files and GNU tar unpacks.
    Unknown(u8),
}

impl EntryKind {
    pub(super) fn of(kind: EntryType) -> Self {
        match kind {
            EntryType::Regular => Self::File,
            EntryType::Directory => Self::Directory,
            EntryType::Symlink => Self::SymbolicLink,
            EntryType::Link => Self::HardLink,
            EntryType::Char | EntryType::Block => Self::Device,
            EntryType::Fifo => Self::Fifo,
            EntryType::GNUSparse => Self::GnuSparse,
            EntryType::XGlobalHeader => Self::GlobalHeader,
            kind => Self::Unknown(kind.as_byte()),
        }
    }
}
