//! Every error: what it says, its way out, exit code 1, and nothing left behind.

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use support::*;

fn amd64() -> TestImage {
    TestImage::new("linux/amd64")
}

#[test]
fn no_such_file() {
    let scratch = Scratch::new();
    expect(
        &scratch,
        &["a.tar"],
        &["error: a.tar: no such file or directory\n"],
    );
}

#[test]
fn a_nix_system_in_front_of_a_file_is_explained() {
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
fn a_transport_of_skopeo_in_front_of_a_file_is_explained() {
    let scratch = Scratch::new();
    let hint = "hint: images are files and directories here, without a transport in front";
    expect(&scratch, &["docker://hello"], &["no such file", hint]);
    expect(
        &scratch,
        &["oci-archive:hello.tar"],
        &["no such file", hint],
    );
    for (image, hint) in [
        ("linux/arm64:a.tar", "hint: did you mean linux/arm64=a.tar?"),
        (
            "linux/arm64",
            "behind an option with a =, such as --docker-manifest=linux/arm64",
        ),
    ] {
        expect(&scratch, &[image], &["no such file", hint]);
    }
    for path in ["images/hello", "images/hello:v1"] {
        let message = scratch.fail(&["merge", "-o", "out", path]);
        assert_eq!(
            message,
            format!("error: {path}: no such file or directory\n")
        );
    }
}

#[test]
fn what_is_no_image_is_called_by_its_name() {
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
    let hint = "hint: decompress it on the way: xz -dc FILE | polyarch … -";
    expect(&scratch, &["xz"], &[hint]);
    fs::create_dir(scratch.path("directory")).unwrap();
    expect(
        &scratch,
        &["directory"],
        &["a directory without the file \"oci-layout\""],
    );
}

#[test]
fn an_archive_that_was_cut_off() {
    let scratch = Scratch::new();
    let archive = amd64().docker_archive();
    // In the middle of a layer, of a header, and between two entries.
    for cut in [700, 1024 + 100, 2048] {
        scratch.write("a.tar", &archive[..cut]);
        expect(&scratch, &["a.tar"], &["a.tar: ", "hint: "]);
    }
    scratch.write("a.tar", &archive[..700]);
    expect(
        &scratch,
        &["a.tar"],
        &["cannot read the tar archive", "the file ends at byte 700"],
    );
    // In the zeros behind the content of the last entry, which a file does without and a stream not.
    scratch.write("a.tar", &archive[..archive.len() - 1025]);
    scratch.write("a.tar.gz", &gzip(&archive[..archive.len() - 1025]));
    let text = "within the last block of the entry \"manifest.json\"";
    expect(&scratch, &["a.tar"], &["cannot read the tar archive", text]);
    expect(&scratch, &["a.tar.gz"], &["cannot read the tar archive"]);
    for (name, bytes, what) in [
        ("a.tar.gz", gzip(&archive), "gzip stream"),
        ("a.tar.zst", zstd(&archive), "zstd stream"),
    ] {
        scratch.write(name, &bytes[..bytes.len() * 2 / 3]);
        let what = format!("{name}: cannot read the {what}");
        expect(&scratch, &[name], &[&what, "hint: the file is damaged"]);
    }
    scratch.write("a.tar.gz", &gzip(&archive[..700]));
    expect(&scratch, &["a.tar.gz"], &["cannot read the tar archive"]);
}

#[test]
fn an_archive_with_a_changed_byte() {
    let scratch = Scratch::new();
    let mut archive = amd64().docker_archive();
    for (name, bytes) in [("a.tar.gz", gzip(&archive)), ("a.tar.zst", zstd(&archive))] {
        let mut bytes = bytes;
        // The checksum at the end: everything else was read by then.
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        scratch.write(name, &bytes);
        expect(&scratch, &[name], &[name, "cannot read the", "stream"]);
    }
    archive[512 * 5] ^= 1;
    scratch.write("a.tar", &archive);
    expect(&scratch, &["a.tar"], &["a.tar: "]);
}

#[test]
fn a_missing_layer_or_config() {
    let image = amd64();
    let (config, layer) = (image.config_bytes(), &image.layers[0]);
    for (files, kind, name) in [
        (vec![("config.json", &config[..])], "layer", "a/layer.tar"),
        (vec![("a/layer.tar", &layer[..])], "config", "config.json"),
    ] {
        let manifest = json!([{ "Config": "config.json", "Layers": ["a/layer.tar", "b"] }]);
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let archive = tar(&[&files[..], &[("manifest.json", &manifest)]].concat());
        let scratch = Scratch::new();
        scratch.write("a.tar", &archive);
        scratch.write("a.tar.gz", &gzip(&archive));
        let text = format!("manifest.json names the {kind} {name:?}, but there is no such file");
        expect(&scratch, &["a.tar"], &[&text, "hint: "]);
        expect(&scratch, &["a.tar.gz"], &[&text, "hint: "]);
    }
}

#[test]
fn another_number_of_layers_than_of_diff_ids() {
    let scratch = Scratch::new();
    let config = amd64().config_bytes();
    let manifest = br#"[{"Config":"c","Layers":[]}]"#;
    scratch.write(
        "a.tar",
        &tar(&[("c", &config), ("manifest.json", manifest)]),
    );
    expect(
        &scratch,
        &["a.tar"],
        &["a.tar: 0 layers, but 2 diff IDs in the config"],
    );
}

#[test]
fn a_layer_whose_digest_is_not_its_diff_id() {
    let image = amd64();
    let mut other = image.clone();
    other.layers[1] = tar(&[("bin/program", b"another")]);
    let config = image.config_bytes();
    let manifest = br#"[{"Config":"c","Layers":["0","1"]}]"#;
    let archive = tar(&[
        ("0", &other.layers[0]),
        ("1", &other.layers[1]),
        ("c", &config),
        ("manifest.json", manifest),
    ]);
    let scratch = Scratch::new();
    scratch.write("a.tar", &archive);
    scratch.write("a.tar.gz", &gzip(&archive));
    let (found, expected) = (digest(&other.layers[1]), digest(&image.layers[1]));
    for input in ["a.tar", "a.tar.gz"] {
        for compression in ["gzip", "zstd", "none", "keep"] {
            expect(
                &scratch,
                &["--compression", compression, input],
                &[
                    &format!("{input}: layer 1 does not have the content that the config promises"),
                    &format!("found {found}, expected diff ID {expected}"),
                    "hint: ",
                ],
            );
        }
    }
}

#[test]
fn a_config_that_is_not_what_its_name_says() {
    let scratch = Scratch::new();
    let image = amd64();
    let name = format!("{}.json", hex(b"something else"));
    let manifest = serde_json::to_vec(&json!([{ "Config": name, "Layers": ["0", "1"] }])).unwrap();
    let archive = tar(&[
        ("0", &image.layers[0]),
        ("1", &image.layers[1]),
        (&name, &image.config_bytes()),
        ("manifest.json", &manifest),
    ]);
    scratch.write("a.tar", &archive);
    expect(
        &scratch,
        &["a.tar"],
        &["wrong digest", &digest(b"something else")],
    );
}

#[test]
fn a_blob_of_a_wrong_size_or_digest_or_none_at_all() {
    let layout = amd64().layout(gzipped);
    for (i, blob) in layout.blobs.iter().enumerate() {
        let scratch = Scratch::new();
        layout.directory(&scratch, "in");
        let name = format!("in/blobs/sha256/{}", hex(blob));
        scratch.write(&name, &blob[1..]);
        let size = format!("found {} bytes, expected {}", blob.len() - 1, blob.len());
        expect(
            &scratch,
            &["in"],
            &["wrong size", &digest(blob), &size, "hint: "],
        );
        fs::remove_file(scratch.path(&name)).unwrap();
        expect(
            &scratch,
            &["in"],
            &["but there is no such file in it", &digest(blob)],
        );
        if i == 0 {
            let mut changed = blob.clone();
            changed[3] ^= 1;
            scratch.write(&name, &changed);
            expect(
                &scratch,
                &["in"],
                &["wrong digest", &digest(&changed), &digest(blob)],
            );
        }
    }
}

#[test]
fn two_images_for_the_same_platform() {
    let scratch = Scratch::new();
    let mut other = amd64();
    other.layers.pop();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("b.tar", &other.docker_archive());
    let text = "error: two images for the platform linux/amd64: a.tar and b.tar\nhint: ";
    expect(&scratch, &["a.tar", "b.tar"], &[text]);
    expect(&scratch, &["b.tar", "a.tar"], &[text]);
    // In other words; containerd sees no difference.
    scratch.write("7", &TestImage::new("linux/arm/7").docker_archive());
    scratch.write("v7", &TestImage::new("linux/arm/v7").docker_archive());
    let text = "error: two images for the platform linux/arm/v7: 7 and v7\nhint: ";
    expect(&scratch, &["v7", "7"], &[text]);
}

#[test]
fn an_asserted_platform_that_is_not_that_of_the_config() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    expect(
        &scratch,
        &["linux/arm64=a.tar"],
        &[
            "a.tar: its platform is linux/amd64 by its config, but it was given as linux/arm64",
            "hint: built with the wrong package set?",
            "linux/amd64=IMAGE",
        ],
    );
}

