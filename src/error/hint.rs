//! The way out of an error, where there is one: chosen by the type of the problem, never by its text,
//! and true for the very input.

use std::io;
use std::path::Path;

use oci_spec::distribution::Reference;

use super::{Candidate, DocumentProblem, Error, FileKind, InputName, Problem, Subject};
use crate::bytes::codec::DecodeError;
use crate::oci::{Platform, docker};
use crate::tar::TarError;
use crate::util::cause;
use crate::util::text::{archive_name, clean, quoted};

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self.problem() {
            Problem::NotFound {
                select: None,
                before_colon,
            } => {
                return self
                    .path()
                    .and_then(|path| not_found(path, before_colon.as_deref()));
            }
            Problem::NotFound {
                select: Some(select),
                ..
            } => {
                let path = self.path()?.display();
                return Some(format!(
                    "the part after a # selects one of several images; if the file is called \"{path}{select}\", put another # at its end"
                ));
            }
            Problem::Swapped { output, others } => {
                let new = quoted(&self.path()?.to_string_lossy());
                let mut inputs = vec![quoted(&output.to_string_lossy())];
                inputs.extend(others.iter().map(|other| quoted(other)));
                return Some(format!(
                    "--output comes before the path that is written: polyarch merge --output {new} {}",
                    inputs.join(" ")
                ));
            }
            Problem::OutputIsDirectory => {
                let inside = self.path()?.join("image.tar");
                return Some(format!(
                    "name the output in it: --output {}",
                    quoted(&inside.to_string_lossy())
                ));
            }
            Problem::NoParent { parent } => {
                return Some(format!(
                    "create it first: mkdir -p {}",
                    quoted(&parent.to_string_lossy())
                ));
            }
            Problem::Io { source, .. } => return io_failed(source).map(str::to_owned),
            Problem::NotAnImage { found } => return not_an_image(found, self.path()),
            Problem::Unreadable { source } => unreadable(source),
            Problem::InvalidDocument(DocumentProblem::UnsupportedAlgorithm(_)) => {
                "a digest of another algorithm cannot be verified here; build the image again, with sha256"
            }
            Problem::UnknownType { found, .. } if found.as_ref().starts_with(docker::SCHEMA_1) => {
                "convert it with: skopeo copy --format oci"
            }
            Problem::Missing { .. } => {
                "the image is incomplete; it was cut off, or saved for some of its platforms only (take those with --platform)"
            }
            Problem::UndefinedCompression { .. } => {
                "compress the layer again with gzip or zstd, and build the image again"
            }
            Problem::WrongDiffId { .. }
            | Problem::WrongDigest { .. }
            | Problem::WrongSize { .. } => {
                "the image was damaged or changed after it was built; build it again"
            }
            Problem::StorePaths { .. } | Problem::StorePathsChanged { .. } => {
                "a store path is not there, or not what it was when the image was made; build the image again on this machine"
            }
            Problem::WrongPlatform { found, .. } => {
                return Some(format!(
                    "built with the wrong package set? otherwise give it as {found}=IMAGE (Nix: change its key in images), or without a platform"
                ));
            }
            Problem::WrongProgram {
                expected,
                architecture,
                ..
            } => {
                return Some(wrong_program(expected, *architecture));
            }
            Problem::Inconsistent { .. } => {
                "build all of them from the same expression; to be told only, --consistency warn (Nix: consistency = \"warn\")"
            }
            Problem::DuplicatePlatform { .. } => {
                "were both built by the same package set? an index has one image for each platform; build one for the other platform, or leave one out"
            }
            Problem::NoSuchImage { offered, .. } | Problem::SeveralImages { offered } => {
                return Some(pick(self.subject(), offered));
            }
            Problem::SetSeveral { .. } => return Some(pick(self.subject(), &[])),
            Problem::ConflictingIndexes { key, .. } => {
                return Some(format!(
                    "if it is an annotation, decide with --annotation {key}=VALUE"
                ));
            }
            Problem::OneToShow { .. } => "take one of them with --platform",
            Problem::NothingToShow { .. } => {
                "what it has is a config: --raw=config; polyarch merge makes the rest"
            }
            Problem::NoSuchPlatform { wanted, offered } => {
                let offered: Vec<String> = offered.iter().map(ToString::to_string).collect();
                let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
                let meant = Platform::meant_by(&wanted.to_string(), &offered)?;
                return Some(format!("did you mean {meant}?"));
            }
            Problem::AssertedSeveral { .. } => {
                "leave the platform out: each image in it says its own"
            }
            Problem::AmbiguousLayer { .. } => "one of the two is damaged or was tampered with",
            Problem::BadTag { .. } => {
                "a tag has at most 128 letters, digits, underscores, dots and dashes; choose a shorter one, or set the platform of the image with --set-platform"
            }
            Problem::NothingForDocker => "leave --docker-manifest out",
            Problem::OutputExists => "remove it, or replace it with --force",
            Problem::OutputForeign { .. } => "remove it by hand if it is not needed",
            Problem::OutputInsideInput { .. } | Problem::InputInsideOutput { .. } => {
                "choose an output beside the inputs"
            }
            Problem::InvalidDocument(_)
            | Problem::Ambiguous { .. }
            | Problem::ContradictoryType { .. }
            | Problem::LayoutVersion { .. }
            | Problem::UnknownType { .. }
            | Problem::NoAttestedImage { .. }
            | Problem::DocumentTooLarge { .. }
            | Problem::TooManyDocuments { .. }
            | Problem::LayerCount { .. }
            | Problem::NoImage
            | Problem::NoPlatform
            | Problem::ContradictoryPlatform { .. } => return None,
        };
        Some(text.to_owned())
    }

    fn path(&self) -> Option<&Path> {
        self.subject().input.as_ref().and_then(InputName::path)
    }
}

