//! Guarantee 2: what needs no change is copied, so images keep their digests.

use serde_json::json;

use crate::support::*;

#[test]
fn guarantee_2_an_oci_image_that_needs_no_change_keeps_its_manifest_digest() {
    let scratch = Scratch::new();
    let layout = TestImage::new("linux/arm64").layout(gzipped);
    layout.directory(&scratch, "in");
    let merged = scratch.merge(&["in"]);
    let before = &layout.index["manifests"][0]["digest"];
    assert_eq!(merged.index["manifests"][0]["digest"], *before);
}

#[test]
fn guarantee_2_a_docker_archive_keeps_its_image_id() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/arm64");
    image.config["preferLocalBuild"] = true.into();
    image.config["config"] = json!({ "Healthcheck": { "Test": ["NONE"] }, "Shell": ["sh"] });
    scratch.write("a.tar", &image.docker_archive());
    let merged = scratch.merge(&["a.tar"]);
    assert_eq!(
        merged.manifests[0]["config"]["digest"],
        digest(&image.config_bytes())
    );
}
