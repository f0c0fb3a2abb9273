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

const STORE_PATH: &str = "hint: a store path is missing, or has changed since the image was built; build the image again on this machine\n";

/// Expects that a conf is not supported: the caller can run the script that makes the image instead.
#[track_caller]
fn unsupported(store: &Store, conf: &[u8], problem: &str, hint: &str) {
    store.0.write("conf.json", conf);
    let about = "error: conf.json: the conf of the layered image is not supported";
    refused(store, 3, &format!("{about}: {problem}\n{hint}"));
}

#[test]
fn a_conf_with_an_unknown_key_or_without_a_key_is_not_supported() {
    let store = small_store();
    let good = conf(&store, &[&["hello"]]);
    let keys: Vec<&String> = good.as_object().unwrap().keys().collect();
    for key in keys {
        // Without it, files have the time of `created`.
        if key != "mtime" {
            let conf = with(&good, key, json!(null)).to_string();
            unsupported(
                &store,
                conf.as_bytes(),
                &format!("it has no key {key:?}"),
                STREAM,
            );
        }
    }
    for (key, value) in [
        ("compressor", json!("zstd")),
        ("variant", json!(8)),
        ("Uid", json!("0")),
    ] {
        let conf = with(&good, key, value).to_string();
        let problem = match key {
            "variant" => "found 8 for \"variant\", expected a text",
            _ => &format!("it has an unknown key {key:?}"),
        };
        unsupported(&store, conf.as_bytes(), problem, STREAM);
    }
}

#[test]
fn a_conf_with_an_unknown_value_is_not_supported() {
    let store = small_store();
    let good = conf(&store, &[&["hello"]]);
    let path = "an absolute path of printable ASCII characters, without quotes and backslashes";
    let time = "a time like 2025-01-31T00:00:00+00:00";
    let id = "a number below 2^64";
    let in_store = "a store path in STORE";
    let file = store.path("hello/bin/hello");
    let beside = format!("{}-other/x", store.path("").trim_end_matches('/'));
    for (key, value, found, expected) in [
        ("architecture", json!(5), "5", "a text"),
        ("config", json!([]), "[]", "an object"),
        ("os", json!("windows"), "\"windows\"", "\"linux\""),
        ("store_dir", json!(""), "\"\"", path),
        ("store_dir", json!("/nix/store/"), "\"/nix/store/\"", path),
        ("from_image", json!("base.tar"), "\"base.tar\"", path),
        (
            "from_image",
            json!(&file),
            "a script at STORE/hello/bin/hello",
            "a docker-archive",
        ),
        (
            "from_image",
            json!(store.path("hello")),
            "a directory without the file \"oci-layout\" at STORE/hello",
            "a docker-archive",
        ),
        (
            "from_image",
            json!(store.path("layout")),
            "oci-layout at STORE/layout",
            "a docker-archive",
        ),
        (
            "store_layers",
            json!([&file]),
            "[\"STORE/hello/bin/hello\"]",
            "a list of lists of store paths",
        ),
        (
            "store_layers",
            json!([["/etc/passwd"]]),
            "\"/etc/passwd\"",
            in_store,
        ),
        (
            "store_layers",
            json!([[&beside]]),
            "\"STORE-other/x\"",
            in_store,
        ),
        (
            "store_layers",
            json!([[store.path("../x")]]),
            "\"STORE/../x\"",
            in_store,
        ),
        (
            "store_layers",
            json!([[store.path("it's")]]),
            "\"STORE/it's\"",
            in_store,
        ),
        (
            "store_layers",
            json!([[good["store_dir"]]]),
            "\"STORE\"",
            in_store,
        ),
        ("customisation_layer", json!("/etc"), "\"/etc\"", in_store),
        ("customisation_layer", json!("x"), "\"x\"", path),
        ("repo_tag", json!({}), "{}", "a text"),
        (
            "created",
            json!("2024-01-01T00:00:00"),
            "\"2024-01-01T00:00:00\"",
            time,
        ),
        (
            "created",
            json!("2024-01-01T00:00:00.5+00:00"),
            "\"2024-01-01T00:00:00.5+00:00\"",
            time,
        ),
        (
            "created",
            json!("0000-01-01T00:00:00+00:00"),
            "\"0000-01-01T00:00:00+00:00\"",
            time,
        ),
        (
            "created",
            json!("2016-12-31T23:59:60+00:00"),
            "\"2016-12-31T23:59:60+00:00\"",
            time,
        ),
        (
            "mtime",
            json!("2024-01-01 00:00:00+00:00"),
            "\"2024-01-01 00:00:00+00:00\"",
            time,
        ),
        ("mtime", json!("tomorrow"), "\"tomorrow\"", time),
        ("uid", json!("-1"), "\"-1\"", id),
        (
            "uid",
            json!("18446744073709551616"),
            "\"18446744073709551616\"",
            id,
        ),
        ("gid", json!(1.5), "1.5", id),
        ("gid", json!(" 1"), "\" 1\"", id),
        (
            "uname",
            json!("a\0b"),
            "\"a\\u0000b\"",
            "a name without NUL",
        ),
        ("gname", json!(0), "0", "a text"),
    ] {
        if found.starts_with("oci-layout") {
            amd64().layout(gzipped).directory(&store.0, "store/layout");
        }
        let conf = with(&good, key, value).to_string();
        let problem = format!("found {found} for {key:?}, expected {expected}");
        unsupported(&store, conf.as_bytes(), &problem, STREAM);
    }
    // Python writes the shortest text that means the same number.
    let conf = with(&good, "config", json!({ "Labels": 1.50 })).to_string();
    let problem = "found the number 1.5 in its config, expected an integer";
    unsupported(&store, conf.as_bytes(), problem, STREAM);
}

