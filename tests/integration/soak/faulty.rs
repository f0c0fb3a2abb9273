//! Merges of random images on a machine that fails: the older or the new output, complete, and nothing else.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::Tally;
use crate::faults::signals::kill_at;
use crate::faults::write_errors::on_a_small_disk;
use crate::faults::*;
use crate::support::*;

/// Two images whose layers have random sizes.
fn merge(rng: &mut Rng) -> Merge {
    let images = ["linux/amd64", "linux/arm64"].map(|platform| {
        let mut image = TestImage::new(platform);
        for _ in 0..rng.usize(..5) {
            let len = rng.choice([10, 3_000, 100_000, 600_000]).unwrap();
            image
                .layers
                .push(tar(&[("noise", &noise(rng.u64(..), rng.usize(..len)))]));
        }
        image
    });
    Merge::of(&images[0], &images[1])
}

/// How long a merge takes on this machine at the moment.
fn usual(merge: &Merge) -> Duration {
    let start = Instant::now();
    merge.scratch.run(&merge.prepare(0, false));
    start.elapsed()
}

pub fn killed(rng: &mut Rng, tally: &mut Tally) {
    let merge = merge(rng);
    let usual = usual(&merge);
    for _ in 0..10 {
        let signal = rng.choice(["KILL", "TERM", "INT", "HUP"]).unwrap();
        let moment = usual.mul_f64(rng.f64() * 1.1);
        let killed = kill_at(&merge, signal, rng.usize(..2), rng.bool(), moment);
        tally.add(match killed {
            true => "merges killed before they were done",
            false => "merges that were done before the signal",
        });
    }
}

pub fn full_disk(rng: &mut Rng, tally: &mut Tally) {
    let merge = merge(rng);
    for _ in 0..4 {
        let limit = match rng.u8(..4) {
            0 => format!("size=64m,nr_inodes={}", rng.u8(2..30)),
            _ => format!("size={}k", 1 << rng.u8(3..13)),
        };
        let (which, older) = (rng.usize(..2), rng.bool());
        let Some(done) = on_a_small_disk(&merge, which, older, &limit) else {
            return;
        };
        tally.add(match done.status.code() {
            Some(77) => continue,
            Some(0) => "merges that found room on a small disk",
            Some(1) => "merges on a full disk",
            _ => panic!("{limit}: {}", stderr(&done)),
        });
    }
}

