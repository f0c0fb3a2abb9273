//! `verify`: reads images again, every byte of them, and says all that is wrong with them.
//!
//! ```text
//! inputs ─source→ documents, checked as they are read ─blobs→ each blob hashed once ─→ Report
//! ```
//!
//! The rules of a merge are those of its readers, which report to a `collector` here; `documents`
//! and `archive` have the further ones, for what other consumers stumble over. [`RULES`] lists all.

mod archive;
mod blobs;
mod collector;
mod documents;
mod finding;
mod json;
mod names;

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde::Serialize;

pub use crate::error::{RULES, Rule, Severity};
pub use finding::Finding;

use crate::bytes::Observers;
use crate::bytes::progress::Progress;
use crate::check::assertions;
use crate::check::image_facts::ImageFacts;
use crate::check::programs::{Check, Programs};
use crate::error::{Code, Error, Subject, Warning};
use crate::image::Image;
use crate::oci::{MediaType, docker};
use crate::source::{self, Contents, Input, Opened, Select, Stager, Wanted};
use crate::util::parallel;
use blobs::Blobs;
use collector::Collector;

/// What was found in all images.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was verified, in the order of the arguments.
    pub inputs: Vec<Checked>,
    /// What is wrong: of each input, errors first.
    pub findings: Vec<Finding>,
    /// How many errors there are.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// How many notes.
    pub notes: usize,
}

/// One input.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// As it was given.
    pub input: String,
    /// What it is; none where it cannot be read.
    pub format: Option<&'static str>,
    /// The images in it.
    pub images: Vec<CheckedImage>,
    /// How many layers and other blobs were read, each once. Manifests and configs are not counted.
    pub blobs: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

/// An image in an input.
#[derive(Debug, Serialize)]
pub struct CheckedImage {
    /// What it runs on.
    pub platform: String,
    /// The digest of its manifest; none where the input has no manifests.
    pub digest: Option<String>,
    /// The digest of its config: the image ID.
    pub config: String,
    /// How many layers it has.
    pub layers: usize,
}

/// Verifies images on up to `jobs` threads. Whatever is wrong is part of the report; `check` says how
/// wrong a program for another platform is.
pub fn verify(inputs: &[Input], check: Check, jobs: usize) -> Report {
    let programs = Programs::default();
    let progress = Progress::default();
    let observers = Observers {
        layers: Some(&programs),
        progress: &progress,
    };
    let stager = Stager::new(None, observers);
    let inputs: Vec<&Input> = inputs.iter().collect();
    let Ok(mut reads) = parallel::map(jobs, &inputs, |input| {
        Ok::<_, Infallible>(Reading::start(input, &stager))
    });

    let mut blobs = Blobs::default();
    blobs.read_all(&reads, &programs, jobs);
    // What a layout says to those who know docker-archives only. Its layers are known by now.
    for read in &mut reads {
        read.as_docker_archive(&blobs, &stager);
    }
    blobs.read_all(&reads, &programs, jobs);

    let mut report = Report {
        inputs: Vec::new(),
        findings: Vec::new(),
        errors: 0,
        warnings: 0,
        notes: 0,
    };
    for read in reads {
        read.finish(&blobs, &programs, check, &mut report);
    }
    report
}

fn is_index(media_type: &MediaType) -> bool {
    *media_type == MediaType::ImageIndex || media_type.as_ref() == docker::MANIFEST_LIST
}

/// An input that is being verified.
struct Reading<'a> {
    input: &'a Input,
    name: String,
    found: Collector,
    opened: Option<Opened>,
    contents: Contents,
    /// How many of the parts are those of its own format.
    own: usize,
}

impl<'a> Reading<'a> {
    /// Reads the documents, and all that comes through a stream.
    fn start(input: &'a Input, stager: &Stager<'_>) -> Self {
        let path = input.name();
        let platform = input
            .platform
            .as_ref()
            .map(|platform| format!("{platform}="));
        let name = format!("{}{path}{}", platform.unwrap_or_default(), input.select);
        let mut read = Self {
            input,
            found: Collector::new(name.clone()),
            name,
            opened: None,
            contents: Contents::default(),
            own: 0,
        };
        if let Err(error) = read.read(stager) {
            read.found.state().is_incomplete = true;
            read.found.error(&error);
        }
        read.own = read.found.state().parts.len();
        read
    }

    fn read(&mut self, stager: &Stager<'_>) -> Result<(), Error> {
        let opened = source::open(self.input, &self.found, stager)?;
        let opened = self.opened.insert(opened);
        self.contents = opened.read(self.input, wanted(&self.found), stager)?;
        if let Some(asserted) = &self.input.platform {
            let subject = Subject::from(self.input.name());
            assertions::apply_platform(&mut self.contents, asserted, &subject)?;
        }
        Ok(())
    }

