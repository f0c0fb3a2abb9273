//! `merge`: the pipeline from a request to a written image index. Each step is a room of its own.

mod arrange;
mod docker_manifest;
pub mod index;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bytes::codec::{Compression, Encoder};
use crate::bytes::progress::Progress;
use crate::bytes::{LayerObserver, Observers, Staging};
use crate::check::consistency::{self, Consistency};
use crate::check::image_facts::ImageFacts;
use crate::check::{assertions, programs};
use crate::error::{Error, Warning};
use crate::image::{self, Image};
use crate::oci::{Descriptor, ImageName, Platform};
use crate::sink::{self, AtomicOutput, Format, WriteOptions};
use crate::source::callbacks::FailFast;
use crate::source::{self, Input, Stager};
use crate::transform;
use crate::util::{parallel, text};

/// What `polyarch merge` is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The images; their order does not matter.
    pub inputs: Vec<Input>,
    /// The platforms to take; none means all.
    pub platforms: Vec<Platform>,
    /// Where the merged image goes.
    pub output: PathBuf,
    /// What it becomes.
    pub format: Format,
    /// Whether an output that is there is replaced.
    pub force: bool,
    /// Whether blobs of layout directories become links to them.
    pub link: bool,
    /// Whether compressed layers that are only copied are held against their digests alone.
    pub trust_diff_ids: bool,
    /// How layers are encoded.
    pub compression: Compression,
    /// The name of the merged image.
    pub name: Option<ImageName>,
    /// Annotations to add.
    pub annotations: Annotations,
    /// Whether a `manifest.json` for Docker's classic store is added, and for which platform it has
    /// the plain tag.
    pub docker_manifest: Option<Option<Platform>>,
    /// Whether programs must be for the platform of their image.
    pub platform_check: programs::Check,
    /// Whether the configs of the images must say the same.
    pub consistency: Consistency,
    /// Whether the output is brought to the disk before it gets its name.
    pub sync: bool,
    /// How many threads work.
    pub jobs: usize,
    /// Who counts what is read of the inputs.
    pub progress: Progress,
}

/// Annotations by what they are said of; they overrule what is there.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    /// The image index.
    pub index: BTreeMap<String, String>,
    /// Every image manifest.
    pub manifest: BTreeMap<String, String>,
    /// Every descriptor of an image manifest in the index.
    pub manifest_descriptor: BTreeMap<String, String>,
    /// The descriptor of the index in `index.json`.
    pub index_descriptor: BTreeMap<String, String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The descriptor of the image index.
    pub descriptor: Descriptor,
    /// What was merged, in the order of the index.
    pub images: Vec<Summary>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// One of the images that were merged.
#[derive(Debug)]
pub struct Summary {
    /// What it runs on.
    pub platform: Platform,
    /// Where it came from.
    pub origin: String,
    /// The number of its layers.
    pub layers: usize,
    /// The bytes of its layers, as they are in the output.
    pub size: u64,
}

/// Merges images.
pub fn merge(request: &Request) -> Result<Outcome, Error> {
    let files = request.inputs.iter().filter(|input| !input.is_stdin());
    let paths: Vec<&Path> = files.map(|input| input.path.as_path()).collect();
    let output = AtomicOutput::new(&request.output, request.force, &paths)?;
    let written = write(request, &output).and_then(|mut outcome| {
        output.finish(request.sync, &mut outcome.warnings)?;
        Ok(outcome)
    });
    written.map_err(|error| output.name_in(error))
}

/// Writes the output, before it is renamed to its destination.
fn write(request: &Request, output: &AtomicOutput) -> Result<Outcome, Error> {
    let programs = programs::Programs::default();
    let observer: Option<&dyn LayerObserver> = match request.platform_check {
        programs::Check::Off => None,
        _ => Some(&programs),
    };
    let observers = Observers {
        layers: observer,
        progress: &request.progress,
    };
    let encoder = Encoder::new(request.jobs, request.compression);
    let staging = Staging::new(output.staging(), encoder);
    let stager = Stager::new(Some(&staging), observers);

    let wanted = source::Wanted {
        platforms: &request.platforms,
        decided: &request.annotations.index,
        callbacks: &FailFast,
    };
    let contents = parallel::map(request.jobs, &request.inputs, |input| {
        let contents = source::read(input, wanted, &stager)?;
        assertions::apply(contents, input, &request.platforms)
    })?;
    let mut contents = source::unite(contents, &request.annotations.index)?;
    assertions::all_platforms_found(&contents, &request.platforms)?;
    let annotations = &request.annotations;
    contents
        .metadata
        .set_annotations(&annotations.index, &annotations.index_descriptor);

    stager.resolve(&mut contents.images)?;
    let (images, mut warnings) = (contents.images, contents.warnings);
    let images = arrange::arrange(images, &mut warnings)?;
    image::expect_layers(&images, request.link, observers.progress);
    let images = images.into_iter().map(transform::to_oci).collect();
    let images = transform::compress(images, &staging, observers, request.jobs)?;
    let images = transform::annotate(
        images,
        &annotations.manifest,
        &annotations.manifest_descriptor,
    );
    let images = transform::drop_stale_attestations(images, &mut warnings);
    let summaries = images.iter().map(Summary::of).collect();
    let subjects = images.iter().map(ImageFacts::of);
    let subjects: Vec<_> = subjects.collect::<Result<_, Error>>()?;

    consistency::check(&subjects, request.consistency, &mut warnings)?;

    let docker = match (&request.name, &request.docker_manifest) {
        (Some(name), Some(plain)) => {
            let plain = plain.as_ref();
            Some(docker_manifest::docker_manifest(
                &images,
                name,
                plain,
                &mut warnings,
            )?)
        }
        _ => None,
    };
    let mut merged = index::build(images, contents.metadata, request.name.as_ref())?;
    merged.docker_manifest = docker;
    if request.trust_diff_ids {
        merged.trust_diff_ids();
    }
    let options = WriteOptions {
        format: request.format,
        link: request.link,
        jobs: request.jobs,
    };
    sink::write(&merged, options, observers, output)?;
    // All layers were read.
    programs.check(&subjects, request.platform_check, &mut warnings)?;
    Ok(Outcome {
        descriptor: merged.descriptor,
        images: summaries,
        warnings,
    })
}

impl Summary {
    fn of(image: &Image) -> Self {
        Self {
            platform: image.platform.clone(),
            origin: image.origin.to_string(),
            layers: image.layers.len(),
            size: text::sum(image.layers.iter().map(|layer| layer.descriptor().size)),
        }
    }
}
