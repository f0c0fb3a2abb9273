//! Reads tar archives strictly: the only room that interprets tar headers.
//!
//! Readers of archives disagree about headers that are wrong or that contradict each other. An entry
//! that one reader overlooks can be hidden from a scanner of images, as in CVE-2025-62518.
//! No tool that writes images writes such headers, so they are refused.
//!
//! - `archive` iterates over the entries of an archive; `layer` does so for a layer while it is copied.
//! - `headers` checks the headers of an entry against each other; `extensions` and `sparse` know the
//!   extensions, `numbers` the numbers in them, `kind` the types of entries.
//! - `limited_reader` bounds what one entry takes in memory, `limits` what an archive does.
//! - `unpack` checks whether runtimes can unpack a layer, with the names of its entries in `seen_names`.
//! - `paths` normalises names and recognises whiteouts.
//!
//! `error::tar` lists the defects.

mod archive;
mod extensions;
mod headers;
mod kind;
mod layer;
mod limited_reader;
mod limits;
mod numbers;
mod paths;
mod seen_names;
mod sparse;
mod unpack;

pub use crate::error::{HeaderError, TarError};
pub use archive::{TarArchive, TarEntry};
pub use headers::is_tar;
pub use kind::EntryKind;
pub use layer::{LayerEntry, walk};
pub use limits::EntryLimits;
pub use paths::{Whiteout, clean, is_aufs_metadata, normal, resolve, whiteout};
pub use seen_names::NameBudget;
pub use unpack::{LayerDefects, UnpackRules, below_file, link_to_nothing};

/// The size of a block: headers have one, and contents are padded to a multiple of it.
pub const BLOCK: usize = 512;
