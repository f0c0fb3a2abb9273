//! `polyarch inspect`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use polyarch::inspect::{self, Raw};

use super::load::LoadArgs;
use crate::show::{self, Failure};

/// Show what an image is: names, digests, platforms, sizes, and what the platforms share
///
/// Compressed layers are read and verified, since nothing else tells how large they are without
/// compression.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  What is in it:
    polyarch inspect hello.tar

  One image in full, with its config and the history of its layers:
    polyarch inspect --platform linux/arm64 hello.tar

  The digest of each manifest, for scripts:
    polyarch inspect --json hello.tar | jq -r '.platforms[].manifest.digest'

  The image index, byte for byte:
    polyarch inspect --raw hello.tar | sha256sum

Exit code: 0 done, 1 failed, 2 wrong usage.")]
pub struct InspectArgs {
    /// The image, as for `polyarch merge`
    #[arg(value_name = "IMAGE[#WHICH]")]
    image: OsString,

    #[command(flatten)]
    look: LoadArgs,

    /// Print the exact bytes of a document: by default of the manifest if --platform is given, else of
    /// the image index
    #[arg(long, value_name = "DOCUMENT", num_args = 0..=1, require_equals = true, conflicts_with = "json")]
    raw: Option<Option<RawArg>>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RawArg {
    /// The image index
    Index,
    /// The manifest of one platform
    Manifest,
    /// The config of one platform
    Config,
}

impl InspectArgs {
    /// Does it.
    pub fn run(&self, default_jobs: usize) -> Result<(), Failure> {
        let look = self.look.look(&self.image, default_jobs);
        if let Some(which) = self.raw {
            let which = match which {
                Some(RawArg::Index) => Raw::Index,
                Some(RawArg::Manifest) => Raw::Manifest,
                Some(RawArg::Config) => Raw::Config,
                None if look.platforms.is_empty() => Raw::Index,
                None => Raw::Manifest,
            };
            return show::bytes(&inspect::raw(&look, which)?);
        }
        let inspection = show::while_working(&look, || inspect::inspect(&look))?;
        if self.look.json {
            return show::json(&inspection);
        }
        show::text(|page| match &inspection.platforms[..] {
            [only] if !look.platforms.is_empty() => show::inspect::in_full(page, only),
            _ => show::inspect::overview(page, &inspection),
        })
    }
}
