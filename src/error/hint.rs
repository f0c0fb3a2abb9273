//! The hints of errors: chosen by the type of the problem, not by its text, and correct for the given
//! input.

use std::io;
use std::path::Path;

use oci_spec::distribution::Reference;

use super::candidate::{Candidate, pick_by_digest, picks};
use super::{
    ClosureDifference, ClosureProblem, ConfProblem, DecodeError, DocumentProblem, Error, FileKind,
    ImageInInput, InputName, Item, Problem, Subject, TarError,
};
use crate::oci::{Platform, docker};
use crate::util::cause;
use crate::util::text::{archive_name, clean, quoted, tls_option};

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
                    "the part after a # selects one of several images; if the name of the file is \"{path}{select}\", add another # at its end"
                ));
            }
            Problem::Swapped { output, others } => {
                // A reference of a registry is not the path of an output.
                if let Some(fetch) = self.path()?.to_str().and_then(fetch) {
                    return Some(fetch);
                }
                let new = quoted(&self.path()?.to_string_lossy());
                let mut inputs = vec![quoted(&output.to_string_lossy())];
                inputs.extend(others.iter().map(|other| quoted(other)));
                return Some(format!(
                    "--output comes before the path that is written: polyarch merge --output {new} {}",
                    inputs.join(" ")
                ));
            }
            Problem::Pin(problem) => return problem.hint(),
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
            Problem::Missing {
                complete, select, ..
            } => return Some(incomplete(self.subject(), complete, select)),
            Problem::UndefinedCompression { .. } => {
                "compress the layer again with gzip or zstd, and build the image again"
            }
            Problem::WrongDiffId { .. }
            | Problem::WrongDigest { .. }
            | Problem::WrongSize { .. } => {
                "the image was damaged or changed after it was built; build it again"
            }
            Problem::UnsupportedConf(ConfProblem::Now { key }) => {
                return Some(format!(
                    "set {key} to a fixed time in the expression of the image, or run its stream script: ./stream | polyarch merge … -"
                ));
            }
            Problem::UnsupportedConf(_) => {
                "run the stream script of the image instead: ./stream | polyarch merge … -"
            }
            Problem::StorePaths { .. } | Problem::StorePathsChanged { .. } => {
                "a store path is missing, or has changed since the image was built; build the image again on this machine"
            }
            Problem::NoPlatform {
                claimed,
                asserted,
                argument,
            } => {
                let claimed = claimed.as_ref().map(|(_, claimed)| claimed);
                return Some(match asserted.as_ref().or(claimed) {
                    Some(platform) => {
                        let platform = platform.name();
                        format!(
                            "merge it with --set-platform {argument}={platform} (Nix: setPlatform = \"{platform}\")"
                        )
                    }
                    None => format!(
                        "merge it with --set-platform {argument}=PLATFORM, such as linux/amd64 (Nix: setPlatform = \"linux/amd64\")"
                    ),
                });
            }
            Problem::ContradictoryPlatform {
                claimed,
                found,
                argument,
                ..
            } => {
                return contradictory_platform(claimed, found, argument);
            }
            Problem::WrongPlatform { asserted, found } if found.unknown_variant().is_some() => {
                let argument = self.argument();
                let (variant, right) = (found.unknown_variant()?, asserted.name());
                let architecture = &found.architecture;
                return Some(format!(
                    "{architecture} has no variant {variant}; merge it with --set-platform {argument}={right} (Nix: setPlatform = \"{right}\")"
                ));
            }
            Problem::WrongPlatform { asserted, found } => {
                return Some(format!(
                    "built with the wrong package set? if only its config is wrong, merge it with --set-platform IMAGE={asserted} (Nix: architecture = \"{architecture}\" in dockerTools, or setPlatform = \"{asserted}\"); otherwise give it as {found}=IMAGE (Nix: change its key in images), or without a platform",
                    architecture = asserted.architecture
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
                "build all of them from the same expression; to continue with a warning, use --consistency warn (Nix: consistency = \"warn\")"
            }
            Problem::DuplicatePlatform {
                picks: Some([first, second]),
                ..
            } => {
                return Some(format!(
                    "an index has one image for each platform; take only one of the two, {first} or {second}"
                ));
            }
            Problem::DuplicatePlatform { .. } => {
                "were both built by the same package set? an index has one image for each platform; build one for the other platform, or leave one of the two out"
            }
            Problem::NoSuchImage { offered, .. } | Problem::AmbiguousDigest { offered, .. } => {
                return Some(pick(self.subject(), offered, "", ""));
            }
            Problem::SeveralImages { offered } => {
                let one = pick(self.subject(), offered, "", "");
                let all = take_all(self.subject(), offered).unwrap_or_default();
                return Some(one + &all);
            }
            Problem::SetSeveral { platform, offered } => {
                let end = format!("={platform}");
                return Some(pick(self.subject(), offered, "--set-platform ", &end));
            }
            Problem::IndexLacks { position, pick, .. } => {
                return Some(index_lacks(self.subject(), *position, pick.as_deref()));
            }
            Problem::ConflictingIndexes { key, .. } => {
                return Some(format!(
                    "if it is an annotation, choose its value with --annotation {key}=VALUE"
                ));
            }
            Problem::OneToShow { offered, .. } if has_a_platform_each(offered) => {
                let platform = offered.first()?.platform.as_ref()?;
                return Some(format!(
                    "take one of them with --platform, such as --platform {}",
                    platform.name()
                ));
            }
            Problem::OneToShow { offered, .. } => {
                return Some(pick(self.subject(), offered, "", ""));
            }
            Problem::NothingToShow { .. } => {
                "this file has only a config: use --raw=config, or run polyarch merge first"
            }
            Problem::NoSuchPlatform { wanted, offered } => {
                let wanted = wanted.to_string();
                // Names of architectures are similar, but this one has no typo.
                if Platform::USUAL.contains(&&*wanted) {
                    return None;
                }
                let offered: Vec<String> = offered.iter().map(ToString::to_string).collect();
                let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
                let meant = Platform::meant_by(&wanted, &offered)?;
                return Some(format!("did you mean {meant}?"));
            }
            Problem::AttestSeveral { offered } => {
                let platform = offered.first()?.argument();
                let path = quoted(&self.path()?.to_string_lossy());
                return Some(format!(
                    "write the platform that it describes: --attest {platform}={path}"
                ));
            }
            Problem::StatementSubject {
                other: Some(platform),
                ..
            } => {
                let path = quoted(&self.path()?.to_string_lossy());
                let platform = platform.argument();
                return Some(format!(
                    "attach it to the image that it describes: --attest {platform}={path}"
                ));
            }
            Problem::StatementSubject { other: None, .. } => {
                "create the statement for this image; to one without a \"subject\", the merge adds the digest of the manifest"
            }
            Problem::AssertedSeveral { offered, .. } => {
                return Some(asserted_several(offered));
            }
            Problem::AmbiguousLayer { .. } => "one of the two is damaged or was tampered with",
            Problem::BadTag { .. } => {
                "a tag has at most 128 letters, digits, underscores, dots and dashes; choose a shorter one, or set the platform of the image with --set-platform"
            }
            Problem::NothingForDocker => "leave --docker-manifest out",
            Problem::NoLayerRecords => "give an image layout that was written with --layer-records",
            Problem::Closure(problem) => closure(problem)?,
            Problem::OutputExists => "remove it, or replace it with --force",
            Problem::OutputForeign { .. } => {
                "choose another output, or remove this one by hand if it is not needed"
            }
            Problem::OutputInsideInput { .. } | Problem::InputInsideOutput { .. } => {
                "choose an output beside the inputs"
            }
            Problem::NoFile => return mistyped(self.path()?.to_str()?, None),
            Problem::InvalidDocument(_)
            | Problem::WrongFormat { .. }
            | Problem::Ambiguous { .. }
            | Problem::ContradictoryType { .. }
            | Problem::LayoutVersion { .. }
            | Problem::UnknownType { .. }
            | Problem::NoAttestedImage { .. }
            | Problem::DocumentTooLarge { .. }
            | Problem::TooManyDocuments { .. }
            | Problem::TooManyFiles { .. }
            | Problem::LayerCount { .. }
            | Problem::NoImage
            | Problem::NotAttestable { .. }
            | Problem::AttestedKey { .. }
            | Problem::Statement(_)
            | Problem::Artifact { .. } => return None,
        };
        Some(text.to_owned())
    }

    /// An argument that picks the subject.
    fn argument(&self) -> String {
        let Subject { input, item } = self.subject();
        let input = input.as_ref().map_or_else(String::new, InputName::argument);
        let digest = match item {
            Item::Image(ImageInInput::Id(id)) => id.parse().ok(),
            _ => None,
        };
        let pick = digest.map(|digest| pick_by_digest(&digest));
        format!("{input}{}", pick.unwrap_or_else(|| item.id()))
    }

    fn path(&self) -> Option<&Path> {
        self.subject().input.as_ref().and_then(InputName::path)
    }
}

