//! `merge`: the pipeline from a request to a written image index. Each step has its own module.

mod arrange;
mod attest;
mod companions;
mod docker_manifest;
mod index;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::bytes::codec::Encoder;
use crate::bytes::progress::Progress;
use crate::bytes::{LayerObserver, Observers, Staging};
use crate::check::image_facts::ImageFacts;
use crate::check::programs::Programs;
use crate::check::{CheckLevel, assertions, consistency};
use crate::error::{Error, Problem, Subject, Warning, is_mistyped};
use crate::image::{self, Image};
use crate::oci::{Descriptor, ImageName, Platform};
use crate::records::{self, Reusable};
use crate::sink::{self, AtomicOutput, WriteOptions};
use crate::source::callbacks::FailFast;
use crate::source::{self, Input, Stager};
use crate::transform;
use crate::util::{parallel, text};
use companions::{Companions, Described};

pub use crate::bytes::codec::{Compression, Level};
pub use crate::image::annotations::Annotations;
pub use crate::sink::Format;
pub use attest::{Attest, AttestForms, AttestedFile};
pub use companions::Referrers;

/// What to merge, and into what.
///
/// ```
/// use polyarch::{Input, MergeRequest};
///
/// let mut request = MergeRequest::new(["amd64.tar", "arm64.tar"].map(Input::new), "merged.tar");
/// request.output.format = polyarch::merge::Format::Archive;
/// request.output.force = true;
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MergeRequest {
    /// The images; their order does not matter.
    pub inputs: Vec<Input>,
    /// The platforms to take; empty means all.
    pub platforms: Vec<Platform>,
    /// Where and how the merged image is written.
    pub output: Output,
    /// How layers are compressed.
    pub compression: Compression,
    /// What is checked, and how strictly.
    pub checks: Checks,
    /// The name of the merged image.
    pub name: Option<ImageName>,
    /// Annotations to add.
    pub annotations: Annotations,
    /// Whether a `manifest.json` is added; it needs a name.
    pub docker_manifest: DockerManifest,
    /// Whether signatures, SBOMs and other artifacts beside the images are kept. [`Referrers::Keep`] is
    /// for [`Format::Layout`].
    pub referrers: Referrers,
    /// SBOMs and in-toto statements to attach to the images.
    pub attest: Attest,
    /// Image layouts of earlier merges with [`Output::layer_records`]: layers that are made of the same
    /// store paths, or have the same diff ID, are taken from there instead of being compressed again. The
    /// output does not depend on them.
    pub reuse: Vec<PathBuf>,
    /// The number of threads; 0 means one on each core.
    pub jobs: usize,
    /// Counts the bytes that are read of each input.
    pub progress: Progress,
}

/// Where and how a merged image is written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Output {
    /// The directory or the file; `-` is standard output, for [`Format::Archive`].
    pub path: PathBuf,
    /// What is written there.
    pub format: Format,
    /// Whether an image at the path is replaced.
    pub force: bool,
    /// Whether the blobs of image layout directories become links to them; for [`Format::Layout`].
    pub link: bool,
    /// Whether the layout gets a file `polyarch-layers.json`, which records its layers for
    /// [`MergeRequest::reuse`]; for [`Format::Layout`].
    pub layer_records: bool,
    /// Whether the output is synced to the disk before it gets its name (default: true).
    pub sync: bool,
}

/// The checks of a merge.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Checks {
    /// Whether the program that an image starts must be built for its platform (default: error).
    pub platform: CheckLevel,
    /// Whether the configs of the images must agree (default: off).
    pub consistency: CheckLevel,
    /// Whether the diff IDs of compressed layers that are only copied are trusted, so that the layers
    /// are not decompressed (default: false).
    pub trust_diff_ids: bool,
}

/// A `manifest.json` for Docker's classic image store, which does not read image indexes. It names
/// every image with a separate tag, and one of them with the tag of the merged image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DockerManifest {
    /// None is written.
    #[default]
    None,
    /// The tag means the first image of the index.
    First,
    /// The tag means the image for this platform.
    For(Platform),
}

