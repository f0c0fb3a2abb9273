//! Images that the code of nixpkgs' dockerTools wrote, and the golden digests of their merges.

use crate::support::*;

/// Users pin the digest of an index, so it must be the same on every machine and in every release that does not
/// announce a change. CONTRIBUTING.md, "The bytes are the product", says when these may change.
#[test]
fn dockertools_images_merge_to_the_golden_digests() {
    for (inputs, compression, expected) in GOLDEN {
        let scratch = Scratch::new();
        let inputs = inputs.map(fixture);
        let merged = scratch.merge(&["--compression", compression, &inputs[0], &inputs[1]]);
        assert_eq!(merged.stdout, *expected, "{inputs:?}, {compression}");
        assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
    }
}

const LAYERED: [&str; 2] = ["amd64-bli-hello-gz.tar.gz", "arm64-bli-hello-gz.tar.gz"];
const LAYERED_ZSTD: [&str; 2] = [
    "amd64-bli-hello-zstd.tar.zst",
    "arm64-bli-hello-zstd.tar.zst",
];
const PLAIN: [&str; 2] = ["amd64-bi-hello-gz.tar.gz", "arm64-bi-hello-gz.tar.gz"];

const GOLDEN: &[([&str; 2], &str, &str)] = &[
    (
        LAYERED,
        "gzip",
        "sha256:e65a623621cbc432db9ec7654e6a300a907e70574af360fdf26b7ea7f16a7ebf",
    ),
    (
        LAYERED_ZSTD,
        "gzip",
        "sha256:e65a623621cbc432db9ec7654e6a300a907e70574af360fdf26b7ea7f16a7ebf",
    ),
    (
        LAYERED,
        "zstd",
        "sha256:8df7bf1e29f3c673be6b8e08742bc3a949b64961564b5ff8edc18e76adc5170f",
    ),
    (
        LAYERED,
        "none",
        "sha256:28b747a45f45397d109893612663190f78596cf9f827cd1e7fed34d44142283c",
    ),
    (
        PLAIN,
        "gzip",
        "sha256:9d6068d7152df9521cd21b0a0dc35e360923fd5388930c9611f9785f91bc751a",
    ),
];

#[test]
fn a_layer_that_both_architectures_share_has_one_digest() {
    let scratch = Scratch::new();
    let inputs = LAYERED.map(fixture);
    let merged = scratch.merge(&[&inputs[0], &inputs[1]]);
    let [amd64, arm64] = [0, 1].map(|i| &merged.layers[i]);
    assert_ne!(amd64[0], arm64[0]);
    assert_eq!(amd64[1], arm64[1]);
}
