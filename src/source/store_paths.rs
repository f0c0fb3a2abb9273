//! Errors about the files that a layer is made of.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// Returns an error about the file at `path`.
pub fn error_at(path: &Path, problem: impl Display) -> io::Error {
    io::Error::other(format!("{}: {problem}", path.display()))
}