#[test]
fn an_asserted_platform_for_several_images() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    scratch.run(&["merge", "-o", "both", "a.tar", "b.tar"]);
    expect(
        &scratch,
        &["linux/arm64=both"],
        &[
            "both: 2 images, but it was given as the platform linux/arm64",
            "hint: ",
        ],
    );
}

#[test]
fn an_output_that_exists() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("out", b"precious");
    expect(
        &scratch,
        &["a.tar"],
        &["out: the output exists already", "hint: ", "--force"],
    );
}

#[test]
fn force_does_not_replace_what_no_merge_can_have_written() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("out/precious", b"precious");
    expect(
        &scratch,
        &["--force", "a.tar"],
        &["not replaced: found a directory that is no image layout"],
    );
    fs::remove_dir_all(scratch.path("out")).unwrap();
    symlink("a.tar", scratch.path("out")).unwrap();
    expect(
        &scratch,
        &["--force", "a.tar"],
        &["not replaced: found a symbolic link"],
    );
}

#[test]
fn an_output_and_an_input_inside_of_each_other() {
    let scratch = Scratch::new();
    amd64().layout(plain).directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "in/out", "in"]);
    assert!(
        message.contains("in/out: the output would be written into the input in\n"),
        "{message}"
    );
    for output in ["in", "./in", "in/../in"] {
        let message = scratch.fail(&["merge", "--force", "-o", output, "in"]);
        assert!(
            message.contains("replacing the output would delete in, which is needed\n"),
            "{message}"
        );
    }
}

