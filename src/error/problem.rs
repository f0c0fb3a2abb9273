//! Problems as data. Their texts are predicates of the [`Subject`] before them: first the value that was
//! found, then the expected one.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::candidate::{Candidate, list};
use super::{ClosureProblem, Code, InputName, PinProblem, Subject};
use crate::oci::artifact::ArtifactKind;
use crate::oci::statement::StatementProblem;
use crate::oci::{DiffId, Digest, MediaType, Platform, has_unsupported_algorithm};
use crate::util::text::{byte_count, bytes, clean, different_bytes, elided};

/// The problem with the subject of an [`Error`](super::Error).
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the message of each variant is its documentation"
)]
pub enum Problem {
    #[error("no such file or directory{}", to_select(select.as_deref()))]
    NotFound {
        select: Option<String>,
        /// The part of the path before a colon, if that exists.
        before_colon: Option<PathBuf>,
    },

    /// Of a file that is not an image.
    #[error("no such file or directory")]
    NoFile,

    #[error("no such file or directory, but the output {} is an image", output.display())]
    Swapped {
        output: PathBuf,
        /// The other inputs, as the command line has them.
        others: Vec<String>,
    },

    #[error("cannot {action}: {source}")]
    Io {
        action: &'static str,
        source: io::Error,
    },

