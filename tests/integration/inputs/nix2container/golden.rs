//! Layers and configs that are compared with those of nix2container's own code.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::support::*;

/// A description of a layer, its paths, and its digest and size as Go computes them.
pub(super) type Golden = (&'static str, Vec<Value>, &'static str, u64);

pub(super) fn golden(store: &Store) -> Vec<Golden> {
    build(store);
    let perm = |regex: &str, mode: &str, uid: i64, gid: i64, uname: &str, gname: &str| {
        json!({
            "regex": regex, "mode": mode, "uid": uid, "gid": gid, "uname": uname, "gname": gname,
        })
    };
    let mut owned = store.at_root("a-hello");
    owned["options"]["perms"] = json!([
        perm(".*", "0750", 1000, 100, "user", "users"),
        perm("/bin/[^/]*$", "4711", 2_097_152, -1, "", &"g".repeat(33)),
        perm("hello$", "", 0, 0, "ü", ""),
        perm("empty$", " 644, or so", 0, 0, "", ""),
        perm("hi$", "0o755", 0, 0, "", ""),
    ]);
    vec![
        (
            "one path",
            vec![store.stored("a-hello")],
            "sha256:1b75785eea2da965544aef1ca25abef0b231a5b48b8227e78b6d79bffebe8457",
            9728,
        ),
        (
            "several paths, not in their order",
            vec![
                store.stored("b-link"),
                store.stored("b-file"),
                store.stored("a-hello"),
            ],
            "sha256:049a5c61cd5784e29afbe6353ee099f4811150611a2bf70d9c54730422848760",
            11_264,
        ),
        (
            "a path twice",
            vec![store.stored("b-file"), store.stored("b-file")],
            "sha256:1cac88ee1d8d6bb0e692bc64a513a7d3900d54072dbc3f75fdec9a9e1fb55048",
            3584,
        ),
        (
            "a path at the root",
            vec![store.at_root("a-hello")],
            "sha256:429f364e268d592291836c82c5e41ec4232b9d7fa5de8499ec7a00efd27d1d15",
            8192,
        ),
        (
            "paths with files in common, of which the last counts",
            vec![
                store.at_root("d-env"),
                store.stored("b-file"),
                store.at_root("c-env"),
            ],
            "sha256:db567e854b4e702e71621d2317512a50d65597000d0cb7dfcb38b6ff70ecf122",
            6144,
        ),
        (
            "long names",
            vec![store.rewritten("l-long", "", "")],
            "sha256:7cce7932e457d76ce140b4852c119b0f8ec0bd0a048802acee3ec9095febbabd",
            83_968,
        ),
        (
            "names of all kinds",
            vec![store.rewritten("u-names", "", "")],
            "sha256:05fda00d634d798465a3fa6784b326753af83e48a6e26eab1a856fe948e8d068",
            106_496,
        ),
        (
            "modes",
            vec![store.stored("m-modes")],
            "sha256:bb3374d27f182b957b4785b45153a6b2bf9456982a7ff6be57f41dea0e1b0ce1",
            5120,
        ),
        (
            "owners and modes by regex",
            vec![owned],
            "sha256:e495f946991917b69c71c286393297341850c861e7283046d26355724f735cc5",
            11_264,
        ),
        (
            "groups of a regex",
            vec![store.rewritten(
                "a-hello",
                r"/a-(\w+)(?:/(?P<rest>[a-z]+))?",
                "x/../${rest}/./$1/$2//$$/$none/$1y",
            )],
            "sha256:6da8feece27470e50de79f6b9c2044c695c0f9e31200e6dc988196fec263c101",
            13_312,
        ),
        (
            "some files left out",
            vec![store.rewritten("a-hello", "(/a-hello/share.*|/a-hello/bin/h.*)?", "")],
            "sha256:d8593325f70af339919874dc7c83f428019a4501b27b3a913e72966024eb394c",
            4608,
        ),
        (
            "relative names",
            vec![store.rewritten("a-hello", "", "../x")],
            "sha256:b69200073768a2d6c031795771835b048c2ed8f2096f72292d6e86a15f2a45ed",
            9216,
        ),
    ]
}

