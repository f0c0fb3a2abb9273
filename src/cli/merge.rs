//! `polyarch merge`.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use oci_spec::image::ANNOTATION_REF_NAME;
use polyarch::merge::{Compression, DockerManifest, Format, Level, Referrers};
use polyarch::oci::Platform;
use polyarch::{Input, MergeRequest, Select};

use super::annotation::{AnnotationArg, annotation, annotations_by_level};
use super::arguments::{CheckArg, JobsArg};
use super::attest::AttestArgs;
use super::name::image_name;
use super::{Invocation, input, transport};
use crate::show::MergeView;

/// Merge images into one image index, as an OCI image layout directory or an oci-archive
///
/// Prints the digest of the image index.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Two archives of dockerTools, ready for `skopeo copy --all oci-archive:hello.tar docker://…`:
    polyarch merge --name hello --output hello.tar hello-amd64.tar.gz hello-arm64.tar.gz

  The same, with an error if one of them is for another platform:
    polyarch merge --output hello.tar linux/amd64=a.tar.gz linux/arm64=b.tar.gz

  Loads the image on another machine:
    polyarch merge --name hello -o - a.tar.gz b.tar.gz | ssh host podman load

  Image layouts, merged into one that links to their blobs:
    polyarch merge --link --output hello hello-amd64/ hello-arm64/

Exit code: 0 done, 1 failed (nothing is written), 2 wrong usage, 3 the conf of a layered
image is not supported (nothing is written; its stream script can be run instead).")]
pub struct MergeArgs {
    /// The images: docker-archives, OCI image layout directories or oci-archives (plain, gzip or
    /// zstd), the `conf` of layered images of dockerTools, or results of nix2container; the format is
    /// detected from the content
    ///
    /// `PLATFORM=` before the path (os/arch or os/arch/variant, such as linux/arm64) asserts the
    /// platform of an image: a different one in its config is an error. In front of a multi-platform image,
    /// `PLATFORM=` selects the image for that platform, and the others are not read. The order of images does not
    /// matter.
    ///
    /// `#NAME:TAG`, `#TAG`, `#@POSITION` (from 0) or `#@DIGEST` (sha256:… or the start of it, also of an
    /// image in an index) after the path selects one of several images; a path that has a `#` needs a
    /// further one at its end. `-` is standard input.
    #[arg(required = true, value_name = "[PLATFORM=]IMAGE[#WHICH]")]
    images: Vec<OsString>,

    /// Take only the images for this platform; by default all of them (repeatable)
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<Platform>,

    /// Change the platform in the config of an image, which changes its image ID (repeatable)
    ///
    /// For images whose config is wrong, such as `aarch64` or an arm without a variant, or names no
    /// platform. IMAGE is one of the arguments, written in the same way; add `#@DIGEST` to it for one of
    /// its images.
    #[arg(long = "set-platform", value_name = "IMAGE=PLATFORM", value_parser = set_platform)]
    set_platforms: Vec<(String, Platform)>,

    /// Where to write the merged image: a path, or `oci:DIR[:TAG]` or `oci-archive:FILE[:NAME:TAG]` as
    /// skopeo writes it; `-` is standard output
    ///
    /// An archive for standard output is made in a temporary directory first (TMPDIR), and then written as
    /// a whole. Its digest is printed on standard error.
    #[arg(short, long, value_name = "PATH")]
    output: OsString,

    /// Write the digest of the image index to this file
    #[arg(long, value_name = "FILE")]
    digest_file: Option<PathBuf>,

    /// The format of the output; by default an oci-archive if PATH ends in .tar or .ociarchive, else
    /// an oci-layout
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatArg>,

    /// Replace an existing output
    #[arg(short, long)]
    force: bool,

    /// The name to push to and to load the image under, such as ghcr.io/me/hello:v1
    #[arg(long, value_name = "NAME[:TAG]")]
    name: Option<String>,

    /// The tag for --name [default: latest]; or name and tag, as in docker
    #[arg(short, long, value_name = "[NAME:]TAG")]
    tag: Option<String>,

    /// How to compress layers; compressed layers stay as they are, except with `none`
    #[arg(long, value_name = "HOW", default_value = "gzip")]
    compression: CompressionArg,

    /// The compression level: 1 to 12 for gzip (default 2; levels of libdeflate), 1 to 19 for zstd (default 3)
    #[arg(long, value_name = "N")]
    compression_level: Option<i32>,

