//! `polyarch sbom`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use polyarch::SbomRequest;
use polyarch::oci::Platform;
use polyarch::sbom::ClosureFile;

use super::arguments::JobsArg;
use super::{Invocation, input};
use crate::show::{SbomFormat, SbomView};

/// List the components of an image, with the layers and platforms that have them, as a table, SPDX or
/// CycloneDX
///
/// Each layer is read and verified once. A store path has the hash that Nix knows it by, computed from the
/// bytes in the layers. The output depends on the image only: no time and no random number is in it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Which layers have openssl, and for which platforms:
    polyarch sbom hello.tar openssl

  All components of all platforms, as a document of SPDX 2.3:
    polyarch sbom --output hello.spdx.json hello.tar

  The same, if the layers have exactly what Nix has registered:
    polyarch sbom --closure linux/amd64=amd64.json --closure linux/arm64=arm64.json hello.tar

  Those of one platform, as a document of CycloneDX 1.6:
    polyarch sbom --format cyclonedx --platform linux/arm64 hello.tar

Exit code: 0 done (also if nothing has TEXT), 1 failed, 2 wrong usage.")]
pub struct SbomArgs {
    /// The image, as for `polyarch merge`
    #[arg(value_name = "IMAGE[#WHICH]")]
    image: OsString,

    /// In the table, show only components that have this text in their name, path or package URL, and files in no
    /// component that have it in their path
    #[arg(value_name = "TEXT")]
    filter: Option<String>,

    /// Read only the image for this platform; by default those for all platforms (repeatable)
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<Platform>,

    /// The format of the output; by default SPDX if FILE of --output ends in .spdx.json, CycloneDX if it ends in
    /// .cdx.json, else a table
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatArg>,

    /// Compare the store paths in the layers with the closure in FILE: the same paths, with the same NAR hashes
    /// (repeatable)
    ///
    /// FILE is the JSON of `nix path-info --json --recursive` or of `exportReferencesGraph`, or the `.attrs.json` of
    /// a build with `exportReferencesGraph.closure`. An image of several platforms needs the closure of each.
    #[arg(long = "closure", value_name = "[PLATFORM=]FILE")]
    closures: Vec<OsString>,

    /// Do not compare this store path with the closure (repeatable)
    #[arg(long, value_name = "PATH", requires = "closures")]
    unchecked: Vec<String>,

    /// Allow store paths with other bytes than in the closure; the SBOM lists them as changed
    #[arg(long, requires = "closures")]
    allow_changed: bool,

    /// Read licenses, homepages and more of packages from FILE, a JSON object by store path (repeatable)
    #[arg(long, value_name = "FILE")]
    metadata: Vec<PathBuf>,

    /// Write into FILE (`-`: standard output); an existing SBOM is replaced
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,

    #[command(flatten)]
    jobs: JobsArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// A table
    Text,
    /// SPDX 2.3 in JSON
    Spdx,
    /// CycloneDX 1.6 in JSON
    Cyclonedx,
}

impl SbomArgs {
    pub fn invocation(self, default_jobs: usize) -> Result<Invocation, String> {
        let mut request = SbomRequest::new(input::parse(&self.image));
        request.platforms = self.platforms;
        request.jobs = self.jobs.or(default_jobs);
        request.closures = self.closures.iter().map(|file| closure(file)).collect();
        request.unchecked = self.unchecked;
        request.allow_changed = self.allow_changed;
        request.metadata = self.metadata;
        request.text = self.filter.clone();
        let chosen = match self.format {
            Some(format) => format,
            None => format_of(&self.output)?,
        };
        let format = match (chosen, self.filter) {
            (FormatArg::Text, filter) => SbomFormat::Text { filter },
            (_, Some(filter)) => {
                return Err(format!("only a table can be filtered by {filter:?}"));
            }
            (FormatArg::Spdx, None) => SbomFormat::Spdx,
            (FormatArg::Cyclonedx, None) => SbomFormat::CycloneDx,
        };
        let output = self.output;
        Ok(Invocation::Sbom(request, SbomView { format, output }))
    }
}

/// Returns the format for an output, by the names that SPDX and CycloneDX recommend.
fn format_of(output: &Path) -> Result<FormatArg, String> {
    let name = output.file_name().and_then(OsStr::to_str);
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let is = |end: &str| name.ends_with(end);
    match () {
        () if is(".spdx.json") => Ok(FormatArg::Spdx),
        () if is(".cdx.json") => Ok(FormatArg::Cyclonedx),
        () if is(".json") => Err(format!(
            "--output {}: two formats are JSON; add --format spdx or --format cyclonedx",
            output.display()
        )),
        () => Ok(FormatArg::Text),
    }
}

/// Parses `[PLATFORM=]FILE`.
fn closure(argument: &OsStr) -> ClosureFile {
    let (platform, path) = match argument.to_str() {
        Some(text) => {
            let (platform, path) = input::split_platform(text);
            (platform, PathBuf::from(path))
        }
        None => (None, PathBuf::from(argument)),
    };
    ClosureFile { platform, path }
}
