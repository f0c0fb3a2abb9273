//! Every kind of image that goes in, and which of several images is meant.

mod support;

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};
use support::*;

/// Merges one input in every compression as it is and as a stream, and expects `image` in the output.
#[track_caller]
fn is_read(image: &TestImage, archive: &[u8]) {
    let scratch = Scratch::new();
    scratch.write("plain", archive);
    scratch.write("gzip", &gzip(archive));
    scratch.write("zstd", &zstd(archive));
    let digests = ["plain", "gzip", "zstd"].map(|input| {
        let output = format!("{input}.out");
        let digest = scratch.run(&["merge", "-o", &output, input]);
        let merged = Merged::directory(&scratch.path(&output));
        assert_eq!(
            merged.manifests[0]["config"]["digest"],
            digest_of_config(image)
        );
        digest
    });
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

fn digest_of_config(image: &TestImage) -> String {
    digest(&image.config_bytes())
}

/// The parts of a docker-archive, to be put together in any way.
struct Parts {
    image: TestImage,
    config: Vec<u8>,
    manifest: Vec<u8>,
}

fn parts(layers: &[&str]) -> Parts {
    let image = TestImage::new("linux/arm64");
    let manifest = json!([{ "Config": "config.json", "RepoTags": null, "Layers": layers }]);
    Parts {
        config: image.config_bytes(),
        manifest: serde_json::to_vec(&manifest).unwrap(),
        image,
    }
}

#[test]
fn manifest_json_may_be_anywhere_in_a_docker_archive() {
    let p = parts(&["a/layer.tar", "b/layer.tar"]);
    let files: [(&str, &[u8]); 4] = [
        ("b/layer.tar", &p.image.layers[1]),
        ("config.json", &p.config),
        ("a/layer.tar", &p.image.layers[0]),
        ("manifest.json", &p.manifest),
    ];
    for rotation in 0..4 {
        let mut files = files;
        files.rotate_left(rotation);
        is_read(&p.image, &tar(&files));
    }
}

#[test]
fn legacy_files_and_foreign_ones_are_ignored() {
    let p = parts(&["a/layer.tar", "b/layer.tar"]);
    is_read(
        &p.image,
        &tar(&[
            ("a/VERSION", b"1.0"),
            ("a/json", b"{\"not\": \"read\""),
            ("a/layer.tar", &p.image.layers[0]),
            ("b/layer.tar", &p.image.layers[1]),
            ("config.json", &p.config),
            ("manifest.json", &p.manifest),
            ("README", b"of nobody"),
            ("repositories", b"null"),
        ]),
    );
}

#[test]
fn layers_may_be_links_to_other_entries() {
    for (kind, target) in [
        (tar::EntryType::Symlink, "../x/real.tar"),
        (tar::EntryType::Symlink, "/x/real.tar"),
        (tar::EntryType::Link, "x/real.tar"),
        (tar::EntryType::Link, "./x/real.tar"),
    ] {
        let p = parts(&["a/layer.tar", "b/layer.tar"]);
        let mut builder = tar::Builder::new(Vec::new());
        let mut link = tar_header("a/layer.tar", 0);
        link.set_entry_type(kind);
        builder
            .append_link(&mut link, "a/layer.tar", target)
            .unwrap();
        for (name, bytes) in [
            ("x/real.tar", &p.image.layers[0]),
            ("b/layer.tar", &p.image.layers[1]),
            ("config.json", &p.config),
            ("manifest.json", &p.manifest),
        ] {
            builder
                .append(&tar_header(name, bytes.len() as u64), &bytes[..])
                .unwrap();
        }
        is_read(&p.image, &builder.into_inner().unwrap());
    }
}

#[test]
fn small_compressed_layers_are_told_apart() {
    let p = parts(&["a", "b"]);
    let mut image = p.image.clone();
    image.layers = vec![vec![0; 1024], Vec::new()];
    is_read(
        &image,
        &tar(&[
            ("a", &gzip(&image.layers[0])),
            ("b", &gzip(&image.layers[1])),
            ("config.json", &image.config_bytes()),
            ("manifest.json", &p.manifest),
        ]),
    );
}

#[test]
fn small_compressed_layers_are_told_apart_behind_documents_without_end() {
    // Nine documents of 8 MiB: what comes after the first 64 MiB is not kept in memory.
    let mut image = parts(&["a", "b"]).image;
    image.layers = vec![vec![0; 1024], tar(&[("file", b"content")])];
    let mut document = b"{}".to_vec();
    document.resize(8 << 20, b' ');
    let (a, b) = (gzip(&image.layers[0]), zstd(&image.layers[1]));
    let (config, manifest) = (image.config_bytes(), parts(&["a", "b"]).manifest);
    let mut files: Vec<(&str, &[u8])> = vec![("unused.json", &document); 9];
    files.extend([("a", &a[..]), ("b", &b), ("config.json", &config)]);
    files.push(("manifest.json", &manifest));
    let scratch = Scratch::new();
    scratch.write("in.tar.gz", &gzip(&tar(&files)));
    scratch.run(&["merge", "-o", "out", "in.tar.gz"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(
        merged.configs[0]["rootfs"]["diff_ids"][0],
        digest(&image.layers[0])
    );
}

#[test]
fn a_layer_may_be_listed_twice_and_a_path_be_there_twice() {
    // As dockerTools writes an image whose base has the same layers.
    let mut p = parts(&["a/layer.tar", "b/layer.tar", "a/layer.tar"]);
    p.image.layers.push(p.image.layers[0].clone());
    is_read(
        &p.image,
        &tar(&[
            ("a/layer.tar", &p.image.layers[0]),
            ("b/layer.tar", &p.image.layers[1]),
            ("a/layer.tar", &p.image.layers[0]),
            ("config.json", &p.image.config_bytes()),
            ("manifest.json", &p.manifest),
        ]),
    );
}

#[test]
fn names_may_be_written_in_every_dialect_of_tar() {
    let long = format!("{}/layer.tar", "d".repeat(120));
    let p = parts(&[&long, "/b/../c/layer.tar"]);
    // GNU long names, pax headers, and the seventh edition's tar.
    for dialect in ["gnu", "pax", "v7"] {
        let mut builder = tar::Builder::new(Vec::new());
        match dialect {
            "pax" => {
                builder
                    .append_pax_extensions([("path", long.as_bytes())])
                    .unwrap();
                let header = tar_header("short", p.image.layers[0].len() as u64);
                builder.append(&header, &p.image.layers[0][..]).unwrap();
            }
            _ => {
                let mut header = tar::Header::new_gnu();
                header.set_size(p.image.layers[0].len() as u64);
                header.set_mode(0o644);
                builder
                    .append_data(&mut header, &long, &p.image.layers[0][..])
                    .unwrap();
            }
        }
        for (name, bytes) in [
            ("./c/layer.tar", &p.image.layers[1]),
            ("./config.json", &p.config),
            ("./manifest.json", &p.manifest),
        ] {
            let mut header = match dialect {
                "v7" => tar::Header::new_old(),
                _ => tar::Header::new_ustar(),
            };
            header.set_path(name).unwrap();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, &bytes[..]).unwrap();
        }
        is_read(&p.image, &builder.into_inner().unwrap());
    }
}

#[test]
fn of_an_archive_that_is_both_the_layout_counts() {
    // As Docker 25 saves: the manifest.json beside the layout names the same blobs.
    let image = TestImage::new("linux/amd64");
    let layout = image.layout(gzipped);
    let mut files = layout.files();
    let bad = br#"[{"Config":"no such file","Layers":[]}]"#;
    files.push(("manifest.json".into(), bad.to_vec()));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
    is_read(&image, &tar(&files));
}

#[test]
fn an_image_may_have_no_layer_or_an_empty_one() {
    let mut image = TestImage::new("linux/amd64");
    image.layers = vec![Vec::new(), vec![0; 1024]];
    is_read(&image, &image.docker_archive());
    image.layers.clear();
    is_read(&image, &image.docker_archive());
}

// ---- Several images

/// `docker save` of several images: each a name and an image.
fn several(images: &[(&[&str], &TestImage)]) -> Vec<u8> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut items = Vec::new();
    for (tags, image) in images {
        let config = image.config_bytes();
        let names: Vec<String> = image
            .layers
            .iter()
            .map(|l| format!("{}.tar", hex(l)))
            .collect();
        for (name, layer) in names.iter().zip(&image.layers) {
            files.push((name.clone(), layer.clone()));
        }
        let config_name = format!("{}.json", hex(&config));
        items.push(json!({ "Config": config_name, "RepoTags": tags, "Layers": names }));
        files.push((config_name, config));
    }
    files.push(("manifest.json".into(), serde_json::to_vec(&items).unwrap()));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
    tar(&files)
}

#[test]
fn the_platforms_of_one_name_are_all_taken() {
    let scratch = Scratch::new();
    let (a, b) = (TestImage::new("linux/amd64"), TestImage::new("linux/arm64"));
    scratch.write("in.tar", &several(&[(&["x:1"], &a), (&["x:1"], &b)]));
    scratch.run(&["merge", "-o", "out", "in.tar"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
}

#[test]
fn one_of_several_images_is_picked_by_tag_or_position() {
    let scratch = Scratch::new();
    let (a, b) = (TestImage::new("linux/amd64"), TestImage::new("linux/arm64"));
    let archive = several(&[(&["x:1", "x:latest"], &a), (&["me/y:2"], &b)]);
    scratch.write("in.tar", &archive);
    scratch.write("in.tar.gz", &gzip(&archive));

    let message = scratch.fail(&["merge", "-o", "out", "in.tar"]);
    for text in [
        "error: in.tar: several images",
        "\n  #@0  #x:1  #x:latest  linux/amd64",
        "\n  #@1  #me/y:2  linux/arm64",
        "hint: pick one with in.tar#NAME:TAG or in.tar#@POSITION",
    ] {
        assert!(message.contains(text), "{text:?} is not in:\n{message}");
    }
    for (which, platform) in [
        ("#x:1", "linux/amd64"),
        ("#docker.io/library/x:latest", "linux/amd64"),
        ("#2", "linux/arm64"),
        ("#@0", "linux/amd64"),
        ("#@1", "linux/arm64"),
    ] {
        for file in ["in.tar", "in.tar.gz"] {
            let input = format!("{file}{which}");
            scratch.run(&["merge", "--force", "-o", "out", &input]);
            let merged = Merged::directory(&scratch.path("out"));
            assert_eq!(merged.platforms(), [platform], "{input}");
        }
    }
    // A tag that two images share, and images without a name, are not one image.
    scratch.write("tags.tar", &several(&[(&["x:1"], &a), (&["y:1"], &b)]));
    scratch.write("unnamed.tar", &several(&[(&[], &a), (&[], &b)]));
    for input in ["tags.tar#1", "unnamed.tar"] {
        let message = scratch.fail(&["merge", "-o", "no", input]);
        assert!(message.contains("several images"), "{message}");
    }
    let message = scratch.fail(&["merge", "-o", "no", "no.tar#v1"]);
    assert!(
        message.contains("no.tar: no such file or directory (to take #v1 of it)"),
        "{message}"
    );
    let message = scratch.fail(&["merge", "-o", "no", "in.tar#z"]);
    assert!(
        message.contains("there is no image #z in it; it has\n  #@0"),
        "{message}"
    );
}

#[test]
fn one_of_several_images_in_a_layout_is_picked_in_the_same_way() {
    let scratch = Scratch::new();
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    let other = TestImage::new("linux/arm64").layout(gzipped);
    layout.blobs.extend(other.blobs);
    let mut manifests = vec![
        layout.index["manifests"][0].clone(),
        other.index["manifests"][0].clone(),
        layout.index["manifests"][0].clone(),
    ];
    for (manifest, tag) in manifests.iter_mut().zip(["a", "b", "c"]) {
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    }
    layout.index["manifests"] = manifests.into();
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(
        message.contains("several images") && message.contains("#@0  #a  #c\n  #@1  #b"),
        "{message}"
    );
    for (which, platform) in [
        ("a", "linux/amd64"),
        ("b", "linux/arm64"),
        ("c", "linux/amd64"),
    ] {
        let output = format!("out-{which}");
        scratch.run(&["merge", "-o", &output, &format!("in#{which}")]);
        let merged = Merged::directory(&scratch.path(&output));
        assert_eq!(merged.platforms(), [platform]);
        // The old name did not travel.
        assert_eq!(merged.index["manifests"][0].get("annotations"), None);
    }
    scratch.run(&["merge", "-o", "both", "in#a", "in#b"]);
    assert_eq!(Merged::directory(&scratch.path("both")).manifests.len(), 2);
}

// ---- Streams

#[test]
fn an_image_may_come_through_standard_input() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    scratch.write("a.tar", &image.docker_archive());
    let expected = scratch.run(&["merge", "-o", "expected", "a.tar"]);
    for (i, bytes) in [
        image.docker_archive(),
        gzip(&image.docker_archive()),
        image.layout(plain).archive(),
    ]
    .iter()
    .enumerate()
    {
        let output = format!("out{i}");
        let mut child = scratch
            .command(&["merge", "-o", &output, "linux/amd64=-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let found = child.wait_with_output().unwrap();
        assert!(found.status.success());
        let merged = Merged::directory(&scratch.path(&output));
        assert_eq!(
            merged.manifests[0]["config"]["digest"],
            digest_of_config(&image)
        );
        if i < 2 {
            assert_eq!(String::from_utf8(found.stdout).unwrap().trim(), expected);
        }
    }
}

#[test]
fn standard_input_with_no_image_is_an_error() {
    let scratch = Scratch::new();
    let output = scratch
        .command(&["merge", "-o", "out", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains("standard input: not a container image: found an empty file"),
        "{message}"
    );
    let output = scratch
        .command(&["merge", "-o", "out", "-", "linux/amd64=-"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("standard input has room for one"));
}

#[test]
fn a_layer_that_streams_share_is_compressed_once_and_found_by_all() {
    let scratch = Scratch::new();
    for (name, platform) in [
        ("a", "linux/amd64"),
        ("b", "linux/arm64"),
        ("c", "linux/s390x"),
    ] {
        let archive = TestImage::new(platform).docker_archive();
        scratch.write(&format!("{name}.tar"), &archive);
        scratch.write(&format!("{name}.tar.gz"), &gzip(&archive));
    }
    for compression in ["gzip", "zstd", "none"] {
        for jobs in ["1", "4"] {
            let options = ["--compression", compression, "--jobs", jobs, "-f", "-o"];
            let merge = |output, inputs: &[&str]| {
                scratch.run(&[&["merge"], &options[..], &[output], inputs].concat())
            };
            let plain = merge("plain", &["a.tar", "b.tar", "c.tar"]);
            assert_eq!(merge("gz", &["a.tar.gz", "b.tar.gz", "c.tar.gz"]), plain);
            assert_eq!(merge("both", &["c.tar", "a.tar.gz", "b.tar.gz"]), plain);
            Merged::directory(&scratch.path("gz"));
        }
    }
}

#[test]
fn a_layer_that_is_named_for_another_one_does_not_hide_it() {
    // The name of an entry is no proof: here both are called what only one of them is.
    let (a, b) = (TestImage::new("linux/amd64"), TestImage::new("linux/arm64"));
    let name = format!("{}/layer.tar", hex(&a.layers[1]));
    let archive = |image: &TestImage| {
        let config = image.config_bytes();
        let manifest = json!([{ "Config": "c", "Layers": ["0", name] }]);
        let manifest = serde_json::to_vec(&manifest).unwrap();
        gzip(&tar(&[
            ("0", &image.layers[0]),
            (&name, &image.layers[1]),
            ("c", &config),
            ("manifest.json", &manifest),
        ]))
    };
    let scratch = Scratch::new();
    scratch.write("a", &archive(&a));
    scratch.write("b", &archive(&b));
    scratch.run(&["merge", "-o", "alone", "b"]);
    let message = scratch.fail(&["merge", "--jobs", "1", "-o", "out", "a", "b"]);
    assert!(
        message.contains("it is named for another digest than it has"),
        "{message}"
    );
}

// ---- Images of several platforms

/// An image of both architectures, as BuildKit makes it: with an attestation of each.
fn attested() -> (Layout, Vec<String>) {
    let mut layout = Layout::default();
    let mut manifests = Vec::new();
    let mut digests = Vec::new();
    for platform in ["linux/amd64", "linux/arm64"] {
        let one = TestImage::new(platform).layout(gzipped);
        let (os, architecture) = platform.split_once('/').unwrap();
        let mut descriptor = one.index["manifests"][0].clone();
        descriptor["platform"] = json!({ "os": os, "architecture": architecture });
        digests.push(descriptor["digest"].as_str().unwrap().to_owned());
        manifests.push(descriptor);
        layout.blobs.extend(one.blobs);
    }
    for subject in &digests {
        let statement = format!("{{\"subject\":\"{subject}\"}}");
        let in_toto = layout.blob("application/vnd.in-toto+json", statement.as_bytes());
        let config = json!({
            "architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [digest(statement.as_bytes())] },
        });
        let config = layout.blob(
            "application/vnd.oci.image.config.v1+json",
            &serde_json::to_vec(&config).unwrap(),
        );
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [in_toto],
        });
        let mut descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
        descriptor["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        descriptor["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject,
        });
        manifests.push(descriptor);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let descriptor = layout.blob(INDEX, &serde_json::to_vec(&index).unwrap());
    layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    (layout, digests)
}

#[test]
fn attestations_travel_with_the_image_that_they_describe() {
    let scratch = Scratch::new();
    let (layout, digests) = attested();
    layout.directory(&scratch, "in");
    scratch.write("b.tar", &TestImage::new("linux/riscv64").docker_archive());
    scratch.run(&["merge", "-o", "out", "b.tar", "in"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(
        merged.platforms(),
        [
            "linux/amd64",
            "linux/arm64",
            "linux/riscv64",
            "unknown/unknown",
            "unknown/unknown"
        ]
    );
    for (i, digest) in digests.iter().enumerate() {
        let attestation = &merged.index["manifests"][3 + i];
        assert_eq!(
            attestation["annotations"]["vnd.docker.reference.digest"],
            *digest
        );
    }
}

#[test]
fn attestations_of_what_is_not_taken_or_has_changed_are_left_out_with_a_note() {
    let scratch = Scratch::new();
    let (layout, digests) = attested();
    layout.directory(&scratch, "in");
    let output = scratch
        .command(&["merge", "--platform", "linux/arm64", "-o", "one", "in"])
        .output()
        .unwrap();
    let told = stderr(&output);
    assert!(
        told.contains("warning: in: an attestation was left out") && told.contains(&digests[0]),
        "{told}"
    );
    let merged = Merged::directory(&scratch.path("one"));
    assert_eq!(merged.platforms(), ["linux/arm64", "unknown/unknown"]);

    let output = scratch
        .command(&["merge", "--compression", "none", "-o", "none", "in"])
        .output()
        .unwrap();
    assert!(
        stderr(&output).contains("its manifest had to be changed"),
        "{}",
        stderr(&output)
    );
    let merged = Merged::directory(&scratch.path("none"));
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
}

#[test]
fn only_the_platforms_that_are_asked_for_are_taken() {
    let scratch = Scratch::new();
    for (name, platform) in [
        ("a", "linux/amd64"),
        ("b", "linux/arm/v7"),
        ("c", "linux/arm64"),
    ] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
    }
    scratch.run(&["merge", "-o", "all", "a", "b", "c"]);
    for (wanted, found) in [
        (&["linux/amd64"][..], &["linux/amd64"][..]),
        (&["linux/arm"], &["linux/arm/v7"]),
        (
            &["linux/arm64/v8", "linux/amd64"],
            &["linux/amd64", "linux/arm64"],
        ),
    ] {
        let options: Vec<&str> = wanted.iter().flat_map(|p| ["--platform", *p]).collect();
        for inputs in [&["all"][..], &["a", "b", "c"]] {
            let command = [&["merge", "--force", "-o", "out"], &options[..], inputs].concat();
            scratch.run(&command);
            assert_eq!(
                Merged::directory(&scratch.path("out")).platforms(),
                found,
                "{command:?}"
            );
        }
    }
    let message = scratch.fail(&["merge", "-o", "x", "--platform", "linux/s390x", "a", "b"]);
    assert!(
        message.contains("no image for the platform linux/s390x; there are"),
        "{message}"
    );
}

#[test]
fn what_is_not_asked_for_need_not_be_there() {
    // As Docker saves an index of which it has pulled one platform only.
    let scratch = Scratch::new();
    let (layout, digests) = attested();
    layout.directory(&scratch, "in");
    let missing = format!("in/blobs/{}", digests[0].replace(':', "/"));
    std::fs::remove_file(scratch.path(&missing)).unwrap();
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(message.contains("take those with --platform"), "{message}");
    scratch.run(&["merge", "-o", "out", "--platform", "linux/arm64", "in"]);
}

#[test]
fn the_same_image_twice_is_taken_once_and_indexes_are_flattened() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    scratch.write("a.tar", &image.docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    let expected = scratch.run(&["merge", "-o", "once", "a.tar", "b.tar"]);
    assert_eq!(
        scratch.run(&["merge", "-o", "twice", "once", "once"]),
        expected
    );

    let merge = ["merge", "-o", "thrice", "a.tar", "b.tar", "a.tar"];
    let output = scratch.command(&merge).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected);
    let note = "warning: a.tar and a.tar are the same image for linux/amd64";
    assert!(stderr(&output).contains(note), "{}", stderr(&output));

    let mut layout = image.layout(gzipped);
    let expected = layout.index["manifests"][0]["digest"].clone();
    for _ in 0..3 {
        let index = json!({
            "schemaVersion": 2, "mediaType": INDEX, "manifests": layout.index["manifests"],
        });
        let descriptor = layout.blob(INDEX, &serde_json::to_vec(&index).unwrap());
        layout.index["manifests"] = json!([descriptor]);
    }
    layout.directory(&scratch, "nested");
    scratch.run(&["merge", "-o", "flat", "nested"]);
    let merged = Merged::directory(&scratch.path("flat"));
    assert_eq!(merged.index["manifests"][0]["digest"], expected);
}

#[test]
fn what_only_calls_itself_an_attestation_is_an_image() {
    let scratch = Scratch::new();
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    let other = TestImage::new("linux/arm64").layout(gzipped);
    layout.blobs.extend(other.blobs);
    let mut evil = other.index["manifests"][0].clone();
    evil["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": layout.index["manifests"][0]["digest"],
    });
    layout.index["manifests"].as_array_mut().unwrap().push(evil);
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "linux/amd64=in"]);
    assert!(
        message.contains("in: 2 images, but it was given as the platform"),
        "{message}"
    );
}

#[test]
fn attestations_of_images_that_are_not_there_need_not_be_there() {
    let scratch = Scratch::new();
    let (layout, digests) = attested();
    layout.directory(&scratch, "in");
    let index: Value = serde_json::from_slice(layout.blobs.last().unwrap()).unwrap();
    for manifest in index["manifests"].as_array().unwrap() {
        let subject = &manifest["annotations"]["vnd.docker.reference.digest"];
        if manifest["digest"] == digests[0] || *subject == digests[0] {
            let digest = manifest["digest"].as_str().unwrap();
            let name = format!("in/blobs/{}", digest.replace(':', "/"));
            std::fs::remove_file(scratch.path(&name)).unwrap();
        }
    }
    scratch.run(&["merge", "--platform", "linux/arm64", "-o", "out", "in"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(merged.platforms(), ["linux/arm64", "unknown/unknown"]);
}

/// The same image twice: once with an attestation and an annotation, once without.
#[test]
fn what_is_said_of_an_image_that_comes_in_twice_is_united() {
    let scratch = Scratch::new();
    let (layout, _) = attested();
    layout.directory(&scratch, "with");
    layout.directory(&scratch, "again");
    let mut index: Value = serde_json::from_slice(layout.blobs.last().unwrap()).unwrap();
    let manifests = index["manifests"].as_array_mut().unwrap();
    manifests.truncate(2);
    manifests[0]["annotations"] = json!({ "note": "one" });
    let mut plain = layout.clone();
    plain.blobs.pop();
    let descriptor = plain.blob(INDEX, &serde_json::to_vec(&index).unwrap());
    plain.index["manifests"] = json!([descriptor]);
    for name in ["a-plain", "z-plain"] {
        plain.directory(&scratch, name);
    }
    let orders = [
        &["with", "a-plain"][..],
        &["z-plain", "with"],
        &["with", "again", "a-plain", "z-plain"],
    ];
    let digests = orders.map(|inputs| {
        let digest = scratch.run(&[&["merge", "-f", "-o", "out"], inputs].concat());
        let merged = Merged::directory(&scratch.path("out"));
        assert_eq!(merged.index["manifests"].as_array().unwrap().len(), 4);
        assert_eq!(merged.index["manifests"][0]["annotations"]["note"], "one");
        digest
    });
    assert!(
        digests.windows(2).all(|pair| pair[0] == pair[1]),
        "{digests:?}"
    );

    scratch.write("arm.tar", &TestImage::new("linux/arm").docker_archive());
    let one = scratch.run(&["merge", "-o", "o1", "arm.tar", "linux/arm/v7=arm.tar"]);
    assert_eq!(
        scratch.run(&["merge", "-o", "o2", "linux/arm/v7=arm.tar", "arm.tar"]),
        one
    );
    assert_eq!(
        Merged::directory(&scratch.path("o1")).platforms(),
        ["linux/arm/v7"]
    );
}

#[test]
fn a_blob_that_two_configs_promise_different_content_of() {
    let scratch = Scratch::new();
    let (good, bad) = (TestImage::new("linux/amd64"), TestImage::new("linux/arm64"));
    good.layout(gzipped).directory(&scratch, "good");
    // The blob of the good image's program, under a config that promises its own.
    let other = gzip(&good.layers[1]);
    let own = bad.layers[1].clone();
    bad.layout(|layer| match layer == own {
        true => (gzipped(layer).0, other.clone()),
        false => gzipped(layer),
    })
    .directory(&scratch, "bad");
    scratch.fail(&["merge", "-o", "out", "bad"]);
    let message = scratch.fail(&["merge", "-o", "out", "good", "bad"]);
    assert!(
        message.contains("cannot have all the content that configs promise of it: bad ("),
        "{message}"
    );
}

// ---- skopeo's dir:

/// The files of skopeo's `dir:` transport.
fn flat_directory(
    scratch: &Scratch,
    name: &str,
    layout: &Layout,
    top: &Value,
    manifests: &[Value],
) {
    scratch.write(
        &format!("{name}/version"),
        b"Directory Transport Version: 1.1\n",
    );
    for blob in &layout.blobs {
        let digest = Value::from(digest(blob));
        let file = match () {
            () if top["digest"] == digest => "manifest.json".to_owned(),
            () if manifests.iter().any(|m| m["digest"] == digest) => {
                format!("{}.manifest.json", hex(blob))
            }
            () => hex(blob),
        };
        scratch.write(&format!("{name}/{file}"), blob);
    }
}

#[test]
fn what_skopeo_writes_into_a_directory_is_read() {
    let scratch = Scratch::new();
    let layout = TestImage::new("linux/arm64").layout(gzipped);
    layout.directory(&scratch, "layout");
    flat_directory(&scratch, "dir", &layout, &layout.index["manifests"][0], &[]);
    let expected = scratch.run(&["merge", "-o", "o1", "layout"]);
    assert_eq!(scratch.run(&["merge", "-o", "o2", "dir"]), expected);

    let (layout, digests) = attested();
    layout.directory(&scratch, "layout2");
    let manifests: Vec<Value> = digests.iter().map(|d| json!({ "digest": d })).collect();
    flat_directory(
        &scratch,
        "dir2",
        &layout,
        &layout.index["manifests"][0],
        &manifests,
    );
    let expected = scratch.run(&["merge", "-o", "o3", "layout2"]);
    assert_eq!(scratch.run(&["merge", "-o", "o4", "dir2"]), expected);
}

#[test]
fn a_layer_is_what_its_content_is_whatever_it_is_called() {
    // podman save --format docker-dir calls uncompressed layers gzip.
    let scratch = Scratch::new();
    let image = TestImage::new("linux/arm64");
    let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    image
        .layout(|layer| (gzip, layer.to_vec()))
        .directory(&scratch, "in");
    for (compression, found) in [("gzip", "tar+gzip"), ("keep", "tar")] {
        scratch.run(&[
            "merge",
            "--compression",
            compression,
            "-o",
            compression,
            "in",
        ]);
        let merged = Merged::directory(&scratch.path(compression));
        assert_eq!(merged.layer_types(), [found.to_owned()].into());
    }
}

#[test]
fn docker_schema_1_is_refused_with_a_way_out() {
    let scratch = Scratch::new();
    scratch.write("dir/version", b"Directory Transport Version: 1.1\n");
    scratch.write(
        "dir/manifest.json",
        br#"{"schemaVersion":1,"name":"x","fsLayers":[]}"#,
    );
    let message = scratch.fail(&["merge", "-o", "out", "dir"]);
    assert!(
        message.contains("Docker schema 1") && message.contains("skopeo copy"),
        "{message}"
    );
}

// ---- Layers that are not ours to touch

#[test]
fn foreign_and_unknown_layers_are_carried_untouched() {
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
        let read = |name: &str| std::fs::read(scratch.path(&format!("{output}/{name}"))).unwrap();
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

/// It is verified as every other layer, and goes out as it came: not compressed, and called what it
/// was, however it was stored on the way.
#[test]
fn a_layer_that_may_not_be_passed_on_is_verified_and_kept() {
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
        // Docker looks at the content, whatever the media type says.
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
                let options = ["--force", "--compression", compression, "-o", "out"];
                scratch.run(&[&["merge"], &options[..], &[&input]].concat());
                let merged = Merged::directory(&scratch.path("out"));
                let layer = &merged.manifests[0]["layers"][0];
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
            message.contains("does not have the content that the config promises"),
            "{message}"
        );
    }
}

/// It is the image of somebody who has to know it before it is pushed; the bytes stay what they are.
#[test]
fn a_config_that_go_cannot_read_is_carried_with_a_warning() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.config["config"] = json!({ "User": 1000, "Cmd": "sh", "Labels": { "a": "b" } });
    scratch.write("a.tar", &image.docker_archive());
    image.layout(plain).directory(&scratch, "layout");
    for (input, name) in [("a.tar", "a.tar"), ("layout", "layout (sha256:")] {
        let output = scratch
            .command(&["merge", "--force", "-o", "out", input])
            .output()
            .unwrap();
        let told = stderr(&output);
        assert!(output.status.success(), "{told}");
        let expected = "containerd, skopeo and podman cannot read its config: config.User is a number, expected text, config.Cmd is text, expected a list of text\n";
        assert!(told.contains(&format!("warning: {name}")), "{told}");
        assert!(told.contains(expected), "{told}");
        let config = image.config_bytes();
        let carried = scratch.path(&format!("out/blobs/sha256/{}", hex(&config)));
        assert_eq!(std::fs::read(carried).unwrap(), config);
    }
}

#[test]
fn an_artifact_needs_a_platform_in_its_descriptor() {
    let scratch = Scratch::new();
    let mut layout = Layout::default();
    let config = layout.blob("application/vnd.oci.empty.v1+json", b"{}");
    let layer = layout.blob("application/vnd.example.thing", b"thing");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example",
        "config": config, "layers": [layer],
    });
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(message.contains("no platform"), "{message}");
    layout.index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    layout.directory(&scratch, "in");
    scratch.run(&["merge", "-o", "out", "in"]);
}

