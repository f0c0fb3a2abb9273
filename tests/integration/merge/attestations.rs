//! Attestations of BuildKit, which are manifests beside the image that they describe.

use std::fs;

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn attestations_are_merged_with_the_images_they_describe() {
    let scratch = Scratch::new();
    let (layout, digests) = attested();
    layout.directory(&scratch, "in");
    scratch.write("b.tar", &TestImage::new("linux/riscv64").docker_archive());
    let merged = scratch.merge(&["b.tar", "in"]);
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
fn attestations_of_unselected_or_changed_images_are_dropped_with_a_warning() {
    let scratch = Scratch::new();
    let (layout, digests) = attested();
    layout.directory(&scratch, "in");
    let merged = scratch.merge_to("one", &["--platform", "linux/arm64", "in"]);
    let warned = &merged.stderr;
    assert!(
        warned.contains("warning: in: an attestation was left out") && warned.contains(&digests[0]),
        "{warned}"
    );
    assert_eq!(merged.platforms(), ["linux/arm64", "unknown/unknown"]);

    let merged = scratch.merge_to("none", &["--compression", "none", "in"]);
    assert!(
        merged.stderr.contains("its manifest had to be changed"),
        "{}",
        merged.stderr
    );
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
}

#[test]
fn an_image_annotated_as_an_attestation_still_counts_as_an_image() {
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
    let merged = scratch.merge(&["in"]);
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
    // It is not selected as an attestation of the other image either.
    let merged = scratch.merge_to("one", &["linux/amd64=in"]);
    assert_eq!(merged.platforms(), ["linux/amd64"]);
}

#[test]
fn attestations_of_missing_images_may_be_missing() {
    let scratch = Scratch::new();
    let (layout, digests) = attested();
    layout.directory(&scratch, "in");
    let index: Value = serde_json::from_slice(layout.blobs.last().unwrap()).unwrap();
    for manifest in index["manifests"].as_array().unwrap() {
        let subject = &manifest["annotations"]["vnd.docker.reference.digest"];
        if manifest["digest"] == digests[0] || *subject == digests[0] {
            let digest = manifest["digest"].as_str().unwrap();
            let name = format!("in/blobs/{}", digest.replace(':', "/"));
            fs::remove_file(scratch.path(&name)).unwrap();
        }
    }
    let merged = scratch.merge(&["--platform", "linux/arm64", "in"]);
    assert_eq!(merged.platforms(), ["linux/arm64", "unknown/unknown"]);
}
