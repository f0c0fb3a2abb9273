//! Errors and warnings as data: a subject and a problem.
//!
//! [`Problem`] has the texts of errors, [`Error::hint`] chooses the advice by its type, and [`Code`] has the
//! stable ids that errors, warnings and the findings of `verify` share.

mod candidate;
mod closure;
mod code;
mod decode;
mod hint;
mod layer;
mod pin;
mod problem;
mod subject;
mod tar;
mod warning;

use std::fmt;
use std::io;
use std::path::Path;

pub use candidate::Candidate;
pub(crate) use candidate::pick_by_digest;
pub use closure::{ClosureDifference, ClosureProblem};
pub use code::{Code, OTHER_WARNINGS, RULES, Rule, Severity};
pub use decode::DecodeError;
pub(crate) use hint::is_mistyped;
pub use layer::{LAYER_RULES, LayerDefect, LayerRule, Unpacker};
pub use pin::{Opaque, PinProblem};
pub use problem::{ConfProblem, DocumentProblem, FileKind, Problem, PromisedLayer};
pub use subject::{ImageInInput, InputName, Item, Subject};
pub use tar::{HeaderError, TarError};
pub use warning::Warning;

/// Why a command failed: a subject (the file, then the thing in it), and the problem with it.
#[derive(Debug)]
pub struct Error {
    subject: Subject,
    // Most results are `Ok`: they should not be as large as the largest problem.
    problem: Box<Problem>,
}

impl Error {
    /// The error that `subject` has `problem`.
    pub(crate) fn new(subject: impl Into<Subject>, problem: Problem) -> Self {
        Self {
            subject: subject.into(),
            problem: Box::new(problem),
        }
    }

    /// For `map_err`: a file operation that failed.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let subject = Subject::from(path);
        move |source| {
            let problem = match source.kind() {
                io::ErrorKind::NotFound if action == "read" => Problem::NotFound {
                    select: None,
                    before_colon: None,
                },
                _ => Problem::Io { action, source },
            };
            Error::new(subject, problem)
        }
    }

    /// For `map_err`: a file that cannot be read and is not an image, for which there are other hints.
    pub(crate) fn no_file(path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Error::new(path, Problem::NoFile),
            _ => Error::io("read", path)(source),
        }
    }

    /// For `map_err`: the bytes of `subject` that cannot be read or decoded.
    pub(crate) fn unreadable(subject: impl Into<Subject>) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::new(subject, Problem::Unreadable { source })
    }

    /// Returns the subject of the error.
    #[doc(hidden)]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the problem of the subject.
    #[doc(hidden)]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What is wrong with it, to add to it.
    pub(crate) fn problem_mut(&mut self) -> &mut Problem {
        &mut self.problem
    }

    /// Returns the stable id of the violated rule.
    pub fn code(&self) -> Code {
        self.problem.code()
    }

    /// Returns the text without the input, for a list of findings in one input.
    pub(crate) fn without_input(&self) -> String {
        describe(&self.subject.without_input(), &self.problem)
    }

    /// Returns the same error about the output `named`, if it is about a file below `directory`, where that
    /// output is made.
    pub(crate) fn renamed(mut self, directory: &Path, named: &Path) -> Self {
        if self
            .subject
            .input
            .as_ref()
            .and_then(InputName::path)
            .is_some_and(|path| path.starts_with(directory))
        {
            self.subject.input = Some(InputName::from(named));
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(&self.subject, &self.problem))
    }
}

/// Most problems are predicates of the thing in the input: "blob sha256:… has the wrong size".
fn describe(subject: &Subject, problem: &Problem) -> String {
    let input = subject.input.as_ref().map(|input| format!("{input}: "));
    match (problem, &subject.item) {
        (Problem::Unreadable { source }, Item::Whole | Item::Image(_)) => {
            format!("{subject}{}cannot read: {source}", subject.separator())
        }
        (Problem::Unreadable { source }, item) => {
            format!(
                "{}cannot read {}: {source}",
                input.unwrap_or_default(),
                item.object()
            )
        }
        // Complete sentences.
        (Problem::StorePaths { .. } | Problem::StorePathsChanged { .. }, _) => {
            format!("{subject}: {problem}")
        }
        _ => format!("{subject}{}{problem}", subject.separator()),
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.problem)
    }
}