#[test]
fn now_is_not_supported_for_a_time() {
    let store = small_store();
    let good = conf(&store, &[&["hello"]]);
    for key in ["created", "mtime"] {
        let conf = with(&good, key, json!("now")).to_string();
        let problem =
            format!("found \"now\" for {key:?}, expected a time; polyarch does not read the clock");
        let hint = format!(
            "hint: set {key} to a fixed time in the expression of the image, or run its stream script: ./stream | polyarch merge … -\n"
        );
        unsupported(&store, conf.as_bytes(), &problem, &hint);
    }
}

#[test]
fn any_object_with_a_key_of_a_conf_is_a_conf() {
    let store = small_store();
    for conf in [
        r#"{ "store_layers": null }"#,
        r#" { "customisation_layer": [], "customisation_layer": [] }"#,
        r#"{ "version": 1, "layers": [], "store_layers": [] }"#,
    ] {
        unsupported(
            &store,
            conf.as_bytes(),
            "it has no key \"store_dir\"",
            STREAM,
        );
    }
    // Python reads this text, of a character that UTF-8 does not have.
    unsupported(
        &store,
        br#"{ "store_dir": "\ud800" }"#,
        "unexpected end of hex escape at line 1 column 23",
        STREAM,
    );
    for other in [r#"{ "a": { "store_dir": 1 } }"#, r#"{ "store_layers": "#] {
        store.0.write("conf.json", other.as_bytes());
        refused(
            &store,
            1,
            "error: conf.json: not a container image: found a JSON document, expected a docker-archive, an OCI image layout directory, an oci-archive, a nix2container image or the conf of a layered image\n",
        );
    }
}

#[test]
fn a_store_path_that_cannot_be_read_is_an_error_with_layer_and_path() {
    let store = small_store();
    let conf = conf(&store, &[&["hello"], &["gone", "hello"]]);
    write(&store, &conf);
    let text = "error: conf.json: layer 2 (STORE/gone and 1 more): STORE/gone: No such file or directory (os error 2)\n";
    refused(&store, 1, &format!("{text}{STORE_PATH}"));
    store.file("gone", 0o444, b"");

    let kinds = "it is neither a regular file, a directory nor a symbolic link";
    let text = format!(
        "error: conf.json: layer 1 (STORE/hello): STORE/hello/bin/x: {kinds}\n{STORE_PATH}"
    );
    let path = store.path("hello/bin/x");
    let socket = UnixListener::bind(&path).unwrap();
    refused(&store, 1, &text);
    drop(socket);
    fs::remove_file(&path).unwrap();
    // Opening a pipe would wait for a writer.
    sh(&store.0, &format!("mkfifo '{path}'"));
    let output = store
        .0
        .command(&["merge", "-o", "out", "conf.json"])
        .output()
        .unwrap();
    assert_eq!(
        stderr(&output).replace(store.path("").trim_end_matches('/'), "STORE"),
        text
    );
    assert_eq!(output.status.code(), Some(1));
    fs::remove_file(&path).unwrap();

    let deep = format!("hello/{}", "d/".repeat(1990));
    // Only relative to a directory on the way can such a path be made.
    sh(
        &store.0,
        &format!(
            "cd store; mkdir -p '{deep}'; cd '{deep}'; mkdir -p {0}/{0}/{0}",
            "e".repeat(200)
        ),
    );
    let output = store
        .0
        .command(&["merge", "-o", "out", "conf.json"])
        .output()
        .unwrap();
    let message = stderr(&output);
    let problem = ": its path has more than 4095 bytes, which no system unpacks\n";
    assert!(
        message.ends_with(&format!("{problem}{STORE_PATH}")),
        "{message}"
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!store.0.path("out").exists());
}

