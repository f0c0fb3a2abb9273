//! What the machine does to a merge: it is killed, there is no room, files change under it. What was
//! at the place of the output is then still there, or the whole new output is; and nothing else.
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::*;

type Files = BTreeSet<(PathBuf, Option<Vec<u8>>)>;

/// An image that takes some hundredths of a second to merge.
fn image(platform: &str, seed: u64) -> TestImage {
    let mut image = TestImage::new(platform);
    let noise = |seed: u64| tar(&[("noise", &noise(seed, 300_000))]);
    image.layers.extend([noise(seed), noise(seed + 1)]);
    image
}

/// The formats, and what they are called here.
const OUTPUTS: [&str; 2] = ["out", "out.tar"];

/// A directory with two images, `a.tar` and `b.tar.gz`, and what becomes of them.
struct Merge {
    scratch: Scratch,
    /// What is at the place of an output before: nothing, or an older one.
    before: [Files; 2],
    after: [Files; 2],
}

impl Merge {
    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.write("a.tar", &image("linux/amd64", 1).docker_archive());
        let b = image("linux/arm64", 3).docker_archive();
        scratch.write("b.tar.gz", &gzip(&b));
        let make = |inputs: &[&str]| {
            OUTPUTS.map(|output| {
                scratch.run(&[&["merge", "-o", output], inputs].concat());
                read_back(&scratch.path(output));
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

    /// Puts the older output there, or nothing; the arguments of a merge that replaces it.
    fn prepare(&self, which: usize, older: bool) -> [&'static str; 6] {
        let output = self.scratch.path(OUTPUTS[which]);
        remove(&output);
        if older {
            for (path, content) in &self.before[which] {
                // The file itself has no name below itself.
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

    /// Expects that the output is as it was, or done; whether it is done.
    #[track_caller]
    fn is_done(&self, which: usize, older: bool) -> bool {
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

    /// What is there beside inputs and output.
    fn leftovers(&self) -> Vec<PathBuf> {
        let known = ["a.tar", "b.tar.gz", "out", "out.tar"];
        let entries = fs::read_dir(self.scratch.path("")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| !known.iter().any(|name| path.ends_with(name)))
            .collect()
    }
}

/// Reads an output to its end; every digest in it must be right.
fn read_back(path: &Path) {
    match path.is_dir() {
        true => Merged::directory(path),
        false => Merged::archive(path),
    };
}

fn remove(path: &Path) {
    match path.is_dir() {
        true => fs::remove_dir_all(path).unwrap(),
        false => drop(fs::remove_file(path)),
    }
}

fn kill(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(status.unwrap().success());
}

fn quietly(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

// ---- Signals

#[test]
fn killed_at_two_hundred_random_moments() {
    const RUNS: usize = 200;
    let (next, killed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let merge = Merge::new();
                let start = Instant::now();
                merge.scratch.run(&merge.prepare(0, false));
                let usual = start.elapsed();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= RUNS {
                        break;
                    }
                    let moment = usual.mul_f64(f64::from(noise(i as u64 + 1, 1)[0]) / 64.0);
                    killed.fetch_add(kill_at(&merge, i, moment).into(), Ordering::Relaxed);
                }
            });
        }
    });
    let killed = killed.into_inner();
    eprintln!("{killed} of {RUNS} were killed before they were done");
    assert!(
        killed > RUNS / 4,
        "only {killed} of {RUNS} were killed before they were done"
    );
}

/// Kills a merge; whether it was still running.
fn kill_at(merge: &Merge, i: usize, moment: Duration) -> bool {
    let signal = ["KILL", "TERM", "INT"][i % 3];
    let (which, older) = (i / 3 % 2, i / 6 % 2 == 1);
    let arguments = merge.prepare(which, older);
    let mut command = merge.scratch.command(&arguments);
    let mut child = quietly(&mut command).spawn().unwrap();
    thread::sleep(moment);
    kill(&child, signal);
    let status = child.wait().unwrap();
    let done = merge.is_done(which, older);
    assert!(done || !status.success(), "it ended well without an output");

    let left = merge.leftovers();
    if signal != "KILL" {
        assert!(left.is_empty(), "SIG{signal} left {left:?}");
    }
    for path in &left {
        let name = path.file_name().unwrap().to_str().unwrap();
        let hidden = format!(".{}.polyarch-", OUTPUTS[which]);
        assert!(
            name.starts_with(&hidden),
            "{name} looks like something of the user's"
        );
    }
    if !left.is_empty() {
        // Neither in the way of the next run, nor touched by it.
        merge.scratch.run(&arguments);
        assert!(merge.is_done(which, older));
        assert_eq!(merge.leftovers(), left);
    }
    left.iter().for_each(|path| remove(path));
    !status.success()
}

/// Where random moments hardly ever are: just before and just after the output gets its name.
#[test]
fn killed_at_the_rename() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        for older in [false, true] {
            // The first rename does not replace anything; with an older output, a second one does.
            let rename = if older {
                "renameat2:when=2"
            } else {
                "renameat2:when=1"
            };
            for (call, done) in [
                ("fsync:when=1", false),
                (rename, false),
                ("unlinkat:when=1", true),
            ] {
                for signal in ["KILL", "TERM"] {
                    let arguments = merge.prepare(which, older);
                    let inject = format!("{call}:signal={signal}");
                    let output = faulty(&merge.scratch, &[&inject], &arguments);
                    let found = merge.is_done(which, older);
                    let killed = !output.status.success();
                    assert!(killed || found && signal == "TERM", "{inject}");
                    // A thread cleans up on SIGTERM, while another one may come to the rename.
                    assert!(
                        found == done || signal == "TERM",
                        "{inject} of {arguments:?}"
                    );
                    let left = merge.leftovers();
                    assert!(
                        signal == "KILL" || left.is_empty(),
                        "{inject} left {left:?}"
                    );
                    left.iter().for_each(|path| remove(path));
                }
            }
        }
    }
}

/// Runs `polyarch` with faults of strace: system calls that fail, or bring a signal.
fn faulty(scratch: &Scratch, faults: &[&str], arguments: &[&str]) -> Output {
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

#[test]
fn without_renames_that_exchange_the_output_is_replaced_all_the_same() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for (which, older) in [(0, false), (0, true), (1, false), (1, true)] {
        let arguments = merge.prepare(which, older);
        let output = faulty(&merge.scratch, &["renameat2:error=EINVAL"], &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(merge.is_done(which, older));
        assert!(merge.leftovers().is_empty());
    }
}

// ---- Durability

/// By the order of system calls: content, then names, then the name of the output, then the directory
/// that it is in.
#[test]
fn the_output_is_on_the_disk_before_it_gets_its_name() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    let root = fs::canonicalize(merge.scratch.path("")).unwrap();
    for which in [0, 1] {
        let arguments = merge.prepare(which, false);
        let trace = "fsync,fdatasync,syncfs,/rename,/^open";
        let calls = calls(&merge.scratch, trace, &arguments);
        // With -y, a file descriptor is followed by its path.
        let synced = |calls: &[String]| -> BTreeSet<PathBuf> {
            let call = |call: &String| {
                Some(
                    call.strip_prefix("fsync(")?
                        .split_once('<')?
                        .1
                        .split_once('>')?
                        .0
                        .into(),
                )
            };
            calls.iter().filter_map(call).collect()
        };
        let at = calls
            .iter()
            .position(|call| call.starts_with("renameat2"))
            .unwrap();
        let made = calls[at].split('"').nth(1).unwrap();
        let before: BTreeSet<PathBuf> = synced(&calls[..at])
            .iter()
            .map(|path| path.strip_prefix(made).unwrap_or(path).to_owned())
            .collect();
        let expected = merge.after[which].iter().map(|(path, _)| path.clone());
        assert_eq!(before, expected.collect());
        assert_eq!(synced(&calls[at..]), [root.clone()].into());
        let made_later = calls[at..].iter().any(|call| call.contains("O_CREAT"));
        assert!(!made_later);

        let arguments = [&merge.prepare(which, false)[..], &["--no-sync"]].concat();
        let calls = self::calls(&merge.scratch, trace, &arguments);
        assert!(synced(&calls).is_empty());
        assert!(merge.is_done(which, false));
    }
}

#[test]
fn what_cannot_be_synced_is_no_output() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        for older in [false, true] {
            let arguments = merge.prepare(which, older);
            let output = faulty(&merge.scratch, &["fsync:error=EIO"], &arguments);
            let problem = format!("error: {}: cannot sync: Input/output error", OUTPUTS[which]);
            assert!(stderr(&output).contains(&problem), "{}", stderr(&output));
            assert_eq!(output.status.code(), Some(1));
            assert!(!merge.is_done(which, older));
            assert!(merge.leftovers().is_empty());
        }
        // There are file systems that cannot.
        let arguments = merge.prepare(which, true);
        let output = faulty(&merge.scratch, &["fsync:error=EINVAL"], &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(merge.is_done(which, true));
    }
    // The last is that of the directory, when the output is there.
    let arguments = merge.prepare(1, false);
    let output = faulty(&merge.scratch, &["fsync:error=EIO:when=2"], &arguments);
    let warning = "warning: out.tar: it is complete, but a crash of the machine may undo it: Input/output error";
    assert!(stderr(&output).contains(warning), "{}", stderr(&output));
    assert!(output.status.success() && merge.is_done(1, false));
}

