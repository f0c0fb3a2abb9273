//! What `polyarch merge` makes of every kind of input, format and option.

mod support;

use std::fs;

use serde_json::json;
use support::*;

/// An amd64 and an arm64 archive in a directory.
fn two_archives() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/amd64").docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    scratch
}

#[test]
fn two_docker_archives_become_one_image_of_two_platforms() {
    let scratch = two_archives();
    let printed = scratch.run(&["merge", "-o", "out", "a.tar", "b.tar"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(printed, merged.digest);
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
    assert_eq!(merged.layer_types(), ["tar+gzip".to_owned()].into());
}

#[test]
fn a_layer_that_images_share_is_there_once() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "out", "a.tar", "b.tar"]);
    let blobs = fs::read_dir(scratch.path("out/blobs/sha256"))
        .unwrap()
        .count();
    // An index; for each image a manifest, a config and a layer; the layer of both.
    assert_eq!(blobs, 1 + 2 * 3 + 1);
}

#[test]
fn every_kind_of_input_gives_the_same_image() {
    let image = TestImage::new("linux/arm64");
    let layout = image.layout(plain);
    let scratch = Scratch::new();
    let archive = image.docker_archive();
    layout.directory(&scratch, "layout");
    scratch.write("docker.tar", &archive);
    scratch.write("docker.tar.gz", &gzip(&archive));
    scratch.write("docker.any-name", &zstd(&archive));
    scratch.write("oci.tar", &layout.archive());
    scratch.write("oci.tar.gz", &gzip(&layout.archive()));
    scratch.write("oci.tar.zst", &zstd(&layout.archive()));

    let inputs = [
        "layout",
        "docker.tar",
        "docker.tar.gz",
        "docker.any-name",
        "oci.tar",
        "oci.tar.gz",
        "oci.tar.zst",
    ];
    for compression in ["gzip", "zstd", "none"] {
        let digests = inputs.map(|input| {
            let output = format!("{compression}-{input}.out");
            scratch.run(&["merge", "--compression", compression, "-o", &output, input]);
            let merged = Merged::directory(&scratch.path(&output));
            let layers = &merged.manifests[0]["layers"];
            layers
                .as_array()
                .unwrap()
                .iter()
                .map(|l| l["digest"].to_string())
                .collect::<Vec<_>>()
        });
        assert!(
            digests.windows(2).all(|w| w[0] == w[1]),
            "{compression}: {digests:?}"
        );
    }
}

#[test]
fn the_name_of_the_output_chooses_its_format_and_the_option_overrules_it() {
    let scratch = two_archives();
    let inputs = ["a.tar", "b.tar"];
    let merge = |options: &[&str]| scratch.run(&[&["merge"], options, &inputs].concat());
    let digest = merge(&["-o", "out.tar"]);
    assert_eq!(Merged::archive(&scratch.path("out.tar")).digest, digest);
    merge(&["-o", "dir.tar", "--format", "oci-layout"]);
    assert_eq!(Merged::directory(&scratch.path("dir.tar")).digest, digest);
    merge(&["-o", "archive", "--format", "oci-archive"]);
    assert_eq!(Merged::archive(&scratch.path("archive")).digest, digest);
}

#[test]
fn an_archive_starts_with_what_a_reader_of_a_stream_needs() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "out.tar", "a.tar", "b.tar"]);
    let bytes = fs::read(scratch.path("out.tar")).unwrap();
    let names: Vec<String> = tar::Archive::new(&bytes[..])
        .entries()
        .unwrap()
        .map(|e| e.unwrap().path().unwrap().to_str().unwrap().to_owned())
        .collect();
    let digest = Merged::archive(&scratch.path("out.tar")).digest;
    let index = format!("blobs/{}", digest.replace(':', "/"));
    // The directories too: skopeo makes those that are missing for root, and fails as a user.
    let expected = [
        "oci-layout",
        "index.json",
        "blobs/",
        "blobs/sha256/",
        &index,
    ];
    assert_eq!(names[..5], expected);
    assert_eq!(bytes.len() % 512, 0);
    assert!(bytes.ends_with(&[0; 1024]));
}

