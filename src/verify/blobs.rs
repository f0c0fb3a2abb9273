//! Reads the blobs of all inputs, each once, and checks them against their descriptors and configs.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::findings::Findings;
use crate::bytes::codec::Encoding;
use crate::bytes::progress::Progress;
use crate::bytes::{Algorithms, Digests, LayerObserver, SizedDigest, copy};
use crate::check::programs::Programs;
use crate::error::Code;
use crate::image::{AnyBlob, Blob, Content};
use crate::oci::{Algorithm, Digest};
use crate::source::{FileLocation, Tree};
use crate::util::parallel;

/// Two blobs with the same key are read once.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ReadKey {
    bytes: BytesAt,
    encoding: Encoding,
    algorithms: Algorithms,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum BytesAt {
    /// In a file.
    File(FileLocation),
    /// In a stream that is gone: by the digest that was computed then.
    Streamed(Digest),
    /// In memory, or generated: by the address, which is stable as long as the blob is.
    Address(usize),
}

/// The outcome of reading a blob.
enum ReadOutcome {
    Read(Digests),
    /// The blob cannot be decoded; the digest and size of its bytes, if those can be read.
    Undecodable(Arc<io::Error>, Option<SizedDigest>),
}

/// The blobs of all inputs that were read.
#[derive(Default)]
pub struct Blobs {
    read: HashMap<ReadKey, ReadOutcome>,
}

impl Blobs {
    /// Reads the blobs of all inputs that were not read yet.
    pub fn read(
        &mut self,
        inputs: &[&[AnyBlob]],
        programs: &Programs,
        progress: &Progress,
        jobs: usize,
    ) {
        let mut work: HashMap<ReadKey, &AnyBlob> = HashMap::new();
        let blobs = inputs.iter().copied().flatten();
        for wanted in blobs.filter(|wanted| !self.read.contains_key(&key(wanted))) {
            // A blob that is a layer somewhere is read as one.
            let known = work.entry(key(wanted)).or_insert(wanted);
            if known.layer().is_none() {
                *known = wanted;
            }
        }
        let mut work: Vec<(ReadKey, &AnyBlob)> = work.into_iter().collect();
        // The largest first, so that no thread is left with a large one at the end.
        work.sort_by_key(|(_, wanted)| std::cmp::Reverse(wanted.blob().descriptor.size));
        for blob in work.iter().map(|(_, wanted)| wanted.blob()) {
            if blob.content.digests().is_none() {
                progress.expect(&blob.input, blob.descriptor.size);
            }
        }
        let read = parallel::map(jobs, &work, |(key, wanted)| {
            Ok::<_, std::convert::Infallible>(read(key, wanted, programs, progress))
        });
        let Ok(read) = read;
        self.read
            .extend(work.into_iter().map(|(key, _)| key).zip(read));
    }

    /// Returns how many different blobs these are, and their bytes.
    pub fn count(&self, blobs: &[AnyBlob]) -> (usize, u64) {
        let sizes: HashMap<ReadKey, u64> = blobs
            .iter()
            .map(|wanted| (key(wanted), wanted.blob().descriptor.size))
            .collect();
        (
            sizes.len(),
            sizes
                .values()
                .fold(0, |sum, size| sum.saturating_add(*size)),
        )
    }