#[test]
fn an_output_in_no_directory() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    let message = scratch.fail(&["merge", "-o", "no/out", "a.tar"]);
    assert!(
        message.contains("no/out: cannot write there: the directory no does not exist"),
        "{message}"
    );
}

/// A layout whose `index.json` and manifests are what a test makes of them.
fn layout_with(change: impl Fn(&mut Value, &mut Value)) -> Scratch {
    let scratch = Scratch::new();
    let mut layout = amd64().layout(plain);
    let manifest = layout.blobs.pop().unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut index = layout.index.clone();
    change(&mut manifest, &mut index);
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    for key in ["digest", "size"] {
        if index["manifests"][0][key] == layout.index["manifests"][0][key] {
            index["manifests"][0][key] = descriptor[key].clone();
        }
    }
    layout.index = index;
    layout.directory(&scratch, "in");
    scratch
}

#[test]
fn documents_that_do_not_say_what_they_must() {
    for (change, texts) in [
        (
            (|m, _| m["manifests"] = json!([])) as fn(&mut Value, &mut Value),
            &["ambiguous", "\"manifests\"", "CVE-2021-41190"][..],
        ),
        (
            |m, _| m["mediaType"] = INDEX.into(),
            &["it says that it is a", "its descriptor says"],
        ),
        (
            |m, _| m["layers"] = "none".into(),
            &["sha256:", "is not valid: invalid type"],
        ),
        (
            |m, _| m["config"]["digest"] = "sha256:../x".into(),
            &["is not a digest"],
        ),
        (|m, _| m["config"]["digest"] = "md5:00".into(), &["digest"]),
        (
            |m, _| m["layers"][0]["size"] = json!(-1),
            &["is not valid", "-1"],
        ),
        (
            |m, _| m["layers"][0]["size"] = json!(1_u64 << 63),
            &[
                "a descriptor has the size 9223372036854775808, expected at most 9223372036854775807",
            ],
        ),
        (
            |m, _| {
                m["layers"][0]["mediaType"] =
                    "application/vnd.oci.image.layer.nondistributable.v1.tar".into();
                let mut layers = m["layers"].as_array().unwrap().clone();
                layers.swap(0, 1);
                m["layers"] = layers.into();
            },
            &["does not have the content that the config promises"],
        ),
        (|_, i| i["manifests"] = json!([]), &["in: it has no image"]),
        (
            |_, i| i["manifests"][0]["mediaType"] = "a/b".into(),
            &["index.json", "is a \"a/b\"", "expected an image index"],
        ),
        (
            |_, i| {
                i["manifests"][0]["mediaType"] =
                    "application/vnd.docker.distribution.manifest.v1+prettyjws".into()
            },
            &["Docker schema 1", "skopeo copy --format oci"],
        ),
        (
            |_, i| i["manifests"][0]["size"] = json!(5 << 20),
            &["wrong size"],
        ),
    ] {
        expect(&layout_with(change), &["in"], texts);
    }
    let scratch = layout_with(|_, _| ());
    scratch.write("in/oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#);
    expect(
        &scratch,
        &["in"],
        &["oci-layout is not valid", "\"2.0.0\"", "expected \"1.0.0\""],
    );
    fs::remove_file(scratch.path("in/index.json")).unwrap();
    scratch.write("in/oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    expect(&scratch, &["in"], &["index.json"]);
}

#[test]
fn index_annotations_that_contradict_each_other() {
    let scratch = Scratch::new();
    for (name, platform) in [("a", "linux/amd64"), ("b", "linux/arm64")] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
        scratch.run(&[
            "merge",
            "-o",
            &format!("l{name}"),
            "--annotation",
            &format!("k={name}"),
            name,
        ]);
    }
    expect(
        &scratch,
        &["la", "lb"],
        &[
            "\"k\"",
            "is \"a\" in one and \"b\" in another",
            "decide with --annotation k=VALUE",
        ],
    );
    // Two indexes in one layout are no different.
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    let manifest = layout.index["manifests"][0].clone();
    let indexes: Vec<Value> = ["1", "2"]
        .iter()
        .map(|value| {
            let index = json!({
                "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest],
                "annotations": { "k": value },
            });
            layout.blob(INDEX, &serde_json::to_vec(&index).unwrap())
        })
        .collect();
    layout.index["manifests"] = indexes.into();
    layout.directory(&scratch, "both");
    expect(&scratch, &["both"], &["decide with --annotation k=VALUE"]);
    scratch.run(&["merge", "-o", "decided-too", "--annotation", "k=3", "both"]);
    scratch.run(&["merge", "-o", "decided", "--annotation", "k=c", "la", "lb"]);
    let merged = Merged::directory(&scratch.path("decided"));
    assert_eq!(merged.index["annotations"]["k"], "c");
}

#[test]
fn force_replaces_neither_other_files_nor_directories_with_more_in_them() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("out", b"a thesis");
    expect(
        &scratch,
        &["--force", "a.tar"],
        &["not replaced: found a file that is no archive"],
    );
    fs::remove_file(scratch.path("out")).unwrap();
    scratch.run(&["merge", "-o", "out", "a.tar"]);
    scratch.write("out/thesis", b"a thesis");
    expect(
        &scratch,
        &["--force", "a.tar"],
        &["not replaced: found a directory", "has more in it"],
    );
}

