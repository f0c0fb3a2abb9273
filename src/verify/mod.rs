//! `verify`: reads every byte of images and reports all problems.
//!
//! ```text
//! inputs ─source→ documents, checked as they are read ─blobs→ each blob hashed once ─→ VerifyReport
//! ```
//!
//! The rules of a merge are those of its readers, which report to a `collector` here; `documents`
//! and `archive` have further rules, for what only other consumers refuse. [`RULES`] lists all.

mod archive;
mod attached;
mod blobs;
mod collector;
mod configs;
mod documents;
mod finding;
mod findings;
mod names;

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

use serde::Serialize;

pub use crate::error::{LAYER_RULES, LayerRule, RULES, Rule, Severity};
pub use finding::Finding;

use crate::bytes::Observers;
use crate::bytes::progress::Progress;
use crate::check::image_facts::ImageFacts;
use crate::check::programs::{Programs, unpacking};
use crate::check::{CheckLevel, assertions};
use crate::error::{Code, Error, Problem, Subject, Warning};
use crate::image::Image;
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE};
use crate::source::{self, Contents, Input, Opened, Select, Stager, Wanted};
use crate::util::parallel;
use blobs::Blobs;
use collector::Collector;
use findings::Findings;

/// What to verify.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifyRequest {
    /// The images.
    pub inputs: Vec<Input>,
    /// Whether the program that an image starts must be built for its platform (default: error).
    pub platform_check: CheckLevel,
    /// The number of threads; 0 means one on each core.
    pub jobs: usize,
    /// Counts the bytes that are read of each input.
    pub progress: Progress,
}

/// The problems of all inputs. `docs/verify.md` describes the fields.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The version of the fields.
    pub version: u32,
    /// The inputs, in the order of the request.
    pub inputs: Vec<VerifiedInput>,
    /// The findings of each input in this order, errors first.
    pub findings: Vec<Finding>,
    /// The number of errors.
    pub errors: usize,
    /// The number of warnings.
    pub warnings: usize,
    /// The number of notes.
    pub notes: usize,
}

/// An input that was verified.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct VerifiedInput {
    /// The input with its platform and selector, as findings name it.
    pub input: String,
    /// The format, such as `oci-archive`; none if the input cannot be read.
    pub format: Option<&'static str>,
    /// The images in it.
    pub images: Vec<VerifiedImage>,
    /// The number of layers and other blobs that were read, each once, without manifests and configs.
    pub blobs: usize,
    /// The bytes of these blobs.
    pub bytes: u64,
}

/// An image in an input.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct VerifiedImage {
    /// The platform.
    pub platform: String,
    /// The digest of the manifest; none if the format has no manifests.
    pub digest: Option<String>,
    /// The digest of the config: the image ID.
    pub config: String,
    /// The number of layers.
    pub layers: usize,
}

impl VerifyRequest {
    /// Verifies inputs with the default checks.
    pub fn new(inputs: impl IntoIterator<Item = Input>) -> Self {
        Self {
            inputs: inputs.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Default for VerifyRequest {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            platform_check: CheckLevel::Error,
            jobs: 0,
            progress: Progress::default(),
        }
    }
}

/// Verifies images. Problems of every kind, also inputs that cannot be read, are findings of the report.
pub fn verify(request: &VerifyRequest) -> VerifyReport {
    let jobs = parallel::threads(request.jobs);
    request
        .progress
        .start(request.inputs.iter().map(Input::name));
    let inputs: Vec<&Input> = request.inputs.iter().collect();
    let programs = Programs::default();
    let observers = Observers {
        layers: Some(&programs),
        progress: &request.progress,
    };
    let stager = Stager::new(None, observers, jobs);
    let Ok(mut reads) = parallel::map(jobs, &inputs, |input| {
        Ok::<_, Infallible>(InputCheck::start(input, &stager))
    });

    let mut blobs = Blobs::default();
    blobs.read_all(&reads, &programs, &request.progress, jobs);
    // Verify the manifest.json of a layout too, for consumers that read docker-archives only. Its
    // layers are known by now.
    for read in &mut reads {
        read.as_docker_archive(&blobs, &stager);
    }
    blobs.read_all(&reads, &programs, &request.progress, jobs);

    let mut report = VerifyReport {
        version: 1,
        inputs: Vec::new(),
        findings: Vec::new(),
        errors: 0,
        warnings: 0,
        notes: 0,
    };
    for read in reads {
        read.finish(&blobs, &programs, request.platform_check, &mut report);
    }
    report
}

/// An input while it is verified.
struct InputCheck<'a> {
    input: &'a Input,
    name: String,
    collector: Collector,
    opened: Option<Opened>,
    contents: Contents,
    /// The number of blobs that its own format names, before those of a docker-archive in it.
    own: usize,
}

