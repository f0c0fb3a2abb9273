//! `polyarch inspect`: what it says of images, for people and for programs.

mod support;

use serde_json::{Value, json};
use support::*;

#[test]
fn an_image_of_dockertools_is_shown_as_ever() {
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
fn a_docker_archive_is_shown_without_being_merged() {
    let scratch = Scratch::new();
    // Compressed as a whole, plain, and through a pipe.
    let compressed = fixture("amd64-bi-hello-gz.tar.gz");
    let shown = scratch.run(&["inspect", &compressed]);
    snapshot("inspect-docker-archive.txt", &(shown + "\n"));

    let image = TestImage::new("linux/arm64");
    scratch.write("image.tar", &image.docker_archive());
    let found: Value =
        serde_json::from_str(&scratch.run(&["inspect", "--json", "image.tar"])).unwrap();
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
fn sizes_are_those_of_the_layers_shared_ones_once() {
    let scratch = Scratch::new();
    for (name, platform) in [("a.tar", "linux/amd64"), ("b.tar", "linux/arm64")] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
    }
    scratch.run(&["merge", "-o", "out", "a.tar", "b.tar"]);
    let merged = Merged::directory(&scratch.path("out"));
    let found: Value = serde_json::from_str(&scratch.run(&["inspect", "--json", "out"])).unwrap();
    let size = |i: usize, layer: usize| {
        merged.manifests[i]["layers"][layer]["size"]
            .as_u64()
            .unwrap()
    };
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
    // The layers of a test image are plain tars of 2048 bytes.
    assert_eq!(amd64["uncompressed"], 2 * 2048);
    assert_eq!(found["index"]["digest"], merged.digest);
}

#[test]
fn raw_documents_are_the_very_bytes() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    scratch.write("a.tar", &image.docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    let index = scratch.run(&["merge", "-o", "out", "a.tar", "b.tar"]);
    let merged = Merged::directory(&scratch.path("out"));
    let raw = |arguments: &[&str]| {
        let arguments = [&["inspect"], arguments, &["out"]].concat();
        digest(&scratch.command(&arguments).output().unwrap().stdout)
    };
    assert_eq!(raw(&["--raw"]), index);
    let manifest = merged.index["manifests"][0]["digest"].as_str().unwrap();
    assert_eq!(raw(&["--raw", "--platform", "linux/amd64"]), manifest);
    assert_eq!(
        raw(&["--raw=config", "--platform", "linux/amd64"]),
        digest(&image.config_bytes())
    );

    let error = scratch.fail(&["inspect", "--raw=config", "out"]);
    assert!(
        error.contains("there are linux/amd64, linux/arm64"),
        "{error}"
    );
    assert!(
        error.contains("hint: take one of them with --platform"),
        "{error}"
    );
    let error = scratch.fail(&["inspect", "--raw", "a.tar"]);
    assert!(
        error.contains("a docker-archive has no image index"),
        "{error}"
    );
}

/// Of an artifact, nobody else has read it.
#[test]
fn a_config_that_was_changed_is_not_printed() {
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
fn names_that_would_move_the_cursor_are_written_out() {
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
fn a_damaged_layer_is_an_error_here_too() {
    let scratch = Scratch::new();
    let layout = TestImage::new("linux/amd64").layout(gzipped);
    // Another layer of the same size would do as well; the last byte of a gzip stream is of its size.
    let layer = layout.blobs.get(1).unwrap().clone();
    layout.directory(&scratch, "image");
    let mut bytes = layer.clone();
    *bytes.last_mut().unwrap() ^= 1;
    scratch.write(&format!("image/blobs/sha256/{}", hex(&layer)), &bytes);
    let error = scratch.fail(&["inspect", "image"]);
    assert!(error.contains(&hex(&layer)), "{error}");
}

/// Of many images that share a layer, each would name all others: what is printed must grow with the
/// images, not with their square.
#[test]
fn of_many_platforms_that_share_a_layer_the_first_are_named() {
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