pub(super) fn build(store: &Store) {
    store.file("a-hello/bin/hello", 0o555, b"#!/bin/sh\necho hello\n");
    store.file("a-hello/bin/hello-world", 0o555, &noise(1, 513));
    store.file("a-hello/bin.d/a", 0o444, &noise(2, 512));
    store.file("a-hello/share/empty", 0o444, b"");
    store.link("a-hello/bin/hi", "hello");
    store.file("b-file", 0o444, b"a store path that is a file");
    store.link("b-link", "a-hello");

    store.file("c-env/etc/passwd", 0o444, b"root:x:0:0::/root:/bin/sh\n");
    store.file("d-env/etc/passwd", 0o444, b"root:x:0:0::/root:/bin/no\n");
    store.file("d-env/etc/group", 0o444, b"root:x:0:\n");

    // ustar has room for 100 bytes, or for 155 and 100 around a slash. "/l-long/" has 8 bytes.
    for len in [91, 92, 93, 200] {
        store.file(format!("l-long/{}", "n".repeat(len)), 0o444, b"n");
    }
    let directory = "d".repeat(60);
    for len in [99, 100, 101] {
        let name = format!("l-long/{directory}/{}", "f".repeat(len));
        store.file(name, 0o444, b"f");
    }
    for len in [79, 80, 86, 87, 88] {
        let name = format!("l-long/{directory}/{}/f", "e".repeat(len));
        store.file(name, 0o444, b"e");
    }
    store.file(format!("l-long/{}end", "deep/".repeat(70)), 0o444, b"deep");
    store.link("l-long/short", "t".repeat(100));
    store.link("l-long/longer", "t".repeat(101));
    store.link("l-long/at-a-slash", format!("{}/t", "t".repeat(99)));
    store.link(format!("l-long/{}", "l".repeat(120)), "t/".repeat(90));

    store.file("u-names/ünï", 0o444, b"u");
    store.file("u-names/日本語/ファイル", 0o444, b"j");
    store.file(format!("u-names/{}x", "é/".repeat(60)), 0o444, b"e");
    if cfg!(target_os = "linux") {
        store.file(b"u-names/\xff\xfe not UTF-8", 0o444, b"?");
    }
    store.file("u-names/a line\nand a\ttab", 0o444, b"n");
    store.link("u-names/link", "日本語");

    store.file("m-modes/writable", 0o664, b"w");
    store.seal();
    store.directory("a-hello/var", 0o755);
    store.directory("m-modes/tmp", 0o1777);
    store.directory("m-modes/private", 0o700);
}

#[test]
fn layers_of_store_paths_have_the_golden_digests() {
    let store = Store::new();
    for (what, paths, digest, size) in golden(&store) {
        // The file system of macOS refuses some of these names.
        if what == "names of all kinds" && !cfg!(target_os = "linux") {
            continue;
        }
        eprintln!("{what}");
        let found = store.merge(&layer(&paths, digest, size));
        assert_eq!(
            found,
            json!({ "mediaType": TAR, "digest": digest, "size": size })
        );
    }
}

/// Skipped where a sandbox refuses to set these bits. That of Nix does, so no store path has them.
#[test]
fn a_layer_of_setuid_files_has_the_golden_digest() {
    let store = Store::new();
    store.file("a/file", 0o555, b"x");
    store.seal();
    let path = store.path("a/file");
    let mode = Permissions::from_mode(0o6555);
    if fs::set_permissions(&path, mode.clone()).is_err()
        || fs::metadata(&path).unwrap().permissions().mode() & 0o7777 != mode.mode()
    {
        return;
    }
    let (digest, size) = (SETUID, 4096);
    store.merge(&layer(&[store.stored("a")], digest, size));
}

const SETUID: &str = "sha256:6f0b22d0ce6e7a8b93ad0b21b6b2d90f7d5c08c04cda761f576c7a5d44cda17d";

