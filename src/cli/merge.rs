//! `polyarch merge`: its arguments, and the [`Request`] that they make.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use polyarch::bytes::codec;
use polyarch::bytes::progress::Progress;
use polyarch::check::programs::Check;
use polyarch::oci::{ImageName, Platform};
use polyarch::{Annotations, Compression, Consistency, Format, Input, Request};

use super::{MAX_JOBS, input, split_platform};

/// Merge images into one image index, as an OCI image layout directory or an oci-archive
///
/// Prints the digest of the image index.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Two archives of dockerTools, ready for `skopeo copy --all oci-archive:hello.tar docker://…`:
    polyarch merge --name hello --output hello.tar hello-amd64.tar.gz hello-arm64.tar.gz

  The same, sure that neither is of the wrong architecture:
    polyarch merge --output hello.tar linux/amd64=a.tar.gz linux/arm64=b.tar.gz

  Image layouts into one whose blobs are links to theirs:
    polyarch merge --link --output hello hello-amd64/ hello-arm64/

Exit code: 0 done, 1 failed (nothing is written), 2 wrong usage.")]
pub struct MergeArgs {
    /// The images: docker-archives, OCI image layout directories or oci-archives (plain, gzip or
    /// zstd), or what nix2container builds, told apart by content
    ///
    /// `PLATFORM=` in front (os/arch or os/arch/variant, such as linux/arm64) asserts the platform
    /// of an image: a different one in its config is an error. The order of images does not matter.
    ///
    /// `#NAME:TAG`, `#TAG` or `#@POSITION` (from 0) behind it picks one of several images; a file whose
    /// name has a `#` takes a further one behind it. `-` comes through standard input.
    #[arg(required = true, value_name = "[PLATFORM=]IMAGE[#WHICH]")]
    images: Vec<OsString>,

    /// Take only the images for this platform; by default all of them (repeatable)
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<Platform>,

    /// Change the platform in the config of an image, which gives it another image ID (repeatable)
    ///
    /// For images whose config is wrong, such as one that says `aarch64` or no variant of arm. The
    /// IMAGE is one of those above, as it is written there.
    #[arg(long = "set-platform", value_name = "IMAGE=PLATFORM", value_parser = set_platform)]
    set_platforms: Vec<(String, Platform)>,

    /// Where to write the merged image
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,

    /// What to write; by default an oci-archive if PATH ends in .tar or .ociarchive, else an
    /// oci-layout
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatArg>,

    /// Replace an output that is there already
    #[arg(short, long)]
    force: bool,

    /// The name of the image, for those who load the output: hello, ghcr.io/me/hello
    #[arg(long)]
    name: Option<String>,

    /// The tag that goes with --name
    #[arg(long, default_value = "latest", requires = "name")]
    tag: String,

    /// How to compress layers; what is compressed already is kept by all but `none`
    #[arg(long, value_name = "HOW", default_value = "gzip")]
    compression: CompressionArg,

    /// gzip: 1 to 12, default 2 (levels of libdeflate); zstd: 1 to 19, default 3
    #[arg(long, value_name = "N")]
    compression_level: Option<i32>,

    /// In an oci-layout, make the blobs of images that are layout directories links to them
    #[arg(long)]
    link: bool,

    /// Hold compressed layers that are only copied against their digests, not against the diff IDs
    /// too, for which they must be decompressed
    ///
    /// For image layouts that a merge has written: it has held them against both.
    #[arg(long)]
    trust_diff_ids: bool,

    /// What to do about a program for another machine than its image is for
    ///
    /// The program that an image starts (Entrypoint or Cmd of its config) is found in its layers and
    /// must be for its platform. Other programs and libraries that are not are a warning. Layers that
    /// are only linked, or held against digests alone, were looked at when they were made.
    #[arg(long, value_name = "HOW", default_value = "error")]
    platform_check: CheckArg,

    /// What to do about images whose configs say different things
    ///
    /// Of Entrypoint, Cmd, Env, User, WorkingDir, ExposedPorts, Volumes, Labels and created. Store
    /// paths are the same if they have the same name and version, whatever their hash.
    #[arg(long, value_name = "HOW", default_value = "off")]
    consistency: CheckArg,

    /// An annotation, of the image index if no LEVEL is given (repeatable)
    ///
    /// LEVEL is as in docker buildx: `index`, `manifest` (of each image), `manifest-descriptor` (of
    /// each image, in the index), `index-descriptor` (of the index, in index.json); several are
    /// separated by commas.
    #[arg(long = "annotation", value_name = "[LEVEL:]KEY=VALUE", value_parser = annotation)]
    annotations: Vec<Annotation>,

    /// Add a manifest.json for Docker's classic image store, which knows no image indexes
    ///
    /// It loads every image as NAME:TAG-OS-ARCH, and that of PLATFORM (by default the first of the
    /// index) as NAME:TAG. Some tools, such as crane, then see these images only.
    #[arg(long, value_name = "PLATFORM", num_args = 0..=1, require_equals = true, requires = "name")]
    docker_manifest: Option<Option<Platform>>,

    /// How many threads to use [default: NIX_BUILD_CORES if it is set and not 0, else all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_JOBS as i64))]
    jobs: Option<u16>,

    /// Do not wait until the output is on the disk; a crash of the machine may then damage it
    #[arg(long)]
    no_sync: bool,

    /// Print the whole descriptor of the image index as JSON
    #[arg(long)]
    pub json: bool,