/// A merged image. Its JSON is the descriptor, and the warnings as a further field.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MergeReport {
    /// The descriptor of the image index.
    #[serde(flatten)]
    pub descriptor: Descriptor,
    /// The images, in the order of the index.
    #[serde(skip)]
    pub images: Vec<MergedImage>,
    /// The number of referrers beside the image.
    #[serde(skip)]
    pub referrers: usize,
    /// The bytes of the output: of all its blobs, or of the archive.
    #[serde(skip)]
    pub size: u64,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// One of the images that were merged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MergedImage {
    /// The platform in the index.
    pub platform: Platform,
    /// The input, and the image in it.
    pub origin: String,
    /// The number of layers.
    pub layers: usize,
    /// The bytes of the layers in the output.
    pub size: u64,
}

impl MergeRequest {
    /// Merges all images of `inputs` into `output`, an image layout directory; everything else is
    /// the default.
    pub fn new(inputs: impl IntoIterator<Item = Input>, output: impl Into<PathBuf>) -> Self {
        Self {
            inputs: inputs.into_iter().collect(),
            output: Output {
                path: output.into(),
                ..Output::default()
            },
            ..Self::default()
        }
    }
}

impl Output {
    /// Whether the output is written to standard output.
    pub fn is_stdout(&self) -> bool {
        self.path == Path::new("-")
    }
}

impl Default for Output {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            format: Format::Layout,
            force: false,
            link: false,
            layer_records: false,
            sync: true,
        }
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            platform: CheckLevel::Error,
            consistency: CheckLevel::Off,
            trust_diff_ids: false,
        }
    }
}

/// Merges images into one image index and writes it, all or nothing.
pub fn merge(request: &MergeRequest) -> Result<MergeReport, Error> {
    let MergeRequest { inputs, output, .. } = request;
    request.progress.start(inputs.iter().map(Input::name));
    let files = inputs.iter().filter(|input| !input.is_stdin());
    let mut paths: Vec<&Path> = files.map(|input| input.path.as_path()).collect();
    check_order(&paths, output)?;
    paths.extend(request.reuse.iter().map(PathBuf::as_path));
    paths.extend(request.attest.files.iter().map(|file| &*file.path));
    let output = match output.is_stdout() {
        true => AtomicOutput::stdout()?,
        false => AtomicOutput::new(&output.path, output.force, &paths)?,
    };
    let written = write(request, &output).and_then(|mut report| {
        output.finish(request.output.sync, &mut report.warnings)?;
        Ok(report)
    });
    written.map_err(|error| output.name_in(error))
}

/// Fails if the first input does not exist and the output is an image: their order was mistaken. Without this,
/// the error about the output would suggest to delete an input. An earlier run has written the output that
/// `--force` replaces, so the order is correct there. A mistyped platform is reported as such.
fn check_order(inputs: &[&Path], output: &Output) -> Result<(), Error> {
    let missing = inputs.iter().position(|input| !input.exists());
    let Some(missing) = missing.filter(|_| sink::is_image(&output.path)) else {
        return Ok(());
    };
    let path = inputs[missing];
    let before_colon = source::before_colon(path);
    let problem = if is_mistyped(path, before_colon.as_deref()) {
        Problem::NotFound {
            select: None,
            before_colon,
        }
    } else if missing == 0 && !output.force {
        let others = inputs[1..].iter();
        Problem::Swapped {
            output: output.path.clone(),
            others: others.map(|input| input.display().to_string()).collect(),
        }
    } else {
        return Ok(());
    };
    Err(Error::new(path, problem))
}