#[test]
fn the_name_stands_on_the_one_descriptor_of_index_json() {
    let scratch = two_archives();
    let name = ["--name", "me/hello", "--tag", "v1"];
    scratch.run(&[&["merge", "-o", "out"][..], &name, &["a.tar", "b.tar"]].concat());
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(
        merged.root["manifests"][0]["annotations"],
        json!({
            "com.apple.containerization.image.name": "docker.io/me/hello:v1",
            "io.containerd.image.name": "docker.io/me/hello:v1",
            "org.opencontainers.image.ref.name": "v1",
        })
    );
}

#[test]
fn without_a_name_there_is_no_annotation() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "out", "a.tar", "b.tar"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(merged.root["manifests"][0].get("annotations"), None);
    assert_eq!(merged.index.get("annotations"), None);
}

#[test]
fn annotations_of_the_index_survive_exactly() {
    let scratch = two_archives();
    let value = "a=b, \"c\"\n$d \\ é";
    let argument = format!("org.example.key={value}");
    scratch.run(&[
        "merge",
        "-o",
        "out",
        "--annotation",
        &argument,
        "a.tar",
        "b.tar",
    ]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(
        merged.index["annotations"],
        json!({ "org.example.key": value })
    );
}

#[test]
fn annotations_go_where_their_level_says() {
    let scratch = two_archives();
    let annotations = [
        "a=1",
        "index:b=2",
        "manifest:c=3",
        "manifest-descriptor:d=4",
        "index-descriptor:e=5",
        "index,manifest:f=6",
        "org.example:g=7",
    ];
    let options: Vec<&str> = annotations
        .iter()
        .flat_map(|a| ["--annotation", a])
        .collect();
    let inputs = ["-o", "out", "a.tar", "b.tar"];
    scratch.run(&[&["merge"], &options[..], &inputs].concat());
    let merged = Merged::directory(&scratch.path("out"));
    let of_index = json!({ "a": "1", "b": "2", "f": "6", "org.example:g": "7" });
    assert_eq!(merged.index["annotations"], of_index);
    assert_eq!(
        merged.root["manifests"][0]["annotations"],
        json!({ "e": "5" })
    );
    for (i, manifest) in merged.manifests.iter().enumerate() {
        assert_eq!(manifest["annotations"], json!({ "c": "3", "f": "6" }));
        assert_eq!(
            merged.index["manifests"][i]["annotations"],
            json!({ "d": "4" })
        );
    }
    // An image that says all of it already keeps its digest.
    let again = [
        "merge",
        "--annotation",
        "manifest:c=3",
        "-o",
        "again",
        "out",
    ];
    scratch.run(&again);
    assert_eq!(
        Merged::directory(&scratch.path("again")).digest,
        merged.digest
    );
    let twice = [
        "merge",
        "-o",
        "x",
        "--annotation",
        "a=1",
        "--annotation",
        "index:a=2",
        "a.tar",
    ];
    let output = scratch.command(&twice).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--annotation a is given twice"));
}

#[test]
fn a_docker_manifest_names_every_image_and_one_of_them_plainly() {
    let scratch = two_archives();
    for (option, plain) in [
        ("--docker-manifest", 0),
        ("--docker-manifest=linux/arm64", 1),
    ] {
        for output in ["out", "out.tar"] {
            let name = ["--name", "me/x", "--tag", "v1", option];
            scratch.run(
                &[
                    &["merge", "-f", "-o", output],
                    &name[..],
                    &["a.tar", "b.tar"],
                ]
                .concat(),
            );
            let bytes = if output == "out" {
                fs::read(scratch.path("out/manifest.json")).unwrap()
            } else {
                let archive = fs::read(scratch.path("out.tar")).unwrap();
                let mut archive = tar::Archive::new(&archive[..]);
                let mut entries = archive.entries().unwrap().map(Result::unwrap);
                let mut entry = entries
                    .find(|e| e.path().unwrap().to_str() == Some("manifest.json"))
                    .unwrap();
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
                bytes
            };
            let items: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            for (i, platform) in ["linux-amd64", "linux-arm64"].iter().enumerate() {
                let mut tags = vec![format!("docker.io/me/x:v1-{platform}")];
                tags.extend((i == plain).then(|| "docker.io/me/x:v1".to_owned()));
                assert_eq!(items[i]["RepoTags"], json!(tags));
            }
        }
        // It is still a layout to us, and the same image.
        let digest = scratch.run(&["merge", "-f", "-o", "again.tar", "out.tar"]);
        assert_eq!(
            scratch.run(&["merge", "-f", "-o", "again", "a.tar", "b.tar"]),
            digest
        );
    }
    let options = ["--name", "x", "--docker-manifest=linux/s390x"];
    let message = scratch.fail(&[&["merge", "-o", "no"], &options[..], &["a.tar"]].concat());
    assert!(message.contains("no image for the platform linux/s390x; there are linux/amd64"));
    // Docker refuses the whole file for one tag that is none.
    let mut odd = TestImage::new("linux/amd64");
    odd.config["architecture"] = "AMD 64".into();
    scratch.write("odd.tar", &odd.docker_archive());
    let long = "t".repeat(120);
    for (image, tag) in [("odd.tar", "v1"), ("a.tar", &*long)] {
        let options = ["--name", "x", "--tag", tag, "--docker-manifest", image];
        let message = scratch.fail(&[&["merge", "-o", "no"], &options[..]].concat());
        assert!(message.contains("would give it the tag"), "{message}");
    }
}

#[test]
fn json_prints_the_descriptor_of_the_index() {
    let scratch = two_archives();
    let printed = scratch.run(&["merge", "--json", "-o", "out", "a.tar", "b.tar"]);
    let descriptor: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(descriptor["mediaType"], INDEX);
    merged.content(&descriptor);
}

#[test]
fn standard_error_tells_what_was_merged_unless_quiet() {
    let scratch = two_archives();
    let output = scratch
        .command(&["merge", "-o", "o1", "a.tar", "b.tar"])
        .output()
        .unwrap();
    let told = stderr(&output);
    assert!(
        told.contains("linux/amd64") && told.contains("b.tar"),
        "{told}"
    );
    let output = scratch
        .command(&["merge", "-q", "-o", "o2", "a.tar", "b.tar"])
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "");
}