    #[error(
        "not a container image: found {found}, expected a docker-archive, an OCI image layout directory, an oci-archive, a nix2container image or the conf of a layered image"
    )]
    NotAnImage { found: FileKind },

    #[error("cannot read: {source}")]
    Unreadable { source: io::Error },

    #[error("is not supported: {0}")]
    UnsupportedConf(ConfProblem),

    #[error("is not valid: {0}")]
    InvalidDocument(DocumentProblem),

    #[error("is not valid: found {found}, expected {expected}")]
    WrongFormat {
        found: FileKind,
        expected: &'static str,
    },

    #[error(
        "is not valid: its key {key:?} is ambiguous: JSON parsers disagree about its meaning (CVE-2021-41190)"
    )]
    Ambiguous { key: String },

    #[error("is not valid: its mediaType is {own}, but its descriptor has {claimed}")]
    ContradictoryType { own: MediaType, claimed: MediaType },

    #[error("is not valid: found imageLayoutVersion {found:?}, expected {expected:?}")]
    LayoutVersion {
        found: String,
        expected: &'static str,
    },

    #[error("is not valid: {digest} is a {}", unknown_type(found))]
    UnknownType { digest: Digest, found: MediaType },

    #[error("the image that it describes ({}) is missing", subject.as_deref().map_or("it names none".into(), clean))]
    NoAttestedImage { subject: Option<String> },

    #[error("has {}", different_bytes(*size, *limit).join(", expected at most "))]
    DocumentTooLarge { size: u64, limit: u64 },

    #[error("the names of its files and packages take more than {} of memory", bytes(*limit))]
    TooManyFiles { limit: u64 },

    #[error(
        "its manifests and configs take more than {} of memory, which no image needs", bytes(*limit)
    )]
    TooManyDocuments { limit: u64 },

    #[error("names the {kind} {name:?}; no such file in it")]
    Missing {
        kind: &'static str,
        name: String,
        /// The platforms that are complete, where others are not.
        complete: Vec<Platform>,
        /// What selects the image of these platforms in the input: nothing, or `#WHICH`.
        select: String,
    },

    #[error(
        "{layers} layers, but {diff_ids} diff IDs in the config; expected the same number of both"
    )]
    LayerCount { layers: usize, diff_ids: usize },

    #[error("has the wrong content: found diff ID {found}, expected {expected} as in the config")]
    WrongDiffId { found: DiffId, expected: DiffId },

    #[error(
        "is compressed with {format}, which OCI does not define; expected a tar archive, plain or compressed with gzip or zstd"
    )]
    UndefinedCompression { format: &'static str },

    #[error("has the wrong digest: found {found}, expected {expected}")]
    WrongDigest { found: Digest, expected: Digest },

    #[error("has the wrong size: found {}, expected {expected}", byte_count(*found))]
    WrongSize { found: u64, expected: u64 },

    #[error("{source}")]
    StorePaths { source: io::Error },

    #[error("its store paths have changed: found {found}, expected {expected}")]
    StorePathsChanged { found: String, expected: String },

    #[error("it has no image")]
    NoImage,

    #[error("found {kind}, not a container image")]
    Artifact { kind: ArtifactKind },

    #[error("no image {wanted}; it has{}", list(offered))]
    NoSuchImage {
        wanted: String,
        offered: Vec<Candidate>,
    },

    #[error(
        "several images have a digest that starts with {wanted}; it has{}",
        list(offered)
    )]
    AmbiguousDigest {
        wanted: String,
        offered: Vec<Candidate>,
    },

    #[error(
        "several images, expected one, or one for each platform under the same name; it has{}",
        list(offered)
    )]
    SeveralImages { offered: Vec<Candidate> },

    #[error(
        "manifest.json has images that index.json lacks: {}",
        one_line(lacking)
    )]
    IndexLacks {
        lacking: Vec<Candidate>,
        /// The position of the first one in `manifest.json`.
        position: usize,
        /// The name of the first one, if it picks it.
        pick: Option<String>,
    },

    #[error(
        "no image for the platform {wanted}; there are {}",
        Platform::list(offered)
    )]
    NoSuchPlatform {
        wanted: Platform,
        offered: Vec<Platform>,
    },

    #[error("{} images, expected one to show the {document} of; it has{}", offered.len(), list(offered))]
    OneToShow {
        document: &'static str,
        offered: Vec<Candidate>,
    },

    #[error("a {kind} has no {document}")]
    NothingToShow {
        kind: &'static str,
        document: &'static str,
    },

    #[error("no platform: {}", silent(claimed.as_ref()))]
    NoPlatform {
        /// The document that names a platform nevertheless, and that platform.
        claimed: Option<(String, Platform)>,
        /// The platform that it was given as.
        asserted: Option<Platform>,
        /// An argument that picks the image.
        argument: String,
    },

    #[error("its platform is {found} by its config, but it was given as {asserted}")]
    WrongPlatform { asserted: Platform, found: Platform },

    #[error("its platform is {found} by its config, but {document} says {claimed}")]
    ContradictoryPlatform {
        document: String,
        claimed: Platform,
        found: Platform,
        /// An argument that picks the image.
        argument: String,
    },

    #[error(
        "the program that it starts, {program}, is a program for {found}; expected {expected}, the platform in its config"
    )]
    WrongProgram {
        program: String,
        found: String,
        expected: Platform,
        /// The architecture of the program, if the config may be what is wrong.
        architecture: Option<&'static str>,
    },

    #[error("the images differ in more than their platform: {}", differences.join("; "))]
    Inconsistent { differences: Vec<String> },

    #[error("two images for the platform {platform}: {first} and {second}")]
    DuplicatePlatform {
        platform: Platform,
        first: Subject,
        second: Subject,
        /// What picks each of the two, if they are in one input.
        picks: Option<[String; 2]>,
    },

    #[error(
        "two image indexes contradict each other: {key:?} is {first} in one and {second} in another"
    )]
    ConflictingIndexes {
        key: String,
        first: String,
        second: String,
    },

    #[error("{} images, but it was given as the platform {asserted}; there are {}", offered.len(), Platform::list(offered))]
    AssertedSeveral {
        asserted: Platform,
        offered: Vec<Platform>,
    },

    #[error(
        "is not a document that can be attached: found {found}, expected an SBOM in the JSON of SPDX 2 (\"spdxVersion\") or CycloneDX (\"bomFormat\"), or an in-toto statement (\"_type\", \"predicateType\" and \"predicate\")"
    )]
    NotAttestable { found: String },

    /// Of an in-toto statement.
    #[error(transparent)]
    Statement(StatementProblem),

    #[error(
        "it names no platform, and the merged image has several: {}",
        Platform::list(offered)
    )]
    AttestSeveral { offered: Vec<Platform> },

    #[error(
        "has the key {key:?} twice, expected each key once: JSON parsers disagree about its value"
    )]
    AttestedKey { key: String },

    #[error("its subject is {}, expected {}", first_of(found), manifests(expected))]
    StatementSubject {
        found: Vec<String>,
        /// The platform of the image that it describes, if that is in the merge.
        other: Option<Box<Platform>>,
        /// The manifests that it can describe.
        expected: Vec<(Platform, Digest)>,
    },

    #[error("{} images, but the platform of one is to be set to {platform}; it has{}", offered.len(), list(offered))]
    SetSeveral {
        platform: Platform,
        offered: Vec<Candidate>,
    },

    #[error(
        "two configs contradict each other about the content of the layer {digest}: {} and {}", promised.0, promised.1
    )]
    AmbiguousLayer {
        digest: Digest,
        promised: Box<(PromisedLayer, PromisedLayer)>,
    },

    #[error("--docker-manifest would give it the tag {tag:?}, which is not valid")]
    BadTag { tag: String },

    #[error(
        "Docker cannot load any of the images, so --docker-manifest has nothing to list: they are not container images, or their layers are missing"
    )]
    NothingForDocker,

    #[error("has no \"polyarch-layers.json\", so none of its layers can be taken")]
    NoLayerRecords,

    #[error("{0}")]
    Closure(ClosureProblem),

    #[error("{0}")]
    Pin(PinProblem),

    #[error("the output exists already")]
    OutputExists,

    #[error(
        "is a directory, but not an image layout; expected the path of a new file or directory"
    )]
    OutputIsDirectory,

    #[error("not replaced: found {found}, expected {expected}")]
    OutputForeign {
        found: String,
        expected: &'static str,
    },

    #[error("the output would be written into the input {}", input.display())]
    OutputInsideInput { input: PathBuf },

    #[error("replacing the output would delete {}, which is needed", input.display())]
    InputInsideOutput { input: PathBuf },

    #[error("cannot write there: the directory {} does not exist", parent.display())]
    NoParent { parent: PathBuf },
}