/// How to pick one of several images, and how to take all where each is for a platform of its own.
fn pick(subject: &Subject, offered: &[Candidate]) -> String {
    let input = subject
        .input
        .as_ref()
        .map_or("IMAGE".to_owned(), InputName::argument);
    let one = format!("pick one with {input}#NAME:TAG or {input}#@POSITION");
    let mut platforms: Vec<&Platform> = (offered.iter())
        .flat_map(Candidate::known_platforms)
        .collect();
    platforms.sort_by(|a, b| a.cmp_place(b));
    let is_one_each = offered.len() > 1
        && offered.iter().all(|c| c.known_platforms().count() == 1)
        && platforms
            .windows(2)
            .all(|pair| !pair[0].same_place(pair[1]));
    if !is_one_each {
        return one;
    }
    let arguments = offered.iter().enumerate();
    let arguments = arguments.map(|(i, c)| quoted(&format!("{input}{}", c.selector(i))));
    let arguments: Vec<String> = arguments.collect();
    format!(
        "{one}; for all platforms give each of them: {}",
        arguments.join(" ")
    )
}

fn io_failed(source: &io::Error) -> Option<&'static str> {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(
            "beside the output, there must be room for all layers that are compressed or come in a stream",
        ),
        io::ErrorKind::FileTooLarge => Some("files must not grow that large here (ulimit -f)"),
        _ => None,
    }
}

fn not_an_image(found: &FileKind, path: Option<&Path>) -> Option<String> {
    let file = path.map_or("FILE".to_owned(), |path| quoted(&path.to_string_lossy()));
    let text = match found {
        FileKind::Xz => format!("decompress it on the way: xz -dc {file} | polyarch … -"),
        FileKind::Bzip2 => format!("decompress it on the way: bzip2 -dc {file} | polyarch … -"),
        FileKind::Lz4 => format!("decompress it on the way: lz4 -dc {file} | polyarch … -"),
        FileKind::PipedJson => "an image of nix2container must be given as a file".to_owned(),
        FileKind::Tar => "was it written to its end? dockerTools writes that file last".to_owned(),
        FileKind::Dockerfile => {
            "build it first: docker buildx build --platform linux/amd64,linux/arm64 --output type=oci,dest=image.tar .".to_owned()
        }
        FileKind::Manifest => {
            let parent = path?.parent()?;
            let parent = match parent.as_os_str().is_empty() {
                true => Path::new("."),
                false => parent,
            };
            let parent = quoted(&parent.to_string_lossy());
            format!("give the directory that has its blobs as well: {parent}")
        }
        FileKind::UnmarkedLayout if path.is_some_and(Path::is_dir) => format!(
            "if the rest of the layout is there, add the file: echo '{{\"imageLayoutVersion\":\"1.0.0\"}}' > {}",
            quoted(&path?.join("oci-layout").to_string_lossy())
        ),
        FileKind::UnmarkedLayout => {
            "an archive of an image has both files; if it has an artifact, such as one of ocipkg, it cannot be merged".to_owned()
        }
        FileKind::Nested(directory) => {
            let directory = quoted(&clean(directory));
            format!("pack the content of the directory: tar -xf {file} && tar -C {directory} -cf image.tar .")
        }
        _ => return None,
    };
    Some(text)
}

fn unreadable(source: &io::Error) -> &'static str {
    if let Some(TarError::Sparse { .. }) = cause::find(source) {
        return "make the archive again, without --sparse";
    }
    match cause::find(source) {
        Some(DecodeError::ExpandsTooMuch) => {
            "this looks like a decompression bomb; if the layer is genuine, compress it again with gzip"
        }
        Some(DecodeError::WindowTooLarge) => {
            "it was compressed with a window of more than 134 MB (zstd --long); compress it again without that"
        }
        None => "the file is damaged or was not written to its end; build or download it again",
    }
}

