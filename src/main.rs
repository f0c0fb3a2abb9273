//! Parse, run, print the result.

mod cli;
mod show;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};

use clap::{CommandFactory, Parser};
use cli::{Cli, Command, MAX_JOBS, MergeArgs, VerifyArgs};
use polyarch::util::text;
use rustix::fs::Mode;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

fn main() -> ExitCode {
    let cli = Cli::parse();
    may_use_what_we_make();
    clean_up_on_signals();
    let done = match &cli.command {
        Command::Merge(args) => merge(args),
        Command::Verify(args) => verify(args),
        Command::Inspect(args) => args.run(default_jobs()).map_err(|e| e.report()),
        Command::Analyze(args) => args.run(default_jobs()).map_err(|e| e.report()),
        Command::Diff(args) => args.run(default_jobs()).map_err(|e| e.report()),
        Command::Completions(args) => args.run().map_err(|e| e.report()),
        Command::Man(args) => args.run().map_err(|e| e.report()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(()) => ExitCode::FAILURE,
    }
}

fn merge(args: &MergeArgs) -> Result<(), ()> {
    let request = args.request(default_jobs());
    let request = request.unwrap_or_else(|problem| wrong_usage("merge", problem));
    let bars = (!args.quiet).then(|| show::Bars::show(&request.progress));
    let merged = polyarch::merge(&request);
    drop(bars);
    merged
        .map_err(|error| show::error(&error.to_string(), error.hint()))
        .and_then(|outcome| {
            print(args, &outcome).map_err(|e| {
                let error =
                    format!("the output is complete, but its digest cannot be printed: {e}");
                show::error(&error, None);
            })
        })
}

fn verify(args: &VerifyArgs) -> Result<(), ()> {
    let inputs = args.inputs();
    let inputs = inputs.unwrap_or_else(|problem| wrong_usage("verify", problem));
    let found = polyarch::verify::verify(&inputs, args.platform_check(), args.jobs(default_jobs()));
    args.print(&found)
        .map_err(|e| show::error(&format!("the report cannot be printed: {e}"), None))?;
    match found.errors {
        0 => Ok(()),
        _ => Err(()),
    }
}

fn wrong_usage(command: &str, problem: String) -> ! {
    let mut cli = Cli::command();
    cli.build();
    let error = clap::error::ErrorKind::ValueValidation;
    match cli.find_subcommand_mut(command) {
        Some(command) => command.error(error, problem).exit(),
        None => cli.error(error, problem).exit(),
    }
}

fn print(args: &MergeArgs, outcome: &polyarch::Outcome) -> io::Result<()> {
    if !args.quiet {
        for warning in &outcome.warnings {
            show::warning(&warning.to_string());
        }
        for image in &outcome.images {
            // A closed standard error is no reason to fail.
            let _ = writeln!(
                io::stderr(),
                "{:<16} {:>4} layers {:>12} bytes  {}",
                text::clean(&image.platform.to_string()),
                image.layers,
                image.size,
                text::message(&image.origin)
            );
        }
    }
    let mut stdout = io::stdout();
    if args.json {
        #[derive(serde::Serialize)]
        struct Merged<'a> {
            #[serde(flatten)]
            descriptor: &'a polyarch::oci::Descriptor,
            warnings: &'a [polyarch::error::Warning],
        }
        let (descriptor, warnings) = (&outcome.descriptor, &*outcome.warnings);
        serde_json::to_writer(
            &mut stdout,
            &Merged {
                descriptor,
                warnings,
            },
        )?;
        writeln!(stdout)?;
    } else {
        writeln!(stdout, "{}", outcome.descriptor.digest)?;
    }
    stdout.flush()
}

/// What Nix grants this build, else what the machine has.
fn default_jobs() -> usize {
    let granted = std::env::var("NIX_BUILD_CORES")
        .ok()
        .and_then(|cores| cores.parse().ok())
        .filter(|cores| *cores > 0)
        .map(|cores: usize| cores.min(MAX_JOBS));
    granted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into))
}

/// A umask that takes from the user itself (`0700`) would leave us with directories that we can neither
/// fill nor remove. What it takes from others it still does.
fn may_use_what_we_make() {
    let umask = rustix::process::umask(Mode::RWXU);
    rustix::process::umask(umask - Mode::RWXU);
}

/// Dies of the signal as it would have without us, but leaves nothing behind.
fn clean_up_on_signals() {
    // A file that grows beyond `ulimit -f` is an error like a full disk.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    let mut deadly = vec![SIGINT, SIGTERM, SIGHUP];
    deadly.retain(|signal| !is_ignored(*signal));
    let (ready, wait) = mpsc::channel::<()>();
    // Without a thread to spare, a signal leaves the staging directory; that is no reason to fail.
    // It must still be deadly, so nothing is registered before the thread is there.
    let spawned = std::thread::Builder::new().spawn(move || {
        let Ok(mut signals) = Signals::new(deadly) else {
            return;
        };
        drop(ready);
        for signal in signals.forever() {
            polyarch::sink::clean_up();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    if spawned.is_ok() {
        let _ = wait.recv();
    }
}

/// Whether whoever started us wants the signal ignored, as nohup does. Only Linux tells without a
/// system call that is unsafe to make.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) >> (signal - 1) & 1 == 1
}