    /// Link to the blobs of input layouts instead of copying them, if the output is an oci-layout
    #[arg(long)]
    link: bool,

    /// Take layers that an earlier merge has compressed from its image layout (repeatable)
    ///
    /// LAYOUT was written with --layer-records. A layer is taken if it is made of the same store paths (of
    /// the conf of a layered image), whose files are then not read, or if it has the same diff ID; and if
    /// the compression is the same. The output is the same as without this option, if the records are true:
    /// take layers only from layouts that you trust. The digest of a layer that is copied is verified.
    #[arg(long, value_name = "LAYOUT")]
    reuse: Vec<PathBuf>,

    /// Record the layers of an oci-layout in its polyarch-layers.json, for --reuse
    #[arg(long)]
    layer_records: bool,

    /// Do not decompress copied layers to check their diff IDs again
    ///
    /// Use it for image layouts that a merge wrote: the merge checked the diff IDs. The digests of
    /// copied layers are checked in any case.
    #[arg(long)]
    trust_diff_ids: bool,

    /// What to do when a program is built for a platform other than its image's
    ///
    /// The program that an image starts (Entrypoint or Cmd of its config) must be built for its
    /// platform. Other programs and libraries cause a warning if they are built for another platform.
    /// Layers that are linked, or copied with --trust-diff-ids, are not searched again.
    #[arg(long, value_name = "HOW", default_value = "error")]
    platform_check: CheckArg,

    /// What to do when the configs of the images differ
    ///
    /// Compares Entrypoint, Cmd, Env, User, WorkingDir, ExposedPorts, Volumes, Labels and created. Store
    /// paths with the same name and version are equal, whatever their hash.
    #[arg(long, value_name = "HOW", default_value = "off")]
    consistency: CheckArg,

    /// Add an annotation, to the image index if no LEVEL is given (repeatable)
    ///
    /// LEVEL is as in docker buildx: `index`, `manifest` (of each image), `manifest-descriptor` (of
    /// each image, in the index), `index-descriptor` (of the index, in index.json); several are
    /// separated by commas.
    #[arg(long = "annotation", value_name = "[LEVEL:]KEY=VALUE", value_parser = annotation)]
    annotations: Vec<AnnotationArg>,

    /// Add a manifest.json for Docker's classic image store, which does not read image indexes
    ///
    /// Docker then loads every image as NAME:TAG-OS-ARCH, and the one for PLATFORM (by default the first
    /// in the index) as NAME:TAG. Some tools, such as crane, then read only these images.
    #[arg(long, value_name = "PLATFORM", num_args = 0..=1, require_equals = true)]
    docker_manifest: Option<Option<Platform>>,

    /// What to do with artifacts that describe an image, such as signatures and SBOMs
    ///
    /// Artifacts that are entries of an image index stay entries of the merged index, as long as the
    /// manifest that they describe does not change.
    #[arg(long, value_name = "HOW", default_value = "drop")]
    referrers: ReferrersArg,

    #[command(flatten)]
    attest: AttestArgs,

    #[command(flatten)]
    jobs: JobsArg,

    /// Do not sync the output to the disk; a crash of the machine can then damage it
    #[arg(long)]
    no_sync: bool,

    /// Print the descriptor of the image index and the warnings as JSON
    #[arg(long)]
    json: bool,