impl Problem {
    /// Returns the violated rule.
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound { .. } | Self::NoFile | Self::Swapped { .. } => Code::NotFound,
            Self::Io { .. } => Code::Unreadable,
            Self::NotAnImage { .. } | Self::Artifact { .. } => Code::NotAnImage,
            Self::Unreadable { .. } => Code::Corrupt,
            Self::UnsupportedConf(_) => Code::UnsupportedConf,
            Self::InvalidDocument(_) | Self::WrongFormat { .. } => Code::BadDocument,
            Self::Ambiguous { .. } => Code::AmbiguousDocument,
            Self::ContradictoryType { .. } => Code::MediaTypeMismatch,
            Self::LayoutVersion { .. } => Code::LayoutVersion,
            Self::UnknownType { .. } => Code::UnknownMediaType,
            Self::NoAttestedImage { .. } => Code::AttestationSubject,
            Self::StatementSubject { .. } => Code::StatementSubject,
            Self::NotAttestable { .. } | Self::AttestedKey { .. } | Self::Statement(_) => {
                Code::AttachedDocument
            }
            Self::DocumentTooLarge { .. } => Code::DocumentTooLarge,
            Self::TooManyDocuments { .. } => Code::TooManyDocuments,
            Self::Missing { .. } => Code::Missing,
            Self::LayerCount { .. } => Code::LayerCount,
            Self::WrongDiffId { .. } | Self::UndefinedCompression { .. } => Code::WrongDiffId,
            Self::WrongDigest { .. } => Code::WrongDigest,
            Self::WrongSize { .. } => Code::WrongSize,
            Self::StorePaths { .. } | Self::StorePathsChanged { .. } => Code::StorePaths,
            Self::NoImage => Code::NoImage,
            Self::NoSuchImage { .. } | Self::AmbiguousDigest { .. } => Code::NoSuchImage,
            Self::NoPlatform { .. } => Code::NoPlatform,
            Self::IndexLacks { .. } => Code::IndexMismatch,
            Self::WrongPlatform { .. } | Self::NoSuchPlatform { .. } => Code::WrongPlatform,
            Self::ContradictoryPlatform { .. } => Code::ContradictoryPlatform,
            Self::AssertedSeveral { .. } => Code::SeveralPlatforms,
            Self::WrongProgram { .. } => Code::WrongProgram,
            Self::Inconsistent { .. } => Code::InconsistentImages,
            // Problems that only other commands report.
            Self::SeveralImages { .. }
            | Self::DuplicatePlatform { .. }
            | Self::ConflictingIndexes { .. }
            | Self::SetSeveral { .. }
            | Self::AttestSeveral { .. }
            | Self::OneToShow { .. }
            | Self::NothingToShow { .. }
            | Self::AmbiguousLayer { .. }
            | Self::BadTag { .. }
            | Self::NothingForDocker
            | Self::NoLayerRecords
            | Self::TooManyFiles { .. }
            | Self::Closure(_)
            | Self::Pin(_)
            | Self::OutputExists
            | Self::OutputIsDirectory
            | Self::OutputForeign { .. }
            | Self::OutputInsideInput { .. }
            | Self::InputInsideOutput { .. }
            | Self::NoParent { .. } => Code::NotVerified,
        }
    }

    /// A file that is named and not there.
    pub(crate) fn missing(kind: &'static str, name: &str) -> Self {
        Self::Missing {
            kind,
            name: name.to_owned(),
            complete: Vec::new(),
            select: String::new(),
        }
    }

    /// Returns the name of the thing that the rule is about, if it is not the subject itself.
    pub fn object(&self) -> Option<String> {
        match self {
            Self::UnknownType { digest, .. } => Some(digest.to_string()),
            Self::Missing { name, .. } => Some(name.clone()),
            Self::NoSuchImage { wanted, .. } | Self::AmbiguousDigest { wanted, .. } => {
                Some(wanted.clone())
            }
            _ => None,
        }
    }
}

