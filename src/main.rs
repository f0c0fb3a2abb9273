//! Parse, run with progress, show: the same three steps for every command.

mod cli;
mod process;
mod show;

use std::env;
use std::process::ExitCode;

use cli::Invocation;
use show::{Failure, with_bars};

fn main() -> ExitCode {
    let invocation = cli::parse(env::args_os(), process::default_jobs());
    let invocation = invocation.unwrap_or_else(|usage| usage.exit());
    process::keep_umask_usable();
    process::clean_up_on_signals();
    match run(invocation) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            failure.exit_code()
        }
    }
}

fn run(invocation: Invocation) -> Result<(), Failure> {
    match invocation {
        Invocation::Merge(request, view) => {
            view.check_digest_file()?;
            let merged = with_bars(&request.progress, view.quiet, || polyarch::merge(&request))?;
            view.print(&merged)
        }
        Invocation::Verify(request, view) => {
            let report = with_bars(&request.progress, view.quiet, || polyarch::verify(&request));
            view.print(&report)
        }
        Invocation::Inspect(request, view) => {
            let report = with_bars(&request.progress, false, || polyarch::inspect(&request))?;
            view.print(&report)
        }
        Invocation::InspectRaw(request, document) => {
            let raw = || polyarch::inspect::raw(&request, document);
            show::bytes(&with_bars(&request.progress, false, raw)?)
        }
        Invocation::Analyze(request, view) => {
            view.check_page()?;
            let report = with_bars(&request.progress, false, || polyarch::analyze(&request))?;
            view.print(&report)
        }
        Invocation::Diff(request, view) => {
            let report = with_bars(&request.progress, false, || polyarch::diff(&request));
            let printed = report.map_err(Failure::from).and_then(|report| {
                view.print(&report)?;
                Ok(report)
            });
            view.judge(printed)
        }
        Invocation::Sbom(request, view) => {
            view.check_order(&request.input)?;
            view.check_output(&request)?;
            let report = with_bars(&request.progress, false, || polyarch::sbom(&request))?;
            view.print(&report)
        }
        Invocation::Pin(request, view) => view.print(&polyarch::pin(&request)?),
        Invocation::Completions(script) => show::bytes(&script),
        Invocation::Man(directory, pages) => show::man(&directory, &pages),
    }
}