/// The golden digest is the image ID of nix2container's own copy of the image.
#[test]
fn the_config_has_the_golden_digest_in_any_directory() {
    let store = Store::new();
    let layers: Vec<Value> = (golden(&store).iter())
        .map(|(_, paths, digest, size)| layer(paths, digest, *size))
        .collect();
    store.0.write("image.json", &image(&layers));
    let merged = store.0.merge(&["linux/arm64=image.json"]);
    assert_eq!(merged.platforms(), ["linux/arm64"]);
    assert_eq!(merged.layer_types(), ["tar+gzip".to_owned()].into());
    assert_eq!(merged.layers[0].len(), layers.len());
    assert_eq!(merged.manifests[0]["config"]["digest"], CONFIG);

    // The digest does not depend on the directory of the store.
    let again = Store::new();
    let layers: Vec<Value> = (golden(&again).iter())
        .map(|(_, paths, digest, size)| layer(paths, digest, *size))
        .collect();
    again.0.write("image.json", &image(&layers));
    assert_eq!(
        again.0.run(&["merge", "-o", "out", "image.json"]),
        merged.digest
    );
}

/// Go writes an empty config and an empty type of the rootfs.
#[test]
fn an_image_without_layers_gets_the_config_that_go_writes() {
    let store = Store::new();
    let image =
        r#"{ "version": 1, "image-config": {}, "layers": null, "arch": "amd64", "created": null }"#;
    store.0.write("image.json", image.as_bytes());
    let merged = store.0.merge(&["image.json"]);
    let config = merged.content(&merged.manifests[0]["config"]);
    assert_eq!(String::from_utf8_lossy(&config), EMPTY_CONFIG);
}

const EMPTY_CONFIG: &str =
    r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"","diff_ids":null}}"#;

#[test]
fn a_store_path_without_a_rewrite_keeps_its_name() {
    let store = Store::new();
    store.file("b-file", 0o444, b"content");
    let regular = json!({ "path": store.path("b-file") });
    // The digest depends on the directory, so it is taken from the error for a wrong digest.
    store.0.write(
        "image.json",
        &image(&[unknown(std::slice::from_ref(&regular))]),
    );
    let message = store.0.fail(&["merge", "-o", "out", "image.json"]);
    let found = message.split("found ").nth(1).unwrap();
    let (digest, _) = found.split_once(',').unwrap();
    let ancestors = Path::new(&store.path("b-file")).ancestors().count();
    let size = 512 * (ancestors as u64 + 1) + 1024;
    store.merge(&layer(&[regular], digest, size));

    let merged = Merged::directory(&store.0.path("out"));
    let tar = merged.content(&merged.layers[0][0]);
    let mut archive = tar::Archive::new(&tar[..]);
    let names: Vec<PathBuf> = (archive.entries().unwrap())
        .map(|entry| entry.unwrap().path().unwrap().into_owned())
        .collect();
    let path = store.path("b-file");
    let mut expected: Vec<&Path> = Path::new(&path).ancestors().collect();
    expected.reverse();
    assert_eq!(names, expected);
}

#[test]
fn layers_on_disk_are_copied_or_linked_unchanged() {
    let store = Store::new();
    let layer = tar(&[("bin/sh", &noise(3, 5000))]);
    let (gz, zst) = (gzip(&layer), zstd(&layer));
    let layers: Vec<Value> = [("tar", &layer), ("tar+gzip", &gz), ("tar+zstd", &zst)]
        .map(|(kind, bytes)| {
            let path = store.0.write(&format!("layers/{}", hex(bytes)), bytes);
            let media_type = format!("application/vnd.oci.image.layer.v1.{kind}");
            on_disk(&path, &media_type, bytes, &layer)
        })
        .into();
    store.0.write("image.json", &image(&layers));
    let merged = store.0.merge(&["--compression", "keep", "image.json"]);
    assert_eq!(merged.layers[0].len(), layers.len());
    for (found, expected) in merged.layers[0].iter().zip(&layers) {
        assert_eq!(found["digest"], expected["digest"]);
        assert_eq!(found["mediaType"], expected["mediatype"]);
    }

    let linked = store
        .0
        .path("out")
        .join(format!("blobs/sha256/{}", hex(&gz)));
    store
        .0
        .run(&["merge", "-f", "--link", "-o", "out", "image.json"]);
    assert_eq!(
        fs::read_link(linked).unwrap(),
        store.0.path(&format!("layers/{}", hex(&gz)))
    );
}
