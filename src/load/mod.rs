//! Loads an image for `inspect`, `analyze` and `diff`: reads and verifies it without writing anything.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use crate::bytes::codec::Encoding;
use crate::bytes::copy::{LayerObserver, LayerStream, OnVerified};
use crate::bytes::progress::Progress;
use crate::bytes::store::Store;
use crate::check::assertions;
use crate::error::{DocumentProblem, Error, Item, Problem};
use crate::image::blob::Content;
use crate::image::{Image, Layer};
use crate::oci::{DiffId, MAX_CONFIG, Platform};
use crate::source::callbacks::FailFast;
use crate::source::{self, Contents, Input, Wanted};
use crate::transform;
use crate::util::lock::lock;
use crate::util::parallel;

/// What to load. The fields are those of the requests of the commands.
pub struct LoadRequest<'a> {
    pub input: &'a Input,
    pub platforms: &'a [Platform],
    pub jobs: usize,
    pub progress: &'a Progress,
}

/// An image, read and verified.
pub struct Loaded {
    pub contents: Contents,
    /// The sizes of uncompressed layers, in bytes.
    sizes: HashMap<DiffId, u64>,
}

impl LoadRequest<'_> {
    /// Reads the image and shows `observer` each layer once, however many platforms have it. Without
    /// an observer, uncompressed layers are not read.
    pub fn load(&self, observer: Option<&dyn LayerObserver>) -> Result<Loaded, Error> {
        self.progress.start([self.input.name()]);
        let jobs = parallel::threads(self.jobs);
        let sizes = Sizes {
            sizes: Mutex::default(),
            observer,
        };
        let store = Store::nowhere(jobs, Some(&sizes)).counting(self.progress.clone());
        let wanted = Wanted {
            platforms: self.platforms,
            // Only the indexes of one image can contradict each other, and all of them are shown.
            decided: &Default::default(),
            callbacks: &FailFast,
        };
        let contents = source::read(self.input, wanted, &store)?;
        let mut contents = assertions::apply(contents, self.input, self.platforms)?;
        assertions::all_platforms_found(&contents, self.platforms)?;
        store.resolve(&mut contents.images)?;
        store.expect(&contents.images, false);
        let mut names = HashSet::new();
        contents.names.retain(|name| names.insert(name.clone()));

        for layer in contents.images.iter().flat_map(|image| &image.layers) {
            check_staged(layer)?;
        }

        let is_wanted = |layer: &&Layer| match (&layer.diff_id, layer.encoding) {
            (Some(diff_id), Some(encoding)) => {
                let is_compressed = encoding != Encoding::Plain;
                (observer.is_some() || is_compressed) && sizes.get(diff_id).is_none()
            }
            _ => false,
        };
        let mut seen = HashSet::new();
        let layers: Vec<&Layer> = (contents.images.iter())
            .flat_map(|image| &image.layers)
            .filter(is_wanted)
            .filter(|layer| seen.insert(&layer.diff_id))
            .collect();
        parallel::map(jobs, &layers, |layer| transform::stage(layer, &store))?;
        let sizes = std::mem::take(&mut *sizes.lock());
        Ok(Loaded { contents, sizes })
    }
}

impl Loaded {
    /// The uncompressed size of a layer in bytes; none if it is not a tar archive or not in the image.
    pub fn uncompressed(&self, layer: &Layer) -> Option<u64> {
        let diff_id = layer.diff_id.as_ref()?;
        let is_plain = layer.encoding == Some(Encoding::Plain);
        let known = self.sizes.get(diff_id).copied();
        known.or(is_plain.then_some(layer.blob.descriptor.size))
    }
}

/// Checks a layer that was read from a stream, before the config with its diff ID was known.
fn check_staged(layer: &Layer) -> Result<(), Error> {
    match (&layer.blob.content, &layer.diff_id) {
        (Content::Staged(staged), Some(diff_id))
            if staged.diff_id.0.algorithm() == diff_id.0.algorithm()
                && staged.original.0.algorithm() == layer.blob.descriptor.digest.algorithm() =>
        {
            transform::check(&layer.blob, &staged.original, &staged.diff_id, diff_id)
        }
        _ => Ok(()),
    }
}

/// Reads the whole config of an image.
pub fn config(image: &Image) -> Result<serde_json::Value, Error> {
    let bytes = image.config.bytes(MAX_CONFIG)?;
    serde_json::from_slice(&bytes).map_err(|e| {
        let problem = Problem::InvalidDocument(DocumentProblem::Json(e));
        Error::new(image.config.subject(Item::Document), problem)
    })
}

/// Records the sizes of layers, and passes the layers on to another observer.
struct Sizes<'a> {
    sizes: Mutex<HashMap<DiffId, u64>>,
    observer: Option<&'a dyn LayerObserver>,
}

impl Sizes<'_> {
    fn lock(&self) -> MutexGuard<'_, HashMap<DiffId, u64>> {
        lock(&self.sizes)
    }

    fn get(&self, diff_id: &DiffId) -> Option<u64> {
        self.lock().get(diff_id).copied()
    }
}

impl LayerObserver for Sizes<'_> {
    fn observe<'a>(&'a self, layer: &mut dyn LayerStream) -> OnVerified<'a> {
        let keep = self.observer.map(|observer| observer.observe(layer));
        Box::new(move |diff_id, size| {
            self.lock().insert(diff_id.clone(), size);
            if let Some(keep) = keep {
                keep(diff_id, size);
            }
        })
    }
}
