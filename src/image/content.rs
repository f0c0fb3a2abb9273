//! Where the bytes of a blob are.
//!
//! Bytes in an input, or made from one, are opened when they are needed and verified on the pass that
//! reads them. Bytes in the staging area were verified on the pass that wrote them there.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::bytes::{Digests, StagedBlob};

/// Where the bytes of a blob are.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory: manifests, configs, and small files of a stream.
    Bytes(Arc<[u8]>),
    /// In a file of an image layout directory, for example.
    File(Arc<Path>),
    /// In the layout of an earlier merge, which has recorded its diff ID: only its digest is verified.
    Recorded(Arc<Path>),
    /// In a part of an uncompressed archive.
    Range {
        /// The archive.
        path: Arc<Path>,
        /// The position of the first byte.
        offset: u64,
        /// The number of bytes.
        len: u64,
    },
    /// Made from other files each time it is opened.
    Generated(Arc<dyn Generate>),
    /// In the staging area.
    Staged(Arc<StagedBlob>),
    /// Not kept: they came through a stream and were hashed. Either the command keeps no bytes, or the
    /// same bytes are staged for another blob, which
    /// [`Stager::resolve`](crate::source::Stager::resolve) finds after all inputs were read.
    Streamed(Arc<Digests>),
    /// Missing: a config that could not be read. `verify` reports that and goes on.
    Unreadable,
}

/// Generates the bytes of a blob that is not stored.
pub trait Generate: Debug + Send + Sync {
    /// Starts from the first byte. Errors name the file that caused them.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

impl Content {
    /// Opens the bytes. They are not verified here.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let missing = |message| Err(io::Error::new(io::ErrorKind::NotFound, message));
        Ok(match self {
            Self::Bytes(bytes) => Box::new(&bytes[..]),
            Self::File(path) | Self::Recorded(path) => Box::new(File::open(path)?),
            Self::Range { path, offset, len } => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                Box::new(file.take(*len))
            }
            Self::Generated(generate) => generate.open()?,
            Self::Staged(staged) => staged.open_original()?,
            Self::Streamed(_) => return missing("it came through a stream and was not kept"),
            Self::Unreadable => return missing("it could not be read"),
        })
    }

    /// Returns the digests of bytes that were read from a stream, or to be staged.
    pub fn digests(&self) -> Option<&Digests> {
        match self {
            Self::Staged(staged) => Some(&staged.original),
            Self::Streamed(digests) => Some(digests),
            _ => None,
        }
    }
}
