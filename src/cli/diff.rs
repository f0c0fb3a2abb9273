//! `polyarch diff`.

use std::ffi::OsString;

use clap::Args;
use polyarch::diff;

use super::load::LoadArgs;
use crate::show::{self, Failure};

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
    look: LoadArgs,
}

impl DiffArgs {
    /// Does it.
    pub fn run(&self, default_jobs: usize) -> Result<(), Failure> {
        let old = self.look.look(&self.old, default_jobs);
        let new = self.look.look(&self.new, default_jobs);
        let diff = diff::diff(&old, &new)?;
        if self.look.json {
            return show::json(&diff);
        }
        show::text(|page| show::diff::report(page, &diff))
    }
}