/// What to do about a closure that does not fit.
fn closure(problem: &ClosureProblem) -> Option<&'static str> {
    Some(match problem {
        ClosureProblem::Platform { .. } => {
            "give each platform of the image its closure: --closure PLATFORM=FILE"
        }
        ClosureProblem::Missing { .. } => {
            "give each platform its closure, or choose platforms with --platform"
        }
        ClosureProblem::Differs { images } => {
            let mut all = images.iter().flat_map(|(_, differences)| differences);
            let is_changed =
                |found: &ClosureDifference| matches!(found, ClosureDifference::Changed(_));
            match all.all(is_changed) {
                true => {
                    "if the image changes files of store paths on purpose, --allow-changed lists them as changed"
                }
                false => {
                    "leave a store path that is only in one of the two on purpose out of the comparison: --unchecked PATH"
                }
            }
        }
        ClosureProblem::NotRead { .. } => "leave --closure out",
        ClosureProblem::Form | ClosureProblem::Entry { .. } => {
            return None;
        }
    })
}

fn contradictory_platform(claimed: &Platform, found: &Platform, argument: &str) -> Option<String> {
    let is_wrong = claimed.unknown_variant().is_some();
    let (claimed, found) = (claimed.name(), found.name());
    let as_found = format!("give the image as {found}={argument}");
    if is_wrong {
        return Some(format!("the platform {claimed} does not exist; {as_found}"));
    }
    // Versions of an operating system cannot be set.
    (claimed != found).then(|| {
        format!(
            "if the config is wrong, merge it with --set-platform {argument}={claimed} (Nix: setPlatform = \"{claimed}\"); if the index is wrong, {as_found}"
        )
    })
}

