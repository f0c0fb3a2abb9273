//! Layers and configs that are copied unchanged, and media types that are not.

use std::fs;

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn docker_media_types_become_oci_media_types() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    let mut layout = Layout::default();
    let config = layout.blob(
        "application/vnd.docker.container.image.v1+json",
        &image.config_bytes(),
    );
    let layers: Vec<_> = (image.layers.iter())
        .map(|l| {
            layout.blob(
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                &gzip(l),
            )
        })
        .collect();
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": docker, "config": config, "layers": layers,
    });
    let descriptor = layout.blob(docker, &serde_json::to_vec(&manifest).unwrap());
    layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    layout.directory(&scratch, "in");
    let merged = scratch.merge(&["in"]);
    let written = merged.manifests[0].to_string();
    assert!(!written.contains("docker"), "{written}");
    assert_eq!(merged.layer_types(), ["tar+gzip".to_owned()].into());
}

#[test]
fn foreign_and_unknown_layers_are_copied_unchanged() {
    let scratch = Scratch::new();
    let mut layout = Layout::default();
    let foreign = json!({
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": digest(b"not here"), "size": 8, "urls": ["https://example.org/base"],
    });
    let here = layout.blob(
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        b"not a tar",
    );
    let unknown = layout.blob("application/vnd.wasm.content.layer.v1+wasm", b"\0asm");
    let config = json!({
        "os": "windows", "architecture": "amd64", "os.version": "10.0.1",
        "rootfs": { "type": "layers", "diff_ids": [foreign["digest"], here["digest"], unknown["digest"]] },
    });
    let config = layout.blob(
        "application/vnd.oci.image.config.v1+json",
        &serde_json::to_vec(&config).unwrap(),
    );
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config,
        "layers": [foreign, here, unknown],
    });
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    layout.directory(&scratch, "in");
    scratch.write("in.tar.gz", &gzip(&layout.archive()));
    for (output, input) in [("o1", "in"), ("o2", "in.tar.gz")] {
        scratch.run(&["merge", "--compression", "gzip", "-o", output, input]);
        let read = |name: &str| fs::read(scratch.path(&format!("{output}/{name}"))).unwrap();
        let blob = |digest: &Value| {
            read(&format!(
                "blobs/{}",
                digest.as_str().unwrap().replace(':', "/")
            ))
        };
        let root: Value = serde_json::from_slice(&read("index.json")).unwrap();
        let index: Value = serde_json::from_slice(&blob(&root["manifests"][0]["digest"])).unwrap();
        let written: Value =
            serde_json::from_slice(&blob(&index["manifests"][0]["digest"])).unwrap();
        let mut expected = manifest["layers"].clone();
        expected[0]["mediaType"] =
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip".into();
        assert_eq!(written["layers"], expected);
        assert_eq!(blob(&here["digest"]), b"not a tar");
        assert_eq!(blob(&unknown["digest"]), b"\0asm");
    }
}

/// The layer keeps its compression and its media type, in every format of the input and with every
/// `--compression`.
#[test]
fn a_nondistributable_layer_is_verified_and_copied_unchanged() {
    let scratch = Scratch::new();
    let mut layout = TestImage::new("linux/amd64").layout(plain);
    let base = tar(&[("base", &noise(3, 20_000))]);
    let manifest: Value = serde_json::from_slice(&layout.blobs.pop().unwrap()).unwrap();
    let config: Value = serde_json::from_slice(&layout.blobs.remove(0)).unwrap();
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    let foreign_gzip = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let docker = "application/vnd.docker.image.rootfs.foreign.diff.tar";
    let docker_gzip = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    let (plain, packed) = (base.clone(), gzip(&base));
    let good = [
        ("plain", foreign, &plain, foreign),
        ("gzip", foreign_gzip, &packed, foreign_gzip),
        ("docker", docker, &plain, foreign),
        ("docker-gzip", docker_gzip, &packed, foreign_gzip),
        // Docker detects the compression from the content, not from the media type.
        ("mislabelled", docker_gzip, &plain, foreign),
    ];
    let write = |name: &str, media_type: &str, bytes: &[u8], diff_id: String| {
        let mut layout = Layout {
            blobs: layout.blobs.clone(),
            index: Value::Null,
        };
        let (mut config, mut manifest) = (config.clone(), manifest.clone());
        let diff_ids = config["rootfs"]["diff_ids"].as_array_mut().unwrap();
        diff_ids.insert(0, diff_id.into());
        let layer = layout.blob(media_type, bytes);
        manifest["layers"].as_array_mut().unwrap().insert(0, layer);
        manifest["config"] = layout.blob(
            "application/vnd.oci.image.config.v1+json",
            &serde_json::to_vec(&config).unwrap(),
        );
        let manifest = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
        layout.index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        layout.directory(&scratch, name);
        scratch.write(&format!("{name}.tar.gz"), &gzip(&layout.archive()));
    };
    for (name, media_type, bytes, expected) in good {
        write(name, media_type, bytes, digest(&base));
        for input in [name.to_owned(), format!("{name}.tar.gz")] {
            for compression in ["gzip", "none", "keep"] {
                let merged = scratch.merge(&["--force", "--compression", compression, &input]);
                let layer = &merged.layers[0][0];
                assert_eq!(layer["mediaType"], expected, "{input} {compression}");
                assert_eq!(layer["digest"], digest(bytes), "{input} {compression}");
                assert_eq!(merged.content(layer), *bytes);
            }
        }
    }
    write("bad", foreign, &plain, digest(b""));
    for input in ["bad", "bad.tar.gz"] {
        let message = scratch.fail(&["merge", "-o", "new", input]);
        assert!(
            message.contains("has the wrong content: found diff ID"),
            "{message}"
        );
    }
}

/// The author learns of it before the image is pushed. The bytes are not changed.
#[test]
fn a_config_that_go_cannot_parse_is_copied_with_a_warning() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.config["config"] = json!({ "User": 1000, "Cmd": "sh", "Labels": { "a": "b" } });
    scratch.write("a.tar", &image.docker_archive());
    image.layout(plain).directory(&scratch, "layout");
    for (input, name) in [("a.tar", "a.tar"), ("layout", "layout (sha256:")] {
        // Not `merge`, because `verify` reports such a config.
        let output = scratch
            .command(&["merge", "--force", "-o", "out", input])
            .output()
            .unwrap();
        let warned = stderr(&output);
        assert!(output.status.success(), "{warned}");
        let expected = "containerd, skopeo and podman cannot read its config: config.User is a number, expected text, config.Cmd is text, expected a list of text\n";
        assert!(warned.contains(&format!("warning: {name}")), "{warned}");
        assert!(warned.contains(expected), "{warned}");
        let config = image.config_bytes();
        let copied = scratch.path(&format!("out/blobs/sha256/{}", hex(&config)));
        assert_eq!(fs::read(copied).unwrap(), config);
    }
}