#[test]
fn compressed_layers_are_kept_by_all_but_none() {
    let scratch = Scratch::new();
    TestImage::new("linux/arm64")
        .layout(gzipped)
        .directory(&scratch, "in");
    for (compression, found) in [
        ("gzip", "tar+gzip"),
        ("zstd", "tar+gzip"),
        ("keep", "tar+gzip"),
        ("none", "tar"),
    ] {
        scratch.run(&[
            "merge",
            "--compression",
            compression,
            "-o",
            compression,
            "in",
        ]);
        let merged = Merged::directory(&scratch.path(compression));
        assert_eq!(
            merged.layer_types(),
            [found.to_owned()].into(),
            "{compression}"
        );
    }
}

#[test]
fn keep_leaves_uncompressed_layers_as_they_are() {
    let scratch = two_archives();
    scratch.run(&[
        "merge",
        "--compression",
        "keep",
        "-o",
        "out",
        "a.tar",
        "b.tar",
    ]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(merged.layer_types(), ["tar".to_owned()].into());
}

#[test]
fn a_higher_level_makes_smaller_layers() {
    let scratch = Scratch::new();
    let input = fixture("amd64-bli-hello-gz.tar.gz");
    for (compression, levels) in [("gzip", ["1", "12"]), ("zstd", ["1", "19"])] {
        let sizes = levels.map(|level| {
            let output = format!("{compression}-{level}.tar");
            let compression = ["--compression", compression, "--compression-level", level];
            scratch.run(&[&["merge", "-o", &output][..], &compression, &[&input]].concat());
            fs::metadata(scratch.path(&output)).unwrap().len()
        });
        assert!(sizes[1] < sizes[0], "{compression}: {sizes:?}");
    }
}

#[test]
fn a_layer_of_many_blocks_reads_back_in_both_compressions() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    // Three blocks and a bit; exactly two blocks; nothing at all.
    image.layers.push(tar(&[("noise", &noise(2, 3_500_000))]));
    image.layers.push(noise(3, 2 << 20));
    image.layers.push(Vec::new());
    scratch.write("a.tar", &image.docker_archive());
    for compression in ["gzip", "zstd"] {
        scratch.run(&[
            "merge",
            "--compression",
            compression,
            "-o",
            compression,
            "a.tar",
        ]);
        Merged::directory(&scratch.path(compression));
    }
}

