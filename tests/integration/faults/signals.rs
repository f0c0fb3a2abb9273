//! Merges that are killed, interrupted, or stopped and continued.

use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::support::*;

#[test]
fn a_merge_killed_at_200_random_moments_leaves_the_old_or_the_new_output() {
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
                    let signal = ["KILL", "TERM", "INT"][i % 3];
                    let (which, older) = (i / 3 % 2, i / 6 % 2 == 1);
                    let was_killed = kill_at(&merge, signal, which, older, moment);
                    killed.fetch_add(was_killed.into(), Ordering::Relaxed);
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

/// Kills a merge after a time, and returns whether it was still running.
pub fn kill_at(merge: &Merge, signal: &str, which: usize, older: bool, moment: Duration) -> bool {
    let arguments = merge.prepare(which, older);
    let mut command = merge.scratch.interruptible(&arguments);
    let mut child = quietly(&mut command).spawn().unwrap();
    thread::sleep(moment);
    kill(&child, signal);
    let status = child.wait().unwrap();
    let done = merge.is_done(which, older);
    assert!(done || !status.success(), "it succeeded without an output");

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
        // What SIGKILL leaves does not disturb the next run and is not changed by it.
        merge.scratch.run(&arguments);
        assert!(merge.is_done(which, older));
        assert_eq!(merge.leftovers(), left);
    }
    left.iter().for_each(|path| remove(path));
    !status.success()
}

/// Random moments hardly ever hit these: just before and just after the output gets its name.
#[test]
fn a_merge_killed_at_the_rename_leaves_the_old_or_the_new_output() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        for older in [false, true] {
            // The first rename replaces nothing; with an older output, the second one exchanges it.
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
                    // On SIGTERM one thread cleans up, while another one may reach the rename.
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

#[test]
fn interrupted_system_calls_are_repeated() {
    if !have(&["strace"]) {
        return;
    }
    let merge = Merge::new();
    for which in [0, 1] {
        let arguments = merge.prepare(which, true);
        // The dynamic loader, which does not repeat calls, reads its files with fewer than 15 calls.
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

/// The input is a slow pipe.
#[test]
fn a_merge_that_is_stopped_and_continued_writes_the_same_image() {
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
