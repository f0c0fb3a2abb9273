//! Outputs that exist already, or that would be written into an input.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::*;

#[test]
fn an_existing_output_is_refused_without_force() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("out", b"precious");
    expect(
        &scratch,
        &["a.tar"],
        &["out: the output exists already", "hint: ", "--force"],
    );
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
        &[
            "not replaced: found a directory",
            "or has other files in it",
        ],
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