fn wrong_program(expected: &Platform, architecture: Option<&str>) -> String {
    let config = match architecture {
        Some(found) => format!(
            "if it is the config that is wrong, --set-platform IMAGE={os}/{found} (Nix: setPlatform = \"{os}/{found}\"); ",
            os = expected.os
        ),
        None => String::new(),
    };
    format!(
        "built with the wrong package set? take the program from pkgsCross, or from a machine of {expected}; {config}to go on all the same, --platform-check warn (Nix: platformCheck = \"warn\")"
    )
}

/// What the user meant by a path that does not exist: a platform, a tag or a transport is written in many
/// ways.
fn not_found(path: &Path, before_colon: Option<&Path>) -> Option<String> {
    let text = path.to_str()?;
    if let Some(fetch) = fetch(text) {
        return Some(fetch);
    }
    // Any two words with a slash have the form of a platform, as has the path of many a file.
    let is_platform = |text: &str| Platform::USUAL.contains(&text);
    if is_platform(text) {
        return Some(format!(
            "a platform stands in front of its image, {text}=IMAGE, or behind an option with a =, such as --docker-manifest={text}"
        ));
    }
    // IMAGE=PLATFORM and IMAGE:PLATFORM.
    if let Some((image, platform)) = text.rsplit_once(['=', ':'])
        // A single word after a colon is a tag.
        && (platform.contains('/') || text.ends_with(&format!("={platform}")))
        && let Some(platform) = Platform::meant_by(platform, &Platform::USUAL)
        && !is_platform(image)
        && !image.is_empty()
    {
        return Some(format!(
            "the platform goes before the image: {}",
            quoted(&format!("{platform}={image}"))
        ));
    }
    if let Some(before) = before_colon {
        let tag = &text[before.to_str()?.len() + 1..];
        return Some(format!(
            "an image is selected with a #: {}",
            quoted(&format!("{}#{tag}", before.display()))
        ));
    }
    if let Some((before, after)) = text.split_once(':')
        && is_platform(before)
    {
        return Some(format!("did you mean {before}={after}?"));
    }
    if let Some((before, after)) = text.split_once('=')
        && !after.is_empty()
    {
        return Some(match Platform::meant_by(before, &Platform::USUAL) {
            Some(meant) => format!("{before:?} is not a platform; did you mean {meant}={after}?"),
            None => format!(
                "{before:?} is not a platform; expected os/arch or os/arch/variant, such as linux/arm64={after}"
            ),
        });
    }
    is_in_a_registry(text).then(|| {
        let file = archive_name(text);
        format!(
            "there is no file of that name; an image in a registry is fetched with: skopeo copy --all {} oci-archive:{file}",
            quoted(&format!("docker://{text}"))
        )
    })
}

/// How to fetch an image that is named with a transport of skopeo.
fn fetch(text: &str) -> Option<String> {
    let command = |reference: &str, command: &str| {
        let file = archive_name(reference);
        format!(
            "fetch it first, then give {file}: {} {file}",
            command.trim_end()
        )
    };
    if let Some(reference) = text.strip_prefix("docker://") {
        let image = quoted(text);
        let file = archive_name(reference);
        return Some(format!(
            "fetch it first, then give {file}: skopeo copy --all {image} oci-archive:{file}"
        ));
    }
    if let Some(reference) = text.strip_prefix("docker-daemon:") {
        let save = format!("docker save {} --output", quoted(reference));
        return Some(command(reference, &save));
    }
    let reference = text.strip_prefix("containers-storage:")?;
    let name = reference.rsplit(']').next().unwrap_or(reference);
    let save = format!("podman save --format oci-archive {} --output", quoted(name));
    Some(command(name, &save))
}

/// Whether a text that is not a file has the form of an image's name: with a tag, a digest or a host, or a
/// single word. Two words with a slash are more often a path.
fn is_in_a_registry(text: &str) -> bool {
    let last = text.rsplit('/').next().unwrap_or(text);
    let has_tag = last.contains([':', '@']);
    let name = last.split([':', '@']).next().unwrap_or(last);
    let has_host = text
        .split_once('/')
        .is_some_and(|(host, _)| host.contains(['.', ':']));
    let is_file = [
        ".tar",
        ".gz",
        ".tgz",
        ".zst",
        ".xz",
        ".json",
        ".zip",
        ".ociarchive",
    ]
    .iter()
    .any(|end| last.ends_with(end));
    let is_plain = !name.contains('.') && !text.contains('/');
    !text.starts_with(['.', '/'])
        && !is_file
        && text.parse::<Reference>().is_ok()
        && (has_tag || has_host || is_plain)
}