    /// Checks a blob that was read against its descriptor and diff ID.
    pub fn check(&self, wanted: &AnyBlob, programs: &Programs, findings: &Findings) {
        let blob = wanted.blob();
        let report = |error| findings.add_error(&error);
        match self.read.get(&key(wanted)) {
            None => {}
            Some(ReadOutcome::Read(found)) => {
                let mut is_itself = found.blob.digest == blob.descriptor.digest;
                if found.blob.digest.algorithm() != blob.descriptor.digest.algorithm() {
                    return add_not_verified(blob, findings);
                }
                if is_named_by_its_digest(wanted) {
                    blob.check(&found.blob).err().into_iter().for_each(report);
                } else {
                    // The digest was derived from the diff ID.
                    is_itself = true;
                }
                // The diff ID of wrong bytes means nothing.
                let Some(layer) = wanted.layer().filter(|_| is_itself) else {
                    return;
                };
                let diff_id = &layer.diff_id;
                if found.diff_id.0.algorithm() != diff_id.0.algorithm() {
                    return add_not_verified(blob, findings);
                }
                if let Err(error) = blob.check_diff_id(&found.diff_id, diff_id) {
                    report(error);
                } else if let Some(problem) = programs.damage(&found.diff_id) {
                    let name = blob.name.to_string();
                    let message = format!(
                        "layer {name} is not a tar archive that all readers understand in the same way: {problem}"
                    );
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
    pub fn share_digests(&self, tree: &Tree, blobs: &[AnyBlob]) {
        for wanted in blobs {
            let is_compressed =
                (wanted.layer()).is_some_and(|layer| layer.encoding != Encoding::Plain);
            let location = FileLocation::of(&wanted.blob().content).filter(|_| is_compressed);
            if let (Some(location), Some(ReadOutcome::Read(found))) =
                (location, self.read.get(&key(wanted)))
                && found.blob.digest.algorithm() == Algorithm::Sha256
            {
                tree.add_staged(location, Content::Streamed(Arc::new(found.clone())));
            }
        }
    }
}

/// Whether a document has the digest. That of an uncompressed layer in a docker-archive is derived from
/// its diff ID.
fn is_named_by_its_digest(wanted: &AnyBlob) -> bool {
    match wanted {
        AnyBlob::Blob(_) => true,
        AnyBlob::Layer(layer) => {
            matches!(layer.blob.content, Content::Generated(_))
                || layer.encoding != Encoding::Plain
                || layer.diff_id.0 != layer.blob.descriptor.digest
                || *layer.blob.name == *layer.blob.descriptor.digest.to_string()
        }
    }
}

fn add_not_verified(blob: &Blob, findings: &Findings) {
    let digest = blob.descriptor.digest.to_string();
    let message = format!("{digest} cannot be computed: the blob came through a stream");
    findings.add(Code::NotVerified, &digest, message);
}

fn key(wanted: &AnyBlob) -> ReadKey {
    let digest = &wanted.blob().descriptor.digest;
    let (encoding, diff_id) = match wanted.layer() {
        Some(layer) => (layer.encoding, layer.diff_id.0.algorithm()),
        None => (Encoding::Plain, digest.algorithm()),
    };
    let address = |pointer: *const ()| BytesAt::Address(pointer.addr());
    let bytes = match &wanted.blob().content {
        Content::Bytes(bytes) => address(bytes.as_ptr().cast()),
        Content::Generated(recipe) => address(Arc::as_ptr(recipe).cast()),
        content => match (content.digests(), FileLocation::of(content)) {
            // Layouts that link to others have the same blobs.
            (None, Some(location)) => BytesAt::File(location.canonical()),
            (Some(digests), _) => BytesAt::Streamed(digests.blob.digest.clone()),
            (None, None) => BytesAt::Streamed(digest.clone()),
        },
    };
    ReadKey {
        bytes,
        encoding,
        algorithms: Algorithms {
            blob: digest.algorithm(),
            diff_id,
        },
    }
}

fn read(key: &ReadKey, wanted: &AnyBlob, programs: &Programs, progress: &Progress) -> ReadOutcome {
    let content = &wanted.blob().content;
    // It was read when it came through the stream.
    if let Some(digests) = content.digests() {
        return ReadOutcome::Read(digests.clone());
    }
    let hash = |encoding, observer| {
        let bytes = progress.count(&wanted.blob().input, content.open()?);
        copy::hash(bytes, encoding, key.algorithms, observer)
    };
    let observer = wanted
        .layer()
        .is_some()
        .then_some(programs as &dyn LayerObserver);
    match hash(key.encoding, observer) {
        Ok(digests) => ReadOutcome::Read(digests),
        Err(error) => {
            let encoded = hash(Encoding::Plain, None);
            ReadOutcome::Undecodable(Arc::new(error), encoded.ok().map(|digests| digests.blob))
        }
    }
}