#[test]
fn a_customisation_layer_must_have_its_checksum() {
    let store = small_store();
    let layer = tar(&[("./bin/app", b"app")]);
    write(&store, &conf(&store, &[&["hello"]]));
    let name = "error: conf.json: layer STORE/customisation-layer/layer.tar";
    let checksum = "STORE/customisation-layer/checksum";
    let no_digest = "it has no SHA-256 digest of 64 hexadecimal digits";
    for content in [
        &b""[..],
        &[b'0'; 63],
        &[b'g'; 64],
        &[0xff; 64],
        &[b'0'; 100_000],
    ] {
        store.file("customisation-layer/checksum", 0o444, content);
        refused(
            &store,
            1,
            &format!("{name}: {checksum}: {no_digest}\n{STORE_PATH}"),
        );
    }
    fs::remove_file(store.path("customisation-layer/checksum")).unwrap();
    let gone = "No such file or directory (os error 2)";
    refused(
        &store,
        1,
        &format!("{name}: {checksum}: {gone}\n{STORE_PATH}"),
    );
    let not_regular = "it is not a regular file";
    store.directory("customisation-layer/checksum", 0o755);
    refused(
        &store,
        1,
        &format!("{name}: {checksum}: {not_regular}\n{STORE_PATH}"),
    );
    fs::remove_dir(store.path("customisation-layer/checksum")).unwrap();

    customise(&store, b"another layer");
    store.file("customisation-layer/layer.tar", 0o444, &layer);
    let found = digest(&layer);
    let expected = digest(b"another layer");
    refused(
        &store,
        1,
        &format!(
            "{name} has the wrong content: found diff ID {found}, expected {expected} as in the config\nhint: the image was damaged or changed after it was built; build it again\n"
        ),
    );
    fs::remove_file(store.path("customisation-layer/layer.tar")).unwrap();
    let tar = "STORE/customisation-layer/layer.tar";
    refused(&store, 1, &format!("{name}: {tar}: {gone}\n{STORE_PATH}"));
    store.directory("customisation-layer/layer.tar", 0o755);
    refused(
        &store,
        1,
        &format!("{name}: {tar}: {not_regular}\n{STORE_PATH}"),
    );
}

#[test]
fn a_base_image_that_is_not_there_or_damaged_is_an_error() {
    let store = small_store();
    let conf = conf(&store, &[&["hello"]]);
    let base = store.0.path("base.tar");
    write(&store, &with(&conf, "from_image", json!(base)));
    let base = base.display();
    refused(
        &store,
        1,
        &format!("error: conf.json: the base image {base} does not exist\n{STORE_PATH}"),
    );
    let mut image = amd64();
    image.config["config"] = json!({ "Env": "A=1" });
    store.0.write("base.tar", &image.docker_archive());
    let conf = fs::read(store.0.path("conf.json")).unwrap();
    let problem = "found a base image with an unknown config for \"from_image\", expected one whose Env is a list of texts";
    unsupported(&store, &conf, problem, STREAM);
    let mut bytes = amd64().docker_archive();
    bytes[512] ^= 1;
    store.0.write("base.tar", &bytes);
    let output = store
        .0
        .command(&["merge", "-o", "out", "conf.json"])
        .output()
        .unwrap();
    let message = stderr(&output);
    assert!(
        message.starts_with(&format!("error: {base}: layer ")),
        "{message}"
    );
    assert!(
        message.contains("has the wrong content: found diff ID"),
        "{message}"
    );
    assert_eq!(output.status.code(), Some(1));
}
