//! The layout or archive that a merge writes, and what it prints.

use std::fs;

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn two_docker_archives_become_one_image_of_two_platforms() {
    let scratch = two_archives();
    let merged = scratch.merge(&["a.tar", "b.tar"]);
    assert_eq!(merged.stdout, merged.digest);
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
    assert_eq!(merged.layer_types(), ["tar+gzip".to_owned()].into());
}

#[test]
fn a_layer_shared_by_two_images_is_stored_once() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "out", "a.tar", "b.tar"]);
    let blobs = fs::read_dir(scratch.path("out/blobs/sha256"))
        .unwrap()
        .count();
    // One index; a manifest, a config and a layer of each image; the shared layer.
    assert_eq!(blobs, 1 + 2 * 3 + 1);
}

#[test]
fn the_output_name_chooses_the_format_unless_an_option_does() {
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
fn an_archive_starts_with_its_documents_directories_and_index() {
    let scratch = two_archives();
    let merged = scratch.merge_to("out.tar", &["a.tar", "b.tar"]);
    let bytes = fs::read(scratch.path("out.tar")).unwrap();
    let names: Vec<String> = tar::Archive::new(&bytes[..])
        .entries()
        .unwrap()
        .map(|e| e.unwrap().path().unwrap().to_str().unwrap().to_owned())
        .collect();
    let index = format!("blobs/{}", merged.digest.replace(':', "/"));
    // skopeo needs the entries of directories: it creates missing ones only for root.
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
fn the_image_name_is_in_the_annotations_of_index_json() {
    let scratch = two_archives();
    let merged = scratch.merge(&["--name", "me/hello", "--tag", "v1", "a.tar", "b.tar"]);
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
fn an_image_without_a_name_has_no_annotations() {
    let scratch = two_archives();
    let merged = scratch.merge(&["a.tar", "b.tar"]);
    assert_eq!(merged.root["manifests"][0].get("annotations"), None);
    assert_eq!(merged.index.get("annotations"), None);
}

#[test]
fn the_docker_manifest_tags_every_image_and_gives_one_the_plain_tag() {
    let scratch = two_archives();
    for (option, plain) in [
        ("--docker-manifest", 0),
        ("--docker-manifest=linux/arm64", 1),
    ] {
        for output in ["out", "out.tar"] {
            let name = ["merge", "--name", "me/x", "--tag", "v1", option];
            scratch.run(&[&name[..], &["-f", "-o", output, "a.tar", "b.tar"]].concat());
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
            let items: Value = serde_json::from_slice(&bytes).unwrap();
            for (i, platform) in ["linux-amd64", "linux-arm64"].iter().enumerate() {
                let mut tags = vec![format!("docker.io/me/x:v1-{platform}")];
                tags.extend((i == plain).then(|| "docker.io/me/x:v1".to_owned()));
                assert_eq!(items[i]["RepoTags"], json!(tags));
            }
        }
        // The archive is still read as a layout, and gives the same image.
        let digest = scratch.run(&["merge", "-f", "-o", "again.tar", "out.tar"]);
        assert_eq!(
            scratch.run(&["merge", "-f", "-o", "again", "a.tar", "b.tar"]),
            digest
        );
    }
    let options = ["--name", "x", "--docker-manifest=linux/s390x"];
    let message = scratch.fail(&[&["merge", "-o", "no"], &options[..], &["a.tar"]].concat());
    assert!(message.contains("no image for the platform linux/s390x; there are linux/amd64"));
    // Docker refuses the whole file if one tag is not valid.
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
    let merged = scratch.merge(&["--json", "a.tar", "b.tar"]);
    let descriptor: Value = serde_json::from_str(&merged.stdout).unwrap();
    assert_eq!(descriptor["mediaType"], INDEX);
    merged.content(&descriptor);
}

#[test]
fn standard_error_lists_the_merged_images_unless_quiet() {
    let scratch = two_archives();
    let listed = scratch.merge_to("o1", &["a.tar", "b.tar"]).stderr;
    assert!(
        listed.contains("linux/amd64") && listed.contains("b.tar"),
        "{listed}"
    );
    let quiet = scratch.merge_to("o2", &["-q", "a.tar", "b.tar"]);
    assert_eq!(quiet.stderr, "");
}

// Only Linux has /dev/full.
#[test]
#[cfg(target_os = "linux")]
fn a_digest_that_cannot_be_printed_is_a_failure_with_a_complete_output() {
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
    Merged::read(&scratch.path("out"));
}

/// Most programs in Rust that read images use oci-spec.
#[test]
fn the_oci_spec_crate_parses_every_document_of_the_output() {
    let scratch = two_archives();
    let merged = scratch.merge(&["--name", "x", "a.tar", "b.tar"]);
    let index: oci_spec::image::ImageIndex = serde_json::from_value(merged.index).unwrap();
    assert_eq!(index.manifests().len(), 2);
    assert!(oci_spec::image::ImageIndex::from_file(scratch.path("out/index.json")).is_ok());
    for (manifest, config) in merged.manifests.iter().zip(&merged.configs) {
        oci_spec::image::ImageManifest::from_reader(manifest.to_string().as_bytes()).unwrap();
        oci_spec::image::ImageConfiguration::from_reader(config.to_string().as_bytes()).unwrap();
    }
}
