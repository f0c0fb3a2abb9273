//! Reads each blob once, however many images have it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::findings::Findings;
use crate::bytes::codec::Encoding;
use crate::bytes::copy::{self, Copied, CopyError, Hashes, LayerObserver};
use crate::bytes::progress::Progress;
use crate::bytes::store::Store;
use crate::check::programs::Programs;
use crate::error::Code;
use crate::image::blob::{Blob, Content, Staged};
use crate::oci::{Algorithm, DiffId, Digest};
use crate::source::{FileLocation, Tree};
use crate::util::parallel;

/// Two blobs with the same key are read once.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ReadKey {
    bytes: BytesAt,
    encoding: Encoding,
    blob: Algorithm,
    diff_id: Algorithm,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum BytesAt {
    /// In a file.
    File(FileLocation),
    /// Known only by digest.
    Known(Digest),
    /// In memory, or generated: by the address, which is stable as long as the blob is.
    Address(usize),
}

/// The outcome of reading a blob.
enum ReadOutcome {
    Read(Copied),
    /// The blob cannot be decoded; the digest and size of its bytes, if those can be read.
    Undecodable(Arc<io::Error>, Option<(Digest, u64)>),
}

/// A blob that the documents name.
#[derive(Clone)]
pub struct BlobToRead {
    pub blob: Blob,
    /// The encoding and the diff ID of a layer.
    pub layer: Option<(Encoding, DiffId)>,
}

/// The blobs of all inputs that were read.
#[derive(Default)]
pub struct Blobs {
    read: HashMap<ReadKey, ReadOutcome>,
}

impl Blobs {
    /// Reads the blobs of all inputs that were not read yet.
    pub fn read(&mut self, inputs: &[&[BlobToRead]], programs: &Programs, store: &Store<'_>) {
        let mut work: HashMap<ReadKey, &BlobToRead> = HashMap::new();
        let blobs = inputs.iter().copied().flatten();
        for wanted in blobs.filter(|wanted| !self.read.contains_key(&key(wanted))) {
            // A blob that is a layer somewhere is read as one.
            let known = work.entry(key(wanted)).or_insert(wanted);
            if known.layer.is_none() {
                *known = wanted;
            }
        }
        let mut work: Vec<(ReadKey, &BlobToRead)> = work.into_iter().collect();
        // The largest first, so that no thread is left alone with one at the end.
        work.sort_by_key(|(_, wanted)| std::cmp::Reverse(wanted.blob.descriptor.size));
        for (_, wanted) in &work {
            let blob = &wanted.blob;
            let is_read = !matches!(blob.content, Content::Staged(_) | Content::Known(_));
            let counter = is_read.then(|| store.progress().of(&blob.input));
            if let Some(counter) = counter.flatten() {
                counter.expect(blob.descriptor.size);
            }
        }
        let read = parallel::map(store.jobs(), &work, |(key, wanted)| {
            Ok::<_, std::convert::Infallible>(read(key, wanted, programs, store.progress()))
        });
        let Ok(read) = read;
        self.read
            .extend(work.into_iter().map(|(key, _)| key).zip(read));
    }

    /// Returns how many different blobs these are, and their bytes.
    pub fn count(&self, blobs: &[BlobToRead]) -> (usize, u64) {
        let sizes: HashMap<ReadKey, u64> = blobs
            .iter()
            .map(|wanted| (key(wanted), wanted.blob.descriptor.size))
            .collect();
        (
            sizes.len(),
            sizes
                .values()
                .fold(0, |sum, size| sum.saturating_add(*size)),
        )
    }

    /// Checks a blob that was read against its descriptor and diff ID.
    pub fn check(&self, wanted: &BlobToRead, programs: &Programs, findings: &Findings) {
        let blob = &wanted.blob;
        let report = |error| findings.add_error(&error);
        match self.read.get(&key(wanted)) {
            None => {}
            Some(ReadOutcome::Read(copied)) => {
                let mut is_itself = copied.blob.0 == blob.descriptor.digest;
                if copied.blob.0.algorithm() != blob.descriptor.digest.algorithm() {
                    return add_not_verified(blob, findings);
                }
                if is_named_by_its_digest(wanted) {
                    blob.check(&copied.blob).err().into_iter().for_each(report);
                } else {
                    // The digest was derived from the diff ID.
                    is_itself = true;
                }
                // The diff ID of wrong bytes means nothing.
                let Some((_, diff_id)) = wanted.layer.as_ref().filter(|_| is_itself) else {
                    return;
                };
                if copied.diff_id.0.algorithm() != diff_id.0.algorithm() {
                    return add_not_verified(blob, findings);
                }
                if let Err(error) = blob.check_diff_id(&copied.diff_id, diff_id) {
                    report(error);
                } else if let Some(problem) = programs.damage(&copied.diff_id) {
                    let name = blob.name.to_string();
                    let message =
                        format!("layer {name} is no tar archive as readers expect it: {problem}");
                    findings.add(Code::LayerTar, &name, message);
                }
            }
            Some(ReadOutcome::Undecodable(error, encoded)) => {
                let encoded = encoded.as_ref().filter(|_| is_named_by_its_digest(wanted));
                let differs = encoded.and_then(|encoded| blob.check(encoded).err());
                report(differs.unwrap_or_else(|| {
                    blob.unreadable(io::Error::new(error.kind(), error.clone()))
                }));
            }
        }
    }