fn to_select(select: Option<&str>) -> String {
    select.map_or_else(String::new, |select| format!(" (to take {select} of it)"))
}

/// The first of some digests, and the number of the others.
fn first_of(digests: &[String]) -> String {
    let first = digests.first().map(|first| clean(first));
    let first = first.unwrap_or_else(|| "missing".to_owned());
    match digests.len() {
        0 | 1 => first,
        count => format!("{first} and {} more", count - 1),
    }
}

fn manifests(expected: &[(Platform, Digest)]) -> String {
    let one = |(platform, digest): &(Platform, Digest)| {
        format!("{digest}, the manifest of the image for {platform}")
    };
    let expected: Vec<String> = expected.iter().map(one).collect();
    expected.join(", or ")
}

fn silent(claimed: Option<&(String, Platform)>) -> String {
    match claimed {
        Some((document, platform)) => {
            format!("its config names none, although {document} names {platform}")
        }
        None => "neither its config nor its descriptor names one".to_owned(),
    }
}

fn unknown_type(found: &MediaType) -> String {
    match found.as_ref().starts_with(crate::oci::docker::SCHEMA_1) {
        true => "Docker schema 1 manifest, which has no config".to_owned(),
        false => format!(
            "{:?}, expected an image index or an image manifest",
            found.as_ref()
        ),
    }
}

/// Why the conf of a layered image is not supported: a version of nixpkgs that this one does not know may
/// make another image of it.
#[derive(Debug, thiserror::Error)]
pub enum ConfProblem {
    #[error("{0}")]
    Json(serde_json::Error),

