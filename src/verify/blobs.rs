//! Reads blobs, each once, however many images have it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::collector::{Collector, Part};
use crate::bytes::codec::Encoding;
use crate::bytes::copy::{self, Copied, CopyError, Hashes, LayerObserver};
use crate::bytes::progress::Progress;
use crate::bytes::store::Store;
use crate::check::programs::Programs;
use crate::error::Code;
use crate::image::blob::{Blob, Content, Staged};
use crate::oci::{Algorithm, DiffId, Digest};
use crate::source::{Place, Tree};
use crate::util::parallel;

/// What makes two reads the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    bytes: Bytes,
    encoding: Encoding,
    blob: Algorithm,
    diff_id: Algorithm,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Bytes {
    /// In a file.
    Place(Place),
    /// Of which only the digest is known.
    Known(Digest),
    /// In memory, or made anew: by its address, which stays as long as the part does.
    Address(usize),
}

/// What came of reading a blob.
enum Read {
    /// All of it.
    Whole(Copied),
    /// It cannot be decoded; what it is encoded, if that can be read.
    CopyError(io::Error, Option<(Digest, u64)>),
}

/// What was read, of all inputs.
#[derive(Default)]
pub struct Blobs {
    read: HashMap<Key, Read>,
}

impl Blobs {
    /// Reads what the parts of all inputs need and was not read yet.
    pub fn read(&mut self, inputs: &[&[Part]], programs: &Programs, store: &Store<'_>) {
        let mut work: HashMap<Key, &Part> = HashMap::new();
        let parts = inputs.iter().copied().flatten();
        for part in parts.filter(|part| !self.read.contains_key(&key(part))) {
            // What is a layer somewhere is looked into, whatever it is elsewhere.
            let known = work.entry(key(part)).or_insert(part);
            if known.layer.is_none() {
                *known = part;
            }
        }
        let mut work: Vec<(Key, &Part)> = work.into_iter().collect();
        // The largest first, so that none is left for one thread at the end.
        work.sort_by_key(|(_, part)| std::cmp::Reverse(part.blob.descriptor.size));
        for (_, part) in &work {
            let is_read = !matches!(part.blob.content, Content::Staged(_) | Content::Known(_));
            let counter = is_read.then(|| store.progress().of(&part.blob.input));
            if let Some(counter) = counter.flatten() {
                counter.expect(part.blob.descriptor.size);
            }
        }
        let read = parallel::map(store.jobs(), &work, |(key, part)| {
            Ok::<_, std::convert::Infallible>(read(key, part, programs, store.progress()))
        });
        let Ok(read) = read;
        self.read
            .extend(work.into_iter().map(|(key, _)| key).zip(read));
    }

    /// How many blobs were read of these parts, and how many bytes they have.
    pub fn count(&self, parts: &[Part]) -> (usize, u64) {
        let sizes: HashMap<Key, u64> = parts
            .iter()
            .map(|part| (key(part), part.blob.descriptor.size))
            .collect();
        (
            sizes.len(),
            sizes
                .values()
                .fold(0, |sum, size| sum.saturating_add(*size)),
        )
    }

    /// Holds a blob that was read to what is said of it.
    pub fn check(&self, part: &Part, programs: &Programs, found: &Collector) {
        let blob = &part.blob;
        let report = |error| found.error(&error);
        match self.read.get(&key(part)) {
            None => {}
            Some(Read::Whole(flow)) => {
                let mut is_itself = flow.blob.0 == blob.descriptor.digest;
                if flow.blob.0.algorithm() != blob.descriptor.digest.algorithm() {
                    return not_verified(blob, found);
                }
                if is_named_by_its_digest(part) {
                    blob.check(&flow.blob).err().into_iter().for_each(report);
                } else {
                    // The digest is only another word for the diff ID.
                    is_itself = true;
                }
                // Of other bytes the diff ID says nothing.
                let Some((_, diff_id)) = part.layer.as_ref().filter(|_| is_itself) else {
                    return;
                };
                if flow.diff_id.0.algorithm() != diff_id.0.algorithm() {
                    return not_verified(blob, found);
                }
                if let Err(error) = blob.check_diff_id(&flow.diff_id, diff_id) {
                    report(error);
                } else if let Some(problem) = programs.damage(&flow.diff_id) {
                    let name = blob.name.to_string();
                    let message =
                        format!("layer {name} is no tar archive as readers expect it: {problem}");
                    found.add(Code::LayerTar, &name, message);
                }
            }
            Some(Read::CopyError(error, encoded)) => {
                let encoded = encoded.as_ref().filter(|_| is_named_by_its_digest(part));
                let differs = encoded.and_then(|encoded| blob.check(encoded).err());
                report(differs.unwrap_or_else(|| {
                    blob.unreadable(io::Error::new(error.kind(), error.to_string()))
                }));
            }
        }
    }