// ---- Platforms

#[test]
fn a_legacy_architecture_is_understood_with_a_warning() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/aarch64").docker_archive());
    // Whoever pulls finds it by its name of today, whether that was said here or not.
    for image in ["linux/arm64=a.tar", "a.tar"] {
        let output = scratch
            .command(&["merge", "--force", "-o", "out", image])
            .output()
            .unwrap();
        let told = stderr(&output);
        assert!(output.status.success(), "{told}");
        assert!(
            told.contains("warning: a.tar: its config calls the architecture \"aarch64\""),
            "{told}"
        );
        assert!(told.contains("--set-platform IMAGE=linux/arm64"), "{told}");
        let merged = Merged::directory(&scratch.path("out"));
        assert_eq!(merged.platforms(), ["linux/arm64"]);
        assert_eq!(merged.configs[0]["architecture"], "aarch64");
    }
}

#[test]
fn arm_without_a_variant_is_a_warning() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/arm").docker_archive());
    let output = scratch
        .command(&["merge", "-o", "out", "a.tar"])
        .output()
        .unwrap();
    let told = stderr(&output);
    assert!(
        told.contains("warning: a.tar: linux/arm has no variant") && told.contains("containerd"),
        "{told}"
    );
    let output = scratch
        .command(&["merge", "-o", "o2", "linux/arm/v6=a.tar"])
        .output()
        .unwrap();
    assert!(!stderr(&output).contains("warning"), "{}", stderr(&output));
}

