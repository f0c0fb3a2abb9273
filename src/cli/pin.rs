//! `polyarch pin`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use polyarch::PinRequest;
use polyarch::oci::{Digest, ImageName};
use polyarch::pin::PinnedImage;

use super::Invocation;
use crate::show::PinView;

/// Replace the tags of images by their digests, in the files of a deployment
///
/// Writes a copy of SOURCE, a file or a directory, in which each reference NAME:TAG of an image is NAME@DIGEST:
/// in YAML and JSON files (Kubernetes, compose, the values of Helm charts, kustomize) and in HCL files (Nomad).
/// Comments and formatting stay. The placeholders @KEY@, @KEY.name@, @KEY.tag@ and @KEY.digest@ are replaced in any
/// text file. It fails if another tag or digest of an image would be left, or a tag with a variable, or if an image
/// does not occur. Warnings name texts that may be an image and are not changed.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Deploy the image with this digest, whatever the tag becomes:
    polyarch pin --image ghcr.io/me/app:v1@\"$(cat digest)\" --output pinned deploy
    kubectl apply --filename pinned

  Two images, one of them by its placeholder @db@:
    polyarch pin --image app:v1@sha256:… --image db=postgres:17@sha256:… --output pinned deploy

Exit code: 0 done, 1 failed, 2 wrong usage.")]
pub struct PinArgs {
    /// A file, or a directory of files
    #[arg(value_name = "SOURCE")]
    source: PathBuf,

    /// The path of the copy, which must not exist
    #[arg(short, long, value_name = "PATH", value_parser = PathBufValueParser::new().try_map(output))]
    output: PathBuf,

    /// An image: the key of its placeholder, its name as the files have it, a tag, and its digest
    /// (repeatable, also for other tags of an image)
    #[arg(long = "image", value_name = "[KEY=]NAME[:TAG]@DIGEST", required = true, value_parser = parse)]
    images: Vec<PinnedImage>,

    /// Do not print the references that were replaced
    #[arg(short, long)]
    quiet: bool,

    /// Do not wait until the output is on the disk
    #[arg(long)]
    no_sync: bool,
}

impl PinArgs {
    pub fn invocation(self) -> Invocation {
        let mut images: Vec<PinnedImage> = Vec::new();
        for image in self.images {
            let is_same = |other: &&mut PinnedImage| {
                (&other.key, &other.name, &other.digest) == (&image.key, &image.name, &image.digest)
            };
            match images.iter_mut().find(is_same) {
                Some(same) => same.tags.extend(image.tags),
                None => images.push(image),
            }
        }
        let mut request = PinRequest::new(self.source, self.output, images);
        request.sync = !self.no_sync;
        let view = PinView { quiet: self.quiet };
        Invocation::Pin(request, view)
    }
}

/// Other commands take `-` for standard output.
fn output(path: PathBuf) -> Result<PathBuf, String> {
    match path.as_os_str() == "-" {
        true => Err("expected a path; ./- is a file of this name".to_owned()),
        false => Ok(path),
    }
}

fn parse(text: &str) -> Result<PinnedImage, String> {
    let (key, reference) = match text.split_once('=') {
        Some((key, reference)) => (Some(key), reference),
        None => (None, text),
    };
    let is_key = |key: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(is_part)
    };
    if let Some(key) = key.filter(|key| !is_key(key)) {
        return Err(format!(
            "found the key {key:?}, expected a letter, then letters, digits, \"-\" and \"_\""
        ));
    }
    let (tagged, digest) = reference
        .split_once('@')
        .ok_or("expected a digest after the name: NAME:TAG@sha256:…")?;
    let digest: Digest = digest.parse()?;
    let last = tagged.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match tagged[last..].find(':') {
        Some(colon) => (&tagged[..last + colon], Some(&tagged[last + colon + 1..])),
        None => (tagged, None),
    };
    ImageName::new(name, tag.unwrap_or("latest"))?;
    let tags = tag.map(str::to_owned).into_iter().collect();
    Ok(PinnedImage::new(
        key.map(str::to_owned),
        name.to_owned(),
        tags,
        digest,
    ))
}