    /// Print only errors on standard error
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArg {
    OciLayout,
    OciArchive,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompressionArg {
    /// Compress with gzip, which every consumer reads
    Gzip,
    /// Compress with zstd: smaller and faster, for containerd 1.5, Docker 23, podman 4 and newer
    Zstd,
    /// Decompress
    None,
    /// Leave every layer as it is
    Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReferrersArg {
    /// Leave out artifacts that are not in the image index, with a warning for each
    Drop,
    /// Copy artifacts whose subject does not change into an oci-layout, where oras and regctl find
    /// them; skopeo and podman then need the tag: oci:DIR:TAG
    Keep,
}

impl MergeArgs {
    pub fn invocation(self, default_jobs: usize) -> Result<Invocation, String> {
        let output = self.output.to_str();
        let place = output.map(transport::output).transpose()?;
        let reference = place.as_ref().and_then(|place| place.reference);
        let path = place
            .as_ref()
            .map_or(Path::new(&self.output), |place| Path::new(place.path));
        if path.as_os_str().is_empty() {
            return Err("--output: expected a path".into());
        }
        let is_stdout = path == Path::new("-");
        if is_stdout && io::stdout().is_terminal() {
            return Err(
                "--output - writes an archive, and standard output is a terminal; redirect it"
                    .into(),
            );
        }
        if is_stdout && self.json {
            return Err(
                "--output - writes the archive where --json prints; use --digest-file".into(),
            );
        }
        let digest_file = self.digest_file(is_stdout)?;
        let mut request = MergeRequest::new(self.inputs()?, path);
        request.output.format = self.format(path, place.as_ref().and_then(|place| place.format))?;
        request.output.force = self.force;
        request.output.link = self.link;
        request.output.layer_records = self.layer_records;
        request.output.sync = !self.no_sync;
        request.compression = self.compression()?;
        request.checks.platform = self.platform_check.into();
        request.checks.consistency = self.consistency.into();
        request.checks.trust_diff_ids = self.trust_diff_ids;
        request.name = image_name(self.name.as_deref(), self.tag.as_deref(), reference)?;
        if self.docker_manifest.is_some() && request.name.is_none() {
            return Err("--docker-manifest needs the name of the image: --name NAME[:TAG]".into());
        }
        request.annotations = annotations_by_level(self.annotations)?;
        if let (Some(tag), None) = (reference, &request.name) {
            // As skopeo does for a tag alone.
            let of_index = &mut request.annotations.index_descriptor;
            of_index.insert(ANNOTATION_REF_NAME.to_owned(), tag.to_owned());
        }
        request.docker_manifest = match self.docker_manifest {
            None => DockerManifest::None,
            Some(None) => DockerManifest::First,
            Some(Some(platform)) => DockerManifest::For(platform),
        };
        request.referrers = match self.referrers {
            ReferrersArg::Drop => Referrers::Drop,
            ReferrersArg::Keep => Referrers::Keep,
        };
        request.attest = self.attest.request()?;
        request.platforms = self.platforms;
        request.reuse = self.reuse;
        request.jobs = self.jobs.or(default_jobs);
        let view = MergeView {
            json: self.json,
            quiet: self.quiet,
            output: request.output.path.clone(),
            is_stdout,
            digest_file,
            format: request.output.format,
            name: request.name.clone(),
        };
        Ok(Invocation::Merge(request, view))
    }

    /// Refuses `-`, which a person means as standard output.
    fn digest_file(&self, is_stdout: bool) -> Result<Option<PathBuf>, String> {
        if self.digest_file.as_deref() != Some(Path::new("-")) {
            return Ok(self.digest_file.clone());
        }
        let stream = if is_stdout { "error" } else { "output" };
        Err(format!(
            "--digest-file -: the digest is printed on standard {stream} without this option; for a file with this name use ./-"
        ))
    }

    fn format(&self, path: &Path, of_transport: Option<Format>) -> Result<Format, String> {
        let chosen = self.format.map(|format| match format {
            FormatArg::OciLayout => Format::Layout,
            FormatArg::OciArchive => Format::Archive,
        });
        let format = match (of_transport, chosen) {
            (Some(transport), Some(chosen)) if transport != chosen => {
                return Err("--format and the transport of --output differ".into());
            }
            (Some(format), _) | (None, Some(format)) => format,
            (None, None) => format_of(path)?,
        };
        if format == Format::Layout && path == Path::new("-") {
            return Err("--output - needs an oci-archive: a directory is not a stream; for a directory with this name use ./-".into());
        }
        let ends_with_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        match format {
            Format::Archive if ends_with_slash => Err(format!(
                "--output {}: the slash at its end is that of a directory, but an oci-archive is a file; leave it out, or add --format oci-layout",
                path.display()
            )),
            Format::Archive if self.link => Err(
                "--link needs an oci-layout output: an archive cannot link to other files".into(),
            ),
            Format::Archive if self.layer_records => Err(
                "--layer-records needs an oci-layout output: layers are taken from a directory".into(),
            ),
            Format::Archive if self.referrers == ReferrersArg::Keep => Err(
                "--referrers keep needs an oci-layout output: an oci-archive has one image; add --format oci-layout".into(),
            ),
            Format::Archive if self.attest.has_referrers() => Err(
                "--attest-as referrers needs an oci-layout output: an oci-archive has one image; add --format oci-layout".into(),
            ),
            format => Ok(format),
        }
    }

    fn inputs(&self) -> Result<Vec<Input>, String> {
        let mut inputs = input::parse_all(&self.images)?;
        for (image, platform) in &self.set_platforms {
            let bad = |problem| Err(format!("--set-platform {image}: {problem}"));
            // As it is written, with or without the platform before it.
            let is_meant = |argument: &OsString| {
                let argument = argument.to_string_lossy();
                let path = input::split_platform(&argument).1;
                // Messages call standard input by a name that can have a `#` after it.
                argument == *image || path == image || path == "-" && image == STDIN
            };
            let mut meant = self
                .images
                .iter()
                .zip(&mut inputs)
                .filter(|(a, _)| is_meant(a));
            match (meant.next(), meant.next()) {
                (None, _) => {
                    set_one_of_several(&mut inputs, image, platform)
                        .map_err(|problem| format!("--set-platform {image}: {problem}"))?;
                }
                (Some(_), Some(_)) => {
                    return bad(
                        "several arguments have this name; write the one with its PLATFORM=",
                    );
                }
                (Some((_, input)), None) if input.set_platform.is_some() => {
                    return bad("it is given twice");
                }
                (Some((_, input)), None) => input.set_platform = Some(platform.clone()),
            }
        }
        Ok(inputs)
    }

    fn compression(&self) -> Result<Compression, String> {
        let level = self.compression_level;
        let bad = |range| format!("--compression-level: expected {range}");
        match (self.compression, level) {
            (CompressionArg::Gzip, None) => Ok(Compression::Gzip(Level::GZIP_DEFAULT)),
            (CompressionArg::Zstd, None) => Ok(Compression::Zstd(Level::ZSTD_DEFAULT)),
            (CompressionArg::Gzip, Some(level)) => Level::gzip(level)
                .map(Compression::Gzip)
                .ok_or_else(|| bad("1 to 12 for gzip")),
            (CompressionArg::Zstd, Some(level)) => Level::zstd(level)
                .map(Compression::Zstd)
                .ok_or_else(|| bad("1 to 19 for zstd")),
            (CompressionArg::None, None) => Ok(Compression::None),
            (CompressionArg::Keep, None) => Ok(Compression::Keep),
            (CompressionArg::None | CompressionArg::Keep, Some(_)) => {
                Err("--compression-level needs --compression gzip or zstd".into())
            }
        }
    }
}

/// The name of standard input in messages.
const STDIN: &str = "/dev/stdin";

/// Sets the platform of one image of an input: `hello.tar#@sha256:0123` names it, `hello.tar` is given.
fn set_one_of_several(
    inputs: &mut [Input],
    image: &str,
    platform: &Platform,
) -> Result<(), &'static str> {
    let named = input::parse(OsStr::new(image));
    let Select::Digest(prefix) = named.select else {
        return Err("no IMAGE has this name");
    };
    let is_stdin = named.path == Path::new(STDIN);
    let is_meant = |input: &&mut Input| input.path == named.path || is_stdin && input.is_stdin();
    let mut meant = inputs.iter_mut().filter(is_meant);
    let input = match (meant.next(), meant.next()) {
        (Some(input), None) => input,
        (None, _) => return Err("no IMAGE has this name"),
        (Some(_), Some(_)) => return Err("several arguments have this name"),
    };
    if input
        .set_platforms
        .iter()
        .any(|(known, _)| *known == prefix)
    {
        return Err("it is given twice");
    }
    input.set_platforms.push((prefix, platform.clone()));
    Ok(())
}

fn format_of(output: &Path) -> Result<Format, String> {
    if output == Path::new("-") {
        return Ok(Format::Archive);
    }
    let name = output.file_name().and_then(OsStr::to_str);
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    if ends(&[".tar.gz", ".tgz", ".tar.zst", ".tar.xz"]) {
        return Err(format!(
            "{}: an oci-archive is not compressed, its layers are; name it .tar, or choose with --format (if it is one of the images, give it after the output)",
            output.display()
        ));
    }
    Ok(if ends(&[".tar", ".ociarchive"]) {
        Format::Archive
    } else {
        Format::Layout
    })
}

fn set_platform(text: &str) -> Result<(String, Platform), String> {
    match text.rsplit_once('=') {
        Some((image, platform)) if !image.is_empty() => Ok((image.to_owned(), platform.parse()?)),
        _ => Err("expected IMAGE=PLATFORM".to_owned()),
    }
}