    /// Gives `tree` the digests of its compressed layers, which no document of a docker-archive has.
    pub fn share_digests(&self, tree: &Tree, blobs: &[BlobToRead]) {
        for wanted in blobs {
            let Some((encoding, _)) = wanted.layer.as_ref().filter(|(e, _)| *e != Encoding::Plain)
            else {
                continue;
            };
            let location = FileLocation::of(&wanted.blob.content);
            if let (Some(location), Some(ReadOutcome::Read(copied))) =
                (location, self.read.get(&key(wanted)))
                && copied.blob.0.algorithm() == Algorithm::Sha256
            {
                let staged = Staged {
                    path: None,
                    original: copied.blob.clone(),
                    stored: copied.blob.clone(),
                    original_encoding: *encoding,
                    encoding: *encoding,
                    diff_id: copied.diff_id.clone(),
                };
                tree.add_staged(location, Arc::new(staged));
            }
        }
    }
}

/// Whether a document has the digest. That of an uncompressed layer in a docker-archive is derived from
/// its diff ID.
fn is_named_by_its_digest(wanted: &BlobToRead) -> bool {
    match (&wanted.blob.content, &wanted.layer) {
        (Content::Generated(_), _) | (_, None) => true,
        (_, Some((encoding, diff_id))) => {
            *encoding != Encoding::Plain
                || diff_id.0 != wanted.blob.descriptor.digest
                || *wanted.blob.name == *wanted.blob.descriptor.digest.to_string()
        }
    }
}

fn add_not_verified(blob: &Blob, findings: &Findings) {
    let digest = blob.descriptor.digest.to_string();
    let message = format!("{digest} cannot be computed: the blob came through a stream");
    findings.add(Code::NotVerified, &digest, message);
}

fn key(wanted: &BlobToRead) -> ReadKey {
    let digest = &wanted.blob.descriptor.digest;
    let (encoding, diff_id) = match &wanted.layer {
        Some((encoding, diff_id)) => (*encoding, diff_id.0.algorithm()),
        None => (Encoding::Plain, digest.algorithm()),
    };
    let address = |pointer: *const ()| BytesAt::Address(pointer.addr());
    let bytes = match &wanted.blob.content {
        Content::Known(digest) => BytesAt::Known(digest.clone()),
        Content::Bytes(bytes) => address(bytes.as_ptr().cast()),
        Content::Staged(staged) => address(Arc::as_ptr(staged).cast()),
        Content::Generated(recipe) => address(Arc::as_ptr(recipe).cast()),
        Content::File(_) | Content::Range { .. } | Content::Elsewhere => {
            match FileLocation::of(&wanted.blob.content) {
                // Layouts that link to others have the same blobs.
                Some(location) => BytesAt::File(location.canonical()),
                None => BytesAt::Known(digest.clone()),
            }
        }
    };
    ReadKey {
        bytes,
        encoding,
        blob: digest.algorithm(),
        diff_id,
    }
}

fn read(
    key: &ReadKey,
    wanted: &BlobToRead,
    programs: &Programs,
    progress: &Progress,
) -> ReadOutcome {
    match &wanted.blob.content {
        // It was read in the stream.
        Content::Staged(staged) => ReadOutcome::Read(Copied {
            blob: staged.original.clone(),
            diff_id: staged.diff_id.clone(),
        }),
        Content::Known(digest) => ReadOutcome::Read(Copied {
            blob: (digest.clone(), wanted.blob.descriptor.size),
            diff_id: DiffId(digest.clone()),
        }),
        content => {
            let hashes = Hashes {
                blob: key.blob,
                diff_id: key.diff_id,
            };
            let observer = wanted
                .layer
                .is_some()
                .then_some(programs as &dyn LayerObserver);
            let hash = |encoding, observer| {
                let input = progress.count(&wanted.blob.input, content.open()?);
                hash(input, encoding, hashes, observer)
            };
            match hash(key.encoding, observer) {
                Ok(copied) => ReadOutcome::Read(copied),
                Err(error) => {
                    let encoded = hash(Encoding::Plain, None);
                    ReadOutcome::Undecodable(
                        Arc::new(error),
                        encoded.ok().map(|copied| copied.blob),
                    )
                }
            }
        }
    }
}

fn hash(
    input: impl io::Read,
    encoding: Encoding,
    hashes: Hashes,
    observer: Option<&dyn LayerObserver>,
) -> io::Result<Copied> {
    let (none, nowhere) = (&mut io::sink(), &mut io::sink());
    copy::verified(input, encoding, hashes, none, nowhere, observer).map_err(
        |broken| match broken {
            CopyError::Read(error) | CopyError::Write(error) => error,
        },
    )
}
