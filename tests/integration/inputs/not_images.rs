//! Inputs that do not exist or are not images: the error names what was found.

use std::fs;

use crate::support::*;

#[test]
fn a_missing_input_is_an_error() {
    let scratch = Scratch::new();
    expect(
        &scratch,
        &["a.tar"],
        &["error: a.tar: no such file or directory\n"],
    );
}

#[test]
fn a_nix_system_before_the_input_gets_the_platform_as_a_hint() {
    let scratch = Scratch::new();
    expect(
        &scratch,
        &["aarch64-linux=a.tar"],
        &[
            "no such file",
            "hint: \"aarch64-linux\" is not a platform",
            "linux/arm64=a.tar",
        ],
    );
}

#[test]
fn a_platform_that_is_not_before_an_image_gets_a_hint() {
    let scratch = Scratch::new();
    for (image, hint) in [
        ("linux/arm64:a.tar", "hint: did you mean linux/arm64=a.tar?"),
        (
            "linux/arm64",
            "after an option and a =, such as --docker-manifest=linux/arm64",
        ),
    ] {
        expect(&scratch, &[image], &["no such file", hint]);
    }
    let message = scratch.fail(&["merge", "-o", "out", "images/hello"]);
    assert_eq!(message, "error: images/hello: no such file or directory\n");
}

#[test]
fn the_error_for_another_format_names_the_format() {
    let scratch = Scratch::new();
    for (name, bytes, found) in [
        ("empty", Vec::new(), "an empty file"),
        ("json", b"{}".to_vec(), "a JSON document"),
        ("elf", b"\x7fELF\x02\x01".to_vec(), "an ELF executable"),
        ("script", b"#!/bin/sh\n".to_vec(), "a script"),
        ("xz", b"\xfd7zXZ\0".to_vec(), "an xz-compressed file"),
        ("zeros", vec![0; 2048], "only zeros"),
        ("noise", noise(1, 2048), "a file of another format"),
        (
            "gzip-of-json",
            gzip(b"{}"),
            "a gzip stream of a JSON document",
        ),
        (
            "zstd-of-nothing",
            zstd(b""),
            "a zstd stream of an empty file",
        ),
        (
            "tar",
            tar(&[("hello", b"hello")]),
            "a tar archive without \"manifest.json\"",
        ),
    ] {
        scratch.write(name, &bytes);
        expect(
            &scratch,
            &[name],
            &[
                name,
                "not a container image",
                found,
                "expected a docker-archive",
            ],
        );
    }
    let hint = "hint: decompress it in a pipe: xz -dc xz | polyarch … -";
    expect(&scratch, &["xz"], &[hint]);
    fs::create_dir(scratch.path("directory")).unwrap();
    expect(
        &scratch,
        &["directory"],
        &["a directory without the file \"oci-layout\""],
    );
}