#[test]
fn linked_blobs_are_links_to_those_of_the_input() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "la", "a.tar"]);
    scratch.run(&["merge", "-o", "lb", "b.tar"]);
    let linked = scratch.run(&["merge", "--link", "-o", "out", "la", "lb"]);
    let copied = scratch.run(&["merge", "-o", "copy", "la", "lb"]);
    assert_eq!(linked, copied);
    let merged = Merged::directory(&scratch.path("out"));
    let mut links = 0;
    for manifest in &merged.manifests {
        for layer in manifest["layers"].as_array().unwrap() {
            let name = layer["digest"].as_str().unwrap().replace(':', "/");
            let target = fs::read_link(scratch.path(&format!("out/blobs/{name}"))).unwrap();
            assert!(target.is_absolute() && !target.is_symlink());
            links += 1;
        }
    }
    assert_eq!(links, 4);
}

#[test]
fn links_of_links_lead_to_the_first_layout() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "la", "a.tar"]);
    scratch.run(&["merge", "--link", "-o", "l1", "la"]);
    scratch.run(&["merge", "--link", "-o", "l2", "l1"]);
    let first = scratch.path("la").canonicalize().unwrap();
    let links: Vec<_> = fs::read_dir(scratch.path("l2/blobs/sha256"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .collect();
    assert!(
        !links.is_empty() && links.iter().all(|l| l.starts_with(&first)),
        "{links:?}"
    );
}

#[test]
fn an_asserted_platform_that_is_right_changes_nothing() {
    let scratch = two_archives();
    let plain = scratch.run(&["merge", "-o", "o1", "a.tar", "b.tar"]);
    let asserted = ["linux/amd64=a.tar", "linux/arm64=b.tar"];
    assert_eq!(
        scratch.run(&[&["merge", "-o", "o2"], &asserted[..]].concat()),
        plain
    );
}

#[test]
fn an_asserted_variant_of_arm_goes_into_the_index() {
    let scratch = Scratch::new();
    for (name, etc) in [("6", "six"), ("7", "seven")] {
        let mut image = TestImage::new("linux/arm");
        image.layers.push(tar(&[("etc/which", etc.as_bytes())]));
        scratch.write(name, &image.docker_archive());
    }
    scratch.run(&["merge", "-o", "out", "linux/arm/v6=6", "linux/arm/v7=7"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(merged.platforms(), ["linux/arm/v7", "linux/arm/v6"]);
    // And stays there when the layout is merged again, as mkMultiArchImage does.
    scratch.run(&["merge", "-o", "again", "out"]);
    assert_eq!(
        Merged::directory(&scratch.path("again")).digest,
        merged.digest
    );
}

#[test]
fn everything_that_a_config_says_of_its_platform_is_in_the_index() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("windows/amd64");
    image.config["os.version"] = "10.0.20348.169".into();
    image.config["os.features"] = json!(["win32k"]);
    image.config["variant"] = "v2".into();
    scratch.write("w.tar", &image.docker_archive());
    scratch.run(&["merge", "-o", "out", "w.tar"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(
        merged.index["manifests"][0]["platform"],
        json!({
            "architecture": "amd64", "os": "windows", "os.version": "10.0.20348.169",
            "os.features": ["win32k"], "variant": "v2",
        })
    );
}

#[test]
fn an_image_of_several_platforms_can_be_merged_with_another_one() {
    let scratch = two_archives();
    scratch.write("c.tar", &TestImage::new("linux/riscv64").docker_archive());
    let once = scratch.run(&["merge", "-o", "once", "a.tar", "b.tar", "c.tar"]);
    scratch.run(&["merge", "-o", "ab.tar", "a.tar", "b.tar"]);
    let twice = scratch.run(&["merge", "-o", "twice", "ab.tar", "c.tar"]);
    assert_eq!(once, twice);
}

#[test]
fn docker_media_types_become_those_of_oci() {
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
    scratch.run(&["merge", "-o", "out", "in"]);
    let merged = Merged::directory(&scratch.path("out"));
    let written = merged.manifests[0].to_string();
    assert!(!written.contains("docker"), "{written}");
    assert_eq!(merged.layer_types(), ["tar+gzip".to_owned()].into());
}

#[test]
fn layers_that_are_symlinks_or_compressed_inside_a_docker_archive_are_found() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    let config = image.config_bytes();
    let manifest = json!([{ "Config": "config.json", "Layers": ["id/layer.tar", "./b.tar.gz"] }]);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        builder
            .append(&tar_header(name, bytes.len() as u64), bytes)
            .unwrap();
    };
    add("./manifest.json", &manifest);
    add("./a.tar", &image.layers[0]);
    add("./config.json", &config);
    add("b.tar.gz", &gzip(&image.layers[1]));
    let mut link = tar_header("id/layer.tar", 0);
    link.set_entry_type(tar::EntryType::Symlink);
    builder
        .append_link(&mut link, "id/layer.tar", "../a.tar")
        .unwrap();
    let archive = builder.into_inner().unwrap();
    scratch.write("in.tar", &archive);
    scratch.write("in.tar.gz", &gzip(&archive));
    let plain = scratch.run(&["merge", "-o", "o1", "in.tar"]);
    Merged::directory(&scratch.path("o1"));
    assert_eq!(scratch.run(&["merge", "-o", "o2", "in.tar.gz"]), plain);
}

#[test]
fn an_input_may_be_a_pipe() {
    let scratch = two_archives();
    let expected = scratch.run(&["merge", "-o", "o1", "a.tar"]);
    for (i, filter) in ["cat", "gzip -c"].iter().enumerate() {
        let output = format!("pipe{i}");
        let mut shell = std::process::Command::new("bash");
        shell.current_dir(scratch.path("")).arg("-c").arg(format!(
            "{} merge -q -o {output} <({filter} a.tar)",
            env!("CARGO_BIN_EXE_polyarch")
        ));
        let found = shell.output().unwrap();
        assert!(found.status.success(), "{}", stderr(&found));
        assert_eq!(String::from_utf8_lossy(&found.stdout).trim(), expected);
    }
}

/// oci-spec, which every Rust consumer uses, reads all that we write.
#[test]
fn oci_spec_reads_the_output() {
    let scratch = two_archives();
    scratch.run(&["merge", "--name", "x", "-o", "out", "a.tar", "b.tar"]);
    let merged = Merged::directory(&scratch.path("out"));
    let index: oci_spec::image::ImageIndex = serde_json::from_value(merged.index).unwrap();
    assert_eq!(index.manifests().len(), 2);
    assert!(oci_spec::image::ImageIndex::from_file(scratch.path("out/index.json")).is_ok());
    for (manifest, config) in merged.manifests.iter().zip(&merged.configs) {
        oci_spec::image::ImageManifest::from_reader(manifest.to_string().as_bytes()).unwrap();
        oci_spec::image::ImageConfiguration::from_reader(config.to_string().as_bytes()).unwrap();
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_was_expected() {
    let scratch = two_archives();
    for (arguments, expected) in [
        (&["merge", "-o", "x"][..], "required"),
        (&["merge", "a.tar"], "--output"),
        (
            &["merge", "-o", "x.tar", "--link", "a.tar"],
            "--link needs an oci-layout output",
        ),
        (&["merge", "-o", "x", "--tag", "v1", "a.tar"], "--name"),
        (
            &["merge", "-o", "x", "--name", "A", "a.tar"],
            "no image name",
        ),
        (
            &["merge", "-o", "x", "--name", "docker://a", "a.tar"],
            "in lower case and without a transport",
        ),
        (
            &["merge", "-o", "x", "linux/arm64="],
            "there is no IMAGE behind linux/arm64=",
        ),
        (
            &["merge", "-o", "x", "--annotation", "indx:a=b", "a.tar"],
            "\"indx\" is not a level",
        ),
        (
            &["merge", "-o", "x", "--name", "a:b", "a.tar"],
            "the tag goes to --tag",
        ),
        (
            &["merge", "-o", "x", "--annotation", "a", "a.tar"],
            "KEY=VALUE",
        ),
        (
            &["merge", "-o", "x", "--compression-level", "13", "a.tar"],
            "1 to 12",
        ),
        (
            &["merge", "-o", "x", "--compression", "xz", "a.tar"],
            "gzip, zstd, none, keep",
        ),
        (&["merge", "-o", "x", "--jobs", "0", "a.tar"], "1..=256"),
    ] {
        let output = scratch.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = stderr(&output);
        assert!(message.contains(expected), "{arguments:?}: {message}");
        assert!(!scratch.path("x").exists() && !scratch.path("x.tar").exists());
    }
}
