//! Sizes of store paths, packages and layers, and how they are shown.

use serde_json::{Value, json};

use super::*;
use crate::support::*;

#[test]
fn the_analysis_of_dockertools_images_matches_the_snapshots() {
    let scratch = Scratch::new();
    hello(&scratch);
    snapshot(
        "analyze.txt",
        &(scratch.run(&["analyze", "hello.tar"]) + "\n"),
    );
    snapshot(
        "analyze.json",
        &(scratch.run(&["analyze", "--json", "hello.tar"]) + "\n"),
    );
    // An archive that is compressed as a whole is read as a stream.
    let inside = fixture("arm64-bi-hello-gz.tar.gz");
    let shown = scratch.run(&["analyze", &inside]);
    snapshot("analyze-docker-archive.txt", &(shown + "\n"));
}

#[test]
fn bytes_are_summed_by_store_path_and_package() {
    let scratch = Scratch::new();
    let hash = |c: char| c.to_string().repeat(32);
    let (lib, dev) = (
        format!("nix/store/{}-zlib-1.3.1/lib/libz.so", hash('a')),
        format!("nix/store/{}-zlib-1.3.1-dev/lib/x", hash('b')),
    );
    let other = format!("nix/store/{}-zlib-1.2/lib/libz.so", hash('c'));
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[
            &[(&lib, &noise(1, 3000)), ("etc/ssl/certs/a", &noise(2, 10))],
            &[
                (&dev, &noise(3, 500)),
                (&other, &noise(4, 20)),
                ("file", b"x"),
            ],
        ],
    );
    let found = analyze(&scratch, "a.tar");
    let platform = &found["platforms"][0];
    let paths: Vec<(&str, u64)> = (platform["paths"].as_array().unwrap().iter())
        .map(|path| {
            (
                path["path"].as_str().unwrap(),
                path["size"].as_u64().unwrap(),
            )
        })
        .collect();
    let store = |c, name: &str| format!("/nix/store/{}-{name}", hash(c));
    assert_eq!(
        paths,
        [
            (&store('a', "zlib-1.3.1")[..], 3000),
            (&store('b', "zlib-1.3.1-dev"), 500),
            (&store('c', "zlib-1.2"), 20),
            ("/etc/ssl", 10),
            ("/", 1),
        ]
    );
    assert_eq!(
        platform["packages"],
        json!([{ "name": "zlib", "versions": ["1.2", "1.3.1", "1.3.1-dev"], "size": 3520, "paths": 3 }])
    );
    assert_eq!(
        platform["paths"][0]["layers"],
        json!([{ "layer": 0, "size": 3000 }])
    );
    assert_eq!(platform["files"], 5);
    assert_eq!(platform["layers"][1]["fileSize"], 521);
}

/// The size of a layer that is not in the layout is that of its descriptor. The sum of three layers of the
/// largest allowed size does not fit into 64 bits.
#[test]
fn sums_of_sizes_stop_at_the_largest_number() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers = (0..3).map(|i| noise(i, 10)).collect();
    let mut layout = image.layout(plain);
    let mut manifest: Value = serde_json::from_slice(layout.blobs.last().unwrap()).unwrap();
    for layer in manifest["layers"].as_array_mut().unwrap() {
        layer["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar".into();
        layer["size"] = i64::MAX.into();
        layer["urls"] = json!(["https://example.org/"]);
    }
    layout.blobs.drain(1..);
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index["manifests"] = json!([descriptor]);
    layout.directory(&scratch, "in");

    let found = scratch.json(&["inspect", "--json", "in"]);
    assert_eq!(found["platforms"][0]["size"], u64::MAX);
    assert_eq!(found["sharing"]["size"], u64::MAX);
    assert_eq!(found["sharing"]["uniqueSize"], u64::MAX);
    let found = analyze(&scratch, "in");
    assert_eq!(found["platforms"][0]["size"], u64::MAX);
    let registry = json!({ "total": u64::MAX, "unique": u64::MAX, "saved": 0 });
    assert_eq!(found["sharing"]["registry"], registry);
    let shown = scratch.run(&["analyze", "--top", "1", "in"]);
    assert!(shown.contains("################ 50.0%"), "{shown}");
    assert!(shown.contains("and 2 more, 18.4 EB"), "{shown}");
    scratch.run(&["analyze", "--html", "page.html", "in"]);

    scratch.write("other.tar", &TestImage::new("linux/amd64").docker_archive());
    scratch.run(&["merge", "-o", "other", "other.tar"]);
    let found = scratch.run(&["diff", "--json", "other", "in"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["push"]["bytes"], u64::MAX);
    // The layers are not copied, so a merge succeeds.
    scratch.run(&["merge", "-o", "out.tar", "in"]);
}

#[test]
fn top_0_prints_no_lists() {
    let scratch = Scratch::new();
    hello(&scratch);
    let shown = scratch.run(&["analyze", "--top", "0", "hello.tar"]);
    assert!(shown.contains("linux/amd64\n"), "{shown}");
    assert!(!shown.contains("more"), "{shown}");
    assert!(!shown.contains("layers\n"), "{shown}");
    let files: [(&str, &[u8]); 2] = [("a", &noise(1, 1000)), ("b", &noise(1, 1000))];
    image(&scratch, "a.tar", "linux/amd64", &[&files]);
    for page in [&["--top=0"][..], &["--top=0", "--html=-"]] {
        let shown = scratch.run(&[&["analyze", "a.tar"], page].concat());
        assert!(
            shown.contains("aste: 1.00 kB, files of the same"),
            "{shown}"
        );
        assert!(!shown.contains("and 1 more"), "{shown}");
    }
}