// ---- Files that cannot be written, or are not what they were

#[test]
fn files_that_cannot_be_made_or_moved() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        for (fault, problem) in [
            (
                "mkdir:error=EACCES:when=2",
                "cannot create: Permission denied",
            ),
            (
                "/chmod:error=EPERM",
                "cannot set the mode of: Operation not permitted",
            ),
            (
                "renameat2:error=EXDEV",
                "cannot create: Invalid cross-device link",
            ),
        ] {
            for older in [false, true] {
                let arguments = merge.prepare(which, older);
                let output = faulty(&merge.scratch, &[fault], &arguments);
                let told = stderr(&output);
                assert_eq!(output.status.code(), Some(1), "{fault}: {told}");
                let text = format!("{}: {problem}", OUTPUTS[which]);
                assert!(told.contains(&text), "{fault}: {text:?} is not in:\n{told}");
                assert!(!merge.is_done(which, older));
                assert!(merge.leftovers().is_empty());
            }
        }
    }
}

/// As where signals come: calls have to be made again.
#[test]
fn calls_that_are_interrupted_are_made_again() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        let arguments = merge.prepare(which, true);
        // The loader, which is not ours, reads its first files by less than ten calls.
        let faults = [
            "read:error=EINTR:when=15+2",
            "write:error=EINTR:when=1+2",
            "copy_file_range:error=EINTR:when=1+2",
            "fsync:error=EINTR:when=1+2",
            "ftruncate:error=EINTR:when=1+2",
        ];
        let output = faulty(&merge.scratch, &faults, &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(merge.is_done(which, true));
    }
}

