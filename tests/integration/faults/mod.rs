//! Faults of the machine: a merge is killed, the disk is full, files change while they are read. Afterwards the
//! old output is unchanged or the new output is complete, and nothing else is left behind.

mod changing_input;
mod durability;
mod limits;
mod permissions;
pub mod signals;
mod streams;
pub mod write_errors;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::*;

type Files = BTreeSet<(PathBuf, Option<Vec<u8>>)>;

/// An image that takes some hundredths of a second to merge, so that a signal can arrive meanwhile.
fn image(platform: &str, seed: u64) -> TestImage {
    let mut image = TestImage::new(platform);
    let noise = |seed: u64| tar(&[("noise", &noise(seed, 300_000))]);
    image.layers.extend([noise(seed), noise(seed + 1)]);
    image
}

/// The outputs of the two formats: a layout and an archive.
const OUTPUTS: [&str; 2] = ["out", "out.tar"];

/// A directory with two images, `a.tar` and `b.tar.gz`, and the outputs of their merge.
pub struct Merge {
    pub scratch: Scratch,
    /// The older output, which is that of `a.tar` alone.
    before: [Files; 2],
    /// The output of both images.
    after: [Files; 2],
}

impl Merge {
    fn new() -> Self {
        Self::of(&image("linux/amd64", 1), &image("linux/arm64", 3))
    }

    pub fn of(a: &TestImage, b: &TestImage) -> Self {
        let scratch = Scratch::new();
        scratch.write("a.tar", &a.docker_archive());
        scratch.write("b.tar.gz", &gzip(&b.docker_archive()));
        let make = |inputs: &[&str]| {
            OUTPUTS.map(|output| {
                scratch.run(&[&["merge", "-o", output], inputs].concat());
                Merged::read(&scratch.path(output));
                let files = tree(&scratch.path(output));
                remove(&scratch.path(output));
                files
            })
        };
        let before = make(&["a.tar"]);
        let after = make(&["a.tar", "b.tar.gz"]);
        Self {
            scratch,
            before,
            after,
        }
    }

    /// Writes the older output or removes it, and returns the arguments of a merge that replaces it.
    pub fn prepare(&self, which: usize, older: bool) -> [&'static str; 6] {
        let output = self.scratch.path(OUTPUTS[which]);
        remove(&output);
        if older {
            for (path, content) in &self.before[which] {
                // An archive is a file, whose path below itself is empty.
                let path = if path.as_os_str().is_empty() {
                    output.clone()
                } else {
                    output.join(path)
                };
                match content {
                    Some(content) => fs::write(path, content).unwrap(),
                    None => fs::create_dir(path).unwrap(),
                }
            }
        }
        [
            "merge",
            "--force",
            "-o",
            OUTPUTS[which],
            "a.tar",
            "b.tar.gz",
        ]
    }

    /// Expects the older or the new output, complete, and returns whether it is the new one.
    #[track_caller]
    pub fn is_done(&self, which: usize, older: bool) -> bool {
        let output = self.scratch.path(OUTPUTS[which]);
        if fs::symlink_metadata(&output).is_err() {
            assert!(!older, "the older output is gone");
            return false;
        }
        let files = tree(&output);
        if older && files == self.before[which] {
            return false;
        }
        assert!(
            files == self.after[which],
            "the output is neither the older one nor the new one"
        );
        true
    }

    /// The files other than inputs and outputs.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let known = ["a.tar", "b.tar.gz", "out", "out.tar"];
        let entries = fs::read_dir(self.scratch.path("")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| !known.iter().any(|name| path.ends_with(name)))
            .collect()
    }
}

pub fn remove(path: &Path) {
    match path.is_dir() {
        true => fs::remove_dir_all(path).unwrap(),
        false => drop(fs::remove_file(path)),
    }
}

pub fn kill(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(status.unwrap().success());
}

fn quietly(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

/// Runs `polyarch` with faults that strace injects: system calls that fail or raise a signal.
pub fn faulty(scratch: &Scratch, faults: &[&str], arguments: &[&str]) -> Output {
    let mut command = Command::new("strace");
    command
        .current_dir(scratch.path(""))
        .args(["-f", "-qqq", "-o", "/dev/null"]);
    for fault in faults {
        command.args(["-e", &format!("inject={fault}")]);
    }
    command
        .arg(env!("CARGO_BIN_EXE_polyarch"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs a script in a new mount namespace, in the directory of the merge; `None` on a machine that does not
/// allow that.
fn in_namespace(scratch: &Scratch, script: &str) -> Option<Output> {
    if !have(&["unshare"]) {
        return None;
    }
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["-m", "bash", "-euc", script])
            .current_dir(scratch.path(""));
        command
            .env("polyarch", env!("CARGO_BIN_EXE_polyarch"))
            .output()
            .unwrap()
    };
    if !run("mount -t tmpfs none /mnt").status.success() {
        missing("the right to mount a file system");
        return None;
    }
    Some(run(script))
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(
            Instant::now() < deadline,
            "the condition does not become true"
        );
        thread::sleep(Duration::from_millis(2));
    }
}

/// Whether the tests may run `polyarch` as another user.
fn may_change_user() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        missing("root, who can change the user");
    }
    is_root && have(&["prlimit", "setpriv"])
}

/// `polyarch` as a user that no other test has, so that no other process counts for its limits. `work` must not
/// be in memory, where files may not be executable.
fn as_other_user(test: u32, options: &[&str], work: &Path, arguments: &[&str]) -> Command {
    fs::set_permissions(work, fs::Permissions::from_mode(0o755)).unwrap();
    let program = work.join("polyarch");
    if !program.exists() {
        // Not copied by this process: a child that another test starts meanwhile would hold the file open
        // for writing, and Linux refuses to start such a file (ETXTBSY).
        let copied = Command::new("cp")
            .args([env!("CARGO_BIN_EXE_polyarch").as_ref(), program.as_os_str()])
            .status();
        assert!(copied.unwrap().success());
    }
    let ours = work.join("ours");
    fs::create_dir_all(&ours).unwrap();
    let mut command = Command::new("prlimit");
    command.current_dir(work).args(options);
    let user = 20_000 * test + std::process::id() % 20_000;
    std::os::unix::fs::chown(&ours, Some(user), Some(user)).unwrap();
    let (uid, gid) = (format!("--reuid={user}"), format!("--regid={user}"));
    command.args(["setpriv", &uid, &gid, "--clear-groups"]);
    command.arg(program).args(arguments);
    command
}
