//! The command line: arguments to requests, without I/O. One file for each command.

mod analyze;
mod annotation;
mod arguments;
mod attest;
mod completions;
mod diff;
mod input;
mod inspect;
mod invocation;
mod man;
mod merge;
mod name;
mod pin;
mod sbom;
mod tips;
mod transport;
mod verify;

use std::ffi::OsString;
use std::sync::LazyLock;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

pub use invocation::Invocation;

/// Merge container images, one per platform, into one multi-platform OCI image.
///
/// The output depends on the inputs only: the same images give the same digest on every machine. polyarch
/// needs no network, daemon or privileges.
#[derive(Debug, Parser)]
#[command(version, long_version = long_version(), max_term_width = 100, after_long_help = "\
Examples:
  polyarch merge --name hello --output hello.tar hello-amd64.tar.gz hello-arm64.tar.gz
  polyarch inspect hello.tar
  polyarch analyze --html hello.html hello.tar
  polyarch diff released.tar hello.tar
  polyarch pin --image hello:latest@sha256:… --output pinned deploy

`polyarch COMMAND --help` has more examples.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Merge(Box<merge::MergeArgs>),
    Verify(verify::VerifyArgs),
    Inspect(inspect::InspectArgs),
    Analyze(analyze::AnalyzeArgs),
    Diff(diff::DiffArgs),
    Sbom(sbom::SbomArgs),
    Pin(pin::PinArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Parses a command line. `default_jobs` is the number of threads without `--jobs`; 0 means one on each
/// core.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    default_jobs: usize,
) -> Result<Invocation, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli =
        Cli::try_parse_from(&arguments).map_err(|error| tips::corrected(error, &arguments))?;
    match cli.command {
        Command::Merge(args) => args
            .invocation(default_jobs)
            .map_err(|e| wrong_usage("merge", e)),
        Command::Verify(args) => args
            .invocation(default_jobs)
            .map_err(|e| wrong_usage("verify", e)),
        Command::Inspect(args) => Ok(args.invocation(default_jobs)),
        Command::Analyze(args) => Ok(args.invocation(default_jobs)),
        Command::Diff(args) => Ok(args.invocation(default_jobs)),
        Command::Sbom(args) => args
            .invocation(default_jobs)
            .map_err(|e| wrong_usage("sbom", e)),
        Command::Pin(args) => Ok(args.invocation()),
        Command::Completions(args) => Ok(args.invocation(Cli::command())),
        Command::Man(args) => Ok(args.invocation(Cli::command())),
    }
}

/// An error with the usage of a command.
fn wrong_usage(command: &str, problem: String) -> clap::Error {
    let mut cli = Cli::command();
    cli.build();
    match cli.find_subcommand_mut(command) {
        Some(command) => command.error(ErrorKind::ValueValidation, problem),
        None => cli.error(ErrorKind::ValueValidation, problem),
    }
}

/// The version, and those of the libraries that decide the bytes of compressed layers.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
