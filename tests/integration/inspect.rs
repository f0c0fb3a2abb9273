//! `polyarch inspect`: text, `--json` and `--raw`.

use crate::support::*;
use serde_json::{Value, json};

#[test]
fn the_inspection_of_a_dockertools_image_matches_the_snapshots() {
    let scratch = Scratch::new();
    hello(&scratch);
    for (file, arguments) in [
        ("inspect.txt", &["hello.tar"][..]),
        ("inspect.json", &["--json", "hello.tar"]),
        (
            "inspect-platform.txt",
            &["--platform", "linux/arm64", "hello.tar"],
        ),
    ] {
        snapshot(
            file,
            &(scratch.run(&[&["inspect"], arguments].concat()) + "\n"),
        );
    }
}

#[test]
fn a_docker_archive_is_inspected_without_a_merge() {
    let scratch = Scratch::new();
    // From a compressed file, from a plain file, and from standard input.
    let compressed = fixture("amd64-bi-hello-gz.tar.gz");
    let shown = scratch.run(&["inspect", &compressed]);
    snapshot("inspect-docker-archive.txt", &(shown + "\n"));

    let image = TestImage::new("linux/arm64");
    scratch.write("image.tar", &image.docker_archive());
    let found = scratch.json(&["inspect", "--json", "image.tar"]);
    assert_eq!(found["format"], "docker-archive");
    assert_eq!(found["names"], json!(["test:v1"]));
    assert_eq!(found["index"], Value::Null);
    assert_eq!(found["platforms"][0]["manifest"], Value::Null);
    assert_eq!(
        found["platforms"][0]["imageId"],
        digest(&image.config_bytes())
    );
    assert_eq!(
        found["platforms"][0]["size"],
        image.layers.iter().map(Vec::len).sum::<usize>()
    );

    let mut command = scratch.command(&["inspect", "--json", "-"]);
    command.stdin(std::fs::File::open(scratch.path("image.tar")).unwrap());
    let piped: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(piped["image"], "standard input");
    assert_eq!(piped["platforms"], found["platforms"]);
}

#[test]
fn sizes_count_a_shared_layer_once() {
    let scratch = Scratch::new();
    for (name, platform) in [("a.tar", "linux/amd64"), ("b.tar", "linux/arm64")] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
    }
    let merged = scratch.merge(&["a.tar", "b.tar"]);
    let found = scratch.json(&["inspect", "--json", "out"]);
    let size = |i: usize, layer: usize| merged.layers[i][layer]["size"].as_u64().unwrap();
    assert_eq!(
        found["sharing"],
        json!({
            "layers": 4, "size": size(0, 0) + size(0, 1) + size(1, 0) + size(1, 1),
            "uniqueLayers": 3, "uniqueSize": size(0, 0) + size(0, 1) + size(1, 1),
            "sharedLayers": 1, "sharedSize": size(0, 0),
        })
    );
    let [amd64, arm64] = [0, 1].map(|i| &found["platforms"][i]);
    assert_eq!(amd64["layers"][0]["sharedWith"], json!(["linux/arm64"]));
    assert_eq!(arm64["layers"][1]["sharedWith"], json!([]));
    // Each layer of a test image is a tar archive of 2048 bytes.
    assert_eq!(amd64["uncompressed"], 2 * 2048);
    assert_eq!(found["index"]["digest"], merged.digest);
}

#[test]
fn raw_prints_the_exact_bytes_of_a_document() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    scratch.write("a.tar", &image.docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    let merged = scratch.merge(&["a.tar", "b.tar"]);
    let raw = |arguments: &[&str]| {
        let arguments = [&["inspect"], arguments, &["out"]].concat();
        digest(&scratch.command(&arguments).output().unwrap().stdout)
    };
    assert_eq!(raw(&["--raw"]), merged.stdout);
    let manifest = merged.index["manifests"][0]["digest"].as_str().unwrap();
    assert_eq!(raw(&["--raw", "--platform", "linux/amd64"]), manifest);
    assert_eq!(
        raw(&["--raw=config", "--platform", "linux/amd64"]),
        digest(&image.config_bytes())
    );

    let error = scratch.fail(&["inspect", "--raw=config", "out"]);
    assert!(
        error.contains("  linux/amd64\n") && error.contains("  linux/arm64\n"),
        "{error}"
    );
    assert!(
        error.contains("hint: take one of them with --platform, such as --platform linux/amd64"),
        "{error}"
    );
    let error = scratch.fail(&["inspect", "--raw", "a.tar"]);
    assert!(
        error.contains("a docker-archive has no image index"),
        "{error}"
    );
}

/// The config of an artifact is read only here, so it must be verified here.
#[test]
fn a_config_with_a_wrong_digest_is_not_printed() {
    let scratch = Scratch::new();
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    let config = layout.blob("application/vnd.example", b"{}");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [],
    });
    let mut descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    descriptor["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    layout.index["manifests"] = json!([descriptor]);
    layout.directory(&scratch, "in");
    assert_eq!(scratch.run(&["inspect", "--raw=config", "in"]), "{}");
    let hex = config["digest"].as_str().unwrap().replace(':', "/");
    scratch.write(&format!("in/blobs/{hex}"), b"[]");
    let error = scratch.fail(&["inspect", "--raw=config", "in"]);
    assert!(error.contains("has the wrong digest"), "{error}");
}

#[test]
fn control_characters_of_an_image_are_escaped() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.config["config"] = json!({ "Cmd": ["\u{1b}[2Jboo"], "Env": ["A=\u{202e}b"] });
    image.config["created"] = "\u{7}".into();
    scratch.write("a.tar", &image.docker_archive());
    for arguments in [
        &["inspect", "a.tar"][..],
        &["inspect", "--platform=linux/amd64", "a.tar"],
    ] {
        let shown = scratch.run(arguments);
        assert!(shown.contains(r"\u{1b}[2Jboo"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown}");
    }
}

#[test]
fn a_damaged_layer_is_an_error() {
    let scratch = Scratch::new();
    let layout = TestImage::new("linux/amd64").layout(gzipped);
    // The last byte of a gzip stream is a part of its size.
    let layer = layout.blobs.get(1).unwrap().clone();
    layout.directory(&scratch, "image");
    let mut bytes = layer.clone();
    *bytes.last_mut().unwrap() ^= 1;
    scratch.write(&format!("image/blobs/sha256/{}", hex(&layer)), &bytes);
    let error = scratch.fail(&["inspect", "image"]);
    assert!(error.contains(&hex(&layer)), "{error}");
}

/// If each of many images listed all others that share a layer, the output would grow with the square of their
/// number.
#[test]
fn at_most_64_platforms_that_share_a_layer_are_listed() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers.truncate(1);
    let mut layout = Layout::default();
    let mut manifests = Vec::new();
    for i in 0..200 {
        image.config["variant"] = format!("v{i}").into();
        let one = image.layout(plain);
        layout.blobs.extend(one.blobs);
        manifests.push(one.index["manifests"][0].clone());
    }
    layout.index = json!({ "schemaVersion": 2, "manifests": manifests });
    layout.directory(&scratch, "many");
    let json = scratch.run(&["inspect", "--json", "many"]);
    let found: Value = serde_json::from_str(&json).unwrap();
    for platform in found["platforms"].as_array().unwrap() {
        let layer = &platform["layers"][0];
        let others = layer["sharedWith"].as_array().unwrap();
        assert_eq!((others.len(), &layer["sharedCount"]), (64, &json!(199)));
        assert!(!others.contains(&platform["platform"]));
    }
}
