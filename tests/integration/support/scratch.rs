//! A directory for one test, in which the real binary runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::Merged;

/// A temporary directory of one test.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new() -> Self {
        Self(tempfile::tempdir_in(in_memory()).unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// `polyarch` with these arguments, in this directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polyarch"));
        command
            .current_dir(self.0.path())
            .env_remove("NIX_BUILD_CORES")
            .args(arguments);
        command
    }

    /// Runs `polyarch`, which must succeed.
    #[track_caller]
    fn succeed(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        output
    }

    /// Runs `polyarch`, which must succeed, and returns its trimmed standard output.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        stdout(&self.succeed(arguments))
    }

    /// Runs `polyarch`, which must succeed and print one JSON document.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(arguments)).unwrap()
    }

    /// Merges into `out` and reads that back: see [`Self::merge_to`].
    #[track_caller]
    pub fn merge(&self, arguments: &[&str]) -> Merged {
        self.merge_to("out", arguments)
    }

    /// Runs `polyarch merge --output OUTPUT` with more options and inputs, which must succeed, and reads
    /// the output back. It must have the digest that was printed.
    #[track_caller]
    pub fn merge_to(&self, output: &str, arguments: &[&str]) -> Merged {
        let done = self.succeed(&[&["merge", "--output", output], arguments].concat());
        let mut merged = Merged::read(&self.path(output));
        (merged.stdout, merged.stderr) = (stdout(&done), stderr(&done));
        // With --json it is a part of a descriptor.
        assert!(merged.stdout.contains(&merged.digest), "{}", merged.stdout);
        merged
    }

    /// Runs `polyarch`, which must fail and leave nothing behind, and returns its message.
    #[track_caller]
    pub fn fail(&self, arguments: &[&str]) -> String {
        let before = self.tree();
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(output.stdout.is_empty(), "a failure printed a result");
        assert_eq!(self.tree(), before, "a failure left something behind");
        stderr(&output)
    }

    /// The names of all files, with their contents.
    pub fn tree(&self) -> BTreeSet<(PathBuf, Option<Vec<u8>>)> {
        tree(self.0.path())
    }
}

/// A directory in memory if that has room, because every merge waits until its output is on the disk.
fn in_memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    match rustix::fs::statvfs(shared) {
        Ok(stat) if stat.f_bavail * stat.f_frsize > 4 << 30 => shared.to_owned(),
        _ => std::env::temp_dir(),
    }
}

/// The names of all files below a directory, with their contents; `None` for directories.
pub fn tree(root: &Path) -> BTreeSet<(PathBuf, Option<Vec<u8>>)> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let content = entry
                .file_type()
                .is_file()
                .then(|| fs::read(entry.path()).unwrap());
            (entry.path().strip_prefix(root).unwrap().to_owned(), content)
        })
        .collect()
}

fn stdout(output: &Output) -> String {
    std::str::from_utf8(&output.stdout)
        .unwrap()
        .trim()
        .to_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a merge into `out`, which must fail with a message that has all of these texts.
#[track_caller]
pub fn expect(scratch: &Scratch, arguments: &[&str], texts: &[&str]) {
    let message = scratch.fail(&[&["merge", "-o", "out"], arguments].concat());
    assert!(message.starts_with("error: "), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    for text in texts {
        assert!(message.contains(text), "{text:?} is not in:\n{message}");
    }
}
