//! The staging area: files for bytes that can be read only once, and for layers that are encoded
//! again. They are verified while they are written.
//!
//! Files are named by a counter, never by a name from an input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bytes::codec::{Compression, Encoder, Encoding};
use crate::bytes::hashing::{Digests, HashingWriter, SizedDigest};
use crate::bytes::verified::VerifiedReader;
use crate::error::Error;
use crate::oci::{Algorithm, Digest};

/// A directory of staged files, and the encoder that writes some of them.
pub struct Staging {
    directory: PathBuf,
    files: AtomicU64,
    encoder: Encoder,
}

/// A file of the staging area.
#[derive(Debug)]
pub struct StagedBlob {
    path: Box<Path>,
    /// The digests of the bytes that were read.
    pub original: Digests,
    /// Digest and size of the file.
    pub stored: SizedDigest,
    /// How the file is encoded.
    pub encoding: Encoding,
}

impl Staging {
    /// Stages files in `directory`, which exists.
    pub fn new(directory: PathBuf, encoder: Encoder) -> Self {
        Self {
            directory,
            files: AtomicU64::new(0),
            encoder,
        }
    }

    /// Returns the compression of staged layers.
    pub fn compression(&self) -> Compression {
        self.encoder.compression()
    }

    /// Stages bytes as they are.
    pub fn copy(&self, reader: VerifiedReader<'_>) -> Result<StagedBlob, Error> {
        let encoding = reader.encoding;
        let (path, mut file) = self.create()?;
        let original = reader.copy_to(&mut file, &self.directory)?;
        Ok(StagedBlob {
            path,
            stored: original.blob.clone(),
            original,
            encoding,
        })
    }

    /// Stages bytes in the encoding that the compression chooses.
    pub fn encode(&self, reader: VerifiedReader<'_>) -> Result<StagedBlob, Error> {
        let encoding = self.compression().target(reader.encoding);
        if encoding == reader.encoding {
            return self.copy(reader);
        }
        let (path, file) = self.create()?;
        let mut output = HashingWriter::new(file, Algorithm::Sha256);
        let original = reader.encode_to(&self.encoder, &mut output, &self.directory)?;
        Ok(StagedBlob {
            path,
            original,
            stored: output.finish(),
            encoding,
        })
    }

    fn create(&self) -> Result<(Box<Path>, File), Error> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join(number.to_string());
        let file = File::create_new(&path).map_err(Error::io("write", &self.directory))?;
        Ok((path.into(), file))
    }
}

impl StagedBlob {
    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file has the bytes of this digest, not only their encoding.
    pub fn has(&self, digest: &Digest) -> bool {
        self.stored.digest == *digest
    }

    /// Opens the bytes that were read, decoded if the file has them encoded.
    pub fn open_original(&self) -> io::Result<Box<dyn Read + '_>> {
        let file = File::open(&self.path)?;
        match self.encoding == self.original.encoding {
            true => Ok(Box::new(file)),
            false => self.encoding.decode(file),
        }
    }
}