    fn as_docker_archive(&mut self, blobs: &Blobs, stager: &Stager<'_>) {
        let Some(opened) = &self.opened else { return };
        // Names of one format mean nothing in the other.
        if self.input.select != Select::All {
            return;
        }
        if let Opened::Tree(tree) = opened {
            blobs.teach(tree, &self.found.state().parts);
        }
        let input = Input::path(self.input.path.clone());
        let read = opened.read_as_docker_archive(&input, wanted(&self.found), stager);
        if let Err(error) = read {
            self.found.state().is_incomplete = true;
            self.found.error(&error);
        }
    }

    fn finish(self, blobs: &Blobs, programs: &Programs, check: Check, report: &mut Report) {
        let found = &self.found;
        let parts = std::mem::take(&mut found.state().parts);
        for part in &parts {
            blobs.check(part, programs, found);
        }
        for image in &self.contents.images {
            if let Some(warning) = assertions::unclear_platform(image) {
                found.add(warning.code, &image.config.name, warning.text);
            }
            documents::variant(found, image);
            if check != Check::Off {
                check_programs(found, image, programs, check);
            }
        }
        if let Some(Opened::Tree(tree)) = &self.opened {
            let is_layout = tree.is_layout().unwrap_or_default();
            if tree.is_archive() {
                let entries = std::mem::take(&mut found.state().entries);
                entries.check(found, is_layout);
            }
            if self.input.select == Select::All && !found.state().is_incomplete {
                match tree.unused() {
                    Ok(names) => names.iter().for_each(|name| {
                        let message = format!("no document names the file {name:?}");
                        found.add(Code::UnreferencedBlob, name, message);
                    }),
                    Err(error) => found.error(&error),
                }
            }
        }
        let format = self.opened.as_ref().map(Opened::format);
        let (count, bytes) = blobs.count(&parts[..self.own]);
        let has_manifests = !matches!(format, None | Some("docker-archive" | "nix2container"));
        report.inputs.push(Checked {
            input: self.name,
            format,
            images: images(&self.contents.images, has_manifests),
            blobs: count,
            bytes,
        });
        report.add(self.found);
    }
}

/// Whether an image starts a program that is for its platform.
fn check_programs(found: &Collector, image: &Image, programs: &Programs, check: Check) {
    // A config that cannot be read has been reported.
    let Ok(subject) = ImageFacts::of(image) else {
        return;
    };
    let (wrong, warnings) = programs.look(&subject);
    let name = &image.config.name;
    match wrong {
        Some(error) if check == Check::Error => found.error(&error),
        Some(error) => found.add(Code::ForeignPrograms, name, error.to_string()),
        None => {}
    }
    for Warning { code, text, .. } in warnings {
        // The check of the layers reports more about that one.
        if code != Code::LayerTar {
            found.add(code, name, text);
        }
    }
}

fn wanted(found: &Collector) -> Wanted<'_> {
    static NONE: BTreeMap<String, String> = BTreeMap::new();
    Wanted {
        platforms: &[],
        decided: &NONE,
        callbacks: found,
    }
}

fn images(images: &[Image], has_manifests: bool) -> Vec<CheckedImage> {
    let checked = |image: &Image| CheckedImage {
        platform: image.platform.to_string(),
        digest: has_manifests.then(|| image.descriptor.digest.to_string()),
        config: image.config.descriptor.digest.to_string(),
        layers: image.manifest.view.layers.len(),
    };
    images.iter().map(checked).collect()
}

impl Blobs {
    fn read_all(&mut self, reads: &[Reading<'_>], programs: &Programs, jobs: usize) {
        let states: Vec<_> = reads.iter().map(|read| read.found.state()).collect();
        let parts: Vec<_> = states.iter().map(|state| &state.parts[..]).collect();
        self.read(&parts, programs, jobs);
    }
}

impl Report {
    fn add(&mut self, found: Collector) {
        let left_out = found.state().left_out.len();
        if left_out > 0 {
            found.add_last(
                Code::TooManyFindings,
                format!("{left_out} more findings are not listed"),
            );
        }
        let mut state = found.finish();
        let severities = state.findings.iter().map(|finding| finding.severity);
        for severity in severities.chain(state.left_out) {
            match severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Note => self.notes += 1,
            }
        }
        state.findings.sort_by_key(|finding| finding.severity);
        self.findings.extend(state.findings);
    }
}