/// Writes the output, before it is renamed to its destination.
fn write(request: &MergeRequest, output: &AtomicOutput) -> Result<MergeReport, Error> {
    let checks = &request.checks;
    let jobs = parallel::threads(request.jobs);
    let programs = Programs::default();
    let observer: Option<&dyn LayerObserver> = match checks.platform {
        CheckLevel::Off => None,
        _ => Some(&programs),
    };
    let observers = Observers {
        layers: observer,
        progress: &request.progress,
    };
    let encoder = Encoder::new(jobs, request.compression);
    let staging = Staging::new(output.staging(), encoder);
    let attested = attest::read(&request.attest)?;
    let reusable = Reusable::load(&request.reuse, request.compression, observer)?;
    let stager = Stager::new(Some(&staging), observers, jobs).reusing(&reusable);

    let wanted = source::Wanted {
        platforms: &request.platforms,
        decided: &request.annotations.index,
        callbacks: &FailFast,
        referrers: request.referrers == Referrers::Keep,
    };
    let contents = parallel::map(jobs, &request.inputs, |input| {
        let contents = source::read(input, wanted, &stager)?;
        assertions::apply(contents, input, &request.platforms)
    })?;
    let mut contents = source::unite(contents, &request.annotations.index)?;
    let whole = match &request.inputs[..] {
        [input] => input.name().into(),
        _ => Subject::ALL,
    };
    assertions::all_platforms_found(&contents, &request.platforms, whole)?;
    let annotations = &request.annotations;
    contents
        .metadata
        .set_annotations(&annotations.index, &annotations.index_descriptor);

    stager.resolve(&mut contents.images)?;
    for companion in &mut contents.companions {
        let images = companion.image.as_deref_mut();
        stager.resolve(images.map_or(&mut [], std::slice::from_mut))?;
    }
    let indexes = contents.indexes.into_iter().map(|(index, _)| index);
    let indexes: Vec<Descriptor> = indexes.collect();
    let (images, mut warnings) = (contents.images, contents.warnings);
    let images = arrange::arrange(images, request.compression, &mut warnings)?;
    attest::check_platforms(&attested, &images)?;
    let described = Described::of(&images, &indexes);
    image::expect_layers(&images, request.output.link, observers.progress);
    let images = images.into_iter().map(transform::to_oci).collect();
    let images = transform::compress(images, &staging, observers, &reusable, jobs)?;
    let images = transform::annotate(
        images,
        &annotations.manifest,
        &annotations.manifest_descriptor,
    );
    let images = transform::mark_zstd(images);
    let mut images = transform::drop_stale_attestations(images, &mut warnings);
    let attached = attest::attach(&attested, request.attest.forms, &mut images)?;
    transform::warn_of_losses(&images, &mut warnings);
    let summaries = images.iter().map(MergedImage::of).collect();
    let subjects = images.iter().map(ImageFacts::of);
    let subjects: Vec<_> = subjects.collect::<Result<_, Error>>()?;

    consistency::check(&subjects, checks.consistency, &mut warnings)?;

    let plain = match &request.docker_manifest {
        DockerManifest::None => None,
        DockerManifest::First => Some(None),
        DockerManifest::For(platform) => Some(Some(platform)),
    };
    let docker = match (&request.name, plain) {
        (Some(name), Some(plain)) => Some(docker_manifest::docker_manifest(
            &images,
            name,
            plain,
            &mut warnings,
        )?),
        _ => None,
    };
    let records = request
        .output
        .layer_records
        .then(|| records::write(&images, request.compression, &stager.into_keys(), observer));
    let mut companions = Companions::new(contents.companions, described, &images);
    let entries = companions.take_entries();
    let name = request.name.as_ref();
    let mut merged = index::build(images, entries, contents.metadata, name)?;
    let mut referrers = attached;
    if request.referrers == Referrers::Keep {
        referrers.extend(companions.take_referrers(&merged.descriptor.digest));
    }
    let referrers = index::add_referrers(&mut merged, referrers);
    companions.warn(request.referrers, &mut warnings);
    merged.docker_manifest = docker;
    merged.layer_records = records;
    if checks.trust_diff_ids {
        merged.trust_diff_ids();
    }
    let options = WriteOptions {
        format: request.output.format,
        link: request.output.link,
        jobs,
    };
    sink::write(&merged, options, observers, output)?;
    // All layers were read.
    programs.check(&subjects, checks.platform, &mut warnings)?;
    let size = match request.output.format {
        Format::Layout => text::sum((merged.blobs.iter()).map(|blob| blob.blob().descriptor.size)),
        Format::Archive => {
            let written = output.path().metadata();
            written.map_err(Error::io("read", &output.path()))?.len()
        }
    };
    Ok(MergeReport {
        descriptor: merged.descriptor,
        images: summaries,
        referrers,
        size,
        warnings,
    })
}

impl MergedImage {
    fn of(image: &Image) -> Self {
        Self {
            platform: image.platform.clone(),
            origin: image.origin.to_string(),
            layers: image.layers.len(),
            size: text::sum(image.layers.iter().map(|layer| layer.descriptor().size)),
        }
    }
}
