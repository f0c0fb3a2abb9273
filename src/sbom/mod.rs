//! `sbom`: the components of an image, by layer and platform, with the hashes of their bytes.
//!
//! ```text
//! layers ─survey→ store paths and files of each layer ─stack→ those of each platform ─components→ SbomReport
//!                    └─rebuild, where a NAR needs several layers, another order or hard links
//! ```

#![allow(missing_docs, reason = "docs/sbom.md describes the fields")]

mod budget;
mod closure;
mod components;
mod current_part;
mod cyclonedx;
mod document;
mod hashes;
mod input_file;
mod layer_record;
mod license;
mod merged;
mod metadata;
mod names;
mod nar;
mod nar_stream;
mod packages;
mod purl;
mod rebuild;
mod rebuilt;
mod references;
mod report;
mod spdx;
mod stack;
mod stacks;
mod survey;

use std::path::PathBuf;

use chrono::{DateTime, Datelike, Timelike};

use crate::bytes::progress::Progress;
use crate::error::{ClosureProblem, Code, Error, Item, Problem, Warning};
use crate::image::{Image, Layer};
use crate::load::{self, LoadRequest, Loaded};
use crate::oci::{Descriptor, Platform};
use crate::source::Input;
use budget::Budget;
use closure::Closures;
use components::{Components, Described, add_contents, add_references};
use stack::Records;
use stacks::Stacks;
use survey::{BUDGET, Survey};

pub use closure::{ClosureFile, ClosureState};
pub use metadata::PackageMetadata;
pub use nar::NarInfo;
#[doc(hidden)]
pub use packages::FileSearch;
pub use report::{
    Component, ComponentType, OtherFile, OtherFiles, Place, SbomLayer, SbomPlatform, SbomReport,
    SourcePackage, StoreObject,
};

/// The image whose components are listed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SbomRequest {
    /// The image.
    pub input: Input,
    /// The platforms to read; empty means all.
    pub platforms: Vec<Platform>,
    /// The closures that Nix has registered, which the layers must have; empty means no comparison.
    pub closures: Vec<ClosureFile>,
    /// Store paths that are left out of the comparison.
    pub unchecked: Vec<String>,
    /// Whether store paths in the layers may have other bytes than in the closure.
    pub allow_changed: bool,
    /// Files with what nixpkgs says about packages.
    pub metadata: Vec<PathBuf>,
    /// The text that files in no component are searched for, in their paths.
    pub text: Option<String>,
    /// The number of threads; 0 means one on each core.
    pub jobs: usize,
    /// Counts the bytes that are read.
    pub progress: Progress,
}

impl SbomRequest {
    /// Lists the components of all images of an input.
    pub fn new(input: Input) -> Self {
        Self {
            input,
            ..Self::default()
        }
    }
}

/// Reads and verifies an image, and lists its components.
pub fn sbom(request: &SbomRequest) -> Result<SbomReport, Error> {
    let load = LoadRequest {
        input: &request.input,
        platforms: &request.platforms,
        referrers: false,
        jobs: request.jobs,
        progress: &request.progress,
    };
    let mut warnings = Vec::new();
    let metadata = metadata::read(&request.metadata, &mut warnings)?;
    let survey = Survey::new(BUDGET);
    let loaded = load.load(Some(&survey))?;
    let within_budget = || within(&survey.budget, request);
    within_budget()?;
    let records = records(&loaded, &survey)?;
    let images = &loaded.contents.images;
    let mut stacks = Stacks::of(&records);
    // An attestation has no components, so nothing is missing without it.
    let others = loaded.contents.warnings.iter();
    let others = others.filter(|warning| warning.code != Code::AttestationLeftOut);
    warnings.extend(others.cloned());
    warnings.extend(images.iter().flat_map(unread).map(not_read));
    let completed = stacks.complete(&load, &loaded, &records, &survey.budget, &mut warnings);
    within_budget()?;
    completed?;
    let closures = Closures::read(&request.closures, images)?;
    compare(request, images, &stacks, &closures)?;
    let described = Described {
        closures: &closures,
        unchecked: &request.unchecked,
        metadata: &metadata,
    };
    let mut components = Components::of(&stacks, &described).into_sorted();
    add_references(&mut components, &stacks, &closures);
    add_contents(&mut components);
    let platforms = images.iter().zip(&stacks.images);
    let platforms = platforms
        .map(|(image, stack)| platform(image, &loaded, stack.others(request.text.as_deref())));
    let created = images.iter().filter_map(created).max();
    Ok(SbomReport {
        version: 1,
        names: loaded.contents.names.clone(),
        index: loaded
            .contents
            .indexes
            .first()
            .map(|(index, _)| index.digest.clone()),
        created: created.unwrap_or_else(|| UNKNOWN_TIME.to_owned()),
        platforms: platforms.collect(),
        components,
        warnings,
    })
}

