//! A directory for one test, in which the real binary runs.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Merged;

/// A temporary directory of one test.
pub struct Scratch {
    directory: tempfile::TempDir,
    _limit: TimeLimit,
}

impl Scratch {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir_in(in_memory()).unwrap(),
            _limit: TimeLimit::start(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
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
            .current_dir(self.directory.path())
            .env_remove("NIX_BUILD_CORES")
            .env_remove("NIX_BUILD_TOP")
            .args(arguments);
        command
    }

    /// The same, with the usual effect of signals. The tests may have been started with some of them
    /// ignored, as a shell starts a program in the background of a script, and programs inherit that.
    pub fn interruptible(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("env");
        command
            .current_dir(self.directory.path())
            .env_remove("NIX_BUILD_CORES")
            .env_remove("NIX_BUILD_TOP")
            .args([
                "--default-signal=INT,HUP,TERM",
                env!("CARGO_BIN_EXE_polyarch"),
            ])
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
        tree(self.directory.path())
    }
}

/// How long a test may take: many times what the slowest one needs on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Ends the whole test program if one test waits for ever, for example for a program that waits for it.
struct TimeLimit(Arc<()>);

impl TimeLimit {
    fn start() -> Self {
        static RUNNING: Mutex<Vec<(Weak<()>, Instant, String)>> = Mutex::new(Vec::new());
        static WATCH: Once = Once::new();
        let limit = Self(Arc::new(()));
        let name = thread::current().name().unwrap_or("?").to_owned();
        let running = || RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running().push((Arc::downgrade(&limit.0), Instant::now(), name));
        WATCH.call_once(|| {
            thread::spawn(move || {
                loop {
                    thread::sleep(Duration::from_secs(1));
                    let mut tests = running();
                    tests.retain(|(test, ..)| test.strong_count() > 0);
                    let late = tests
                        .iter()
                        .find(|(_, start, _)| start.elapsed() > TIME_LIMIT);
                    if let Some((_, _, name)) = late {
                        // Not captured, unlike what a test prints.
                        let _ = writeln!(
                            std::io::stderr(),
                            "{name} has not ended after {TIME_LIMIT:?}"
                        );
                        std::process::exit(101);
                    }
                }
            });
        });
        limit
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