    /// Tells `tree` what is known of its compressed layers, for whom nothing says their digests.
    pub fn teach(&self, tree: &Tree, parts: &[Part]) {
        for part in parts {
            let Some((encoding, _)) = part.layer.as_ref().filter(|(e, _)| *e != Encoding::Plain)
            else {
                continue;
            };
            let place = Place::of(&part.blob.content);
            if let (Some(place), Some(Read::Whole(flow))) = (place, self.read.get(&key(part)))
                && flow.blob.0.algorithm() == Algorithm::Sha256
            {
                let staged = Staged {
                    path: None,
                    original: flow.blob.clone(),
                    stored: flow.blob.clone(),
                    original_encoding: *encoding,
                    encoding: *encoding,
                    diff_id: flow.diff_id.clone(),
                };
                tree.keep(place, Arc::new(staged));
            }
        }
    }
}

/// Whether somebody promises the digest. That of an uncompressed layer in a docker-archive is made of
/// its diff ID.
fn is_named_by_its_digest(part: &Part) -> bool {
    match (&part.blob.content, &part.layer) {
        (Content::Generated(_), _) | (_, None) => true,
        (_, Some((encoding, diff_id))) => {
            *encoding != Encoding::Plain
                || diff_id.0 != part.blob.descriptor.digest
                || *part.blob.name == *part.blob.descriptor.digest.to_string()
        }
    }
}

fn not_verified(blob: &Blob, found: &Collector) {
    let digest = blob.descriptor.digest.to_string();
    let message = format!("{digest} cannot be computed: the blob came through a stream");
    found.add(Code::NotVerified, &digest, message);
}

fn key(part: &Part) -> Key {
    let digest = &part.blob.descriptor.digest;
    let (encoding, diff_id) = match &part.layer {
        Some((encoding, diff_id)) => (*encoding, diff_id.0.algorithm()),
        None => (Encoding::Plain, digest.algorithm()),
    };
    let address = |pointer: *const ()| Bytes::Address(pointer.addr());
    let bytes = match &part.blob.content {
        Content::Known(digest) => Bytes::Known(digest.clone()),
        Content::Bytes(bytes) => address(bytes.as_ptr().cast()),
        Content::Staged(staged) => address(Arc::as_ptr(staged).cast()),
        Content::Generated(recipe) => address(Arc::as_ptr(recipe).cast()),
        Content::File(_) | Content::Range { .. } | Content::Elsewhere => {
            match Place::of(&part.blob.content) {
                // Layouts that link to others have the same blobs.
                Some(place) => Bytes::Place(place.real()),
                None => Bytes::Known(digest.clone()),
            }
        }
    };
    Key {
        bytes,
        encoding,
        blob: digest.algorithm(),
        diff_id,
    }
}

fn read(key: &Key, part: &Part, programs: &Programs, progress: &Progress) -> Read {
    match &part.blob.content {
        // It was read when it came through the stream.
        Content::Staged(staged) => Read::Whole(Copied {
            blob: staged.original.clone(),
            diff_id: staged.diff_id.clone(),
        }),
        Content::Known(digest) => Read::Whole(Copied {
            blob: (digest.clone(), part.blob.descriptor.size),
            diff_id: DiffId(digest.clone()),
        }),
        content => {
            let hashes = Hashes {
                blob: key.blob,
                diff_id: key.diff_id,
            };
            let observer = part
                .layer
                .is_some()
                .then_some(programs as &dyn LayerObserver);
            let hash = |encoding, observer| {
                let input = progress.count(&part.blob.input, content.open()?);
                hash(input, encoding, hashes, observer)
            };
            match hash(key.encoding, observer) {
                Ok(flow) => Read::Whole(flow),
                Err(error) => {
                    let encoded = hash(Encoding::Plain, None);
                    Read::CopyError(error, encoded.ok().map(|flow| flow.blob))
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
