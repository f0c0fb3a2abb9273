//! The arguments that the commands share which look at an image.

use std::ffi::OsString;

use clap::Args;
use polyarch::bytes::progress::Progress;
use polyarch::load::LoadRequest;
use polyarch::oci::Platform;

use super::{MAX_JOBS, input};

#[derive(Debug, Args)]
pub struct LoadArgs {
    /// LoadRequest only at the image for this platform; by default at all of them (repeatable)
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub platforms: Vec<Platform>,

    /// Print all there is to know, as JSON with the fields of docs/json.md
    #[arg(long)]
    pub json: bool,

    /// How many threads to use [default: NIX_BUILD_CORES if it is set and not 0, else all cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_JOBS as i64))]
    jobs: Option<u16>,
}

impl LoadArgs {
    /// What is to be looked at.
    pub fn look(&self, image: &OsString, default_jobs: usize) -> LoadRequest {
        let input = input(image);
        LoadRequest {
            progress: Progress::new([input.name()]),
            input,
            platforms: self.platforms.clone(),
            jobs: self.jobs.map_or(default_jobs, usize::from),
        }
    }
}