/// System calls, and the errors that they can have.
const CALLS: [(&str, &[&str]); 20] = [
    ("openat", &["EACCES", "EMFILE", "ENOSPC", "EIO"]),
    ("read", &["EIO", "EINTR"]),
    ("pread64", &["EIO", "EINTR"]),
    ("write", &["EIO", "ENOSPC", "EINTR"]),
    ("pwrite64", &["EIO", "ENOSPC", "EINTR"]),
    (
        "copy_file_range",
        &["EIO", "ENOSPC", "EXDEV", "EINTR", "ENOSYS"],
    ),
    ("lseek", &["EIO"]),
    ("statx", &["EACCES", "EIO"]),
    ("fstat", &["EIO"]),
    ("fsync", &["EIO", "ENOSPC", "EINVAL"]),
    ("fdatasync", &["EIO"]),
    ("syncfs", &["EIO"]),
    ("ftruncate", &["EIO", "ENOSPC", "EINTR"]),
    ("fallocate", &["ENOSPC", "EOPNOTSUPP"]),
    ("mkdir", &["EACCES", "ENOSPC"]),
    ("mkdirat", &["EACCES", "ENOSPC"]),
    ("renameat2", &["EIO", "EINVAL", "EXDEV"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("unlinkat", &["EIO", "EACCES"]),
    ("getdents64", &["EIO"]),
];

pub fn failing_call(rng: &mut Rng, tally: &mut Tally) {
    if !have(&["strace"]) {
        return;
    }
    let merge = merge(rng);
    for _ in 0..6 {
        let (call, errors) = rng.choice(CALLS).unwrap();
        let error = rng.choice(errors).unwrap();
        let fault = format!("{call}:error={error}:when={}", 1 << rng.u8(..8));
        let (which, older) = (rng.usize(..2), rng.bool());
        let arguments = merge.prepare(which, older);
        let output = faulty(&merge.scratch, &[&fault], &arguments);
        let said = stderr(&output);
        let context = format!("{fault} of {arguments:?}, older output {older}: {said}");
        assert!(!said.contains("panicked"), "{context}");
        let done = merge.is_done(which, older);
        let succeeded = output.status.success();
        assert!(done || !succeeded, "{context}");
        let left = merge.leftovers();
        assert!(left.is_empty(), "{context} left {left:?}");
        tally.add(match succeeded {
            true => "merges in spite of a failing system call",
            false => "merges that a failing system call ended",
        });
    }
}

pub fn changing_input(rng: &mut Rng, tally: &mut Tally) {
    for _ in 0..4 {
        let scratch = Scratch::new();
        let input = write_input(rng, &scratch);
        let start = Instant::now();
        scratch.run(&["merge", "-q", "-o", "whole", input]);
        let usual = start.elapsed();
        remove(&scratch.path("whole"));
        let mut files: Vec<_> = tree(&scratch.path(input)).into_iter().collect();
        files.retain(|(_, content)| content.is_some());
        let arguments: &[&str] = match rng.bool() {
            true => &["verify", input],
            false => &["merge", "-o", "out", input],
        };
        let mut command = scratch.command(arguments);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        for _ in 0..rng.usize(1..4) {
            thread::sleep(usual.mul_f64(rng.f64() / 2.0));
            let (name, _) = rng.choice(&files).unwrap();
            let path = scratch.path(input);
            // An archive is a file, whose path below itself is empty.
            let is_archive = name.as_os_str().is_empty();
            change(rng, &if is_archive { path } else { path.join(name) });
        }
        let output = child.wait_with_output().unwrap();
        let said = stderr(&output);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        let is_merge = arguments[0] == "merge";
        let is_done = scratch.path("out").exists();
        assert_eq!(is_done, is_merge && output.status.success(), "{said}");
        if is_done {
            Merged::read(&scratch.path("out"));
        }
        let names = fs::read_dir(scratch.path("")).unwrap();
        let hidden: Vec<_> = (names.map(|entry| entry.unwrap().file_name()))
            .filter(|name| name.as_encoded_bytes().starts_with(b"."))
            .collect();
        assert!(hidden.is_empty(), "{hidden:?} left");
        tally.add(match (is_merge, output.status.success()) {
            (true, true) => "merges of a changing input with a complete output",
            (true, false) => "merges of a changing input that failed",
            (false, true) => "changing inputs that verify passed",
            (false, false) => "changing inputs that verify refused",
        });
    }
}

/// Writes an image in a random format.
fn write_input(rng: &mut Rng, scratch: &Scratch) -> &'static str {
    let mut image = TestImage::new("linux/amd64");
    for _ in 0..rng.usize(1..5) {
        let noise = noise(rng.u64(..), rng.usize(..600_000));
        image.layers.push(tar(&[("noise", &noise)]));
    }
    match rng.u8(..5) {
        0 => image.layout(plain).directory(scratch, "input"),
        1 => image.layout(gzipped).directory(scratch, "input"),
        2 => drop(scratch.write("input", &image.docker_archive())),
        3 => drop(scratch.write("input", &gzip(&image.docker_archive()))),
        _ => drop(scratch.write("input", &image.layout(gzipped).archive())),
    }
    "input"
}

/// Changes a file, which an earlier change may have removed.
fn change(rng: &mut Rng, path: &std::path::Path) {
    let Ok(file) = File::options().write(true).open(path) else {
        return;
    };
    let len = file.metadata().unwrap().len();
    let other = path.with_extension("other");
    match rng.u8(..6) {
        0 => file.set_len(rng.u64(..=len)).unwrap(),
        1 => {
            let mut file = File::options().append(true).open(path).unwrap();
            file.write_all(&noise(rng.u64(..), rng.usize(..2000)))
                .unwrap();
        }
        2 => fs::rename(path, other).unwrap(),
        3 => {
            fs::write(&other, noise(rng.u64(..), rng.usize(..2000))).unwrap();
            fs::rename(other, path).unwrap();
        }
        _ => {
            let at = rng.u64(..=len);
            file.write_all_at(&noise(rng.u64(..), rng.usize(1..50)), at)
                .unwrap();
        }
    }
}
