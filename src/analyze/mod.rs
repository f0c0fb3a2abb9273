//! `analyze`: where the bytes of an image go, which of them are not needed, and which its platforms share.
//!
//! `docs/json.md` describes the fields of the report.

#![allow(missing_docs, reason = "docs/json.md describes the fields")]

mod category;
mod content;
mod groups;
mod layer_files;
pub(crate) mod names;
mod overlay;
mod paths;
mod report;
mod sharing;
mod survey;
mod surveyed;
mod symbols;
mod waste;

use serde::Serialize;

use crate::bytes::progress::Progress;
use crate::error::{Error, Warning};
use crate::load::{self, LoadRequest, Loaded};
use crate::oci::Platform;
use crate::source::Input;
use crate::util::text::sum;
use survey::{BUDGET, Survey};
use surveyed::SurveyedImages;

pub(crate) use names::{package, store_name};
pub use report::{LayerAnalysis, Package, PathAnalysis, PathLayer, PlatformAnalysis};
pub use sharing::{
    LayerBlob, NamedPath, PlatformSharing, SameName, Saving, SharedLayer, SharedPath,
};
pub use waste::{Waste, WasteItem};

/// What to analyze.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnalyzeRequest {
    /// The image.
    pub input: Input,
    /// The platforms to read; empty means all.
    pub platforms: Vec<Platform>,
    /// The number of items that are listed of each kind of waste (default: 1000).
    pub top: usize,
    /// The number of threads; 0 means one on each core.
    pub jobs: usize,
    /// Counts the bytes that are read.
    pub progress: Progress,
}

/// Where the bytes of an image go.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AnalyzeReport {
    /// The version of the fields.
    pub version: u32,
    pub image: String,
    pub names: Vec<String>,
    pub platforms: Vec<PlatformAnalysis>,
    pub sharing: PlatformSharing,
    pub waste: Vec<Waste>,
    pub warnings: Vec<Warning>,
}

impl AnalyzeRequest {
    /// Analyzes all images of an input.
    pub fn new(input: Input) -> Self {
        Self {
            input,
            ..Self::default()
        }
    }
}

impl Default for AnalyzeRequest {
    fn default() -> Self {
        Self {
            input: Input::default(),
            platforms: Vec::new(),
            top: 1000,
            jobs: 0,
            progress: Progress::default(),
        }
    }
}

/// Reads and verifies an image, and reports where its bytes go.
pub fn analyze(request: &AnalyzeRequest) -> Result<AnalyzeReport, Error> {
    let load = LoadRequest {
        input: &request.input,
        platforms: &request.platforms,
        referrers: false,
        jobs: request.jobs,
        progress: &request.progress,
    };
    let top = request.top;
    let found = SurveyedImages::read(&load, Survey::new(BUDGET))?;
    let images = 0..found.loaded.contents.images.len();
    let (platforms, is_less): (Vec<_>, Vec<bool>) =
        images.map(|image| platform(image, &found, top)).unzip();
    let warnings = found.warnings(is_less.contains(&true));
    // The comparison of platforms takes memory as well.
    let contents = found.into_loaded().contents;
    let sharing = PlatformSharing::of(&contents.images, &platforms);
    Ok(AnalyzeReport {
        version: 1,
        image: request.input.name().to_string(),
        names: contents.names,
        waste: waste::between_platforms(&sharing, top),
        platforms,
        sharing,
        warnings,
    })
}

/// The store paths and directories of the images of an input, for `diff`.
pub(crate) struct Groups {
    pub(crate) loaded: Loaded,
    /// By image.
    pub(crate) paths: Vec<Vec<PathAnalysis>>,
    pub(crate) warnings: Vec<Warning>,
}

impl Groups {
    /// Reads one of two images, which takes half of the memory budget.
    pub(crate) fn of(request: &LoadRequest<'_>) -> Result<Self, Error> {
        let found = SurveyedImages::read(request, Survey::of_groups(BUDGET / 2))?;
        let images = 0..found.loaded.contents.images.len();
        let (paths, is_less): (_, Vec<bool>) = images.map(|image| found.groups(image)).unzip();
        Ok(Self {
            warnings: found.warnings(is_less.contains(&true)),
            loaded: found.loaded,
            paths,
        })
    }
}

/// Returns the analysis of the image at a position, and whether some of its paths did not fit into memory.
fn platform(place: usize, found: &SurveyedImages, top: usize) -> (PlatformAnalysis, bool) {
    let loaded = &found.loaded;
    let image = &loaded.contents.images[place];
    // An artifact has no config of an image.
    let history = load::config(image).map(|config| load::layer_history(&config));
    let mut history = history.unwrap_or_default().into_iter();
    let layers: Vec<LayerAnalysis> = (image.layers.iter().zip(found.layers(place)))
        .map(|(layer, files)| LayerAnalysis {
            digest: layer.descriptor().digest.clone(),
            diff_id: layer.diff_id().cloned(),
            size: layer.descriptor().size,
            uncompressed: loaded.uncompressed(layer),
            files: files.as_ref().map_or(0, |files| files.count),
            file_size: files.as_ref().map_or(0, |files| files.size),
            history: history.next(),
        })
        .collect();
    let once = found.layers_once(place);
    let (paths, is_less) = found.groups(place);
    let is_nix = paths.iter().any(|path| names::is_in_store(&path.path));
    let (waste, avoidable) = waste::find(&once, &found.paths, is_nix, top);
    let file_size = sum(once.iter().map(|(_, files)| files.size));
    let platform = PlatformAnalysis {
        platform: image.platform.to_string(),
        size: sum(layers.iter().map(|layer| layer.size)),
        uncompressed: sum(layers.iter().filter_map(|layer| layer.uncompressed)),
        files: once.iter().map(|(_, files)| files.count).sum(),
        file_size,
        avoidable,
        score: score(avoidable, file_size),
        layers,
        packages: groups::packages(&paths),
        paths,
        waste,
    };
    (platform, is_less)
}

/// Returns how many percent of the bytes an image needs, rounded down.
fn score(avoidable: u64, file_size: u64) -> u64 {
    let needed = u128::from(file_size.saturating_sub(avoidable));
    match file_size {
        0 => 100,
        // At most 100.
        _ => u64::try_from(needed * 100 / u128::from(file_size)).unwrap_or(100),
    }
}
