//! What people read: text on a terminal or in a pipe, and JSON.
//!
//! Whatever comes from an image goes through [`clean`] before it is printed: a name can hold escape
//! sequences.

pub mod analyze;
pub mod diff;
pub mod inspect;
mod page;
mod progress;

use std::io::{self, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use polyarch::load::LoadRequest;
use polyarch::util::text::message;
use serde::Serialize;

pub use page::Page;
pub use progress::Bars;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The work could not be done.
    Work(Box<polyarch::Error>),
    /// What came of it could not be printed.
    Print(io::Error),
}

impl From<polyarch::Error> for Failure {
    fn from(error: polyarch::Error) -> Self {
        Self::Work(Box::new(error))
    }
}

impl Failure {
    /// Says so.
    pub fn report(&self) {
        match self {
            Self::Work(work) => error(&work.to_string(), work.hint()),
            Self::Print(print) => error(&format!("cannot print: {print}"), None),
        }
    }
}

/// Does what takes a while, with a bar.
pub fn while_working<T>(look: &LoadRequest, work: impl FnOnce() -> T) -> T {
    let bars = Bars::show(&look.progress);
    let done = work();
    drop(bars);
    done
}

/// Says what the user should know, in the same way.
pub fn warning(note: &str) {
    let _ = writeln!(
        anstream::stderr(),
        "{WARNING}warning:{WARNING:#} {}",
        message(note)
    );
}

/// Says what went wrong, in colour where standard error is a terminal that has them.
pub fn error(problem: &str, hint: Option<String>) {
    let mut stderr = anstream::stderr();
    // A closed standard error is no reason to fail in another way.
    let _ = writeln!(stderr, "{ERROR}error:{ERROR:#} {}", message(problem));
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "{HINT}hint:{HINT:#} {}", message(&hint));
    }
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    print(|mut stdout| stdout.write_all(bytes))
}

/// Prints a document for programs.
pub fn json(document: &impl Serialize) -> Result<(), Failure> {
    print(|stdout| {
        let mut stdout = io::BufWriter::new(stdout);
        serde_json::to_writer_pretty(&mut stdout, document)?;
        writeln!(stdout)?;
        stdout.flush()
    })
}

/// Prints what `write` puts on a page, with colours where the terminal has them.
pub fn text(write: impl FnOnce(&mut Page)) -> Result<(), Failure> {
    let mut page = Page::for_stdout();
    write(&mut page);
    print(|stdout| AutoStream::auto(stdout).write_all(page.text().as_bytes()))
}

fn print(write: impl FnOnce(io::Stdout) -> io::Result<()>) -> Result<(), Failure> {
    match write(io::stdout()).and_then(|()| io::stdout().flush()) {
        // Whoever read it has seen enough (`| head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(Failure::Print),
    }
}