#[test]
fn set_platform_changes_the_config_and_nothing_else_of_it() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/aarch64/v9");
    image.config["config"] = json!({ "Cmd": ["x"], "Healthcheck": { "Interval": 1e10 } });
    scratch.write("a.tar", &image.docker_archive());
    for (i, (new, variant)) in [("linux/arm64", Value::Null), ("linux/arm/v7", "v7".into())]
        .iter()
        .enumerate()
    {
        let output = format!("out{i}");
        let set = format!("a.tar={new}");
        scratch.run(&[
            "merge",
            "-o",
            &output,
            "--set-platform",
            &set,
            &format!("{new}=a.tar"),
        ]);
        let merged = Merged::directory(&scratch.path(&output));
        assert_eq!(merged.platforms(), [*new]);
        let mut expected: Value = serde_json::from_slice(&image.config_bytes()).unwrap();
        expected["architecture"] = new.split('/').nth(1).unwrap().into();
        match variant {
            Value::Null => drop(expected.as_object_mut().unwrap().shift_remove("variant")),
            variant => expected["variant"] = variant.clone(),
        }
        assert_eq!(merged.configs[0].to_string(), expected.to_string());
    }
    let output = scratch
        .command(&[
            "merge",
            "-o",
            "x",
            "--set-platform",
            "b.tar=linux/arm64",
            "a.tar",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--set-platform b.tar: no IMAGE is called that"));
}

#[test]
fn set_platform_leaves_alone_what_says_it_already_and_means_one_image() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/arm64");
    scratch.write("a.tar", &image.docker_archive());
    let expected = scratch.run(&["merge", "-o", "o1", "a.tar"]);
    let set = ["--set-platform", "a.tar=linux/arm64"];
    assert_eq!(
        scratch.run(&[&["merge", "-o", "o2"], &set[..], &["a.tar"]].concat()),
        expected
    );

    let arm = TestImage::new("linux/arm");
    scratch.write("arm.tar", &arm.docker_archive());
    scratch.write("x=arm.tar", &arm.docker_archive());
    let v6 = "linux/arm/v6=arm.tar=linux/arm/v6";
    for inputs in [
        ["linux/arm/v6=arm.tar", "linux/arm/v7=arm.tar"],
        ["linux/arm/v7=arm.tar", "linux/arm/v6=arm.tar"],
    ] {
        scratch.run(&[
            "merge",
            "-f",
            "-o",
            "out",
            "--set-platform",
            v6,
            inputs[0],
            inputs[1],
        ]);
        let merged = Merged::directory(&scratch.path("out"));
        assert_eq!(merged.platforms(), ["linux/arm/v7", "linux/arm/v6"]);
    }
    for (sets, inputs, problem) in [
        (
            &["arm.tar=linux/arm/v6"][..],
            &["linux/arm/v6=arm.tar", "linux/arm/v7=arm.tar"][..],
            "several are called that",
        ),
        (
            &["arm.tar=linux/arm/v6"],
            &["./x=arm.tar"],
            "no IMAGE is called that",
        ),
        (
            &["arm.tar=linux/arm/v6", "arm.tar=linux/arm/v7"],
            &["arm.tar"],
            "it is given twice",
        ),
    ] {
        let sets: Vec<&str> = sets
            .iter()
            .flat_map(|set| ["--set-platform", *set])
            .collect();
        let output = scratch
            .command(&[&["merge", "-o", "x"], &sets[..], inputs].concat())
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(problem), "{}", stderr(&output));
    }
    scratch.run(&["merge", "-o", "two", "a.tar", "arm.tar"]);
    let set = ["--set-platform", "two=linux/arm64"];
    let message = scratch.fail(&[&["merge", "-o", "x"], &set[..], &["two"]].concat());
    assert!(
        message.contains("two: 2 images, but the platform of one is to be set"),
        "{message}"
    );
}

