//! Documents, store paths and layers on disk that are refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use super::golden::{build, golden};
use super::*;
use crate::support::*;

#[test]
fn a_changed_store_path_is_refused() {
    let store = Store::new();
    let (_, paths, digest, size) = golden(&store).remove(0);
    let layer = layer(&paths, digest, size);
    store.merge(&layer);
    fs::remove_dir_all(store.0.path("out")).unwrap();

    let name = format!("layer 1 ({})", store.path("a-hello"));
    let hint = "hint: a store path is missing, or has changed since the image was built";
    let differs = format!("{name}: its store paths have changed: found sha256:");
    let expected = format!("expected {digest}");
    let path = store.path("a-hello/bin/hello");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    store.expect(&layer, &[&differs, &expected, hint]);
    fs::set_permissions(&path, Permissions::from_mode(0o555)).unwrap();
    store.merge(&layer);
    fs::remove_dir_all(store.0.path("out")).unwrap();

    store.file("a-hello/one-more", 0o444, b"");
    store.expect(&layer, &[&differs, &expected, hint]);
    fs::remove_dir_all(store.path("a-hello")).unwrap();
    let missing = format!(
        "{name}: {}: no such file or directory\n",
        store.path("a-hello")
    );
    store.expect(&layer, &[&missing, hint]);
}

#[test]
fn a_layer_with_a_wrong_size_or_diff_id_is_refused() {
    let store = Store::new();
    let (_, paths, digest, size) = golden(&store).remove(0);
    let wrong_size = layer(&paths, digest, size + 512);
    store.expect(
        &wrong_size,
        &["layer 1 (", "found 9728 bytes, expected 10240"],
    );
    let mut wrong_diff_id = layer(&paths, digest, size);
    wrong_diff_id["diff_ids"] = CONFIG.into();
    store.expect(&wrong_diff_id, &["layer 1 (", digest, CONFIG]);
}

#[test]
fn a_layer_listed_twice_with_two_sizes_is_refused() {
    let store = Store::new();
    let (_, paths, digest, size) = golden(&store).swap_remove(0);
    let layers = [size, 1].map(|size| layer(&paths, digest, size));
    store.0.write("image.json", &image(&layers));
    for (compression, text) in [("none", "(1 byte)"), ("gzip", "expected 1")] {
        let arguments = [
            "merge",
            "--compression",
            compression,
            "-o",
            "out",
            "image.json",
        ];
        let message = store.0.fail(&arguments);
        assert!(message.contains(text), "{message}");
    }
}

#[test]
fn the_error_names_the_layer_and_its_store_paths() {
    let store = Store::new();
    let mut layers: Vec<Value> = (golden(&store).iter().take(2))
        .map(|(_, paths, digest, size)| layer(paths, digest, *size))
        .collect();
    layers[1]["digest"] = CONFIG.into();
    layers[1]["diff_ids"] = CONFIG.into();
    let name = format!("layer 2 ({} and 2 more): ", store.path("b-link"));
    store.expect_image(&image(&layers), &[&name]);
}

#[test]
fn store_paths_that_no_layer_can_hold_are_refused() {
    let store = Store::new();
    build(&store);
    let _socket = UnixListener::bind(store.path("s-socket")).unwrap();
    let socket = [store.stored("s-socket")];
    store.expect(
        &unknown(&socket),
        &["s-socket: it is neither a regular file"],
    );

    let clash = [
        store.rewritten("b-file", ".*", "/bin"),
        store.at_root("a-hello"),
    ];
    let texts = [
        "a-hello/bin: the layer has another file of that name, from ",
        "b-file",
    ];
    store.expect(&unknown(&clash), &texts);

    let root = [store.rewritten("b-file", ".*", "/")];
    store.expect(
        &unknown(&root),
        &["the root directory cannot be a regular file"],
    );
    let endless = [store.rewritten("b-file", "", &"x/".repeat(2047))];
    store.expect(
        &unknown(&endless),
        &["b-file: its name in the layer has a NUL or is longer than 4096"],
    );
    let longer = [store.rewritten("b-file", "", &"x".repeat(4097))];
    store.expect(
        &unknown(&longer),
        &["b-file: its name in the layer is longer than"],
    );
    let nul = [store.rewritten("b-file", "", "a\0")];
    store.expect(&unknown(&nul), &["b-file: its name in the layer has a NUL"]);
    let bad_regex = [store.rewritten("b-file", "(", "")];
    store.expect(&unknown(&bad_regex), &["regex parse error"]);

    for (perm, text) in [
        (
            json!({ "regex": "", "mode": "rwx" }),
            "its mode is \"rwx\" by its perms",
        ),
        (
            json!({ "regex": "", "mode": "77777777" }),
            "the mode 77777777 does not fit",
        ),
        (
            json!({ "regex": "", "uname": "a\0b" }),
            "its uname contains a NUL",
        ),
        (json!({ "regex": "*" }), "regex parse error"),
    ] {
        let mut path = store.stored("b-file");
        path["options"]["perms"] = json!([perm]);
        store.expect(&unknown(&[path]), &[text]);
    }
    let mut owned = store.stored("b-file");
    owned["options"]["perms"] = json!([{ "regex": "", "uid": 1 }]);
    let twice = [store.stored("b-file"), owned];
    store.expect(
        &unknown(&twice),
        &["b-file: the layer has it twice, with different perms"],
    );
}