// ---- No room, no permission

/// Runs a script in a mount namespace of its own, in the directory of the merge; nothing where a
/// machine does not allow that.
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

#[test]
fn a_full_disk() {
    let merge = Merge::new();
    for older in [false, true] {
        for which in [0, 1] {
            let output = OUTPUTS[which];
            merge.prepare(which, older);
            // Room for the older output, some more, and then for too few files.
            // A layout is written once, an archive of many blobs is one file, but made of staged ones.
            let few = ["size=3000k,nr_inodes=20", "size=1400k"][which];
            let fewer = ["nr_inodes=10", "nr_inodes=5"][which];
            for limit in ["size=400k", "size=700k", few, fewer] {
                let script = format!(
                    "mkdir disk; mount -t tmpfs -o {limit} none disk
                     [ ! -e {output} ] || cp -r {output} disk || exit 77
                     find disk -type f -exec sha256sum {{}} + >before; find disk >>before
                     status=0; $polyarch merge -q --force -o disk/{output} a.tar b.tar.gz || status=$?
                     find disk -type f -exec sha256sum {{}} + >after; find disk >>after
                     cmp before after; exit $status"
                );
                let Some(done) = in_namespace(&merge.scratch, &script) else {
                    return;
                };
                for path in merge.leftovers() {
                    remove(&path);
                }
                if done.status.code() == Some(77) {
                    continue;
                }
                let told = stderr(&done);
                assert_eq!(done.status.code(), Some(1), "{limit}: {told}");
                let problem = format!("error: disk/{output}: cannot ");
                let full = "No space left on device (os error 28)\nhint: beside the output, there must be room for ";
                assert!(
                    told.starts_with(&problem) && told.contains(full),
                    "{limit}: {told}"
                );
            }
        }
    }
}

