//! `polyarch inspect`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use polyarch::InspectRequest;
use polyarch::inspect::RawDocument;

use super::arguments::LoadArgs;
use super::{Invocation, input};
use crate::show::InspectView;

/// Show the names, digests, platforms and sizes of an image, and what the platforms share
///
/// Compressed layers are read and verified, because no document has their uncompressed size.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  An overview:
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
    load: LoadArgs,

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
    pub fn invocation(self, default_jobs: usize) -> Invocation {
        let mut request = InspectRequest::new(input::parse(&self.image));
        request.platforms = self.load.platforms;
        request.jobs = self.load.jobs.or(default_jobs);
        let in_full = !request.platforms.is_empty();
        match self.raw {
            None => {
                let json = self.load.json;
                Invocation::Inspect(request, InspectView { json, in_full })
            }
            Some(document) => {
                let document = match document {
                    Some(RawArg::Index) => RawDocument::Index,
                    Some(RawArg::Manifest) => RawDocument::Manifest,
                    Some(RawArg::Config) => RawDocument::Config,
                    None if in_full => RawDocument::Manifest,
                    None => RawDocument::Index,
                };
                Invocation::InspectRaw(request, document)
            }
        }
    }
}
