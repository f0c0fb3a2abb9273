//! Defects of tar archives, which the `tar` room reports.
//!
//! Both types are wrapped in [`io::Error`] where a reader needs one; `util::cause` finds them again.

use crate::util::text::byte_count;
use std::io;

/// A defect of an archive.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The archive cannot be read, or the callback for an entry failed.
    #[error("{0}")]
    Io(#[from] io::Error),

    /// The headers of an entry cannot be read.
    #[error("its entry {number}: {source}")]
    Unreadable { number: usize, source: io::Error },

    /// The headers of an entry are wrong, or contradict each other.
    #[error("the entry {name:?} {source}")]
    BadHeaders { name: String, source: HeaderError },

    /// One block of zeros: Go's reader takes it for damage, most others for the end, and some go on.
    #[error("a block of zeros follows its entry {number}, but not the end")]
    NotTheEnd { number: usize },

    /// A sparse file, where the bytes that are stored must be those of the file.
    #[error("the entry {name:?} is a sparse file")]
    Sparse { name: String },

    #[error(
        "the entry {name:?} has {} from byte {offset} on, but the file ends at byte {end}", byte_count(*size)
    )]
    CutOff {
        name: String,
        size: u64,
        offset: u64,
        end: u64,
    },

    #[error("the file ends at byte {end}, within the last block of the entry {name:?}")]
    PaddingCutOff { name: String, end: u64 },

    #[error("the entry {name:?} ends after {read} of {size} bytes")]
    EndsEarly { name: String, read: u64, size: u64 },

    /// A name that decides what the image is, and for which readers choose different entries.
    #[error("it has the entry {name:?} twice")]
    Twice { name: String },

    #[error("it has more than {max} entries")]
    TooManyEntries { max: usize },

    #[error("the names of its entries have more than {max} bytes")]
    NamesTooLong { max: usize },

    #[error("a path has {size} bytes; Linux opens at most {max}")]
    PathTooLong { size: usize, max: usize },

    /// Links to a large file, each of which counts as a file.
    #[error("its hard links repeat the content of files more than {max} times")]
    RepeatedContent { max: u64 },
}

/// A defect of the headers of one entry.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    #[error("its headers have more than {max} bytes")]
    TooLong { max: usize },

    #[error("has headers that are cut off")]
    CutOff,

    #[error("{0}")]
    BadNumber(#[from] io::Error),

    #[error("has a size that is negative or has more than 64 bits")]
    BadSize,

    #[error("has the {name} \"{shown}\", which is not a number that all readers read alike")]
    BadField { name: &'static str, shown: String },

    #[error("has the {key} \"{shown}\" in its pax header")]
    BadPaxValue { key: String, shown: String },

    #[error("has two records {key} in its pax header")]
    TwoRecords { key: String },

    #[error("has two pax headers, of which readers apply one or the other")]
    TwoPaxHeaders,

    #[error("is a pax header of Solaris, which some readers apply and others do not")]
    SolarisHeader,

    #[error("has a header with text after its end, which some readers take for a part of it")]
    TextAfterEnd,

    #[error("has records of a sparse file that some readers apply and others do not: {defect}")]
    BadSparse { defect: &'static str },

    #[error("has headers that contradict each other about its size")]
    ContradictorySizes,

    #[error("has a name with a zero byte")]
    NulInName,

    #[error("has two names, or an empty one, in its headers")]
    TwoNames,

    #[error("has a name of which some readers take more than others")]
    AmbiguousPrefix,

    #[error("has {}, but is not a file", byte_count(*size))]
    NotAFile { size: u64 },

    #[error("is a file with the name of a directory, which some readers take for one")]
    NamedAsDirectory,

    #[error("is a header of another entry, in a format without such headers")]
    MisplacedExtension,

    #[error("has a pax header with a record of another length than it says: \"{shown}\"")]
    BadPaxRecord { shown: String },

    #[error("is a global pax header in the wrong place, or too large")]
    MisplacedGlobal,

    #[error("is a global pax header that says the {key} of other entries")]
    GlobalOverride { key: String },
}

impl From<TarError> for io::Error {
    fn from(error: TarError) -> Self {
        match error {
            TarError::Io(error) => error,
            error => io::Error::other(error),
        }
    }
}
