//! The command line: arguments to a [`Request`], without any I/O.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use polyarch::codec::Level;
use polyarch::spec::{ImageName, Platform};
use polyarch::{Compression, Format, Input, Request};

/// Merge container images, one per platform, into one multi-platform OCI image.
///
/// A pure function of its inputs: no network, no daemon, no privileges, the same bytes everywhere.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

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
    #[arg(required = true, value_name = "[PLATFORM=]IMAGE")]
    images: Vec<OsString>,

    /// Where to write the merged image
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,

    /// What to write; by default an oci-archive if PATH ends in .tar, else an oci-layout
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

    /// An annotation of the image index (repeatable)
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = annotation)]
    annotations: Vec<(String, String)>,

    /// How many threads to use [default: NIX_BUILD_CORES if it is set and not 0, else all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
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
            None if is_archive_name(&self.output) => Format::Archive,
            None => Format::Layout,
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
        let mut annotations = BTreeMap::new();
        for (key, value) in &self.annotations {
            if annotations.insert(key.clone(), value.clone()).is_some() {
                return Err(format!("--annotation {key} is given twice"));
            }
        }
        Ok(Request {
            inputs: self.images.iter().map(|image| input(image)).collect(),
            output: self.output.clone(),
            format,
            force: self.force,
            link: self.link,
            compression: self.compression()?,
            name,
            annotations,
            jobs: self.jobs.map_or(default_jobs, usize::from),
        })
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

fn is_archive_name(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|e| e.eq_ignore_ascii_case("tar") || e.eq_ignore_ascii_case("ociarchive"))
}

/// `linux/arm64=image.tar`; a path that has a `=` of its own starts with `./` or `/`, or with
/// something that is no platform.
fn input(argument: &OsStr) -> Input {
    let split = argument.to_str().and_then(|text| {
        let (platform, path) = text.split_once('=')?;
        let platform: Platform = platform.parse().ok()?;
        Some((platform, PathBuf::from(path)))
    });
    match split {
        Some((platform, path)) => Input {
            path,
            platform: Some(platform),
        },
        None => Input {
            path: argument.into(),
            platform: None,
        },
    }
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
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
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
