//! Streams that expand to much more than their size.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::blocks::*;
use crate::support::*;

#[test]
fn an_archive_that_is_compressed_twice_is_refused() {
    let scratch = Scratch::new();
    let archive = amd64().docker_archive();
    for (name, bytes, found) in [
        (
            "a.gz.gz",
            gzip(&gzip(&archive)),
            "a gzip stream of a gzip-compressed file",
        ),
        (
            "a.zst.gz",
            gzip(&zstd(&archive)),
            "a gzip stream of a zstd-compressed file",
        ),
        (
            "a.gz.zst",
            zstd(&gzip(&archive)),
            "a zstd stream of a gzip-compressed file",
        ),
    ] {
        scratch.write(name, &bytes);
        expect(
            &scratch,
            &[name],
            &[&format!(
                "error: {name}: not a container image: found {found}, expected "
            )],
        );
    }
}

/// Such a layer is valid: it is compressed to a thousandth of its size.
#[test]
fn a_layer_of_zeros_stays_small_and_takes_little_memory() {
    let scratch = Scratch::new();
    let zeros = vec![0; 150 << 20];
    let mut image = amd64();
    image.layers = vec![zeros];
    let layout = image.layout(gzipped);
    layout.directory(&scratch, "layout");
    scratch.write("archive.tar.gz", &gzip(&layout.archive()));
    let small = size_of(&scratch.path("layout")) + 10_000;
    for input in ["layout", "archive.tar.gz"] {
        for compression in ["gzip", "zstd", "keep"] {
            let arguments = [
                "merge",
                "-j",
                "2",
                "--compression",
                compression,
                "-o",
                "out",
                input,
            ];
            let peak = peak_of(&mut scratch.command(&arguments));
            assert!(peak < 48, "{peak} MiB");
            let size = size_of(&scratch.path("out"));
            assert!(size < small, "{size} bytes");
            fs::remove_dir_all(scratch.path("out")).unwrap();
        }
    }
}

/// Runs a command, which must succeed, and returns its peak memory in MiB.
fn peak_of(command: &mut Command) -> u64 {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak_memory(&child).unwrap_or(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert!(status.success());
    peak
}

fn size_of(directory: &std::path::Path) -> u64 {
    let files = walkdir::WalkDir::new(directory)
        .into_iter()
        .map(Result::unwrap);
    files.map(|file| file.metadata().unwrap().len()).sum()
}

/// A zstd block of four bytes expands to 128 KiB (RFC 8878, section 3.1.1.2), so 320 KiB expand to 10 GiB.
#[test]
fn a_decompression_bomb_is_refused() {
    let mut bomb = zstd(&entry(&tar_header("repositories", 10 << 30), b""));
    let mut zeros = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for i in (0..10 << 13).rev() {
        let block = (128 << 10) << 3 | 1 << 1 | u32::from(i == 0);
        zeros.extend_from_slice(&block.to_le_bytes()[..3]);
        zeros.push(0);
    }
    bomb.extend(zeros);
    let scratch = Scratch::new();
    scratch.write("a.tar.zst", &bomb);
    let problem = "error: a.tar.zst: cannot read the zstd stream: it expands to more than 8 GiB and to more than 1032 times its size\nhint: this looks like a decompression bomb; if the layer is genuine, compress it again with gzip\n";
    expect(&scratch, &["a.tar.zst"], &[problem]);
}
