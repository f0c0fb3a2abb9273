//! `polyarch diff`.

use std::ffi::OsString;

use clap::Args;
use polyarch::DiffRequest;

use super::arguments::LoadArgs;
use super::{Invocation, input};
use crate::show::DiffView;

/// Show what another build of an image changes, and how many bytes pushing it sends
///
/// For each platform: layers, store paths (another version of a package is a change), directories
/// outside of the store, fields of the config, annotations.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  What would a push send?
    polyarch diff released.tar hello.tar

  Only the number of bytes, for scripts:
    polyarch diff --json released.tar hello.tar | jq .push.bytes

Exit code: 0 done, whether they differ or not; 1 failed, 2 wrong usage.")]
pub struct DiffArgs {
    /// The image that a registry has
    #[arg(value_name = "OLD[#WHICH]")]
    old: OsString,

    /// The image that is to be pushed
    #[arg(value_name = "NEW[#WHICH]")]
    new: OsString,

    #[command(flatten)]
    load: LoadArgs,
}

impl DiffArgs {
    pub fn invocation(self, default_jobs: usize) -> Invocation {
        let mut request = DiffRequest::new(input::parse(&self.old), input::parse(&self.new));
        request.platforms = self.load.platforms;
        request.jobs = self.load.jobs.or(default_jobs);
        let view = DiffView {
            json: self.load.json,
        };
        Invocation::Diff(request, view)
    }
}
