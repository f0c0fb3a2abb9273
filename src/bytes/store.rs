//! The staging area: layers that flow by in a stream or are to be encoded anew, verified and hashed
//! while they are written.
//!
//! Files are named by a counter, never by anything that an input says.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::bytes::codec::{BlockWriter, Compression, Encoder, Encoding};
use crate::bytes::copy::{self, CopyError, Hashes, Hashing, LayerObserver};
use crate::bytes::progress::Progress;
use crate::error::{Error, Item};
use crate::image::Image;
use crate::image::blob::{Blob, Content, Staged};
use crate::oci::{Algorithm, Digest};
use crate::util::lock::lock;

/// Where staged blobs go, and how layers are to be encoded on the way.
pub struct Store<'a> {
    /// None where nothing is kept.
    directory: Option<PathBuf>,
    observer: Option<&'a dyn LayerObserver>,
    next: AtomicU64,
    claimed: Mutex<HashSet<Digest>>,
    /// What was staged without compression before, by its digest.
    plain: Mutex<HashMap<Digest, Arc<Staged>>>,
    encoder: Encoder,
    jobs: usize,
    progress: Progress,
}

impl<'a> Store<'a> {
    /// A store in `directory`, which exists, with `jobs` threads that compress; `observer` sees the
    /// layers that are staged.
    pub fn new(
        directory: &Path,
        compression: Compression,
        jobs: usize,
        observer: Option<&'a dyn LayerObserver>,
    ) -> Self {
        Self {
            directory: Some(directory.to_owned()),
            observer,
            next: AtomicU64::new(0),
            claimed: Mutex::default(),
            plain: Mutex::default(),
            encoder: Encoder::new(jobs, compression),
            jobs,
            progress: Progress::default(),
        }
    }

    /// The same, with somebody who counts what is read.
    pub fn counting(self, progress: Progress) -> Self {
        Self { progress, ..self }
    }

    /// Who counts.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Says how many bytes of the layers of `images` are still to be read; links take none.
    pub fn expect(&self, images: &[Image], link: bool) {
        let mut seen = HashSet::new();
        let attestations = images.iter().flat_map(|image| &image.attestations);
        for layer in images
            .iter()
            .chain(attestations)
            .flat_map(|image| &image.layers)
        {
            let blob = &layer.blob;
            let is_read = match &blob.content {
                Content::Staged(_) | Content::Known(_) | Content::Elsewhere => false,
                Content::File(_) => !link,
                _ => true,
            };
            if is_read
                && seen.insert(&blob.descriptor.digest)
                && let Some(counter) = self.progress.of(&blob.input)
            {
                counter.expect(blob.descriptor.size);
            }
        }
    }

    /// Opens a layer; what is read of an input is counted, what was staged is none.
    pub fn open<'b>(&self, blob: &'b Blob) -> Result<Box<dyn Read + 'b>, Error> {
        let content = blob.content.open().map_err(|e| blob.unreadable(e))?;
        Ok(match &blob.content {
            Content::Staged(_) => content,
            _ => Box::new(self.progress.count(&blob.input, content)),
        })
    }

    /// A store for those who only want to look: what is staged is hashed and seen, but not kept.
    pub fn nowhere(jobs: usize, observer: Option<&'a dyn LayerObserver>) -> Self {
        Self {
            directory: None,
            ..Self::new(Path::new(""), Compression::Keep, jobs, observer)
        }
    }

    /// Who looks at the layers.
    pub fn observer(&self) -> Option<&'a dyn LayerObserver> {
        self.observer
    }

    /// How layers are to be encoded.
    pub fn compression(&self) -> Compression {
        self.encoder.compression()
    }

    /// How many threads may work.
    pub fn jobs(&self) -> usize {
        self.jobs
    }

    /// The directory, for messages.
    pub fn directory(&self) -> &Path {
        self.directory.as_deref().unwrap_or(Path::new("nowhere"))
    }

    /// Reads a layer that is encoded as `found` to its end and stages it as `encoding`: the same, or
    /// what [`Compression::target`] makes of it.
    pub fn put(
        &self,
        input: impl Read,
        found: Encoding,
        encoding: Encoding,
        hashes: Hashes,
    ) -> Result<Arc<Staged>, CopyError> {
        let observer = self.observer;
        let none = &mut io::sink();
        let path = self.directory.as_ref().map(|directory| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            directory.join(number.to_string())
        });
        let mut file = match &path {
            Some(path) => Some(File::create_new(path).map_err(CopyError::Write)?),
            None => None,
        };
        let (flow, stored) = match &mut file {
            None => {
                let flow = copy::verified(input, found, hashes, none, &mut io::sink(), observer)?;
                let stored = flow.blob.clone();
                (flow, stored)
            }
            Some(file) if encoding == found => {
                let flow = copy::verified(input, found, hashes, file, none, observer)?;
                let stored = flow.blob.clone();
                (flow, stored)
            }
            Some(file) => {
                let mut output = Hashing::new(file, Algorithm::Sha256);
                let mut blocks = BlockWriter::new(&self.encoder, &mut output);
                let flow = copy::verified(input, found, hashes, none, &mut blocks, observer)?;
                blocks.finish().map_err(CopyError::Write)?;
                (flow, output.finish())
            }
        };
        let staged = Arc::new(Staged {
            path: path.map(Into::into),
            original: flow.blob,
            stored,
            original_encoding: found,
            encoding,
            diff_id: flow.diff_id,
        });
        if found == Encoding::Plain {
            let digest = staged.original.0.clone();
            lock(&self.plain).insert(digest, staged.clone());
        }
        Ok(staged)
    }

    /// Whether nobody else has set out to stage the bytes of this digest.
    pub fn claim(&self, digest: &Digest) -> bool {
        lock(&self.claimed).insert(digest.clone())
    }

    /// Finds what was left to others to stage.
    pub fn resolve(&self, images: &mut [Image]) -> Result<(), Error> {
        for image in images {
            self.resolve(&mut image.attestations)?;
            let plain = lock(&self.plain);
            for blob in image.layers.iter_mut().map(|layer| &mut layer.blob) {
                let Content::Known(digest) = &blob.content else {
                    continue;
                };
                // An entry that is named for another digest than it has, and a lie about that one
                // in another archive: no tool writes such names.
                let staged = plain.get(digest).ok_or_else(|| {
                    let problem = format!("it is named for another digest than it has ({digest})");
                    Error::unreadable(blob.subject(Item::Layer))(io::Error::other(problem))
                })?;
                blob.content = Content::Staged(staged.clone());
            }
        }
        Ok(())
    }
}
