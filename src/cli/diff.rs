//! `polyarch diff`.

use std::ffi::OsString;
use std::sync::LazyLock;

use clap::Args;
use polyarch::DiffRequest;
use regex::Regex;

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

  Fail if a push would send more than 50 MB:
    polyarch diff --max-push 50MB released.tar hello.tar

Exit code: 0 done, whether they differ or not; 1 failed, 2 wrong usage. With --exit-code or --max-push:
0 accepted; 1 the images differ, or a push would send more; 2 failed or wrong usage.")]
pub struct DiffArgs {
    /// The image that a registry has
    #[arg(value_name = "OLD[#WHICH]")]
    old: OsString,

    /// The image that is to be pushed
    #[arg(value_name = "NEW[#WHICH]")]
    new: OsString,

    /// Exit with 1 if the images differ in any way, as `git diff --exit-code` does
    #[arg(long)]
    exit_code: bool,

    /// Exit with 1 if a push would send more than SIZE: bytes, or a number with a unit such as 50MB or
    /// 1.5GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_push: Option<u64>,

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
            exit_code: self.exit_code,
            max_push: self.max_push,
        };
        Invocation::Diff(request, view)
    }
}

/// Parses a size as `mkDiffCheck` and `image.checkPushed` do; tests/fixtures/sizes.tsv has examples. `parse-size` alone
/// takes exponents and other forms too.
fn size(text: &str) -> Result<u64, String> {
    static FORM: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[0-9]+(\.[0-9]+)?( ?([kKmMgGtT][iI]?[bB]?|[bB]))?$").ok());
    let expected = "expected bytes, or a number with a unit such as 50MB or 1.5GiB";
    match FORM.as_ref().is_some_and(|form| form.is_match(text)) {
        true => parse_size::parse_size(text).map_err(|error| format!("{error}; {expected}")),
        false => Err(expected.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_those_of_the_table() {
        let table = include_str!("../../tests/fixtures/sizes.tsv");
        for row in table.lines().filter(|line| !line.starts_with('#')) {
            let (text, bytes) = row.split_once('\t').unwrap();
            assert_eq!(size(text).ok(), bytes.parse().ok(), "{text:?}");
        }
    }
}
