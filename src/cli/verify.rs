//! `polyarch verify`.

use std::ffi::OsString;

use clap::Args;
use polyarch::VerifyRequest;

use super::arguments::{CheckArg, JobsArg};
use super::{Invocation, input};
use crate::show::VerifyView;

/// Verify every byte of images and report all problems
///
/// Checks digests, sizes, diff IDs, platforms, media types, names, and properties that only some
/// consumers refuse. Writes nothing.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  An image before it is pushed:
    polyarch verify hello.tar

  Archives of dockerTools, each checked against its platform:
    polyarch verify linux/amd64=hello-amd64.tar.gz linux/arm64=hello-arm64.tar.gz

  An image from a pipe, only its errors:
    ./stream-hello | polyarch verify --quiet -

  The ids of all warnings:
    polyarch verify --json hello.tar | jq -r '.findings[] | select(.severity == \"warning\") | .id'

docs/verify.md lists all rules, and the fields of --json.

Exit code: 0 no errors (there may be warnings and notes), 1 errors, 2 wrong usage.")]
pub struct VerifyArgs {
    /// The images, as for `polyarch merge`; everything in them is read
    ///
    /// `PLATFORM=` before the path asserts the platform of an image, and selects it in a multi-platform
    /// image. `#NAME:TAG`, `#TAG`, `#@POSITION` or `#@DIGEST` after it selects one of several images. `-`
    /// is standard input.
    #[arg(required = true, value_name = "[PLATFORM=]IMAGE[#WHICH]")]
    images: Vec<OsString>,

    /// What to do when an image starts a program that is built for another platform
    #[arg(long, value_name = "HOW", default_value = "error")]
    platform_check: CheckArg,

    #[command(flatten)]
    jobs: JobsArg,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    /// Print errors only, and nothing for valid images; --json still prints everything
    #[arg(short, long)]
    quiet: bool,
}

impl VerifyArgs {
    pub fn invocation(self, default_jobs: usize) -> Result<Invocation, String> {
        let mut request = VerifyRequest::new(input::parse_all(&self.images)?);
        request.platform_check = self.platform_check.into();
        request.jobs = self.jobs.or(default_jobs);
        let view = VerifyView {
            json: self.json,
            quiet: self.quiet,
        };
        Ok(Invocation::Verify(request, view))
    }
}