    #[error("it has no key {key:?}")]
    MissingKey { key: &'static str },

    #[error("it has an unknown key {key:?}")]
    UnknownKey { key: String },

    #[error("found {found} for {key:?}, expected {expected}")]
    Value {
        key: &'static str,
        found: String,
        expected: String,
    },

    #[error("found \"now\" for {key:?}, expected a time; polyarch does not read the clock")]
    Now { key: &'static str },
}

impl ConfProblem {
    /// An unexpected value of a key.
    pub(crate) fn value(key: &'static str, found: impl fmt::Display, expected: &str) -> Self {
        Self::Value {
            key,
            found: elided(found.to_string(), MAX_SHOWN),
            expected: expected.to_owned(),
        }
    }
}

/// The most characters of a value that a message shows.
const MAX_SHOWN: usize = 100;

/// Why a document is not valid.
#[derive(Debug, thiserror::Error)]
pub enum DocumentProblem {
    #[error("{0}")]
    Json(serde_json::Error),

    #[error("{0}")]
    UnsupportedAlgorithm(serde_json::Error),

    #[error("image indexes are nested more than {limit} deep")]
    NestedIndexes { limit: usize },

    #[error("found version {found}, expected {expected}")]
    Version { found: u64, expected: u64 },

    #[error("layer {layer} is a {found}, expected a tar, gzip or zstd layer of OCI")]
    LayerType { layer: String, found: MediaType },

    #[error("layer {layer} is made of store paths, but it is a {found}")]
    CompressedStorePaths { layer: String, found: MediaType },

    #[error("layer {layer} has neither paths nor a layer-path")]
    LayerWithoutPaths { layer: String },
}

impl DocumentProblem {
    /// Returns the problem for an error of the JSON parser, which has read `raw`.
    pub fn from_json(error: serde_json::Error, raw: &[u8]) -> Self {
        // The error has only a text, so the reason is found in the document.
        match has_unsupported_algorithm(raw) {
            true => Self::UnsupportedAlgorithm(error),
            false => Self::Json(error),
        }
    }
}

/// The kind of a file that is not an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    Empty,
    Json,
    /// A JSON object that came through a pipe.
    PipedJson,
    Elf,
    Script,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Zip,
    Zeros,
    Other,
    Lz4,
    /// The instructions to build an image.
    Dockerfile,
    /// A manifest, an image index or a `manifest.json`, without the blobs that it names.
    Manifest,
    /// A directory that lacks the file that marks a layout.
    Directory,
    /// A layout that lacks only the file that marks it.
    UnmarkedLayout,
    /// A tar archive whose image is in a directory.
    Nested(String),
    /// A tar archive that is neither a docker-archive nor an oci-archive.
    Tar,
    /// A gzip stream or zstd stream of something else.
    Compressed(&'static str, Box<FileKind>),
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty file",
            Self::Json | Self::PipedJson => "a JSON document",
            Self::Elf => "an ELF executable",
            Self::Script => "a script",
            Self::Gzip => "a gzip-compressed file",
            Self::Zstd => "a zstd-compressed file",
            Self::Xz => "an xz-compressed file",
            Self::Bzip2 => "a bzip2-compressed file",
            Self::Zip => "a zip archive",
            Self::Zeros => "only zeros",
            Self::Other => "a file of another format",
            Self::Lz4 => "an lz4-compressed file",
            Self::Dockerfile => "a Dockerfile",
            Self::Manifest => "a manifest without the blobs that it names",
            Self::UnmarkedLayout => "an \"index.json\", but no file \"oci-layout\" beside it",
            Self::Nested(directory) => {
                return write!(
                    f,
                    "a tar archive with the image in the directory {}/",
                    clean(directory)
                );
            }
            Self::Directory => "a directory without the file \"oci-layout\"",
            Self::Tar => "a tar archive without \"manifest.json\" or \"index.json\"",
            Self::Compressed(stream, content) => return write!(f, "a {stream} of {content}"),
        })
    }
}

/// The candidates by their names and platforms.
fn one_line(candidates: &[Candidate]) -> String {
    let shown = |candidate: &Candidate| {
        let name = candidate.names.first().map(|name| clean(name));
        let name = name.unwrap_or_else(|| "one without a name".to_owned());
        match &candidate.platform {
            Some(platform) => format!("{name} ({platform})"),
            None => name,
        }
    };
    let candidates: Vec<String> = candidates.iter().map(shown).collect();
    candidates.join(", ")
}

/// The size or the diff ID of a layer in one image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PromisedLayer {
    /// The input of the image.
    pub input: InputName,
    /// The size if the sizes differ, otherwise the diff ID.
    pub promise: Option<String>,
}

impl fmt::Display for PromisedLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.promise {
            Some(promise) => write!(f, "{} ({promise})", self.input),
            None => write!(f, "{}", self.input),
        }
    }
}