/// Whether a platform picks each of the candidates.
fn has_a_platform_each(candidates: &[Candidate]) -> bool {
    let platforms = candidates.iter().filter_map(|c| c.platform.as_ref());
    let mut platforms: Vec<&Platform> = platforms.collect();
    platforms.sort_by(|a, b| a.cmp_place(b));
    let are_distinct = platforms.windows(2).all(|pair| {
        let architecture =
            |platform: &Platform| (platform.os.clone(), platform.normal().0.to_owned());
        architecture(pair[0]) != architecture(pair[1])
    });
    platforms.len() == candidates.len() && are_distinct
}

/// The arguments that pick one of the candidates.
fn pick(subject: &Subject, offered: &[Candidate], option: &str, end: &str) -> String {
    let input = subject.input.as_ref().map(InputName::argument);
    let (picks, has_more) = picks(&input.unwrap_or_default(), offered);
    let picks: Vec<String> = (picks.iter())
        .map(|pick| format!("{option}{pick}{end}"))
        .collect();
    let verb = match picks.len() {
        1 => "take it with",
        _ if has_more => "pick one, for example with",
        _ => "pick one with",
    };
    format!("{verb} {}", picks.join(" or "))
}

/// The arguments that take all candidates, if each is for a different platform.
fn take_all(subject: &Subject, offered: &[Candidate]) -> Option<String> {
    // Standard input can be given once.
    let input = subject.input.as_ref().filter(|i| i.path().is_some())?;
    let (picks, has_more) = picks(&input.argument(), offered);
    let is_whole = !has_more && picks.len() == offered.len() && offered.len() > 1;
    (is_whole && has_a_platform_each(offered))
        .then(|| format!("; for all platforms give each of them: {}", picks.join(" ")))
}

/// Names what can be taken of an image that was saved for some of its platforms.
fn incomplete(subject: &Subject, complete: &[Platform], select: &str) -> String {
    let mut platforms: Vec<String> = complete.iter().map(Platform::argument).collect();
    platforms.dedup();
    if platforms.is_empty() {
        return "the image is incomplete; it was cut off, or saved for some of its platforms only"
            .to_owned();
    }
    let each = |text: &dyn Fn(&String) -> String| {
        let arguments: Vec<String> = platforms.iter().map(text).collect();
        arguments.join(" ")
    };
    let options = each(&|platform| format!("--platform {platform}"));
    // Standard input can be given once.
    let in_front = match subject.input.as_ref().filter(|i| i.path().is_some()) {
        Some(input) => {
            let inputs = each(&|platform| format!("{platform}={input}{select}"));
            format!(", or of this input alone with {inputs}")
        }
        None => String::new(),
    };
    format!(
        "the image is incomplete: it was saved for some of its platforms only; take those with {options}{in_front}"
    )
}

/// How to take an image that only `manifest.json` has.
fn index_lacks(subject: &Subject, position: usize, pick: Option<&str>) -> String {
    let input = (subject.input.as_ref()).map_or("IMAGE".to_owned(), InputName::argument);
    match pick {
        Some(name) => format!(
            "select one: {input}#{} of manifest.json, {input}#@POSITION of index.json, or give both",
            clean(name)
        ),
        None => format!(
            "take the images of index.json with {input}#@POSITION; extract the first of the others with: skopeo copy docker-archive:{input}:@{position} oci-archive:FILE.tar"
        ),
    }
}

fn asserted_several(offered: &[Platform]) -> String {
    let mut exact: Vec<String> = offered.iter().map(Platform::exact_argument).collect();
    exact.sort();
    exact.dedup();
    if exact.len() != offered.len() {
        return "leave the platform out, or select one of the images with #WHICH after the path"
            .to_owned();
    }
    let exact: Vec<String> = exact.iter().map(|p| format!("{p}=IMAGE")).collect();
    format!("name the variant: {}", exact.join(" or "))
}

