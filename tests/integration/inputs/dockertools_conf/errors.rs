//! Confs that are refused, and store paths that cannot be read.

use std::fs;
use std::os::unix::net::UnixListener;

use serde_json::json;

use super::*;
use crate::support::*;

/// A store with one store path of a file.
fn small_store() -> Store {
    let store = store();
    store.file("hello/bin/hello", 0o555, b"#!/bin/sh\n");
    store
}

/// Merges `conf.json`, which must fail with this exit code and this text, in which `STORE` is the store.
#[track_caller]
fn refused(store: &Store, code: i32, expected: &str) {
    let expected = expected.replace("STORE", store.path("").trim_end_matches('/'));
    // The error is the same for layers that are compressed, and for those that are not.
    for compression in ["gzip", "none"] {
        let before = store.0.tree();
        let arguments = [
            "merge",
            "-o",
            "out",
            "--compression",
            compression,
            "conf.json",
        ];
        let output = store.0.command(&arguments).output().unwrap();
        assert_eq!(stderr(&output), expected);
        assert_eq!(output.status.code(), Some(code));
        assert!(output.stdout.is_empty() && store.0.tree() == before);
    }
}

const STREAM: &str =
    "hint: run the stream script of the image instead: ./stream | polyarch merge … -\n";

/// The caller can tell these errors from all others, and run the script that makes the image.
#[test]
fn a_conf_of_an_unknown_shape_is_refused_with_exit_code_3() {
    let store = small_store();
    let good = conf(&store, &[&["hello"]]);
    for (key, value, problem) in [
        (
            "compressor",
            json!("zstd"),
            "it has an unknown key \"compressor\"",
        ),
        ("created", json!(null), "it has no key \"created\""),
    ] {
        write(&store, &with(&good, key, value));
        let text = format!(
            "error: conf.json: the conf of the layered image is not supported: {problem}\n{STREAM}"
        );
        refused(&store, 3, &text);
    }
}
