//! Reads blobs, each once, however many images have it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::collector::Collector;
use crate::bytes::codec::Encoding;
use crate::bytes::{Algorithms, Digests, LayerObserver, SizedDigest, copy};
use crate::check::programs::Programs;
use crate::error::Code;
use crate::image::{AnyBlob, Blob, Content};
use crate::oci::{Algorithm, Digest};
use crate::source::{Place, Tree};
use crate::util::parallel;

/// What makes two reads the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    bytes: Bytes,
    encoding: Encoding,
    algorithms: Algorithms,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Bytes {
    /// In a file.
    Place(Place),
    /// That came through a stream: by the digest that was computed then.
    Streamed(Digest),
    /// In memory, or made anew: by its address, which stays as long as the part does.
    Address(usize),
}

/// What came of reading a blob.
enum Read {
    /// All of it.
    Whole(Digests),
    /// It cannot be decoded; what it is encoded, if that can be read.
    Failed(io::Error, Option<SizedDigest>),
}

/// What was read, of all inputs.
#[derive(Default)]
pub struct Blobs {
    read: HashMap<Key, Read>,
}

impl Blobs {
    /// Reads what the parts of all inputs need and was not read yet.
    pub fn read(&mut self, inputs: &[&[AnyBlob]], programs: &Programs, jobs: usize) {
        let mut work: HashMap<Key, &AnyBlob> = HashMap::new();
        let parts = inputs.iter().copied().flatten();
        for part in parts.filter(|part| !self.read.contains_key(&key(part))) {
            // What is a layer somewhere is looked into, whatever it is elsewhere.
            let known = work.entry(key(part)).or_insert(part);
            if known.layer().is_none() {
                *known = part;
            }
        }
        let mut work: Vec<(Key, &AnyBlob)> = work.into_iter().collect();
        // The largest first, so that none is left for one thread at the end.
        work.sort_by_key(|(_, part)| std::cmp::Reverse(part.blob().descriptor.size));
        let read = parallel::map(jobs, &work, |(key, part)| {
            Ok::<_, std::convert::Infallible>(read(key, part, programs))
        });
        let Ok(read) = read;
        self.read
            .extend(work.into_iter().map(|(key, _)| key).zip(read));
    }

    /// How many blobs were read of these parts, and how many bytes they have.
    pub fn count(&self, parts: &[AnyBlob]) -> (usize, u64) {
        let sizes: HashMap<Key, u64> = parts
            .iter()
            .map(|part| (key(part), part.blob().descriptor.size))
            .collect();
        (
            sizes.len(),
            sizes
                .values()
                .fold(0, |sum, size| sum.saturating_add(*size)),
        )
    }

    /// Holds a blob that was read to what is said of it.
    pub fn check(&self, part: &AnyBlob, programs: &Programs, found: &Collector) {
        let blob = part.blob();
        let report = |error| found.error(&error);
        match self.read.get(&key(part)) {
            None => {}
            Some(Read::Whole(flow)) => {
                let mut is_itself = flow.blob.digest == blob.descriptor.digest;
                if flow.blob.digest.algorithm() != blob.descriptor.digest.algorithm() {
                    return not_verified(blob, found);
                }
                if is_named_by_its_digest(part) {
                    blob.check(&flow.blob).err().into_iter().for_each(report);
                } else {
                    // The digest is only another word for the diff ID.
                    is_itself = true;
                }
                // Of other bytes the diff ID says nothing.
                let Some(layer) = part.layer().filter(|_| is_itself) else {
                    return;
                };
                let diff_id = &layer.diff_id;
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
            Some(Read::Failed(error, encoded)) => {
                let encoded = encoded.as_ref().filter(|_| is_named_by_its_digest(part));
                let differs = encoded.and_then(|encoded| blob.check(encoded).err());
                report(differs.unwrap_or_else(|| {
                    blob.unreadable(io::Error::new(error.kind(), error.to_string()))
                }));
            }
        }
    }

    /// Tells `tree` what is known of its compressed layers, for whom nothing says their digests.
    pub fn teach(&self, tree: &Tree, parts: &[AnyBlob]) {
        for part in parts {
            let is_compressed =
                (part.layer()).is_some_and(|layer| layer.encoding != Encoding::Plain);
            let place = Place::of(&part.blob().content).filter(|_| is_compressed);
            if let (Some(place), Some(Read::Whole(flow))) = (place, self.read.get(&key(part)))
                && flow.blob.digest.algorithm() == Algorithm::Sha256
            {
                tree.keep(place, Content::Streamed(Arc::new(flow.clone())));
            }
        }
    }
}

/// Whether somebody promises the digest. That of an uncompressed layer in a docker-archive is made of
/// its diff ID.
fn is_named_by_its_digest(part: &AnyBlob) -> bool {
    match part {
        AnyBlob::Blob(_) => true,
        AnyBlob::Layer(layer) => {
            matches!(layer.blob.content, Content::Generated(_))
                || layer.encoding != Encoding::Plain
                || layer.diff_id.0 != layer.blob.descriptor.digest
                || *layer.blob.name == *layer.blob.descriptor.digest.to_string()
        }
    }
}

fn not_verified(blob: &Blob, found: &Collector) {
    let digest = blob.descriptor.digest.to_string();
    let message = format!("{digest} cannot be computed: the blob came through a stream");
    found.add(Code::NotVerified, &digest, message);
}

fn key(part: &AnyBlob) -> Key {
    let digest = &part.blob().descriptor.digest;
    let (encoding, diff_id) = match part.layer() {
        Some(layer) => (layer.encoding, layer.diff_id.0.algorithm()),
        None => (Encoding::Plain, digest.algorithm()),
    };
    let address = |pointer: *const ()| Bytes::Address(pointer.addr());
    let bytes = match &part.blob().content {
        Content::Bytes(bytes) => address(bytes.as_ptr().cast()),
        Content::Generated(recipe) => address(Arc::as_ptr(recipe).cast()),
        content => match (content.digests(), Place::of(content)) {
            // Layouts that link to others have the same blobs.
            (None, Some(place)) => Bytes::Place(place.real()),
            (Some(digests), _) => Bytes::Streamed(digests.blob.digest.clone()),
            (None, None) => Bytes::Streamed(digest.clone()),
        },
    };
    Key {
        bytes,
        encoding,
        algorithms: Algorithms {
            blob: digest.algorithm(),
            diff_id,
        },
    }
}

fn read(key: &Key, part: &AnyBlob, programs: &Programs) -> Read {
    let content = &part.blob().content;
    // It was read when it came through the stream.
    if let Some(digests) = content.digests() {
        return Read::Whole(digests.clone());
    }
    let hash = |encoding, observer| {
        (content.open()).and_then(|bytes| copy::hash(bytes, encoding, key.algorithms, observer))
    };
    let observer = part
        .layer()
        .is_some()
        .then_some(programs as &dyn LayerObserver);
    match hash(key.encoding, observer) {
        Ok(digests) => Read::Whole(digests),
        Err(error) => {
            let encoded = hash(Encoding::Plain, None);
            Read::Failed(error, encoded.ok().map(|digests| digests.blob))
        }
    }
}
