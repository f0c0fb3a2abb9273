//! `--compression`: what layers are compressed with, and which keep their bytes.

use std::fs;

use crate::support::*;

#[test]
fn every_compression_but_none_keeps_compressed_layers() {
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
        let merged = scratch.merge_to(compression, &["--compression", compression, "in"]);
        assert_eq!(
            merged.layer_types(),
            [found.to_owned()].into(),
            "{compression}"
        );
    }
}

#[test]
fn compression_keep_leaves_uncompressed_layers_unchanged() {
    let scratch = two_archives();
    let merged = scratch.merge(&["--compression", "keep", "a.tar", "b.tar"]);
    assert_eq!(merged.layer_types(), ["tar".to_owned()].into());
}

#[test]
fn a_higher_compression_level_makes_smaller_layers() {
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
fn layers_of_many_blocks_and_empty_layers_read_back_in_gzip_and_zstd() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    // Three blocks and a part of one; exactly two blocks; no content.
    image.layers.push(tar(&[("noise", &noise(2, 3_500_000))]));
    image.layers.push(noise(3, 2 << 20));
    image.layers.push(Vec::new());
    scratch.write("a.tar", &image.docker_archive());
    for compression in ["gzip", "zstd"] {
        scratch.merge_to(compression, &["--compression", compression, "a.tar"]);
    }
}

#[test]
fn a_layer_labelled_gzip_but_not_compressed_gets_its_true_media_type() {
    // `podman save --format docker-dir` gives uncompressed layers the media type of gzip.
    let scratch = Scratch::new();
    let image = TestImage::new("linux/arm64");
    let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    image
        .layout(|layer| (gzip, layer.to_vec()))
        .directory(&scratch, "in");
    for (compression, found) in [("gzip", "tar+gzip"), ("keep", "tar")] {
        let merged = scratch.merge_to(compression, &["--compression", compression, "in"]);
        assert_eq!(merged.layer_types(), [found.to_owned()].into());
    }
}
