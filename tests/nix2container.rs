//! Images of nix2container: store paths become the very layers, and the config, that its own tool
//! makes of them.
//!
//! The golden values come from nix2container's own Go code (`TarPathsSum`, `GetConfigBlob` at commit
//! 20d3395, image-spec 1.1.1), run on the trees that are built here. Each path is rewritten, or its
//! digest would depend on the directory of the test.

mod support;

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::*;

const TAR: &str = "application/vnd.oci.image.layer.v1.tar";

/// A Nix store for one test.
struct Store(Scratch);

impl Store {
    fn new() -> Self {
        Self(Scratch::new())
    }

    /// The absolute path of something in the store.
    fn path(&self, name: &str) -> String {
        let path = self.0.path("store").join(name);
        path.to_str().unwrap().to_owned()
    }

    fn make(&self, name: &[u8]) -> PathBuf {
        let path = self.0.path("store").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn file(&self, name: impl AsRef<[u8]>, mode: u32, content: &[u8]) {
        let path = self.make(name.as_ref());
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn link(&self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) {
        symlink(OsStr::from_bytes(target.as_ref()), self.make(name.as_ref())).unwrap();
    }

    fn directory(&self, name: &str, mode: u32) {
        let path = self.make(name.as_bytes());
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// Gives all directories the same mode under every umask.
    fn seal(&self) {
        for entry in walkdir::WalkDir::new(self.path("")) {
            let entry = entry.unwrap();
            if entry.file_type().is_dir() {
                fs::set_permissions(entry.path(), Permissions::from_mode(0o755)).unwrap();
            }
        }
    }

    /// A path of which `regex`, seen from the store, becomes `repl`.
    fn rewritten(&self, name: &str, regex: &str, repl: &str) -> Value {
        let regex = format!(
            "^{}{regex}",
            regex::escape(&self.0.path("store").to_string_lossy())
        );
        json!({ "path": self.path(name), "options": { "rewrite": { "regex": regex, "repl": repl } } })
    }

    /// A path that is in the image where a Nix store has it.
    fn stored(&self, name: &str) -> Value {
        self.rewritten(name, "", "/nix/store")
    }

    /// What `copyToRoot` makes of a path.
    fn at_root(&self, name: &str) -> Value {
        self.rewritten(name, &format!("/{name}"), "")
    }

    /// Merges an image of one layer; the layer in the output.
    fn merge(&self, layer: &Value) -> Value {
        self.0
            .write("image.json", &image(std::slice::from_ref(layer)));
        let arguments = [
            "merge",
            "-f",
            "--compression",
            "none",
            "-o",
            "out",
            "image.json",
        ];
        self.0.run(&arguments);
        let merged = Merged::directory(&self.0.path("out"));
        merged.manifests[0]["layers"][0].clone()
    }

    /// Merges an image of one layer, which must fail, and looks for every text in what it says.
    #[track_caller]
    fn expect(&self, layer: &Value, texts: &[&str]) {
        self.expect_image(&image(std::slice::from_ref(layer)), texts);
    }

    #[track_caller]
    fn expect_image(&self, image: &[u8], texts: &[&str]) {
        self.0.write("image.json", image);
        // Whether a layer is staged or copied, the error is the same.
        for compression in ["gzip", "none"] {
            let arguments = [
                "merge",
                "--compression",
                compression,
                "-o",
                "out",
                "image.json",
            ];
            let message = self.0.fail(&arguments);
            assert!(message.starts_with("error: image.json: "), "{message}");
            assert!(!message.contains("panicked"), "{message}");
            for text in texts {
                assert!(message.contains(text), "{text:?} is not in:\n{message}");
            }
        }
    }
}

fn layer(paths: &[Value], digest: &str, size: u64) -> Value {
    json!({
        "digest": digest, "size": size, "diff_ids": digest, "mediatype": TAR,
        "paths": paths, "History": { "created_by": "nix2container" },
    })
}

/// A layer of which nothing is known.
fn unknown(paths: &[Value]) -> Value {
    layer(paths, &digest(b""), 1024)
}

/// A layer whose tar is on disk.
fn on_disk(path: &Path, media_type: &str, bytes: &[u8], tar: &[u8]) -> Value {
    json!({
        "digest": digest(bytes), "size": 0, "diff_ids": digest(tar), "mediatype": media_type,
        "layer-path": path, "History": {},
    })
}

fn image(layers: &[Value]) -> Vec<u8> {
    serde_json::to_vec_pretty(&json!({
        "version": 1,
        "image-config": {
            "User": "1000",
            "ExposedPorts": { "8080/tcp": {}, "53/udp": {} },
            "Env": ["PATH=/bin", "HTML=<b>&amp;</b>\u{2028}\u{2029}", "C=\"\\\n\t\u{1}\u{7f}é😀"],
            "Cmd": ["/bin/hello"],
            "Labels": { "b<": "2", "a": "1", "a&": "3" },
            "Healthcheck": { "Test": ["not in image-spec"] },
        },
        "layers": layers,
        "arch": "arm64",
        "created": "2025-01-31T12:34:56.120+02:00",
    }))
    .unwrap()
}

/// The paths of a layer, and the digest and the size that Go gives it.
type Golden = (&'static str, Vec<Value>, &'static str, u64);

fn golden(store: &Store) -> Vec<Golden> {
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

fn build(store: &Store) {
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

    // ustar has room for 100 bytes, or for 155 and 100 around a slash; "/l-long/" are 8.
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
fn golden_layers() {
    let store = Store::new();
    for (what, paths, digest, size) in golden(&store) {
        // Not every name of these is one for the file system of macOS.
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

/// Not every sandbox lets us set these bits (that of Nix does not, which is why no store path has
/// them).
#[test]
fn golden_layer_of_setuid_files() {
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

/// The image ID is that of nix2container's own copy of the image.
#[test]
fn golden_image() {
    let store = Store::new();
    let layers: Vec<Value> = (golden(&store).iter())
        .map(|(_, paths, digest, size)| layer(paths, digest, *size))
        .collect();
    store.0.write("image.json", &image(&layers));
    store
        .0
        .run(&["merge", "-o", "out", "linux/arm64=image.json"]);
    let merged = Merged::directory(&store.0.path("out"));
    assert_eq!(merged.platforms(), ["linux/arm64"]);
    assert_eq!(merged.layer_types(), ["tar+gzip".to_owned()].into());
    assert_eq!(
        merged.manifests[0]["layers"].as_array().unwrap().len(),
        layers.len()
    );
    assert_eq!(merged.manifests[0]["config"]["digest"], CONFIG);

    // Nothing of it depends on where the store is.
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

const CONFIG: &str = "sha256:b21bd869883be441eb00c8c1faccd0a81fdab9a128298c6b1d670694551cc1c4";

/// With nothing set, Go writes an empty config and no type of rootfs.
#[test]
fn golden_image_without_layers() {
    let store = Store::new();
    let image =
        r#"{ "version": 1, "image-config": {}, "layers": null, "arch": "amd64", "created": null }"#;
    store.0.write("image.json", image.as_bytes());
    store.0.run(&["merge", "-o", "out", "image.json"]);
    let merged = Merged::directory(&store.0.path("out"));
    let config = merged.content(&merged.manifests[0]["config"]);
    assert_eq!(String::from_utf8_lossy(&config), EMPTY_CONFIG);
}

const EMPTY_CONFIG: &str =
    r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"","diff_ids":null}}"#;

#[test]
fn a_path_that_is_not_rewritten_keeps_its_name() {
    let store = Store::new();
    store.file("b-file", 0o444, b"content");
    let regular = json!({ "path": store.path("b-file") });
    // Nobody but Go can say the digest; the error does, and the layer must then have it.
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
    let tar = merged.content(&merged.manifests[0]["layers"][0]);
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
fn layers_on_disk_are_taken_as_they_are() {
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
    store
        .0
        .run(&["merge", "-o", "out", "--compression", "keep", "image.json"]);
    let merged = Merged::directory(&store.0.path("out"));
    for (found, expected) in (merged.manifests[0]["layers"].as_array().unwrap().iter()).zip(&layers)
    {
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

#[test]
fn a_store_path_that_was_changed() {
    let store = Store::new();
    let (_, paths, digest, size) = golden(&store).remove(0);
    let layer = layer(&paths, digest, size);
    store.merge(&layer);
    fs::remove_dir_all(store.0.path("out")).unwrap();

    let name = format!("layer 1 ({})", store.path("a-hello"));
    let hint = "hint: a store path is not there, or not what it was";
    let differs = format!("{name}: its files are not what they were: found sha256:");
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
fn a_wrong_size_or_diff_id() {
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
fn a_layer_that_is_there_twice_has_one_size() {
    let store = Store::new();
    let (_, paths, digest, size) = golden(&store).swap_remove(0);
    let layers = [size, 1].map(|size| layer(&paths, digest, size));
    store.0.write("image.json", &image(&layers));
    for (compression, text) in [("none", "(1 bytes)"), ("gzip", "expected 1")] {
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
fn the_layer_and_all_of_its_paths_are_named() {
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
fn what_no_layer_can_hold() {
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
        &["b-file: what its name becomes is longer than"],
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
fn a_layer_on_disk_that_is_not_what_it_should_be() {
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
fn a_document_that_does_not_say_what_it_must() {
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
    store.expect_image(&change("arch", json!("")), &["no platform"]);
    store.expect_image(&change("image-config", json!("x")), &["not valid: "]);
}

#[test]
fn its_platform_is_that_of_its_arch() {
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
fn other_json_is_no_image() {
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
fn perms_cannot_take_all_of_the_memory() {
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