fn io_failed(source: &io::Error) -> Option<&'static str> {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(
            "the file system of the output needs space for the output, and for all layers that are compressed or come in a stream",
        ),
        io::ErrorKind::FileTooLarge => {
            Some("the size of files is limited here; raise the limit (ulimit -f)")
        }
        _ => None,
    }
}

fn not_an_image(found: &FileKind, path: Option<&Path>) -> Option<String> {
    let file = path.map_or("FILE".to_owned(), |path| quoted(&path.to_string_lossy()));
    let text = match found {
        FileKind::Xz => format!("decompress it in a pipe: xz -dc {file} | polyarch … -"),
        FileKind::Bzip2 => format!("decompress it in a pipe: bzip2 -dc {file} | polyarch … -"),
        FileKind::Lz4 => format!("decompress it in a pipe: lz4 -dc {file} | polyarch … -"),
        FileKind::PipedJson => "an image of nix2container must be given as a file".to_owned(),
        FileKind::Tar => "is the archive complete? dockerTools writes manifest.json last".to_owned(),
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
            format!("give the directory that also has its blobs: {parent}")
        }
        FileKind::UnmarkedLayout if path.is_some_and(Path::is_dir) => format!(
            "if the layout is otherwise complete, add the file: echo '{{\"imageLayoutVersion\":\"1.0.0\"}}' > {}",
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
    match cause::find(source) {
        Some(TarError::Sparse { .. }) => return "make the archive again, without --sparse",
        Some(TarError::PathTooLong { .. }) => return "build the image again with shorter names",
        Some(TarError::RepeatedContent { .. }) => {
            return "this looks like a decompression bomb; if the layer is genuine, write it without hard links";
        }
        _ => {}
    }
    match cause::find(source) {
        Some(DecodeError::ExpandsTooMuch { .. }) => {
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
            "if the config is wrong, merge it with --set-platform IMAGE={os}/{found} (Nix: setPlatform = \"{os}/{found}\"); ",
            os = expected.os
        ),
        None => String::new(),
    };
    format!(
        "built with the wrong package set? take the program from pkgsCross, or from a machine of {expected}; {config}to continue with a warning, use --platform-check warn (Nix: platformCheck = \"warn\")"
    )
}

/// What the user meant by a path that does not exist: a platform, a tag or a transport is written in many
/// ways.
fn not_found(path: &Path, before_colon: Option<&Path>) -> Option<String> {
    let text = path.to_str()?;
    if let Some(fetch) = fetch(text) {
        return Some(fetch);
    }
    if let Some(corrected) = mistyped(text, before_colon) {
        return Some(corrected);
    }
    if let Some((before, after)) = text.split_once('=')
        && !after.is_empty()
    {
        return Some(format!(
            "{before:?} is not a platform; expected os/arch or os/arch/variant, such as linux/arm64={after}"
        ));
    }
    is_in_a_registry(text).then(|| {
        let (file, tls) = (archive_name(text), tls_option("src", text));
        format!(
            "polyarch reads files, not registries; fetch the image first: skopeo copy --all{tls} {} oci-archive:{file}",
            quoted(&format!("docker://{text}"))
        )
    })
}

/// Whether the hint for a path that does not exist corrects its platform or its tag.
pub(crate) fn is_mistyped(path: &Path, before_colon: Option<&Path>) -> bool {
    let text = path.to_str();
    text.is_some_and(|text| mistyped(text, before_colon).is_some())
}

/// Corrects a mistyped platform or tag in an argument that is not a file.
fn mistyped(text: &str, before_colon: Option<&Path>) -> Option<String> {
    // Any two words with a slash have the form of a platform, as has the path of many a file.
    let is_platform = |text: &str| Platform::USUAL.contains(&text);
    if is_platform(text) {
        return Some(format!(
            "give a platform before its image, {text}=IMAGE, or after an option and a =, such as --docker-manifest={text}"
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
            "select an image with #: {}",
            quoted(&format!("{}#{tag}", before.display()))
        ));
    }
    if let Some((before, after)) = text.split_once(':')
        && is_platform(before)
    {
        return Some(format!("did you mean {before}={after}?"));
    }
    let (before, after) = text.split_once('=')?;
    let meant = Platform::meant_by(before, &Platform::USUAL).filter(|_| !after.is_empty())?;
    Some(format!(
        "{before:?} is not a platform; did you mean {meant}={after}?"
    ))
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
        let (file, tls) = (archive_name(reference), tls_option("src", reference));
        return Some(format!(
            "fetch it first, then give {file}: skopeo copy --all{tls} {image} oci-archive:{file}"
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
