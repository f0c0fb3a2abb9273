//! The one error type. Every variant names the file and the thing in it, what was found and what
//! was expected; [`Error::hint`] is the way out where there is one.

use std::io;
use std::path::{Path, PathBuf};

use crate::oci::{DiffId, Digest, EXPECTED_ALGORITHM, Platform};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the message of each variant is its documentation"
)]
pub enum Error {
    #[error("{}: no such file or directory", path.display())]
    NotFound { path: PathBuf },

    #[error("{}: no such file or directory (to take {select} of it)", path.display())]
    NotFoundToSelect { path: PathBuf, select: String },

    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    #[error(
        "{input}: not a container image: found {found}, expected a docker-archive, an OCI image layout directory, an oci-archive or a nix2container image"
    )]
    NotAnImage {
        input: String,
        found: String,
        hint: Option<String>,
    },

    #[error("{input}: cannot read the {what}: {problem}")]
    Corrupt {
        input: String,
        what: String,
        problem: String,
    },

    #[error("{input}: {document} is not valid: {problem}")]
    BadDocument {
        input: String,
        document: String,
        problem: String,
    },

    #[error(
        "{input}: {document} is not valid: it is ambiguous: not all readers take its key {key:?} for the same (CVE-2021-41190)"
    )]
    Ambiguous {
        input: String,
        document: String,
        key: String,
    },

    #[error(
        "{input}: {document} is not valid: it says that it is a {own}, but its descriptor says {claimed}"
    )]
    ContradictoryType {
        input: String,
        document: String,
        own: String,
        claimed: String,
    },

    #[error("{input}: {document} is not valid: {problem}")]
    LayoutVersion {
        input: String,
        document: &'static str,
        problem: String,
    },

    #[error("{input}: {document} is not valid: {digest} is a {found}")]
    UnknownType {
        input: String,
        document: String,
        digest: Digest,
        found: String,
    },

    #[error(
        "{input}: attestation {attestation}: the image that it describes ({subject}) is not there"
    )]
    NoSubject {
        input: String,
        attestation: Digest,
        subject: String,
    },

    #[error("{input}: {document} has {size} bytes, expected at most {limit}")]
    DocumentTooLarge {
        input: String,
        document: String,
        size: u64,
        limit: u64,
    },

    #[error(
        "{input}: its manifests and configs take more than {limit} bytes of memory, which no image needs"
    )]
    TooManyDocuments { input: String, limit: u64 },

    #[error("{input}: {document} names the {kind} {name:?}, but there is no such file in it")]
    Missing {
        input: String,
        document: String,
        kind: &'static str,
        name: String,
    },

    #[error(
        "{input}: {layers} layers, but {diff_ids} diff IDs in the config; expected the same number of both"
    )]
    LayerCount {
        input: String,
        layers: usize,
        diff_ids: usize,
    },

    #[error(
        "{input}: layer {layer} does not have the content that the config promises: found {found}, expected diff ID {expected}"
    )]
    WrongDiffId {
        input: String,
        layer: String,
        found: DiffId,
        expected: DiffId,
    },

    #[error("{input}: blob {blob} has the wrong digest: found {found}, expected {expected}")]
    WrongDigest {
        input: String,
        blob: String,
        found: Digest,
        expected: Digest,
    },

    #[error("{input}: blob {blob} has the wrong size: found {found} bytes, expected {expected}")]
    WrongSize {
        input: String,
        blob: String,
        found: u64,
        expected: u64,
    },

    #[error("{input}: layer {layer}: {problem}")]
    StorePaths {
        input: String,
        layer: String,
        problem: String,
    },

    #[error("{input}: it has no image")]
    NoImage { input: String },

    #[error("{input}: there is no image {wanted} in it; it has{offered}")]
    NoSuchImage {
        input: String,
        wanted: String,
        offered: String,
    },

    #[error(
        "{input}: several images, expected one, or one for each platform under the same name; it has{offered}"
    )]
    SeveralImages { input: String, offered: String },

    #[error("no image for the platform {wanted}; there are {offered}")]
    NoSuchPlatform { wanted: String, offered: String },

    #[error("{input}: {count} images, expected one to show the {document} of; there are {offered}")]
    OneToShow {
        input: String,
        document: &'static str,
        count: usize,
        offered: String,
    },

    #[error("{input}: a {kind} has no {document}")]
    NothingToShow {
        input: String,
        kind: &'static str,
        document: &'static str,
    },

    #[error("{input}: no platform: neither its config nor its descriptor says what it runs on")]
    NoPlatform { input: String },

    #[error("{input}: its platform is {found} by its config, but it was given as {asserted}")]
    WrongPlatform {
        input: String,
        asserted: String,
        found: String,
    },

    #[error("{input}: its platform is {found} by its config, but {document} says {claimed}")]
    ContradictoryPlatform {
        input: String,
        document: String,
        claimed: String,
        found: String,
    },

    #[error(
        "{input}: what it starts, {program}, is a program for {found}; expected one for {expected}, as its config says"
    )]
    WrongProgram {
        input: String,
        program: String,
        found: String,
        expected: String,
        hint: String,
    },

    #[error("the images differ, though they should only be for different machines: {differences}")]
    Inconsistent { differences: String },

    #[error("two images for the platform {platform}: {first} and {second}")]
    DuplicatePlatform {
        platform: String,
        first: String,
        second: String,
    },

    #[error(
        "two image indexes say different things: {key:?} is {first} in one and {second} in another"
    )]
    ConflictingIndexes {
        key: String,
        first: String,
        second: String,
    },

    #[error("{input}: {count} images, but it was given as the platform {asserted}")]
    AssertedSeveral {
        input: String,
        asserted: String,
        count: usize,
    },

    #[error("{input}: {count} images, but the platform of one is to be set to {platform}")]
    SetSeveral {
        input: String,
        platform: String,
        count: usize,
    },

    #[error(
        "the layer {digest} cannot have all the content that configs promise of it: {first} and {second}"
    )]
    AmbiguousLayer {
        digest: Digest,
        first: String,
        second: String,
    },

    #[error("{input}: --docker-manifest would give it the tag {tag:?}, which is none")]
    BadTag { input: String, tag: String },

    #[error(
        "Docker could load none of the images, so --docker-manifest has nothing to list: they are no images for it, or layers are not there"
    )]
    NothingForDocker,

    #[error("{}: the output exists already", path.display())]
    OutputExists { path: PathBuf },

    #[error("{}: not replaced: found {found}, expected {expected}", path.display())]
    OutputForeign {
        path: PathBuf,
        found: &'static str,
        expected: &'static str,
    },

    #[error("{}: the output would be written into the input {}", output.display(), input.display())]
    OutputInsideInput { output: PathBuf, input: PathBuf },

    #[error("{}: replacing the output would delete {}, which is needed", output.display(), input.display())]
    InputInsideOutput { output: PathBuf, input: PathBuf },

    #[error("{}: cannot write there: the directory {} does not exist", output.display(), parent.display())]
    NoParent { output: PathBuf, parent: PathBuf },
}

