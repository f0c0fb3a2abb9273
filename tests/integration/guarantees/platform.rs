//! Guarantee 5: the platform comes from the config, and the program is built for it.

use serde_json::json;

use crate::support::*;

#[test]
fn guarantee_5_an_index_that_contradicts_the_platform_of_the_config_is_refused() {
    let scratch = Scratch::new();
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    layout.index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "arm64" });
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(
        message.contains("linux/amd64 by its config, but index.json says linux/arm64"),
        "{message}"
    );
}

/// The folder `programs` tests the headers, and how the program is found.
#[test]
fn guarantee_5_a_program_for_another_platform_is_refused() {
    let scratch = Scratch::new();
    let image = fixture("arm64-bli-hello-gz.tar.gz");
    let set = format!("{image}=linux/amd64");
    let message = scratch.fail(&["merge", "--set-platform", &set, "-o", "out", &image]);
    assert!(
        message.contains("is a program for AArch64; expected linux/amd64"),
        "{message}"
    );
}
