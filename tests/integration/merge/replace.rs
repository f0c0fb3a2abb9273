//! Outputs that exist already, or that would be written into an input.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::*;

#[test]
fn an_existing_output_is_refused_without_force() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("out", &amd64().docker_archive());
    expect(
        &scratch,
        &["a.tar"],
        &["out: the output exists already", "hint: ", "--force"],
    );
}

/// The hint to use `--force` would be wrong.
#[test]
fn an_existing_output_that_force_does_not_replace_is_named_without_force_too() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("out", b"precious");
    let expected = [
        "out: not replaced: found a file that is not an archive",
        "hint: choose another output, or remove this one by hand if it is not needed\n",
    ];
    expect(&scratch, &["a.tar"], &expected);
    fs::remove_file(scratch.path("out")).unwrap();
    sh(&scratch, "mkfifo out");
    let expected = "out: not replaced: found neither a file nor a directory";
    expect(&scratch, &["a.tar"], &[expected]);
}

#[test]
fn force_does_not_replace_a_layout_with_other_files_among_its_blobs() {
    for other in ["blobs/notes.txt", "blobs/sha256/precious/thesis.tex"] {
        let scratch = Scratch::new();
        scratch.write("a.tar", &amd64().docker_archive());
        scratch.run(&["merge", "-o", "out", "a.tar"]);
        scratch.run(&["merge", "-f", "-o", "out", "a.tar"]);
        scratch.write(&format!("out/{other}"), b"years of work");
        let message = scratch.fail(&["merge", "-f", "-o", "out", "a.tar"]);
        let expected = "out: not replaced: found an image layout with other files in it: blobs/";
        assert!(
            message.contains(expected) && message.contains(other),
            "{message}"
        );
        assert!(scratch.path(&format!("out/{other}")).exists());
    }
}

#[test]
fn the_longest_name_of_a_file_is_an_output() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    for name in ["n".repeat(255), format!("{}.tar", "ä".repeat(125))] {
        scratch.run(&["merge", "-o", &name, "a.tar"]);
        scratch.run(&["merge", "-f", "-o", &name, "a.tar"]);
    }
    let message = scratch.fail(&["merge", "-o", &"n".repeat(256), "a.tar"]);
    assert!(message.contains("ile name too long"), "{message}");
}

#[test]
fn an_archive_whose_name_ends_with_a_slash_is_refused() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    let output = scratch
        .command(&["merge", "-o", "x.tar/", "a.tar"])
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--format oci-layout"));
    scratch.run(&["merge", "--format", "oci-layout", "-o", "x.tar/", "a.tar"]);
    assert!(scratch.path("x.tar/index.json").exists());
}

#[test]
fn force_does_not_replace_other_directories_or_symbolic_links() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("out/precious", b"precious");
    expect(
        &scratch,
        &["--force", "a.tar"],
        &["not replaced: found a directory that is not an image layout"],
    );
    fs::remove_dir_all(scratch.path("out")).unwrap();
    symlink("a.tar", scratch.path("out")).unwrap();
    expect(
        &scratch,
        &["--force", "a.tar"],
        &["not replaced: found a symbolic link"],
    );
}

#[test]
fn force_does_not_replace_other_files_or_layouts_with_extra_files() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("out", b"a thesis");
    expect(
        &scratch,
        &["--force", "a.tar"],
        &["not replaced: found a file that is not an archive"],
    );
    fs::remove_file(scratch.path("out")).unwrap();
    scratch.run(&["merge", "-o", "out", "a.tar"]);
    scratch.write("out/thesis", b"a thesis");
    expect(
        &scratch,
        &["--force", "a.tar"],
        &["not replaced: found an image layout with other files in it: thesis"],
    );
}

#[test]
fn an_output_inside_an_input_or_in_its_place_is_refused() {
    let scratch = Scratch::new();
    amd64().layout(plain).directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "in/out", "in"]);
    assert!(
        message.contains("in/out: the output would be written into the input in\n"),
        "{message}"
    );
    for output in ["in", "./in", "in/../in"] {
        let message = scratch.fail(&["merge", "--force", "-o", output, "in"]);
        assert!(
            message.contains("replacing the output would delete in, which is needed\n"),
            "{message}"
        );
    }
}

#[test]
fn an_output_in_a_missing_directory_is_an_error() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    let message = scratch.fail(&["merge", "-o", "no/out", "a.tar"]);
    assert!(
        message.contains("no/out: cannot write there: the directory no does not exist"),
        "{message}"
    );
}