#[test]
fn a_linked_output_does_not_replace_what_it_links_to() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.run(&["merge", "-o", "layout", "a.tar"]);
    scratch.run(&["merge", "--link", "-o", "linked", "layout"]);
    let message = scratch.fail(&["merge", "--link", "--force", "-o", "layout", "linked"]);
    assert!(
        message.contains("replacing the output would delete"),
        "{message}"
    );
    scratch.run(&["merge", "-o", "copy", "linked"]);
}

#[test]
fn keys_that_differ_in_case_only() {
    for change in [
        (|m, _| m["Layers"] = json!([])) as fn(&mut Value, &mut Value),
        (|m, _| m["layers"][0]["Digest"] = "x".into()),
        (|m, _| m["MANIFESTS"] = json!([])),
    ] {
        expect(
            &layout_with(change),
            &["in"],
            &["it is ambiguous", "CVE-2021-41190"],
        );
    }
    let scratch = Scratch::new();
    let mut image = amd64();
    image.config["Architecture"] = "arm64".into();
    scratch.write("a.tar", &image.docker_archive());
    image.layout(gzipped).directory(&scratch, "in");
    for input in ["a.tar", "in"] {
        expect(&scratch, &[input], &["\"Architecture\"", "CVE-2021-41190"]);
    }
}

