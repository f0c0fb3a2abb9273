//! Parse, run with progress, show: the same three steps for every command.

mod cli;
mod process;
mod show;

use std::env;
use std::process::ExitCode;

use cli::Task;
use show::{Failure, with_bars};

fn main() -> ExitCode {
    let task = cli::parse(env::args_os(), process::default_jobs());
    let task = task.unwrap_or_else(|usage| usage.exit());
    process::keep_umask_usable();
    process::clean_up_on_signals();
    match run(task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Merge(request, view) => {
            let merged = with_bars(&request.progress, view.quiet, || polyarch::merge(&request))?;
            view.print(&merged)
        }
        Task::Verify(request, view) => {
            let report = with_bars(&request.progress, view.quiet, || polyarch::verify(&request));
            view.print(&report)
        }
        Task::Inspect(request, view) => {
            let report = with_bars(&request.progress, false, || polyarch::inspect(&request))?;
            view.print(&report)
        }
        Task::InspectRaw(request, document) => {
            let raw = || polyarch::inspect::raw(&request, document);
            show::bytes(&with_bars(&request.progress, false, raw)?)
        }
        Task::Analyze(request, view) => {
            view.check_page()?;
            let report = with_bars(&request.progress, false, || polyarch::analyze(&request))?;
            view.print(&report)
        }
        Task::Diff(request, view) => {
            let report = with_bars(&request.progress, false, || polyarch::diff(&request))?;
            view.print(&report)
        }
        Task::Completions(script) => show::bytes(&script),
        Task::Man(directory, pages) => show::man(&directory, &pages),
    }
}
