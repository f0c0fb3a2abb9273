//! The store paths of a layer, as the document names them.

use std::io;
use std::path::PathBuf;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

/// The memory that a compiled regex may take, in bytes: `.*\.sh` takes 4 KiB, real ones less than the limit.
const MAX_REGEX: usize = 256 << 10;

/// A store path, and how its files appear in the layer.
#[derive(Debug, Deserialize)]
pub struct StorePath {
    /// Where it is on this machine.
    pub path: PathBuf,
    #[serde(default)]
    options: Option<Options>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    rewrite: Rewrite,
    perms: Vec<Permissions>,
}

/// How the names of files change: each match of the regex is replaced. A file whose name becomes empty
/// is left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rewrite {
    regex: String,
    repl: String,
}

/// Owner and mode of the files whose *source* path matches.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Permissions {
    pub regex: String,
    pub mode: String,
    pub uid: i64,
    pub gid: i64,
    pub uname: String,
    pub gname: String,
}

impl StorePath {
    /// The regex for the names of files, and its replacement.
    pub fn rewrite(&self) -> Option<(&str, &str)> {
        let rewrite = &self.options.as_ref()?.rewrite;
        (!rewrite.regex.is_empty()).then_some((&rewrite.regex, &rewrite.repl))
    }

    /// The permissions of files; all that match apply, in this order.
    pub fn permissions(&self) -> &[Permissions] {
        self.options.as_ref().map_or(&[], |o| &o.perms)
    }
}

/// Compiles a regex of the document.
///
/// Go's regular expressions and ours are both RE2's: the same syntax, the first match counts, and
/// `$1` and `${name}` stand for groups in a replacement. Where they differ (`\w` and names that are
/// not ASCII, `$01`), a layer has the wrong digest, never the wrong content.
pub fn compile(regex: &str) -> io::Result<Regex> {
    let mut builder = RegexBuilder::new(regex);
    builder
        .size_limit(MAX_REGEX)
        .build()
        .map_err(io::Error::other)
}
