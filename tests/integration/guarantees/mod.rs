//! The guarantees of docs/guarantees.md. The name of each test starts with the number of its guarantee.

mod all_or_nothing;
#[cfg(target_os = "linux")]
mod bounded_memory;
mod hostile_input;
mod identity;
mod platform;
mod same_bytes;
mod unknown_things;
mod verified_bytes;

use std::fs::File;
use std::process::{Command, Stdio};

use crate::support::*;

fn archive_with_noise(platform: &str, seed: u64) -> Vec<u8> {
    let mut image = TestImage::new(platform);
    image
        .layers
        .push(tar(&[("noise", &noise(seed, 5_000_000))]));
    image.docker_archive()
}

/// Starts a merge of an image that comes through a pipe, so that the test decides when it goes on.
fn start_on_a_pipe(scratch: &Scratch, compression: &str) -> (std::process::Child, File) {
    assert!(
        Command::new("mkfifo")
            .arg(scratch.path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    let child = scratch
        .interruptible(&[
            "merge",
            "--compression",
            compression,
            "--jobs",
            "2",
            "-o",
            "out",
            "pipe",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pipe = File::options()
        .write(true)
        .open(scratch.path("pipe"))
        .unwrap();
    (child, pipe)
}