impl<'a> InputCheck<'a> {
    /// Reads the documents, and the whole of a stream.
    fn start(input: &'a Input, stager: &Stager<'_>) -> Self {
        let path = input.name();
        let platform = input
            .platform
            .as_ref()
            .map(|platform| format!("{platform}="));
        let name = format!("{}{path}{}", platform.unwrap_or_default(), input.select);
        let mut read = Self {
            input,
            collector: Collector::new(name.clone()),
            name,
            opened: None,
            contents: Contents::default(),
            own: 0,
        };
        if let Err(error) = read.read(stager) {
            read.collector.add_unreadable(&error);
        }
        read.own = read.collector.collected().blobs.len();
        read
    }

    fn read(&mut self, stager: &Stager<'_>) -> Result<(), Error> {
        let opened = source::open(self.input, &self.collector, stager)?;
        let opened = self.opened.insert(opened);
        self.contents = opened.read(self.input, wanted(&self.collector), stager)?;
        if let Some(asserted) = &self.input.platform {
            let subject = Subject::from(self.input.name());
            assertions::apply_platform(&mut self.contents, asserted, &subject)?;
        }
        Ok(())
    }

    fn as_docker_archive(&mut self, blobs: &Blobs, stager: &Stager<'_>) {
        let Some(opened) = &self.opened else { return };
        // A name in one format does not select an image in the other.
        if self.input.select != Select::All {
            return;
        }
        if let Opened::Tree(tree) = opened {
            blobs.share_digests(tree, &self.collector.collected().blobs);
        }
        let input = Input::new(self.input.path.clone());
        let wanted = Wanted {
            platforms: self.input.platform.as_slice(),
            ..wanted(&self.collector)
        };
        match opened.read_as_docker_archive(&input, wanted, stager) {
            Ok(Some(found)) if !self.collector.collected().is_incomplete => self.compare(&found),
            Ok(_) => {}
            Err(error) => self.collector.add_unreadable(&error),
        }
    }

    /// Reports the images of `manifest.json` that are not in `index.json`.
    fn compare(&self, found: &Contents) {
        let config = |image: &Image| image.config.descriptor.digest.clone();
        let known: HashSet<_> = self.contents.images.iter().map(config).collect();
        for image in &found.images {
            if !known.contains(&config(image)) {
                let name = match image.origin.item.id() {
                    id if id.is_empty() => image.config.name.to_string(),
                    id => id,
                };
                let message = format!(
                    "{DOCKER_FILE} has the image {name} for {}, which {INDEX_FILE} lacks",
                    image.platform
                );
                let findings = &self.collector.findings;
                findings.add(Code::IndexMismatch, &name, message);
            }
        }
    }