impl Error {
    /// For `map_err`: a file operation that failed.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::NotFound if action == "read" => Error::NotFound { path },
            _ => Error::Io {
                action,
                path,
                source,
            },
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotFound { path } => return not_found_hint(path),
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "beside the output, there must be room for all layers that are compressed or come in a stream"
                }
                io::ErrorKind::FileTooLarge => "files must not grow that large here (ulimit -f)",
                _ => return None,
            },
            Self::NotFoundToSelect { path, select } => {
                return Some(format!(
                    "what stands behind a # picks one of several images; if the file is called \"{}{select}\", put a # behind that",
                    path.display()
                ));
            }
            Self::NotAnImage { hint, .. } => return hint.clone(),
            Self::Corrupt { problem, .. } if problem.contains("too much memory") => {
                "it was compressed with a window of more than 128 MiB (zstd --long); compress it again without that"
            }
            Self::Corrupt { problem, .. } if problem.contains("is a sparse file") => {
                "make the archive again, without --sparse"
            }
            Self::Corrupt { problem, .. } if problem.contains("it expands to more than") => {
                "no layer of files does that, but a decompression bomb; if it is none, compress it with gzip"
            }
            Self::BadDocument { problem, .. } if problem.contains(EXPECTED_ALGORITHM) => {
                "a digest of another algorithm cannot be verified here; build the image again, with sha256"
            }
            Self::Corrupt { .. } => {
                "the file is damaged or was not written to its end; build or download it again"
            }
            Self::Missing { .. } => {
                "the image is incomplete; it was cut off, or saved for some of its platforms only (take those with --platform)"
            }
            Self::WrongDiffId { .. } | Self::WrongDigest { .. } | Self::WrongSize { .. } => {
                "the image was damaged or changed after it was built; build it again"
            }
            Self::StorePaths { .. } => {
                "a store path is not there, or not what it was when the image was made; build the image again on this machine"
            }
            Self::WrongPlatform { found, .. } => {
                return Some(format!(
                    "built with the wrong package set? otherwise give it as {found}=IMAGE (Nix: change its key in images), or without a platform"
                ));
            }
            Self::Inconsistent { .. } => {
                "build all of them from the same expression; to be told only, --consistency warn (Nix: consistency = \"warn\")"
            }
            Self::WrongProgram { hint, .. } => hint,
            Self::DuplicatePlatform { .. } => {
                "an index has one image for each platform; leave one of the two out"
            }
            Self::NoSuchImage { input, .. } | Self::SeveralImages { input, .. } => {
                return Some(format!(
                    "pick one with {input}#NAME:TAG or {input}#@POSITION"
                ));
            }
            Self::ConflictingIndexes { key, .. } => {
                return Some(format!(
                    "if it is an annotation, decide with --annotation {key}=VALUE"
                ));
            }
            Self::OneToShow { .. } => "take one of them with --platform",
            Self::NothingToShow { .. } => {
                "what it has is a config: --raw=config; polyarch merge makes the rest"
            }
            Self::NoSuchPlatform { wanted, offered } => {
                let offered: Vec<&str> = offered.split(", ").collect();
                let meant = Platform::meant_by(wanted, &offered)?;
                return Some(format!("did you mean {meant}?"));
            }
            Self::AssertedSeveral { .. } => "leave the platform out: each image in it says its own",
            Self::SetSeveral { input, .. } => {
                return Some(format!(
                    "pick one with {input}#NAME:TAG or {input}#@POSITION"
                ));
            }
            Self::AmbiguousLayer { .. } => "one of the two is damaged or was tampered with",
            Self::BadTag { .. } => {
                "a tag has at most 128 letters, digits, underscores, dots and dashes; choose a shorter one, or set the platform of the image with --set-platform"
            }
            Self::NothingForDocker => "leave --docker-manifest out",
            Self::OutputExists { .. } => "remove it, or replace it with --force",
            Self::OutputForeign { .. } => "remove it by hand if it is not needed",
            Self::OutputInsideInput { .. } | Self::InputInsideOutput { .. } => {
                "choose an output beside the inputs"
            }
            Self::NoParent { .. } => "create it first",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// `aarch64-linux=image.tar` and `docker://image` are file names to us, but hardly to the one who
