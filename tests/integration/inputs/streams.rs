//! Images from standard input and from pipes.

use std::io::Write;
use std::process::Stdio;

use super::*;
use crate::support::*;

#[test]
fn an_image_is_read_from_standard_input() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    scratch.write("a.tar", &image.docker_archive());
    let expected = scratch.run(&["merge", "-o", "expected", "a.tar"]);
    for (i, bytes) in [
        image.docker_archive(),
        gzip(&image.docker_archive()),
        image.layout(plain).archive(),
    ]
    .iter()
    .enumerate()
    {
        let output = format!("out{i}");
        let mut child = scratch
            .command(&["merge", "-o", &output, "linux/amd64=-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let found = child.wait_with_output().unwrap();
        assert!(found.status.success());
        let merged = Merged::directory(&scratch.path(&output));
        assert_eq!(
            merged.manifests[0]["config"]["digest"],
            digest_of_config(&image)
        );
        if i < 2 {
            assert_eq!(String::from_utf8(found.stdout).unwrap().trim(), expected);
        }
    }
}

/// The name of standard input in a hint is one that the option takes.
#[test]
fn the_platform_of_an_image_from_standard_input_is_set_as_the_hint_says() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.config["os"] = "".into();
    let merge = |arguments: &[&str]| {
        let all = [
            &["merge", "--no-sync", "-o", "out"],
            arguments,
            &["linux/amd64=-"],
        ]
        .concat();
        let mut child = (scratch.command(&all))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&image.docker_archive()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    };
    let message = stderr(&merge(&[]));
    let option = "--set-platform /dev/stdin=linux/amd64";
    assert!(message.contains(option), "{message}");
    let option: Vec<&str> = option.split(' ').collect();
    let output = merge(&option);
    assert!(output.status.success(), "{}", stderr(&output));
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(merged.platforms(), ["linux/amd64"]);
}

#[test]
fn an_empty_standard_input_is_an_error() {
    let scratch = Scratch::new();
    let output = scratch
        .command(&["merge", "-o", "out", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains("standard input: not a container image: found an empty file"),
        "{message}"
    );
    let output = scratch
        .command(&["merge", "-o", "out", "-", "linux/amd64=-"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("standard input is read only once"));
}

#[test]
fn an_input_may_be_a_pipe() {
    let scratch = two_archives();
    let expected = scratch.run(&["merge", "-o", "o1", "a.tar"]);
    for (i, filter) in ["cat", "gzip -c"].iter().enumerate() {
        let output = format!("pipe{i}");
        let mut shell = std::process::Command::new("bash");
        shell.current_dir(scratch.path("")).arg("-c").arg(format!(
            "{} merge -q -o {output} <({filter} a.tar)",
            env!("CARGO_BIN_EXE_polyarch")
        ));
        let found = shell.output().unwrap();
        assert!(found.status.success(), "{}", stderr(&found));
        assert_eq!(String::from_utf8_lossy(&found.stdout).trim(), expected);
    }
}
