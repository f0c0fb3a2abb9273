//! Prints results as text, JSON or pages: one file for each command.
//!
//! Text from an image goes through [`clean`](polyarch::internals::text::clean) before it is printed: a
//! name can hold escape sequences.

mod analyze;
mod diff;
mod inspect;
mod json;
mod man;
mod merge;
mod pin;
mod progress;
mod sbom;
mod terminal;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use polyarch::internals::text::message;
use polyarch::{Code, Warning};
use serde::Serialize;

use terminal::Page;

pub use analyze::AnalyzeView;
pub use diff::DiffView;
pub use inspect::InspectView;
pub use man::{ManPage, man};
pub use merge::MergeView;
pub use pin::PinView;
pub use progress::with_bars;
pub use sbom::{SbomFormat, SbomView};
pub use verify::VerifyView;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    Work(Box<polyarch::Error>),
    /// The result cannot be printed.
    Print(String),
    /// The arguments contradict the files that they name.
    Hinted {
        problem: String,
        hint: String,
    },
    /// The printed report has errors.
    Findings,
    /// The report is printed, and an option does not accept it. The text says why if the report does not.
    Rejected(Option<String>),
    /// A command whose exit code of 1 is an answer failed before it had one.
    NoAnswer(Box<Failure>),
}

impl From<polyarch::Error> for Failure {
    fn from(error: polyarch::Error) -> Self {
        Self::Work(Box::new(error))
    }
}

impl Failure {
    /// Returns the exit code: 1; 3 for the conf of a layered image that is not supported, whose stream
    /// script can be run instead; or 2 where 1 is an answer.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Work(work) if work.code() == Code::UnsupportedConf => ExitCode::from(3),
            Self::NoAnswer(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    /// Prints the error, unless a report has it.
    pub fn report(&self) {
        match self {
            Self::Work(work) => error(&work.to_string(), work.hint()),
            Self::Print(problem) => error(problem, None),
            Self::Hinted { problem, hint } => error(problem, Some(hint.clone())),
            Self::Rejected(Some(reason)) => error(reason, None),
            Self::NoAnswer(failure) => failure.report(),
            Self::Findings | Self::Rejected(None) => {}
        }
    }
}

fn error(problem: &str, hint: Option<String>) {
    let mut stderr = anstream::stderr();
    // A closed standard error is not a reason to fail in another way.
    let _ = writeln!(stderr, "{ERROR}error:{ERROR:#} {}", message(problem));
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "{HINT}hint:{HINT:#} {}", message(&hint));
    }
}

fn warning(warning: &Warning) {
    let _ = writeln!(
        anstream::stderr(),
        "{WARNING}warning:{WARNING:#} {}",
        message(&warning.to_string())
    );
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    print(|stdout| stdout.write_all(bytes))
}

/// Prints a report as JSON.
fn json(report: &impl Serialize) -> Result<(), Failure> {
    print(|stdout| {
        let mut stdout = io::BufWriter::new(stdout);
        json::write(&mut stdout, report)?;
        stdout.flush()
    })
}

/// Prints the page that `write` fills, in colours if the terminal has them.
fn text(write: impl FnOnce(&mut Page)) -> Result<(), Failure> {
    let mut page = Page::for_stdout();
    write(&mut page);
    print(|stdout| AutoStream::auto(stdout).write_all(page.text().as_bytes()))
}

fn print(write: impl FnOnce(&mut io::Stdout) -> io::Result<()>) -> Result<(), Failure> {
    match write(&mut io::stdout()).and_then(|()| io::stdout().flush()) {
        // The reader has read enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|e| Failure::Print(format!("cannot print: {e}"))),
    }
}

/// Returns a number and its unit, in the plural where needed.
fn count(n: usize, unit: &str) -> String {
    match n {
        1 => format!("1 {unit}"),
        _ => format!("{n} {unit}s"),
    }
}