/// wrote them.
fn not_found_hint(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let transports = [
        "oci:",
        "oci-archive:",
        "docker-archive:",
        "dir:",
        "docker:",
        "docker-daemon:",
        "containers-storage:",
    ];
    if transports
        .iter()
        .any(|transport| text.starts_with(transport))
    {
        return Some(
            "images are files and directories here, without a transport in front; fetch others with: skopeo copy --all IMAGE oci-archive:FILE.tar".to_owned(),
        );
    }
    // Any two words with a slash have the form of a platform, as has the path of many a file.
    let is_platform = |text: &str| Platform::USUAL.contains(&text);
    if is_platform(text) {
        return Some(format!(
            "a platform stands in front of its image, {text}=IMAGE, or behind an option with a =, such as --docker-manifest={text}"
        ));
    }
    if let Some((before, after)) = text.split_once(':')
        && is_platform(before)
    {
        return Some(format!("did you mean {before}={after}?"));
    }
    let (before, after) = text.split_once('=')?;
    (!after.is_empty()).then(|| match Platform::meant_by(before, &Platform::USUAL) {
        Some(meant) => format!("{before:?} is not a platform; did you mean {meant}={after}?"),
        None => format!("{before:?} is not a platform; expected os/arch or os/arch/variant, such as linux/arm64={after}"),
    })
}
