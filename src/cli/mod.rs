//! The command line: arguments to requests, without any I/O. One file for each command.

mod analyze;
mod diff;
mod inspect;
mod install;
mod load;
mod merge;
mod verify;

use std::ffi::OsStr;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};
use polyarch::Input;
use polyarch::oci::Platform;
use polyarch::source::Select;

pub use analyze::AnalyzeArgs;
pub use diff::DiffArgs;
pub use inspect::InspectArgs;
pub use install::{CompletionsArgs, ManArgs};
pub use merge::MergeArgs;
pub use verify::VerifyArgs;

/// Merge container images, one per platform, into one multi-platform OCI image.
///
/// A pure function of its inputs: no network, no daemon, no privileges, the same bytes everywhere.
#[derive(Debug, Parser)]
#[command(version, long_version = long_version(), max_term_width = 100, after_long_help = "\
Examples:
  polyarch merge --name hello --output hello.tar hello-amd64.tar.gz hello-arm64.tar.gz
  polyarch inspect hello.tar
  polyarch analyze --html hello.html hello.tar
  polyarch diff released.tar hello.tar

`polyarch COMMAND --help` has more of them.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The version, and those of the libraries that decide which bytes a compressed layer has.
fn long_version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{} (libdeflate {}, zstd {})",
            env!("CARGO_PKG_VERSION"),
            env!("POLYARCH_LIBDEFLATE"),
            zstd::zstd_safe::version_string()
        )
    });
    &VERSION
}

/// More threads than any machine has that runs builds.
pub const MAX_JOBS: usize = 256;

#[derive(Debug, Subcommand)]
pub enum Command {
    Merge(Box<MergeArgs>),
    Verify(VerifyArgs),
    Inspect(InspectArgs),
    Analyze(AnalyzeArgs),
    Diff(DiffArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// `linux/arm64=image.tar#v1`. A path that has a `=` of its own starts with `./` or `/`, or with
/// something that is no platform; one that has a `#` of its own ends in a further `#`.
pub fn input(argument: &OsStr) -> Input {
    let Some(text) = argument.to_str() else {
        return Input::path(argument.into());
    };
    let (platform, text) = split_platform(text);
    let (path, select) = match text.rsplit_once('#') {
        None | Some((_, "")) => (text.strip_suffix('#').unwrap_or(text), Select::All),
        Some((path, which)) => match which.strip_prefix('@').map(str::parse) {
            Some(Ok(position)) => (path, Select::Position(position)),
            _ => (path, Select::Name(which.to_owned())),
        },
    };
    Input {
        platform,
        select,
        ..Input::path(path.into())
    }
}

/// Each input has a name, and standard input can be read once.
fn check_inputs(inputs: &[Input]) -> Result<(), String> {
    if let Some(unnamed) = inputs
        .iter()
        .find(|input| input.path.as_os_str().is_empty())
    {
        let platform = unnamed.platform.as_ref();
        let before = platform.map_or_else(String::new, |platform| format!(" behind {platform}="));
        return Err(format!("there is no IMAGE{before}"));
    }
    match inputs.iter().filter(|input| input.is_stdin()).count() {
        0 | 1 => Ok(()),
        _ => Err("two images are \"-\": standard input has room for one".to_owned()),
    }
}

pub fn split_platform(text: &str) -> (Option<Platform>, &str) {
    let split = text.split_once('=');
    let platform = split.and_then(|(platform, rest)| Some((platform.parse().ok()?, rest)));
    match platform {
        Some((platform, rest)) => (Some(platform), rest),
        None => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

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
    fn what_stands_behind_a_hash_picks_an_image() {
        for (argument, path, select) in [
            ("a.tar", "a.tar", Select::All),
            ("a.tar#v1", "a.tar", Select::Name("v1".into())),
            ("a.tar#me/x:v1", "a.tar", Select::Name("me/x:v1".into())),
            ("linux/arm64=a.tar#@2", "a.tar", Select::Position(2)),
            ("a#b.tar#", "a#b.tar", Select::All),
            ("a#b.tar#@0", "a#b.tar", Select::Position(0)),
        ] {
            let found = input(OsStr::new(argument));
            assert_eq!((found.path, found.select), (PathBuf::from(path), select));
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
