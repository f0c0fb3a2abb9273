//! Loads an image for `inspect`, `analyze` and `diff`: reads and verifies it without writing anything.

mod found;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use crate::bytes::codec::Encoding;
use crate::bytes::progress::Progress;
use crate::bytes::{LayerObserver, LayerStream, Observers, OnVerified};
use crate::check::assertions;
use crate::error::{DocumentProblem, Error, Item, Problem};
use crate::image::{self, Content, FileLayer, Image, Layer};
use crate::oci::{DiffId, MAX_CONFIG, Platform};
use crate::source::callbacks::FailFast;
use crate::source::{self, Contents, Input, Stager, Wanted};
use crate::util::lock::lock;
use crate::util::parallel;

pub use found::FoundInLayers;

/// What to load. The fields are those of the requests of the commands.
pub struct LoadRequest<'a> {
    pub input: &'a Input,
    pub platforms: &'a [Platform],
    /// Whether artifacts beside the image are read.
    pub referrers: bool,
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
        let observers = Observers {
            layers: Some(&sizes),
            progress: self.progress,
        };
        let stager = Stager::new(None, observers, jobs);
        let wanted = Wanted {
            platforms: self.platforms,
            // Only the indexes of one image can contradict each other, and all of them are shown.
            decided: &Default::default(),
            callbacks: &FailFast,
            referrers: self.referrers,
        };
        let contents = source::read(self.input, wanted, &stager)?;
        let mut contents = assertions::apply(contents, self.input, self.platforms)?;
        let name = self.input.name().into();
        assertions::all_platforms_found(&contents, self.platforms, name)?;
        stager.resolve(&mut contents.images)?;
        image::expect_layers(&contents.images, false, self.progress);
        let mut names = HashSet::new();
        contents.names.retain(|name| names.insert(name.clone()));

        let layers = contents.images.iter().flat_map(Image::file_layers);
        for verified in layers.clone().filter_map(FileLayer::verify_hashed) {
            verified?;
        }

        let is_wanted = |layer: &&FileLayer| {
            let is_compressed = layer.encoding != Encoding::Plain;
            (observer.is_some() || is_compressed) && sizes.get(&layer.diff_id).is_none()
        };
        let layers = each_once(layers.filter(is_wanted));
        parallel::map(jobs, &layers, |layer| layer.open(observers)?.read())?;
        let sizes = std::mem::take(&mut *sizes.lock());
        Ok(Loaded { contents, sizes })
    }

    /// Shows `observer` the `wanted` layers of an image that was loaded before, each once. Returns `false` if they came through a
    /// pipe, and are gone.
    pub fn load_again(
        &self,
        loaded: &Loaded,
        wanted: &HashSet<DiffId>,
        observer: &dyn LayerObserver,
    ) -> Result<bool, Error> {
        let layers = loaded.contents.images.iter().flat_map(Image::file_layers);
        let layers = each_once(layers.filter(|layer| wanted.contains(&layer.diff_id)));
        let is_kept = |layer: &&FileLayer| !matches!(layer.blob.content, Content::Streamed(_));
        if !layers.iter().all(is_kept) {
            // A compressed archive is read as a whole.
            return match self.input.path.is_file() {
                true => self.load(Some(observer)).map(|_| true),
                false => Ok(false),
            };
        }
        let observers = Observers {
            layers: Some(observer),
            progress: self.progress,
        };
        for layer in &layers {
            self.progress
                .expect(&layer.blob.input, layer.blob.descriptor.size);
        }
        let jobs = parallel::threads(self.jobs);
        parallel::map(jobs, &layers, |layer| layer.open(observers)?.read())?;
        Ok(true)
    }
}

/// Returns the first of the layers with each diff ID.
fn each_once<'a>(layers: impl Iterator<Item = &'a FileLayer>) -> Vec<&'a FileLayer> {
    let mut seen = HashSet::new();
    layers.filter(|layer| seen.insert(&layer.diff_id)).collect()
}

impl Loaded {
    /// The uncompressed size of a layer in bytes; none if it is not a tar archive or not in the image.
    pub fn uncompressed(&self, layer: &Layer) -> Option<u64> {
        let layer = layer.files()?;
        let known = self.sizes.get(&layer.diff_id).copied();
        known.or((layer.encoding == Encoding::Plain).then_some(layer.blob.descriptor.size))
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

/// Returns the entries of the history in a config that belong to layers, in their order.
pub fn layer_history(config: &serde_json::Value) -> Vec<serde_json::Value> {
    let is_empty = |entry: &&serde_json::Value| entry["empty_layer"].as_bool() == Some(true);
    let history = config["history"].as_array().into_iter().flatten();
    history.filter(|entry| !is_empty(entry)).cloned().collect()
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