#[test]
fn a_target_that_is_read_only() {
    let merge = Merge::new();
    let script = "mkdir disk; mount -t tmpfs -o ro none disk; $polyarch merge -o disk/out a.tar";
    let Some(output) = in_namespace(&merge.scratch, script) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1));
    let disk = merge.scratch.path("disk");
    let problem = format!(
        "error: {}: cannot create a file there: read-only filesystem or storage medium\n",
        disk.display()
    );
    assert_eq!(stderr(&output), problem);
}

/// Nothing but the directory of the output is written to.
#[test]
fn no_directory_for_temporary_files() {
    let merge = Merge::new();
    // The program and the images may be in one of those that are about to go.
    let script = "mkdir here; mount --bind . /mnt; touch /mnt/here/polyarch; mount --bind $polyarch /mnt/here/polyarch
        cd /mnt; for directory in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o ro none $directory; done
        unset TMPDIR TMP TEMP HOME
        here/polyarch merge --force -o out a.tar b.tar.gz; here/polyarch merge --force -o out.tar a.tar b.tar.gz";
    merge.prepare(0, false);
    merge.prepare(1, true);
    let Some(output) = in_namespace(&merge.scratch, script) else {
        return;
    };
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(merge.is_done(0, false) && merge.is_done(1, true));
}

fn may_be_another() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        missing("root, who can be another user");
    }
    is_root && have(&["prlimit", "setpriv"])
}

