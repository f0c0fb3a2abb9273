//! The command line: arguments to a [`Request`], without any I/O.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};
use polyarch::codec;
use polyarch::source::Select;
use polyarch::spec::{ImageName, Platform};
use polyarch::{Annotations, Compression, Format, Input, Request};

/// Merge container images, one per platform, into one multi-platform OCI image.
///
/// A pure function of its inputs: no network, no daemon, no privileges, the same bytes everywhere.
#[derive(Debug, Parser)]
#[command(version, long_version = long_version(), max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The version, and those of the libraries that decide which bytes a compressed layer has.
fn long_version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{} (libdeflate {}, zstd {})",
            env!("CARGO_PKG_VERSION"),
            env!("POLYARCH_LIBDEFLATE"),
            zstd::zstd_safe::version_string()
        )
    });
    &VERSION
}

/// More threads than any machine has that runs builds.
pub const MAX_JOBS: usize = 256;

#[derive(Debug, Subcommand)]
pub enum Command {
    Merge(MergeArgs),
}

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
        Ok(Request {
            inputs: self.inputs()?,
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
            jobs: self.jobs.map_or(default_jobs, usize::from),
        })
    }

    fn inputs(&self) -> Result<Vec<Input>, String> {
        let mut inputs: Vec<Input> = self.images.iter().map(|image| input(image)).collect();
        if inputs.iter().filter(|input| input.is_stdin()).count() > 1 {
            return Err("two images are \"-\": standard input has room for one".to_owned());
        }
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

/// `linux/arm64=image.tar#v1`. A path that has a `=` of its own starts with `./` or `/`, or with
/// something that is no platform; one that has a `#` of its own ends in a further `#`.
fn input(argument: &OsStr) -> Input {
    let Some(text) = argument.to_str() else {
        return Input::path(argument.into());
    };
    let (platform, text) = split_platform(text);
    let (path, select) = match text.rsplit_once('#') {
        None | Some((_, "")) => (text.strip_suffix('#').unwrap_or(text), Select::All),
        Some((path, which)) => match which.strip_prefix('@').map(str::parse) {
            Some(Ok(position)) => (path, Select::Position(position)),
            _ => (path, Select::Name(which.to_owned())),
        },
    };
    Input {
        platform,
        select,
        ..Input::path(path.into())
    }
}

fn split_platform(text: &str) -> (Option<Platform>, &str) {
    let split = text.split_once('=');
    let platform = split.and_then(|(platform, rest)| Some((platform.parse().ok()?, rest)));
    match platform {
        Some((platform, rest)) => (Some(platform), rest),
        None => (None, text),
    }
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
    // A colon may also be one of the key.
    let (levels, key) = match key.split_once(':') {
        Some((before, after)) if levels(before).is_some() => (levels(before), after),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_in_front_is_told_from_a_path_with_an_equals_sign() {
        for (argument, platform, path) in [
            ("linux/arm64=a.tar", Some("linux/arm64"), "a.tar"),
            ("linux/arm/v7=a=b.tar", Some("linux/arm/v7"), "a=b.tar"),
            ("a=b.tar", None, "a=b.tar"),
            ("./linux/arm64=a.tar", None, "./linux/arm64=a.tar"),
            ("/linux/arm64=a.tar", None, "/linux/arm64=a.tar"),
            ("a.tar", None, "a.tar"),
        ] {
            let found = input(OsStr::new(argument));
            assert_eq!(found.platform.map(|p| p.to_string()).as_deref(), platform);
            assert_eq!(found.path, Path::new(path));
        }
    }

    #[test]
    fn what_stands_behind_a_hash_picks_an_image() {
        for (argument, path, select) in [
            ("a.tar", "a.tar", Select::All),
            ("a.tar#v1", "a.tar", Select::Name("v1".into())),
            ("a.tar#me/x:v1", "a.tar", Select::Name("me/x:v1".into())),
            ("linux/arm64=a.tar#@2", "a.tar", Select::Position(2)),
            ("a#b.tar#", "a#b.tar", Select::All),
            ("a#b.tar#@0", "a#b.tar", Select::Position(0)),
        ] {
            let found = input(OsStr::new(argument));
            assert_eq!((found.path, found.select), (PathBuf::from(path), select));
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
