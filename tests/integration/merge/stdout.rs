//! `--output -`: the archive goes to standard output.

use std::fs;

use crate::support::*;

#[test]
fn the_archive_on_standard_output_has_the_bytes_of_the_file() {
    let scratch = two_archives();
    let digest = scratch.run(&["merge", "--name", "x", "-o", "out.tar", "a.tar", "b.tar"]);
    let arguments = [
        "merge",
        "--name",
        "x",
        "-o",
        "-",
        "--digest-file",
        "digest",
        "a.tar",
        "b.tar",
    ];
    let output = scratch.command(&arguments).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(output.stdout == fs::read(scratch.path("out.tar")).unwrap());
    let said = stderr(&output);
    assert!(
        said.contains("wrote to standard output: oci-archive, 2 platforms"),
        "{said}"
    );
    assert!(said.ends_with(&format!("\n{digest}\n")), "{said}");
    let file = fs::read_to_string(scratch.path("digest")).unwrap();
    assert_eq!(file, format!("{digest}\n"));
    // It is printed as usual for another output.
    let again = [
        "merge",
        "-q",
        "--name",
        "x",
        "-f",
        "-o",
        "out.tar",
        "--digest-file",
        "again",
        "a.tar",
        "b.tar",
    ];
    assert_eq!(scratch.run(&again), digest);
    assert_eq!(fs::read_to_string(scratch.path("again")).unwrap(), file);
}

#[test]
fn nothing_is_written_to_standard_output_after_an_error() {
    let scratch = two_archives();
    let mut bytes = fs::read(scratch.path("a.tar")).unwrap();
    bytes[600] ^= 1;
    scratch.write("a.tar", &bytes);
    let temporary = scratch.path("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut command = scratch.command(&["merge", "-o", "-", "a.tar", "b.tar"]);
    let output = command.env("TMPDIR", &temporary).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 0);
}

#[test]
fn a_closed_standard_output_is_an_error_and_leaves_no_files() {
    let scratch = two_archives();
    let temporary = scratch.path("temporary");
    fs::create_dir(&temporary).unwrap();
    let polyarch = env!("CARGO_BIN_EXE_polyarch");
    let script = format!(
        "set +o pipefail; TMPDIR=$PWD/temporary {polyarch} merge -o - a.tar b.tar 2>said | true; echo ${{PIPESTATUS[0]}}"
    );
    assert_eq!(sh(&scratch, &script), "1");
    let said = fs::read_to_string(scratch.path("said")).unwrap();
    assert!(said.contains("standard output: cannot write: "), "{said}");
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 0);
}

#[test]
fn the_error_of_a_temporary_directory_has_the_text_of_the_system() {
    let scratch = two_archives();
    let mut command = scratch.command(&["merge", "-o", "-", "a.tar"]);
    let output = command.env("TMPDIR", "/nonexistent").output().unwrap();
    let expected =
        "/nonexistent: cannot create a file there: No such file or directory (os error 2)";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}

#[test]
fn options_that_need_a_directory_or_standard_output_are_wrong_usage() {
    let scratch = two_archives();
    for (option, expected) in [
        ("--json", "--digest-file"),
        ("--format=oci-layout", "needs an oci-archive"),
        ("--link", "--link needs an oci-layout"),
        ("--digest-file=-", "is printed on standard error"),
    ] {
        let output = scratch
            .command(&["merge", "-o", "-", option, "a.tar"])
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    let arguments = ["merge", "-o", "out", "--digest-file", "-", "a.tar"];
    let output = scratch.command(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is printed on standard output"));
    assert!(!scratch.path("out").exists());
    let image = scratch.path("-");
    scratch.run(&["merge", "-o", "./-", "a.tar"]);
    assert!(image.join("index.json").exists());
}

#[test]
fn a_digest_file_that_must_not_be_written_is_an_error_before_the_merge() {
    let scratch = two_archives();
    fs::create_dir(scratch.path("directory")).unwrap();
    for (file, problem) in [
        (
            "a.tar",
            "not replaced: found a file that is not a digest, expected an earlier digest, or nothing",
        ),
        (
            "directory",
            "not replaced: found a directory, expected an earlier digest, or nothing",
        ),
        (
            "out/digest",
            "cannot write there: the directory out does not exist",
        ),
        (
            "out",
            "not replaced: found the output of the merge, expected an earlier digest, or nothing",
        ),
        (
            "missing/digest",
            "cannot write there: the directory missing does not exist",
        ),
    ] {
        let arguments = ["merge", "-o", "out", "--digest-file", file, "a.tar"];
        let error = scratch.fail(&arguments);
        assert!(
            error.starts_with(&format!("error: {file}: {problem}\n")),
            "{error}"
        );
    }
    // An earlier digest is replaced.
    for _ in 0..2 {
        scratch.run(&[
            "merge",
            "--force",
            "-o",
            "out",
            "--digest-file",
            "digest",
            "a.tar",
        ]);
    }
    let arguments = [
        "merge",
        "--force",
        "-o",
        "out",
        "--digest-file",
        "out/digest",
        "a.tar",
    ];
    assert!(
        scratch
            .fail(&arguments)
            .contains("found the output of the merge")
    );
}