#[test]
fn platforms_that_say_nothing_or_contradict_each_other() {
    let scratch = Scratch::new();
    let mut image = amd64();
    image.config["os"] = "".into();
    scratch.write("a.tar", &image.docker_archive());
    image.layout(gzipped).directory(&scratch, "in");
    expect(&scratch, &["a.tar"], &["no platform"]);
    expect(&scratch, &["in"], &["no platform"]);
    let mut image = amd64();
    image.config["os.version"] = "10.0.1".into();
    let mut layout = image.layout(gzipped);
    layout.index["manifests"][0]["platform"] =
        json!({ "os": "linux", "architecture": "amd64", "os.version": "10.0.2" });
    layout.directory(&scratch, "version");
    expect(
        &scratch,
        &["version"],
        &["(10.0.1) by its config, but index.json says", "(10.0.2)"],
    );
    for (name, platform) in [("7", "linux/arm"), ("v7", "linux/arm/v7")] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
    }
    expect(
        &scratch,
        &["7", "v7"],
        &["two images for the platform linux/arm"],
    );
}

// Only Linux has a device that is full.
#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_printed() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = scratch
        .command(&["merge", "-o", "out", "a.tar"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the output is complete, but its digest cannot be printed"));
    Merged::directory(&scratch.path("out"));
}

#[test]
fn an_output_with_the_name_of_a_compressed_archive() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    let output = scratch
        .command(&["merge", "-o", "out.tar.gz", "a.tar"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("an oci-archive is not compressed, its layers are"));
}

/// What an image says is text: it moves no cursor, and it is no line of ours.
#[test]
fn names_in_an_image_cannot_dress_up_as_messages() {
    let scratch = Scratch::new();
    let evil = "x\u{1b}[2J\nhint: run this\r\u{9b}0m";
    let manifest = json!([{ "Config": evil, "Layers": [] }]);
    let archive = tar(&[("manifest.json", manifest.to_string().as_bytes())]);
    scratch.write("missing.tar", &archive);
    // In a list, which has lines.
    let item = |tag: &str| json!({ "Config": "c", "RepoTags": [tag], "Layers": [] });
    let manifest = json!([item(evil), item("y:1")]).to_string();
    let mut config = amd64();
    config.layers.clear();
    let config = config.config_bytes();
    let files: [(&str, &[u8]); 2] = [("c", &config), ("manifest.json", manifest.as_bytes())];
    scratch.write("several.tar", &tar(&files));
    // As the name of a layer.
    let image = amd64();
    let manifest = json!([{ "Config": "c", "Layers": [evil, "l"] }]).to_string();
    let files: [(&str, &[u8]); 4] = [
        ("c", &image.config_bytes()),
        (evil, &image.layers[1]),
        ("l", &image.layers[1]),
        ("manifest.json", manifest.as_bytes()),
    ];
    scratch.write("layer.tar", &tar(&files));
    for name in ["missing.tar", "several.tar", "layer.tar"] {
        let message = scratch.fail(&["merge", "-o", "out", name]);
        assert!(message.contains(r"x\u{1b}[2J\"), "{message}");
        assert!(
            !message.contains(|c: char| c.is_control() && c != '\n'),
            "{message}"
        );
        assert!(!message.contains("\nhint: run"), "{message}");
    }
    // In what is said of an image that was merged.
    let mut image = amd64();
    image.config["architecture"] = evil.into();
    scratch.write("merged.tar", &image.docker_archive());
    let output = scratch.command(&["merge", "-o", "out", "merged.tar"]);
    let output = { output }.output().unwrap();
    assert!(output.status.success());
    assert!(!stderr(&output).contains(['\u{1b}', '\r', '\u{9b}']));
}
