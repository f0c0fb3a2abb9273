//! Merges container images, one per platform, into one multi-platform OCI image: a pure function of
//! its inputs, without network, daemon, clock or privileges.
//!
//! ```text
//! argv ─cli→ Request ─source→ images ─transform→ images ─merge→ index ─sink→ descriptor
//!            (pure)   one forward pass per tar,          (pure)   each blob written once,
//!                     each blob hashed as it flows                index.json last
//! ```
//!
//! Nothing flows back. [`merge()`] is that line as code; everything else is one of its steps:
//!
//! - [`spec`]: the documents of the image specification as data;
//! - [`blob`], [`image`]: what flows;
//! - [`source`]: what an input holds; `claims`: what the user says of it;
//! - [`codec`], [`flow`], [`store`]: bytes, on their one way from an input to the output;
//! - [`transform`]: images to images;
//! - [`mod@merge`]: images to an index;
//! - [`programs`], [`consistency`]: whether images are what they seem to be;
//! - [`sink`]: the output, all or nothing.
//!
//! [`look`], [`inspect`](mod@inspect), [`analyze`](mod@analyze) and [`diff`](mod@diff) go the same way, but keep nothing.
//! [`verify`](mod@verify) takes the first part of that line, up to the images, and ends in a report:
//! what the readers of [`source`] demand is said once, and [`rules`] is where the two part.
//!
//! # Guarantees
//!
//! 1. Same inputs, same bytes, whatever the order of arguments, the number of threads, the machine.
//! 2. Identity is the raw bytes: what needs no change is copied, never written anew.
//! 3. Every byte that goes out was verified, on the pass that copies it. (What `--link` links to was
//!    verified when it was written; of it only manifests and configs are read again. What
//!    `--trust-diff-ids` leaves out was asked for.)
//! 4. A blob is always complete: its digest and size are known before anything names them.
//! 5. The platform comes from the config; what the caller says is an assertion, and what the image
//!    starts is a program for it.
//! 6. All or nothing: after a failure or a signal, nothing is left and nothing is lost.
//! 7. Memory does not grow with the size of an image.
//! 8. Unknown media types, annotations and fields are carried, never dropped.
//! 9. Input is hostile: nothing is written under a name that comes from it.

pub mod analyze;
pub mod blob;
mod claims;
pub mod codec;
pub mod consistency;
pub mod diff;
pub mod error;
pub mod flow;
mod headers;
pub mod image;
pub mod inspect;
pub mod layer;
mod leash;
mod lock;
pub mod look;
pub mod merge;
mod parallel;
pub mod programs;
pub mod progress;
pub mod rules;
mod said;
pub mod sink;
pub mod source;
pub mod spec;
pub mod store;
pub mod subject;
pub mod text;
pub mod transform;
pub mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use codec::Compression;
pub use consistency::Consistency;
pub use error::Error;
pub use sink::Format;
pub use source::Input;

use image::Image;
use spec::{Descriptor, ImageName, Platform};

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
    pub progress: progress::Progress,
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
    pub notes: Vec<String>,
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
    let staging = sink::Staging::new(&request.output, request.force, &paths)?;
    let made = make(request, &staging).and_then(|mut outcome| {
        staging.finish(request.sync, &mut outcome.notes)?;
        Ok(outcome)
    });
    made.map_err(|error| staging.blame(error))
}

/// Makes the output in the staging area.
fn make(request: &Request, staging: &sink::Staging) -> Result<Outcome, Error> {
    let programs = programs::Programs::default();
    let observer: Option<&dyn flow::Observe> = match request.platform_check {
        programs::Check::Off => None,
        _ => Some(&programs),
    };
    let blobs = staging.blobs();
    let store = store::Store::new(&blobs, request.compression, request.jobs, observer)
        .counting(request.progress.clone());

    let wanted = source::Wanted {
        platforms: &request.platforms,
        decided: &request.annotations.index,
        rules: &rules::Strict,
    };
    let contents = parallel::map(request.jobs, &request.inputs, |input| {
        let contents = source::read(input, wanted, &store)?;
        claims::hold(contents, input, &request.platforms)
    })?;
    let mut contents = source::unite(contents, &request.annotations.index)?;
    claims::all_found(&contents, &request.platforms)?;
    contents.said.overrule(&request.annotations);

    store.resolve(&mut contents.images)?;
    let (images, mut notes) = (contents.images, contents.notes);
    let images = merge::arrange(images, &mut notes)?;
    store.expect(&images, request.link);
    let images = images.into_iter().map(transform::to_oci).collect();
    let images = transform::compress(images, &store)?;
    let images = transform::annotate(images, &request.annotations);
    let images = transform::keep_true_attestations(images, &mut notes);
    let summaries = images.iter().map(Summary::of).collect();
    let subjects = images.iter().map(subject::Subject::of);
    let subjects: Vec<_> = subjects.collect::<Result<_, Error>>()?;

    consistency::check(&subjects, request.consistency, &mut notes)?;

    let docker = match (&request.name, &request.docker_manifest) {
        (Some(name), Some(plain)) => {
            let plain = plain.as_ref();
            Some(merge::docker_manifest(&images, name, plain, &mut notes)?)
        }
        _ => None,
    };
    let mut merged = merge::merge(images, contents.said, request.name.as_ref())?;
    merged.docker_manifest = docker;
    if request.trust_diff_ids {
        merged.trust_diff_ids();
    }
    sink::write(&merged, request.format, request.link, &store, staging)?;
    // The last layer has flowed by.
    programs.check(&subjects, request.platform_check, &mut notes)?;
    Ok(Outcome {
        descriptor: merged.descriptor,
        images: summaries,
        notes,
    })
}

impl Summary {
    fn of(image: &Image) -> Self {
        Self {
            platform: image.platform.clone(),
            origin: image.origin.to_string(),
            layers: image.layers.len(),
            size: text::sum(image.layers.iter().map(|l| l.blob.descriptor.size)),
        }
    }
}