/// As a user whom nobody else is, neither another test nor another run of this one; not in memory,
/// where nothing may be executable.
fn as_nobody(test: u32, options: &[&str], work: &Path, arguments: &[&str]) -> Command {
    fs::set_permissions(work, fs::Permissions::from_mode(0o755)).unwrap();
    let program = work.join("polyarch");
    if !program.exists() {
        // Not by this process: a child that another test starts meanwhile would have the file open for
        // writing, and Linux then does not start it (ETXTBSY).
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

#[test]
fn what_may_not_be_read_or_written() {
    if !may_be_another() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let work = work.path();
    let write = |name: &str, bytes: &[u8], mode: u32| {
        let path = work.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let image = TestImage::new("linux/amd64");
    write("a.tar", &image.docker_archive(), 0o644);
    write("secret.tar", &image.docker_archive(), 0);
    let layout = image.layout(plain);
    for (i, (name, bytes)) in layout.files().iter().enumerate() {
        // The third file is the config, the fourth a layer.
        write(
            &format!("config/{name}"),
            bytes,
            if i == 2 { 0 } else { 0o644 },
        );
        write(
            &format!("layer/{name}"),
            bytes,
            if i == 3 { 0 } else { 0o644 },
        );
    }
    write("closed/out/index.json", b"{}", 0o644);
    fs::set_permissions(work.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let (config, layer) = (digest(&layout.blobs[0]), digest(&layout.blobs[1]));
    let here = fs::canonicalize(work).unwrap();
    for (output, input, problem) in [
        (
            "ours/out",
            "secret.tar",
            "secret.tar: cannot read: Permission denied".to_owned(),
        ),
        (
            "ours/out",
            "config",
            format!("config: cannot read {config}: Permission denied"),
        ),
        (
            "ours/out",
            "layer",
            format!("layer: cannot read the layer {layer}: Permission denied"),
        ),
        (
            "ours/out",
            "closed/out",
            "closed/out: cannot read: Permission denied".to_owned(),
        ),
        (
            "out",
            "a.tar",
            format!(
                "{}: cannot create a file there: permission denied",
                here.display()
            ),
        ),
        (
            "closed/new",
            "a.tar",
            format!(
                "{}: cannot create a file there: permission denied",
                here.join("closed").display()
            ),
        ),
        (
            "closed/out/new",
            "a.tar",
            "closed/out: cannot read: Permission denied".to_owned(),
        ),
    ] {
        let output = as_nobody(1, &[], work, &["merge", "-o", output, input])
            .output()
            .unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.starts_with(&format!("error: {problem}")),
            "{problem:?} is not in:\n{told}"
        );
        assert_eq!(fs::read_dir(work.join("ours")).unwrap().count(), 0);
    }
}

/// A umask may take from the user what is the user's own.
#[test]
fn a_umask_that_nobody_would_set() {
    if !may_be_another() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let work = work.path();
    let image = TestImage::new("linux/amd64").docker_archive();
    fs::write(work.join("a.tar"), image).unwrap();
    let ours = work.join("ours");
    for umask in ["0700", "0777", "0200", "0277"] {
        for arguments in [
            ["merge", "-o", "ours/out"],
            ["merge", "-o", "ours/out.tar"],
            ["analyze", "--html", "ours/page.html"],
        ] {
            let arguments = [&arguments[..], &["a.tar"]].concat();
            let command = as_nobody(3, &[], work, &arguments);
            let mut under = Command::new("bash");
            under.args(["-c", "umask \"$0\"; exec \"$@\"", umask]);
            under.arg(command.get_program()).args(command.get_args());
            let output = under.current_dir(work).output().unwrap();
            assert!(output.status.success(), "{umask}: {}", stderr(&output));
        }
        let mode = |name: &str| fs::metadata(ours.join(name)).unwrap().permissions().mode();
        let modes = ["out", "out/blobs", "out/index.json", "out.tar"].map(mode);
        let modes = modes.map(|mode| mode & 0o777);
        assert_eq!(modes, [0o755, 0o755, 0o644, 0o644], "{umask}");
        assert_eq!(fs::read_dir(&ours).unwrap().count(), 3, "{umask}");
        fs::remove_dir_all(&ours).unwrap();
    }
}

/// Threads that cannot be started do not stop a merge, and a signal still does.
#[test]
fn no_threads_to_spare() {
    if !may_be_another() {
        return;
    }
    let merge = Merge::new();
    let work = tempfile::tempdir().unwrap();
    let work = work.path();
    for name in ["a.tar", "b.tar.gz"] {
        fs::copy(merge.scratch.path(name), work.join(name)).unwrap();
    }
    for (which, output) in OUTPUTS.iter().enumerate() {
        let output = format!("ours/{output}");
        let arguments = ["merge", "-j", "8", "-o", &output, "a.tar", "b.tar.gz"];
        let done = as_nobody(2, &["--nproc=1"], work, &arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
        assert!(tree(&work.join(output)) == merge.after[which]);
    }
    let mut command = as_nobody(2, &["--nproc=1"], work, &["merge", "-o", "ours/new", "-"]);
    let mut child = quietly(command.stdin(Stdio::piped())).spawn().unwrap();
    let staged = || fs::read_dir(work.join("ours")).unwrap().count() > OUTPUTS.len();
    wait_until(staged);
    // It must not end because there is nothing to read any more.
    let input = child.stdin.take();
    kill(&child, "TERM");
    wait_until(|| child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    drop(input);
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "it does not come to that");
        thread::sleep(Duration::from_millis(2));
    }
}

// ---- Limits of the shell

/// In a shell, with what `ulimit` allows.
fn limited(scratch: &Scratch, limits: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("bash");
    let script = format!("{limits}; exec \"$@\"");
    command
        .current_dir(scratch.path(""))
        .args(["-euc", &script, "bash"]);
    command
        .arg(env!("CARGO_BIN_EXE_polyarch"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn sixty_four_open_files() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers = (0..300)
        .map(|i| tar(&[("file", &noise(i + 1, 3000))]))
        .collect();
    scratch.write("docker.tar", &image.docker_archive());
    scratch.write("docker.tar.gz", &gzip(&image.docker_archive()));
    image.layout(gzipped).directory(&scratch, "layout");
    scratch.write("layout.tar.zst", &zstd(&image.layout(plain).archive()));
    // An image that is wanted in many files at once.
    let inputs: Vec<String> = (0..40).map(|i| format!("{i}.tar.gz")).collect();
    for (i, input) in inputs.iter().enumerate() {
        let mut image = TestImage::new("linux/amd64");
        image.config["os.version"] = i.to_string().into();
        scratch.write(input, &gzip(&image.docker_archive()));
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    for inputs in [
        &["docker.tar"][..],
        &["docker.tar.gz"],
        &["layout"],
        &["layout.tar.zst"],
        &inputs,
    ] {
        for output in OUTPUTS {
            let arguments = [&["merge", "-q", "-j", "64", "-f", "-o", output], inputs].concat();
            let done = limited(&scratch, "ulimit -n 64", &arguments);
            assert!(done.status.success(), "{}", stderr(&done));
            read_back(&scratch.path(output));
        }
    }
    // Even that is more than it needs.
    let output = limited(
        &scratch,
        "ulimit -n 12",
        &["merge", "-f", "-o", "out", "docker.tar.gz"],
    );
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn files_that_must_not_grow() {
    let merge = Merge::new();
    for which in [0, 1] {
        for older in [false, true] {
            let arguments = merge.prepare(which, older);
            // In KiB: less than a layer has.
            let output = limited(&merge.scratch, "ulimit -f 100", &arguments);
            let problem = format!(
                "error: {}: cannot write: File too large (os error 27)\nhint: files must not grow that large here (ulimit -f)\n",
                OUTPUTS[which]
            );
            assert_eq!(stderr(&output), problem);
            assert_eq!(output.status.code(), Some(1));
            assert!(!merge.is_done(which, older));
            assert!(merge.leftovers().is_empty());
        }
    }
}

// ---- Input that is not what it was

/// A merge that has looked `a.tar` or `a` up and waits for another image, which comes through a pipe
/// after `change` has been done.
fn while_it_waits(scratch: &Scratch, input: &str, change: impl FnOnce()) -> Output {
    let pipe = scratch.path("pipe");
    if !pipe.exists() {
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
    }
    let child = scratch
        .command(&["merge", "--jobs", "1", "-o", "out", input, "pipe"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // With one job, images are opened one after the other; this waits until somebody reads.
    let mut pipe = File::options().write(true).open(pipe).unwrap();
    change();
    pipe.write_all(&TestImage::new("linux/arm64").docker_archive())
        .unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(!scratch.path("out").exists() || output.status.success());
    output
}

#[test]
fn input_that_changes_while_it_is_read() {
    let image = image("linux/amd64", 1);
    let layout = image.layout(plain);
    let layer = format!("a/blobs/sha256/{}", hex(&image.layers[3]));
    let name = hex(&image.layers[3]);
    let scratch = Scratch::new();
    let archive = image.docker_archive();
    let at = archive
        .windows(100)
        .position(|window| *window == image.layers[3][600..700])
        .unwrap();
    let change = |path: &str, at: usize| {
        let file = File::options()
            .write(true)
            .open(scratch.path(path))
            .unwrap();
        std::os::unix::fs::FileExt::write_at(&file, b"\xff", at as u64).unwrap();
    };
    let cut = |path: &str, len: usize| {
        let file = File::options()
            .write(true)
            .open(scratch.path(path))
            .unwrap();
        file.set_len(len as u64).unwrap();
    };
    let grow = |path: &str| {
        let mut file = File::options()
            .append(true)
            .open(scratch.path(path))
            .unwrap();
        file.write_all(b"more").unwrap();
    };
    type Change<'a> = &'a dyn Fn();
    let other = "does not have the content that the config promises";
    let gone = "No such file or directory";
    let changes: [(&str, Change<'_>, &str); 7] = [
        ("a.tar", &|| change("a.tar", at), other),
        ("a.tar", &|| cut("a.tar", at), other),
        ("a.tar", &|| remove(&scratch.path("a.tar")), gone),
        ("a", &|| change(&layer, 600), other),
        ("a", &|| cut(&layer, 600), other),
        ("a", &|| grow(&layer), other),
        ("a", &|| remove(&scratch.path(&layer)), gone),
    ];
    for (input, change, problem) in changes {
        scratch.write("a.tar", &archive);
        layout.directory(&scratch, "a");
        let output = while_it_waits(&scratch, input, change);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.starts_with(&format!("error: {input}: ")) && told.contains(problem),
            "{told}"
        );
        let all_gone = (input, problem) == ("a.tar", gone);
        assert!(all_gone || told.contains(&name), "{told}");
        let entries = fs::read_dir(scratch.path("")).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name());
        assert!(names.all(|name| ["a", "a.tar", "pipe"].contains(&name.to_str().unwrap())));
    }
    // What is appended to an archive is not part of it.
    scratch.write("a.tar", &archive);
    let output = while_it_waits(&scratch, "a.tar", || grow("a.tar"));
    assert!(output.status.success(), "{}", stderr(&output));
}

/// A slow pipe, and a process that is stopped and goes on again and again.
#[test]
fn stopped_and_continued() {
    let scratch = Scratch::new();
    let archive = gzip(&image("linux/amd64", 5).docker_archive());
    scratch.write("a.tar.gz", &archive);
    let expected = scratch.run(&["merge", "-o", "expected", "a.tar.gz"]);
    let mut command = scratch.command(&["merge", "-q", "-o", "out", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    thread::scope(|scope| {
        let chunks = archive.chunks(archive.len() / 20);
        let slowly = scope.spawn(move || {
            for chunk in chunks {
                input.write_all(chunk).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        });
        while !slowly.is_finished() {
            for signal in ["STOP", "CONT", "WINCH"] {
                kill(&child, signal);
            }
            thread::sleep(Duration::from_millis(1));
        }
    });
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), expected);
}

// ---- Standard streams

#[test]
fn closed_standard_streams() {
    let merge = Merge::new();
    let program = env!("CARGO_BIN_EXE_polyarch");
    for (how, code) in [
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
        ("2>/dev/full", 0),
        // Nobody reads the digest, so nobody knows that it is there: a result that is not printed is
        // a failure, but the output is complete.
        ("| true; exit ${PIPESTATUS[0]}", 1),
        (">/dev/full", 1),
        // Nor does the reader of messages stop it.
        ("2> >(true)", 0),
    ] {
        for which in [0, 1] {
            let arguments = merge.prepare(which, true).join(" ");
            // Whoever reads is gone before there is anything to read.
            let script = format!("(sleep 0.05; exec {program} {arguments}) {how}");
            let mut command = Command::new("bash");
            let output = command
                .current_dir(merge.scratch.path(""))
                .args(["-c", &script])
                .output();
            assert_eq!(output.unwrap().status.code(), Some(code), "{how}");
            assert!(merge.is_done(which, true), "{how}");
            assert!(merge.leftovers().is_empty());
        }
    }
}

// ---- Others on the machine

/// What was verified and is not yet written must stay what it is.
#[test]
fn nobody_else_can_reach_what_is_staged() {
    let scratch = Scratch::new();
    let script = format!(
        "umask 000; exec {} merge -o out -",
        env!("CARGO_BIN_EXE_polyarch")
    );
    let mut command = Command::new("bash");
    command
        .current_dir(scratch.path(""))
        .args(["-c", &script])
        .stdin(Stdio::piped());
    let mut child = quietly(&mut command).spawn().unwrap();
    let staging = || fs::read_dir(scratch.path("")).unwrap().next();
    wait_until(|| staging().is_some());
    let mode = staging()
        .unwrap()
        .unwrap()
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    kill(&child, "TERM");
    child.wait().unwrap();
}
