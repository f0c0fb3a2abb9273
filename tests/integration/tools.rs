//! Archives and layouts that skopeo, podman and umoci write, and outputs that they read.
//!
//! A test is skipped if its tool is not installed. `make test` installs all tools and sets
//! `POLYARCH_TOOLS=required`, with which a missing tool is a failure.

use crate::support::*;
use serde_json::Value;

/// Merges the dockerTools images of both architectures into `image.tar`.
fn both(scratch: &Scratch) -> Merged {
    let inputs = ["amd64-bli-hello-gz.tar.gz", "arm64-bli-hello-gz.tar.gz"].map(fixture);
    let arguments = ["--name", "hello", &inputs[0], &inputs[1]];
    scratch.merge_to("image.tar", &arguments)
}

fn image_ids(merged: &Merged) -> Vec<Value> {
    merged
        .manifests
        .iter()
        .map(|m| m["config"]["digest"].clone())
        .collect()
}

#[test]
fn every_format_that_skopeo_writes_gives_the_same_image() {
    if !have(&["skopeo"]) {
        return;
    }
    let scratch = Scratch::new();
    let expected = both(&scratch);
    for (format, options) in [
        ("docker-archive", ""),
        ("oci", ""),
        ("oci-archive", ""),
        ("dir", ""),
        ("dir", "--format v2s2"),
        ("dir", "--dest-decompress"),
        ("oci", "--dest-compress --dest-compress-format zstd"),
    ] {
        let inputs = ["amd64", "arm64"].map(|architecture| {
            let name = format!("{format}{}-{architecture}", options.replace(' ', ""));
            let tag = if format == "docker-archive" { ":x:1" } else { "" };
            sh(&scratch, &format!(
                "skopeo --insecure-policy --override-arch {architecture} copy -q {options} oci-archive:image.tar {format}:{name}{tag}"
            ));
            name
        });
        let merged = scratch.merge(&["--force", &inputs[0], &inputs[1]]);
        assert_eq!(
            image_ids(&merged),
            image_ids(&expected),
            "{format} {options}"
        );
        let raw = sh(&scratch, "skopeo inspect --raw oci:out");
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap(), merged.index);
    }
}

#[test]
fn skopeo_reads_a_docker_manifest_as_a_docker_archive() {
    if !have(&["skopeo"]) {
        return;
    }
    let scratch = Scratch::new();
    let expected = both(&scratch);
    let options = [
        "--name",
        "hello",
        "--docker-manifest=linux/arm64",
        "-o",
        "docker.tar",
    ];
    scratch.run(&[&["merge"], &options[..], &["image.tar"]].concat());
    for (tag, i) in [
        ("latest-linux-amd64", 0),
        ("latest-linux-arm64", 1),
        ("latest", 1),
    ] {
        let copy = format!("copy-{tag}");
        sh(
            &scratch,
            &format!(
                "skopeo --insecure-policy copy -q docker-archive:docker.tar:docker.io/library/hello:{tag} dir:{copy}"
            ),
        );
        let found = scratch.merge(&["-f", &copy]);
        assert_eq!(image_ids(&found), image_ids(&expected)[i..=i]);
    }
}

#[test]
fn a_skopeo_dir_of_all_platforms_keeps_the_index_digest() {
    if !have(&["skopeo"]) {
        return;
    }
    let scratch = Scratch::new();
    let expected = both(&scratch);
    sh(
        &scratch,
        "skopeo --insecure-policy copy -q --all --preserve-digests oci-archive:image.tar dir:dir",
    );
    assert_eq!(scratch.run(&["merge", "-o", "out", "dir"]), expected.digest);
}

/// podman with its storage in the current directory.
const PODMAN: &str = "podman --root $PWD/root --runroot $PWD/runroot --storage-driver vfs";

#[test]
fn every_format_that_podman_saves_gives_the_same_image() {
    if !have(&["podman"]) {
        return;
    }
    let scratch = Scratch::new();
    let expected = both(&scratch);
    sh(
        &scratch,
        &format!(
            "for a in amd64 arm64; do {PODMAN} pull -q --arch $a oci-archive:image.tar >id-$a; {PODMAN} tag $(cat id-$a) x/hello:$a; done"
        ),
    );
    for format in ["docker-archive", "oci-archive", "oci-dir", "docker-dir"] {
        let inputs = ["amd64", "arm64"].map(|architecture| {
            let name = format!("{format}-{architecture}");
            sh(
                &scratch,
                &format!("{PODMAN} save -q --format {format} -o {name} x/hello:{architecture}"),
            );
            name
        });
        let merged = scratch.merge(&["--force", &inputs[0], &inputs[1]]);
        assert_eq!(image_ids(&merged), image_ids(&expected), "{format}");
    }
    // One archive with both images under different names.
    sh(
        &scratch,
        &format!("{PODMAN} save -q -m -o two.tar x/hello:amd64 x/hello:arm64"),
    );
    let message = scratch
        .command(&["merge", "-o", "no", "two.tar"])
        .output()
        .unwrap();
    assert!(
        stderr(&message).contains("#x/hello:arm64") || stderr(&message).contains("hello:arm64")
    );
    let merged = scratch.merge_to("picked", &["two.tar#amd64", "two.tar#arm64"]);
    assert_eq!(image_ids(&merged), image_ids(&expected));
}

#[test]
fn umoci_layouts_are_read_and_umoci_unpacks_the_output() {
    if !have(&["umoci", "skopeo"]) {
        return;
    }
    let scratch = Scratch::new();
    let expected = both(&scratch);
    sh(
        &scratch,
        "
        for a in amd64 arm64; do
            skopeo --insecure-policy --override-arch $a copy -q oci-archive:image.tar oci:umoci:$a
            umoci config --image umoci:$a --config.label made=by-umoci
        done",
    );
    let merged = scratch.merge(&["umoci#amd64", "umoci#arm64"]);
    assert_eq!(merged.platforms(), expected.platforms());
    for config in &merged.configs {
        assert_eq!(config["config"]["Labels"]["made"], "by-umoci");
    }
    // umoci selects an image by its tag in index.json, and reads image manifests only.
    sh(
        &scratch,
        "
        skopeo --insecure-policy copy -q oci:out oci:one:latest
        umoci unpack --rootless --image one:latest bundle
        umoci stat --image one:latest >/dev/null",
    );
    let found = walkdir::WalkDir::new(scratch.path("bundle/rootfs"))
        .into_iter()
        .count();
    assert!(found > 3, "umoci unpacked {found} files");
}