    /// Print nothing on standard error but errors
    #[arg(short, long)]
    pub quiet: bool,
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

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CheckArg {
    /// Refuse it
    Error,
    /// Warn
    Warn,
    /// Do not look
    Off,
}

impl From<CheckArg> for Check {
    fn from(check: CheckArg) -> Self {
        match check {
            CheckArg::Error => Self::Error,
            CheckArg::Warn => Self::Warn,
            CheckArg::Off => Self::Off,
        }
    }
}

impl MergeArgs {
    /// The request, or what is wrong with the arguments.
    pub fn request(&self, default_jobs: usize) -> Result<Request, String> {
        let format = match self.format {
            Some(FormatArg::OciLayout) => Format::Layout,
            Some(FormatArg::OciArchive) => Format::Archive,
            None => format_of(&self.output)?,
        };
        if self.link && format == Format::Archive {
            return Err(
                "--link needs an oci-layout output: an archive cannot link to other files".into(),
            );
        }
        let name = match &self.name {
            Some(name) => Some(ImageName::new(name, &self.tag)?),
            None => None,
        };
        let mut annotations = Annotations::default();
        for annotation in &self.annotations {
            let Annotation { levels, key, value } = annotation;
            for level in levels {
                let of_level = match level {
                    Level::Index => &mut annotations.index,
                    Level::Manifest => &mut annotations.manifest,
                    Level::ManifestDescriptor => &mut annotations.manifest_descriptor,
                    Level::IndexDescriptor => &mut annotations.index_descriptor,
                };
                if of_level.insert(key.clone(), value.clone()).is_some() {
                    return Err(format!("--annotation {key} is given twice"));
                }
            }
        }
        let inputs = self.inputs()?;
        Ok(Request {
            progress: Progress::new(inputs.iter().map(Input::name)),
            inputs,
            platforms: self.platforms.clone(),
            output: self.output.clone(),
            format,
            force: self.force,
            link: self.link,
            trust_diff_ids: self.trust_diff_ids,
            compression: self.compression()?,
            name,
            annotations,
            docker_manifest: self.docker_manifest.clone(),
            platform_check: self.platform_check.into(),
            consistency: match self.consistency {
                CheckArg::Error => Consistency::Error,
                CheckArg::Warn => Consistency::Warn,
                CheckArg::Off => Consistency::Off,
            },
            sync: !self.no_sync,
            jobs: self.jobs.map_or(default_jobs, usize::from),
        })
    }

    fn inputs(&self) -> Result<Vec<Input>, String> {
        let mut inputs: Vec<Input> = self.images.iter().map(|image| input(image)).collect();
        super::check_inputs(&inputs)?;
        for (image, platform) in &self.set_platforms {
            let bad = |problem| Err(format!("--set-platform {image}: {problem}"));
            // As it is written, with or without its platform in front.
            let is_meant = |argument: &OsString| {
                let argument = argument.to_string_lossy();
                argument == *image || split_platform(&argument).1 == image
            };
            let mut meant = self
                .images
                .iter()
                .zip(&mut inputs)
                .filter(|(a, _)| is_meant(a));
            match (meant.next(), meant.next()) {
                (None, _) => return bad("no IMAGE is called that"),
                (Some(_), Some(_)) => {
                    return bad("several are called that; put the PLATFORM= in front of the one");
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
            (CompressionArg::Gzip, None) => Ok(Compression::Gzip(codec::Level::GZIP_DEFAULT)),
            (CompressionArg::Zstd, None) => Ok(Compression::Zstd(codec::Level::ZSTD_DEFAULT)),
            (CompressionArg::Gzip, Some(level)) => codec::Level::gzip(level)
                .map(Compression::Gzip)
                .ok_or_else(|| bad("1 to 12 for gzip")),
            (CompressionArg::Zstd, Some(level)) => codec::Level::zstd(level)
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

fn format_of(output: &Path) -> Result<Format, String> {
    let name = output.file_name().and_then(OsStr::to_str);
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    if ends(&[".tar.gz", ".tgz", ".tar.zst", ".tar.xz"]) {
        return Err(format!(
            "{}: an oci-archive is not compressed, its layers are; name it .tar, or choose with --format",
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

/// What is annotated.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Index,
    Manifest,
    ManifestDescriptor,
    IndexDescriptor,
}

#[derive(Clone, Debug)]
struct Annotation {
    levels: Vec<Level>,
    key: String,
    value: String,
}

fn annotation(text: &str) -> Result<Annotation, String> {
    let (key, value) = text.split_once('=').ok_or("expected [LEVEL:]KEY=VALUE")?;
    let levels = |text: &str| -> Option<Vec<Level>> {
        text.split(',')
            .map(|level| Level::from_str(level, false).ok())
            .collect()
    };
    let (levels, key) = match key.split_once(':') {
        Some((before, after)) if levels(before).is_some() => (levels(before), after),
        // As in buildx, nothing else that looks like a level is the start of a key.
        Some((before, _))
            if before
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b"-,".contains(&b)) =>
        {
            return Err(format!(
                "{before:?} is not a level, expected index, manifest, manifest-descriptor or index-descriptor; a key with a colon needs one in front: index:{key}"
            ));
        }
        _ => (None, key),
    };
    if key.is_empty() {
        return Err("expected [LEVEL:]KEY=VALUE".to_owned());
    }
    Ok(Annotation {
        levels: levels.unwrap_or_else(|| vec![Level::Index]),
        key: key.to_owned(),
        value: value.to_owned(),
    })
}
