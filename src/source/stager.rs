//! Reads blobs whose bytes can be read only once (those of a stream), or whose digests no document
//! names (compressed layers of a docker-archive).

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex};

use crate::bytes::codec::Encoding;
use crate::bytes::progress::Progress;
use crate::bytes::{Digests, LayerObserver, Observers, Staging, VerifiedReader};
use crate::error::{Error, Item};
use crate::image::{Content, FileLayer, Image, Layer, LayerKey};
use crate::oci::{Algorithm, DiffId, Digest};
use crate::records::Reusable;
use crate::source::tree::TreeFile;
use crate::util::lock::{lock, unpoisoned};
use crate::util::semaphore::Semaphore;

/// Stages blobs of all inputs, each once.
pub struct Stager<'a> {
    /// `None` if the command keeps no bytes.
    staging: Option<&'a Staging>,
    observers: Observers<'a>,
    /// The digests under which entries of streams are being staged, by the names of the entries.
    claimed: Mutex<HashSet<Digest>>,
    /// The uncompressed blobs that were read, by their digests.
    uncompressed: Mutex<HashMap<Digest, Content>>,
    /// The layers that were made of store paths, or are being made.
    generated: Mutex<HashMap<LayerKey, Arc<Mutex<Option<Content>>>>>,
    /// The keys of layers that are made of store paths.
    keys: Mutex<HashMap<DiffId, LayerKey>>,
    reusable: Option<&'a Reusable<'a>>,
    jobs: usize,
    /// One for each job: inputs are read side by side, and each may make several layers.
    permits: Arc<Semaphore>,
}

impl<'a> Stager<'a> {
    /// Stages blobs in `staging`, on up to `jobs` threads. Without it, they are only hashed and shown to
    /// the observer.
    pub fn new(staging: Option<&'a Staging>, observers: Observers<'a>, jobs: usize) -> Self {
        Self {
            staging,
            observers,
            claimed: Mutex::default(),
            uncompressed: Mutex::default(),
            generated: Mutex::default(),
            keys: Mutex::default(),
            reusable: None,
            jobs,
            permits: Semaphore::new(jobs.max(1)),
        }
    }

    /// Takes layers that are made of store paths from `reusable`, if they are there.
    pub fn reusing(self, reusable: &'a Reusable<'a>) -> Self {
        Self {
            reusable: Some(reusable),
            ..self
        }
    }

    /// Returns the layer with this key that an earlier merge has made.
    pub fn reuse(&self, key: &LayerKey) -> Option<FileLayer> {
        let layer = self.reusable?.by_key(key)?;
        lock(&self.keys).insert(layer.diff_id.clone(), key.clone());
        Some(layer)
    }

    /// Returns the keys of the layers that are made of store paths.
    pub fn into_keys(self) -> HashMap<DiffId, LayerKey> {
        unpoisoned(self.keys.into_inner())
    }

    /// Returns the number of threads that may stage blobs.
    pub fn jobs(&self) -> usize {
        self.jobs
    }

    /// Returns the counters of the inputs.
    pub fn progress(&self) -> &'a Progress {
        self.observers.progress
    }

    /// Returns the observer of layers.
    pub fn observer(&self) -> Option<&'a dyn LayerObserver> {
        self.observers.layers
    }

    /// Reads a blob to its end and stages it. If `digest`, the one in its name, is that of a blob that is
    /// being staged, the blob is only hashed.
    ///
    /// A compressed blob is staged as it is, even if layers are to be decompressed: whether it is a
    /// layer is not known yet, and it could not be compressed to the same bytes again.
    pub fn stage(
        &self,
        reader: VerifiedReader<'_>,
        digest: Option<&Digest>,
    ) -> Result<TreeFile, Error> {
        let encoding = reader.encoding;
        if encoding == Encoding::Plain && digest.is_some_and(|digest| !self.claim(digest)) {
            // A name proves nothing, so the digest is computed. `resolve` finds the staged blob by it.
            let reader = VerifiedReader {
                observer: None,
                ..reader
            };
            return reader.read().map(streamed);
        }
        let file = match self.staging {
            None => reader.read().map(streamed)?,
            Some(staging) => {
                let staged = match encoding {
                    Encoding::Plain => staging.encode(reader)?,
                    Encoding::Gzip | Encoding::Zstd => staging.copy(reader)?,
                };
                TreeFile {
                    size: staged.original.blob.size,
                    content: Content::Staged(Arc::new(staged)),
                }
            }
        };
        if encoding == Encoding::Plain
            && let Some(digests) = file.content.digests()
        {
            let digest = digests.blob.digest.clone();
            lock(&self.uncompressed).insert(digest, file.content.clone());
        }
        Ok(file)
    }

    /// Stages a layer that is made of store paths; one that several images have, once.
    pub fn generate<'b>(
        &self,
        key: &LayerKey,
        open: impl FnOnce() -> Result<VerifiedReader<'b>, Error>,
    ) -> Result<Content, Error> {
        let known = lock(&self.generated)
            .entry(key.clone())
            .or_default()
            .clone();
        // A thread that waits for another one here holds no permit.
        let mut known = lock(&known);
        if let Some(content) = &*known {
            return Ok(content.clone());
        }
        let _permit = self.permits.acquire();
        let content = self.stage(open()?, None)?.content;
        if let Some(digests) = content.digests() {
            lock(&self.keys).insert(digests.diff_id.clone(), key.clone());
        }
        Ok(known.insert(content).clone())
    }

    /// Whether no other blob is being staged under this digest. Streams are hashed with SHA-256 when
    /// no name says otherwise, so only such digests find each other.
    fn claim(&self, digest: &Digest) -> bool {
        digest.algorithm() != Algorithm::Sha256 || lock(&self.claimed).insert(digest.clone())
    }

    /// Finds the content of layers that were not staged because another blob was.
    pub fn resolve(&self, images: &mut [Image]) -> Result<(), Error> {
        for image in images {
            self.resolve(&mut image.attestations)?;
            let uncompressed = lock(&self.uncompressed);
            for blob in image.layers.iter_mut().filter_map(Layer::blob_mut) {
                let digest = match &blob.content {
                    Content::Streamed(digests) if digests.encoding == Encoding::Plain => {
                        &digests.blob.digest
                    }
                    _ => continue,
                };
                // The digest of the entry differs from its name, or the one in another archive
                // is. No tool writes such names.
                let content = uncompressed.get(digest).ok_or_else(|| {
                    let problem = format!("its name is not its digest, {digest}");
                    Error::unreadable(blob.subject(Item::Layer))(io::Error::other(problem))
                })?;
                blob.content = content.clone();
            }
        }
        Ok(())
    }
}

fn streamed(digests: Digests) -> TreeFile {
    TreeFile {
        size: digests.blob.size,
        content: Content::Streamed(Arc::new(digests)),
    }
}
