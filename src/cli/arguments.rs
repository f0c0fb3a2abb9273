//! Arguments that several commands have.

use clap::{Args, ValueEnum};
use polyarch::CheckLevel;
use polyarch::oci::Platform;

/// More threads than any machine has that runs builds.
const MAX_JOBS: u16 = 256;

#[derive(Debug, Args)]
pub struct JobsArg {
    /// How many threads to use [default: NIX_BUILD_CORES if it is set and not 0, else all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_JOBS as i64))]
    jobs: Option<u16>,
}

impl JobsArg {
    /// The number of threads; 0 means one on each core.
    pub fn or(&self, default: usize) -> usize {
        let default = default.min(MAX_JOBS.into());
        self.jobs.map_or(default, usize::from)
    }
}

/// The arguments of the commands that show an image.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Read only the image for this platform; by default those for all platforms (repeatable)
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub platforms: Vec<Platform>,

    /// Print everything as JSON, with the fields of docs/json.md
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub jobs: JobsArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CheckArg {
    /// Fail
    Error,
    /// Print a warning
    Warn,
    /// Skip the check
    Off,
}

impl From<CheckArg> for CheckLevel {
    fn from(level: CheckArg) -> Self {
        match level {
            CheckArg::Error => Self::Error,
            CheckArg::Warn => Self::Warn,
            CheckArg::Off => Self::Off,
        }
    }
}