#[test]
fn a_platform_that_is_asked_for_is_what_a_runtime_takes_it_for() {
    let scratch = Scratch::new();
    scratch.write("arm.tar", &TestImage::new("linux/arm").docker_archive());
    scratch.write("amd64.tar", &TestImage::new("linux/amd64").docker_archive());
    let message = scratch.fail(&[
        "merge",
        "-o",
        "x",
        "--platform",
        "linux/arm/v6",
        "arm.tar",
        "amd64.tar",
    ]);
    let offered = "no image for the platform linux/arm/v6; there are";
    assert!(
        message.contains(offered) && message.contains("linux/amd64"),
        "{message}"
    );
    scratch.run(&[
        "merge",
        "-o",
        "v7",
        "--platform",
        "linux/arm/v7",
        "arm.tar",
        "amd64.tar",
    ]);
    scratch.run(&[
        "merge",
        "-o",
        "v6",
        "--platform",
        "linux/arm/v6",
        "linux/arm/v6=arm.tar",
    ]);
    // What is not taken is not what it is said to be either.
    let wrong = [
        "--platform",
        "linux/amd64",
        "linux/amd64=arm.tar",
        "amd64.tar",
    ];
    let message = scratch.fail(&[&["merge", "-o", "x"], &wrong[..]].concat());
    assert!(
        message.contains("its platform is linux/arm by its config"),
        "{message}"
    );
}

