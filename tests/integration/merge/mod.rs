//! `polyarch merge`: options, outputs, and which images of the inputs are merged.

mod annotations;
mod attestations;
mod combine;
mod compression;
mod digests;
mod links;
mod output;
mod platforms;
mod replace;
mod select;
mod set_platform;
mod stdout;

use crate::support::*;

#[test]
fn wrong_usage_exits_with_2_and_names_what_was_expected() {
    let scratch = two_archives();
    for (arguments, expected) in [
        (&["merge", "-o", "x"][..], "required"),
        (&["merge", "a.tar"], "--output"),
        (
            &["merge", "-o", "x.tar", "--link", "a.tar"],
            "--link needs an oci-layout output",
        ),
        (&["merge", "-o", "x", "--tag", "v1", "a.tar"], "--name"),
        (
            &["merge", "-o", "x", "--name", "A", "a.tar"],
            "is not a valid image name",
        ),
        (
            &["merge", "-o", "x", "--name", "docker://a", "a.tar"],
            "in lower case and without a transport",
        ),
        (
            &["merge", "-o", "x", "linux/arm64="],
            "the IMAGE after linux/arm64= is missing",
        ),
        (
            &["merge", "-o", "x", "--annotation", "indx:a=b", "a.tar"],
            "\"indx\" is not a level",
        ),
        (
            &["merge", "-o", "x", "--name", "a@sha256", "a.tar"],
            "the tag goes to --tag",
        ),
        (
            &["merge", "-o", "x", "--annotation", "a", "a.tar"],
            "KEY=VALUE",
        ),
        (
            &["merge", "-o", "x", "--compression-level", "13", "a.tar"],
            "1 to 12",
        ),
        (
            &["merge", "-o", "x", "--compression", "xz", "a.tar"],
            "gzip, zstd, none, keep",
        ),
        (&["merge", "-o", "x", "--jobs", "0", "a.tar"], "1..=256"),
    ] {
        let output = scratch.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = stderr(&output);
        assert!(message.contains(expected), "{arguments:?}: {message}");
        assert!(!scratch.path("x").exists() && !scratch.path("x.tar").exists());
    }
}

#[test]
fn an_output_named_like_a_compressed_archive_is_wrong_usage() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    let output = scratch
        .command(&["merge", "-o", "out.tar.gz", "a.tar"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("an oci-archive is not compressed, its layers are"));
}