/// Fails if the image has more than fits into memory. This error comes before others, which depend on how far each
/// thread has come.
fn within(budget: &Budget, request: &SbomRequest) -> Result<(), Error> {
    if !budget.is_exceeded() {
        return Ok(());
    }
    let problem = Problem::TooManyFiles {
        limit: budget.limit() as u64,
    };
    Err(Error::new(request.input.name(), problem))
}

/// Compares the store paths in the layers with the closures.
fn compare(
    request: &SbomRequest,
    images: &[Image],
    stacks: &Stacks,
    closures: &Closures,
) -> Result<(), Error> {
    let mut found = Vec::new();
    for (i, (image, stack)) in images.iter().zip(&stacks.images).enumerate() {
        let Some(closure) = closures.of(i) else {
            continue;
        };
        if let Some(layer) = unread(image).next() {
            let layer = layer.descriptor().digest.clone();
            let problem = Problem::Closure(ClosureProblem::NotRead { layer });
            return Err(Error::new(image.origin.clone(), problem));
        }
        let differences = closure.differences(stack, &request.unchecked, request.allow_changed);
        if !differences.is_empty() {
            found.push((image.platform.clone(), differences));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let problem = Problem::Closure(ClosureProblem::Differs { images: found });
    Err(Error::new(request.input.name(), problem))
}

/// Returns the layers of an image whose files are not known.
fn unread(image: &Image) -> impl Iterator<Item = &Layer> {
    (image.layers.iter()).filter(|layer| layer.files().is_none())
}

fn not_read(layer: &Layer) -> Warning {
    let Descriptor {
        digest, media_type, ..
    } = layer.descriptor();
    let reason = match layer {
        Layer::Absent { .. } => "it is not in the image, but at URLs".to_owned(),
        _ => format!(
            "its media type {:?} is not one of a layer with files",
            media_type.to_string()
        ),
    };
    let text = format!("the components of layer {digest} are not listed: {reason}");
    Warning::new(Code::NotSearched, layer.input(), text)
}

/// The time of an image without one in its config: the usual one of reproducible images.
const UNKNOWN_TIME: &str = "1970-01-01T00:00:01Z";

/// Returns the time in the config of an image, in whole seconds of UTC: SPDX has no fractions and zones.
fn created(image: &Image) -> Option<String> {
    let config = load::config(image).ok()?;
    let time = DateTime::parse_from_rfc3339(config["created"].as_str()?).ok()?;
    let time = time.naive_utc();
    let (date, time) = (time.date(), time.time());
    let (year, month, day) = (date.year(), date.month(), date.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

/// Returns what was found in each layer, by image.
fn records(loaded: &Loaded, survey: &Survey) -> Result<Vec<Records>, Error> {
    let of = |layer: &Layer| {
        let Some(layer) = layer.files() else {
            return Ok(None);
        };
        let found = survey.layer(&layer.diff_id);
        found.map_err(|e| Error::unreadable(layer.blob.subject(Item::Layer))(e.into()))
    };
    let images = loaded.contents.images.iter();
    images
        .map(|image| image.layers.iter().map(of).collect())
        .collect()
}

fn platform(image: &Image, loaded: &Loaded, others: OtherFiles) -> SbomPlatform {
    let has_manifest = loaded.contents.has_manifests;
    SbomPlatform {
        platform: image.platform.to_string(),
        os: image.platform.os.to_string(),
        architecture: image.platform.architecture.to_string(),
        manifest: has_manifest.then(|| image.descriptor.digest.clone()),
        image_id: image.config.descriptor.digest.clone(),
        layers: (image.layers.iter())
            .map(|layer| SbomLayer {
                digest: layer.descriptor().digest.clone(),
                diff_id: layer.diff_id().cloned(),
                size: layer.descriptor().size,
            })
            .collect(),
        others,
    }
}
