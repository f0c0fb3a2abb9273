//! Parse, run, print the result.

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command, MergeArgs};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

fn main() -> ExitCode {
    let cli = Cli::parse();
    clean_up_on_signals();
    let Command::Merge(args) = &cli.command;
    let request = match args.request(default_jobs()) {
        Ok(request) => request,
        Err(problem) => Cli::command()
            .error(clap::error::ErrorKind::ValueValidation, problem)
            .exit(),
    };
    let printed = polyarch::merge(&request)
        .map_err(|error| report(&error.to_string(), error.hint()))
        .and_then(|outcome| {
            print(args, &outcome)
                .map_err(|e| report(&format!("cannot write the result: {e}"), None))
        });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(()) => ExitCode::FAILURE,
    }
}

fn print(args: &MergeArgs, outcome: &polyarch::Outcome) -> io::Result<()> {
    if !args.quiet {
        for note in &outcome.notes {
            let _ = writeln!(io::stderr(), "warning: {note}");
        }
        for image in &outcome.images {
            // A closed standard error is no reason to fail.
            let _ = writeln!(
                io::stderr(),
                "{:<16} {:>4} layers {:>12} bytes  {}",
                image.platform.to_string(),
                image.layers,
                image.size,
                image.origin
            );
        }
    }
    let mut stdout = io::stdout();
    if args.json {
        serde_json::to_writer(&mut stdout, &outcome.descriptor)?;
        writeln!(stdout)?;
    } else {
        writeln!(stdout, "{}", outcome.descriptor.digest)?;
    }
    stdout.flush()
}

fn report(error: &str, hint: Option<String>) {
    let mut stderr = io::stderr();
    let _ = writeln!(stderr, "error: {error}");
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
}

/// What Nix grants this build, else what the machine has.
fn default_jobs() -> usize {
    let granted = std::env::var("NIX_BUILD_CORES")
        .ok()
        .and_then(|cores| cores.parse().ok())
        .filter(|cores| *cores > 0);
    granted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into))
}

/// Dies of the signal as it would have without us, but leaves nothing behind.
fn clean_up_on_signals() {
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]) else {
        return;
    };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            polyarch::sink::clean_up();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
}
