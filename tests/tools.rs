//! Archives and layouts that the real tools write, merged and read back by skopeo.
//!
//! Where a tool is not installed its tests do nothing; `make test` installs all of them and sets
//! `POLYARCH_TOOLS=required`, so that they cannot be skipped there.

mod support;

use serde_json::Value;
use support::*;

/// A merged image of both architectures, made from what dockerTools wrote, as `image.tar`.
fn both(scratch: &Scratch) -> Merged {
    let inputs = ["amd64-bli-hello-gz.tar.gz", "arm64-bli-hello-gz.tar.gz"].map(fixture);
    scratch.run(&[
        "merge",
        "--name",
        "hello",
        "-o",
        "image.tar",
        &inputs[0],
        &inputs[1],
    ]);
    Merged::archive(&scratch.path("image.tar"))
}

fn image_ids(merged: &Merged) -> Vec<Value> {
    merged
        .manifests
        .iter()
        .map(|m| m["config"]["digest"].clone())
        .collect()
}

#[test]
fn every_format_that_skopeo_writes_is_read() {
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
        scratch.run(&["merge", "--force", "-o", "out", &inputs[0], &inputs[1]]);
        let merged = Merged::directory(&scratch.path("out"));
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
        scratch.run(&["merge", "-f", "-o", "out", &copy]);
        let found = Merged::directory(&scratch.path("out"));
        assert_eq!(image_ids(&found), image_ids(&expected)[i..=i]);
    }
}

#[test]
fn all_platforms_in_a_directory_of_skopeo_are_the_same_image() {
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

/// podman with a storage of its own.
const PODMAN: &str = "podman --root $PWD/root --runroot $PWD/runroot --storage-driver vfs";

#[test]
fn every_format_that_podman_saves_is_read() {
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
        scratch.run(&["merge", "--force", "-o", "out", &inputs[0], &inputs[1]]);
        let merged = Merged::directory(&scratch.path("out"));
        assert_eq!(image_ids(&merged), image_ids(&expected), "{format}");
    }
    // Both images in one archive, under different names.
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
    scratch.run(&["merge", "-o", "picked", "two.tar#amd64", "two.tar#arm64"]);
    let merged = Merged::directory(&scratch.path("picked"));
    assert_eq!(image_ids(&merged), image_ids(&expected));
}

#[test]
fn what_umoci_writes_is_read_and_umoci_reads_what_we_write() {
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
    scratch.run(&["merge", "-o", "out", "umoci#amd64", "umoci#arm64"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(merged.platforms(), expected.platforms());
    for config in &merged.configs {
        assert_eq!(config["config"]["Labels"]["made"], "by-umoci");
    }
    // umoci reads a layout by the tags of index.json and takes image manifests only.
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
