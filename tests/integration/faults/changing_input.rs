//! Inputs that change while they are read.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::*;
use crate::support::*;

/// Runs a merge that has opened `input` and waits for another image, which comes through a pipe after
/// `change`.
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
    // With one job, images are opened one after the other. This blocks until the merge opens the pipe.
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
fn an_input_that_changes_while_it_is_read_is_refused() {
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
    let other = "has the wrong content: found diff ID";
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
    // Bytes that are appended to an archive are not part of it.
    scratch.write("a.tar", &archive);
    let output = while_it_waits(&scratch, "a.tar", || grow("a.tar"));
    assert!(output.status.success(), "{}", stderr(&output));
}