#[test]
fn images_of_one_architecture_may_differ_in_the_version_of_their_system() {
    let scratch = Scratch::new();
    for version in ["10.0.20348.1", "10.0.17763.1"] {
        let mut image = TestImage::new("windows/amd64");
        image.config["os.version"] = version.into();
        image.config["os.features"] = json!(["win32k"]);
        scratch.write(version, &image.docker_archive());
    }
    scratch.run(&["merge", "-o", "out", "10.0.20348.1", "10.0.17763.1"]);
    let merged = Merged::directory(&scratch.path("out"));
    let expected = [
        "windows/amd64 (10.0.17763.1)",
        "windows/amd64 (10.0.20348.1)",
    ];
    assert_eq!(merged.platforms(), expected);
    assert_eq!(
        merged.index["manifests"][0]["platform"]["os.features"],
        json!(["win32k"])
    );
}

#[test]
fn every_platform_passes_through_in_the_order_of_the_index() {
    let scratch = Scratch::new();
    let sorted = [
        "linux/386",
        "linux/amd64/v3",
        "linux/amd64",
        "linux/arm/v7",
        "linux/arm/v6",
        "linux/arm64",
        "linux/loong64",
        "linux/mips64le",
        "linux/ppc64le",
        "linux/riscv64",
        "linux/s390x",
        "windows/amd64",
    ];
    let mut inputs: Vec<String> = Vec::new();
    for (i, platform) in sorted.iter().enumerate() {
        inputs.insert(0, format!("{i}.tar"));
        scratch.write(&inputs[0], &TestImage::new(platform).docker_archive());
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    scratch.run(&[&["merge", "-o", "out"], &inputs[..]].concat());
    assert_eq!(Merged::directory(&scratch.path("out")).platforms(), sorted);
}