#[test]
fn a_layer_on_disk_that_is_missing_or_changed_is_refused() {
    let store = Store::new();
    let tar = tar(&[("bin/sh", b"sh")]);
    let path = store.0.write("layer.tar", &tar);
    let gone = store.0.path("gone.tar");
    let text = format!("layer 1 ({0}): {0}: no such file", gone.display());
    store.expect(&on_disk(&gone, TAR, &tar, &tar), &[&text]);

    let name = format!("1 ({})", path.display());
    let changed = on_disk(&path, TAR, b"another", b"another");
    store.expect(&changed, &[&name, &digest(&tar), &digest(b"another")]);
    let mut size = on_disk(&path, TAR, &tar, &tar);
    size["size"] = 7.into();
    store.expect(&size, &[&name, "wrong size", "expected 7"]);
    let gzip = on_disk(&path, &format!("{TAR}+gzip"), &tar, &tar);
    store.expect(&gzip, &[&name]);
    let directory = on_disk(path.parent().unwrap(), TAR, &tar, &tar);
    store.expect(&directory, &["it is not a regular file"]);
}

#[test]
fn an_invalid_document_is_refused() {
    let store = Store::new();
    store.file("b-file", 0o444, b"");
    let path = [store.stored("b-file")];
    let good = unknown(&path);
    let with = |key: &str, value: Value| {
        let mut layer = good.clone();
        layer[key] = value;
        layer
    };
    for (layer, text) in [
        (with("digest", json!("sha256:1")), "is not a digest"),
        (with("size", json!(-1)), "invalid value"),
        (
            with("mediatype", json!(format!("{TAR}+gzip"))),
            "is made of store paths, but",
        ),
        (
            with("mediatype", json!("text/plain")),
            "is a text/plain, expected",
        ),
        (
            with("paths", json!([])),
            "layer 1 has neither paths nor a layer-path",
        ),
        (
            with("paths", json!([{ "path": "b-file" }])),
            "expected an absolute path",
        ),
        (
            with("paths", json!([{ "path": "/a/../b" }])),
            "expected an absolute path",
        ),
        (
            with("History", json!({ "created": "yesterday" })),
            "\"yesterday\" is not a time",
        ),
    ] {
        store.expect(&layer, &["image.json: ", text]);
    }

    let change = |key: &str, value: Value| {
        let mut image: Value = serde_json::from_slice(&image(std::slice::from_ref(&good))).unwrap();
        image[key] = value;
        serde_json::to_vec(&image).unwrap()
    };
    let text = "the nix2container image is not valid: found version 2, expected 1";
    store.expect_image(&change("version", json!(2)), &[text]);
    let silent = [
        "no platform",
        "--set-platform image.json=PLATFORM, such as linux/amd64",
    ];
    store.expect_image(&change("arch", json!("")), &silent);
    let set = ["--set-platform", "image.json=linux/arm64", "image.json"];
    let empty = r#"{ "version": 1, "image-config": {}, "layers": null, "arch": "" }"#;
    store.0.write("image.json", empty.as_bytes());
    assert_eq!(store.0.merge_to("set", &set).platforms(), ["linux/arm64"]);
    store.expect_image(&change("image-config", json!("x")), &["not valid: "]);
}

#[test]
fn a_platform_assertion_that_contradicts_the_arch_is_refused() {
    let store = Store::new();
    let tar = tar(&[("bin/sh", b"sh")]);
    let path = store.0.write("layer.tar", &tar);
    store
        .0
        .write("image.json", &image(&[on_disk(&path, TAR, &tar, &tar)]));
    let message = store
        .0
        .fail(&["merge", "-o", "out", "linux/amd64=image.json"]);
    let text =
        "image.json: its platform is linux/arm64 by its config, but it was given as linux/amd64";
    assert!(message.contains(text), "{message}");
}

#[test]
fn other_json_documents_are_not_images() {
    let store = Store::new();
    for text in [
        "{}",
        r#"{"version":1,"layers":[]}"#,
        r#"{"image-config":{},"layers":[]}"#,
        r#"{"version":1,"image-config":{},"layers":["#,
    ] {
        store.expect_image(text.as_bytes(), &["found a JSON document", "nix2container"]);
    }
}

#[test]
fn too_large_or_too_many_regexes_of_perms_are_refused() {
    for (perms, problem) in [
        (vec!["a{1000}{1000}".to_owned()], "exceeds size limit"),
        (
            (0..300).map(|i| format!("a{i}")).collect(),
            "more than 256 different regexes",
        ),
    ] {
        let store = Store::new();
        store.file("x/file", 0o444, b"content");
        store.seal();
        let perms: Vec<Value> = perms
            .iter()
            .map(|regex| json!({ "regex": regex, "mode": "0644" }))
            .collect();
        let layer = json!({
            "digest": digest(b""), "diff_ids": digest(b""), "size": 1, "mediatype": TAR,
            "paths": [{ "path": store.path("x"), "options": { "perms": perms } }],
        });
        let document =
            json!({ "version": 1, "image-config": {}, "arch": "amd64", "layers": [layer] });
        store
            .0
            .write("image.json", &serde_json::to_vec(&document).unwrap());
        let message = store.0.fail(&["merge", "-o", "out", "image.json"]);
        assert!(message.contains(problem), "{message}");
    }
}