    fn finish(
        self,
        blobs: &Blobs,
        programs: &Programs,
        level: CheckLevel,
        report: &mut VerifyReport,
    ) {
        let findings = &self.collector.findings;
        let collected = std::mem::take(&mut *self.collector.collected());
        for (by, manifest) in &collected.without_platform {
            if !collected.companions.contains(manifest) {
                documents::add_without_platform(findings, by, manifest);
            }
        }
        for blob in &collected.blobs {
            blobs.check(blob, programs, findings);
        }
        for image in &self.contents.images {
            if let Some(warning) = assertions::unclear_platform(image) {
                findings.add(warning.code, &image.config.name, warning.text);
            }
            configs::check_variant(findings, image);
            // A config that cannot be read has been reported.
            if let Ok(facts) = ImageFacts::of(image) {
                check_layers(findings, &facts, programs);
                if level != CheckLevel::Off {
                    check_programs(findings, image, &facts, programs, level);
                }
            }
        }
        attached::check(findings, &self.contents);
        if let Some(Opened::Tree(tree)) = &self.opened {
            let is_layout = tree.is_layout().unwrap_or_default();
            if !is_layout && tree.has(LAYOUT_FILE).unwrap_or_default() {
                let message = format!(
                    "{INDEX_FILE} has no image, but {DOCKER_FILE} has; readers of image layouts find none"
                );
                findings.add(Code::IndexMismatch, INDEX_FILE, message);
            }
            if tree.is_archive() {
                collected.entries.check(findings, is_layout);
            }
            for name in tree.signatures().unwrap_or_default() {
                let message = format!("{name} is a signature, which skopeo made");
                findings.add(Code::Companion, &name, message);
            }
            let reads_all = self.input.select == Select::All && self.input.platform.is_none();
            if reads_all && !collected.is_incomplete {
                match tree.unused() {
                    Ok(names) => names.iter().for_each(|name| {
                        let message = format!("no document names the file {name:?}");
                        findings.add(Code::UnreferencedBlob, name, message);
                    }),
                    Err(error) => findings.add_error(&error),
                }
            }
        }
        // Something of an unknown type is a warning beside an image, but an input without an image is an error.
        if self.contents.images.is_empty() && !findings.has_errors() {
            findings.add_error(&Error::new(self.input.name(), Problem::NoImage));
        }
        let format = self.opened.as_ref().map(Opened::format);
        let (count, bytes) = blobs.count(&collected.blobs[..self.own]);
        let has_manifests = !matches!(format, None | Some("docker-archive" | "nix2container"));
        report.inputs.push(VerifiedInput {
            input: self.name,
            format,
            images: images(&self.contents.images, has_manifests),
            blobs: count,
            bytes,
        });
        report.add(self.collector.findings);
    }
}

/// Checks that runtimes can unpack the layers.
fn check_layers(findings: &Findings, facts: &ImageFacts, programs: &Programs) {
    for (layer, defects) in programs.defects(facts) {
        for defect in defects {
            let message = unpacking::message(layer, &defect);
            findings.add(unpacking::code(&defect), layer, message);
        }
    }
}

/// Checks that the program an image starts is built for its platform.
fn check_programs(
    findings: &Findings,
    image: &Image,
    facts: &ImageFacts,
    programs: &Programs,
    level: CheckLevel,
) {
    let (wrong, warnings) = programs.check_image(facts);
    let name = &image.config.name;
    match wrong {
        Some(error) if level == CheckLevel::Error => findings.add_error(&error),
        Some(error) => findings.add_as_warning(&error),
        None => {}
    }
    for Warning { code, text, .. } in warnings {
        // The check of the layers reports more about that one.
        if code != Code::LayerTar {
            findings.add(code, name, text);
        }
    }
}

fn wanted(collector: &Collector) -> Wanted<'_> {
    static NONE: BTreeMap<String, String> = BTreeMap::new();
    Wanted {
        platforms: &[],
        decided: &NONE,
        callbacks: collector,
        referrers: true,
    }
}

fn images(images: &[Image], has_manifests: bool) -> Vec<VerifiedImage> {
    let checked = |image: &Image| VerifiedImage {
        platform: image.platform.to_string(),
        digest: has_manifests.then(|| image.descriptor.digest.to_string()),
        config: image.config.descriptor.digest.to_string(),
        layers: image.manifest.view.layers.len(),
    };
    images.iter().map(checked).collect()
}

impl Blobs {
    fn read_all(
        &mut self,
        reads: &[InputCheck<'_>],
        programs: &Programs,
        progress: &Progress,
        jobs: usize,
    ) {
        let collected: Vec<_> = reads
            .iter()
            .map(|read| read.collector.collected())
            .collect();
        let wanted: Vec<_> = collected.iter().map(|found| &found.blobs[..]).collect();
        self.read(&wanted, programs, progress, jobs);
    }
}

impl VerifyReport {
    fn add(&mut self, findings: Findings) {
        let mut list = findings.finish();
        let severities = list.findings.iter().map(|finding| finding.severity);
        for severity in severities.chain(list.left_out) {
            match severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Note => self.notes += 1,
            }
        }
        list.findings.sort_by_key(|finding| finding.severity);
        self.findings.extend(list.findings);
    }
}
