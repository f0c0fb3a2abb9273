//! Referrers that `--referrers keep` carries, as real tools read them.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::real_tools::corpus::{decompressed, skopeos};
use crate::real_tools::writer::*;
use crate::support::*;

const SPDX: &str = "application/spdx+json";

/// The newest oras (`tests/newer-tools`).
fn oras() -> Option<String> {
    let path = format!("{}/target/newer/bin/oras", env!("CARGO_MANIFEST_DIR"));
    match Path::new(&path).exists() {
        true => Some(path),
        false => {
            missing("oras; tests/newer-tools gets it");
            None
        }
    }
}

/// The digests of the referrers that `oras discover` prints, and of their referrers.
fn discovered(oras: &str, scratch: &Scratch, arguments: &[&str]) -> Vec<String> {
    fn digests(node: &Value, all: &mut Vec<String>) {
        for referrer in node["referrers"].as_array().into_iter().flatten() {
            all.push(referrer["digest"].as_str().unwrap().to_owned());
            digests(referrer, all);
        }
    }
    let mut command = Command::new(oras);
    command.args(["discover", "--format", "json", "--oci-layout"]);
    let output = command
        .args(arguments)
        .current_dir(scratch.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let mut all = Vec::new();
    digests(&serde_json::from_slice(&output.stdout).unwrap(), &mut all);
    all.sort();
    all
}

/// Merges `in` to `out`, with its referrers; returns the digest.
fn keep(scratch: &Scratch) -> String {
    let options = "--no-sync --quiet --compression keep --referrers keep --name me/app --tag v1";
    let mut arguments = vec!["merge", "--output", "out", "in"];
    arguments.extend(options.split(' '));
    scratch.run(&arguments)
}

#[test]
fn oras_finds_and_copies_the_referrers_that_it_attached() {
    let Some(oras) = oras() else { return };
    for (fixture, count) in [
        ("oras-attach-chain", 2),
        ("oras-attach-single", 1),
        ("oras-attach-both", 1),
    ] {
        let scratch = Scratch::new();
        decompressed(&scratch, &format!("{fixture}.dir.tar.zst"), "in");
        keep(&scratch);
        let of_arm64 = |layout: &str| {
            let merged = layout != "in";
            // A lone image of an input is not in an index.
            match merged || fixture == "oras-attach-both" {
                true => discovered(
                    &oras,
                    &scratch,
                    &["--platform", "linux/arm64", &format!("{layout}:v1")],
                ),
                false => discovered(&oras, &scratch, &[&format!("{layout}:v1")]),
            }
        };
        assert_eq!(of_arm64("out").len(), count, "{fixture}");
        assert_eq!(of_arm64("out"), of_arm64("in"), "{fixture}");
        let copy = [
            "cp",
            "-r",
            "--from-oci-layout",
            "out:v1",
            "--to-oci-layout",
            "copy:v1",
        ];
        let copied = Command::new(&oras)
            .args(copy)
            .current_dir(scratch.path(""))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", stderr(&copied));
        assert_eq!(of_arm64("copy"), of_arm64("in"), "{fixture}");
    }
}

/// A layout, `in`, of two platforms, of which each has an SBOM.
fn signed(scratch: &Scratch) {
    let mut layout = Layout::default();
    let images = ["linux/amd64", "linux/arm64"].map(|platform| image(&mut layout, platform));
    let sboms = images
        .each_ref()
        .map(|image| artifact(&mut layout, SPDX, Some(image)));
    let index = named(index(&mut layout, &images.each_ref()), "v1");
    let mut roots = vec![&index];
    roots.extend(&sboms);
    let layout = with_roots(layout, &roots);
    layout.directory(scratch, "in");
    scratch.write("in.tar.gz", &gzip(&layout.archive()));
}

#[test]
fn referrers_of_a_stream_and_of_a_directory_give_the_same_layout() {
    let scratch = Scratch::new();
    signed(&scratch);
    let keep = ["merge", "--no-sync", "--quiet", "--referrers", "keep", "-o"];
    scratch.run(&[&keep[..], &["directory", "in"]].concat());
    scratch.run(&[&keep[..], &["stream", "in.tar.gz"]].concat());
    // Again, and together with itself in another order.
    scratch.run(&[&keep[..], &["again", "directory"]].concat());
    let index =
        |name: &str| std::fs::read_to_string(scratch.path(&format!("{name}/index.json"))).unwrap();
    assert_eq!(index("directory").matches("sha256-").count(), 2);
    for other in ["stream", "again"] {
        assert_eq!(index(other), index("directory"), "{other}");
        Merged::directory(&scratch.path(other));
    }
}

#[test]
fn the_referrer_of_an_index_that_a_merge_wrote_is_kept() {
    let scratch = Scratch::new();
    signed(&scratch);
    scratch.run(&["merge", "--no-sync", "--quiet", "-o", "merged", "in"]);
    let mut root: Value =
        serde_json::from_slice(&std::fs::read(scratch.path("merged/index.json")).unwrap()).unwrap();
    let mut layout = Layout::default();
    let sbom = artifact(&mut layout, SPDX, Some(&root["manifests"][0]));
    root["manifests"].as_array_mut().unwrap().push(sbom);
    for blob in &layout.blobs {
        scratch.write(&format!("merged/blobs/sha256/{}", hex(blob)), blob);
    }
    scratch.write("merged/index.json", root.to_string().as_bytes());
    let run = |options: &[&str]| {
        let arguments = [
            &["merge", "--no-sync", "-f", "-o", "out"],
            options,
            &["merged"],
        ]
        .concat();
        let output = scratch.command(&arguments).output().unwrap();
        assert!(output.status.success());
        (
            stderr(&output),
            Merged::directory(&scratch.path("out")).root,
        )
    };
    let (message, root) = run(&["--referrers", "keep"]);
    assert!(!message.contains("warning"), "{message}");
    assert_eq!(root["manifests"].as_array().unwrap().len(), 2);
    // An annotation changes the index.
    let (message, root) = run(&["--referrers", "keep", "--annotation", "a=b"]);
    assert!(
        message.contains("has another digest in the merged image"),
        "{message}"
    );
    assert_eq!(root["manifests"].as_array().unwrap().len(), 1);
}

#[test]
fn skopeo_copies_an_image_with_referrers_by_its_tag() {
    let scratch = Scratch::new();
    signed(&scratch);
    let digest = keep(&scratch);
    for skopeo in skopeos() {
        let copy = |from: &str, to: &str| {
            let arguments = [
                "--insecure-policy",
                "copy",
                "-q",
                "--all",
                "--preserve-digests",
                from,
                to,
            ];
            Command::new(&skopeo)
                .args(arguments)
                .current_dir(scratch.path(""))
                .output()
                .unwrap()
        };
        let copied = copy("oci:out:v1", "dir:copied");
        assert!(copied.status.success(), "{}", stderr(&copied));
        let manifest = std::fs::read(scratch.path("copied/manifest.json")).unwrap();
        assert_eq!(crate::support::digest(&manifest), digest.trim());
        // docs/interop.md says so.
        let copied = copy("oci:out", "dir:other");
        assert!(stderr(&copied).contains("more than one image in oci, choose an image"));
    }
}

#[test]
fn companions_of_images_are_in_json_and_are_notes_of_verify() {
    let scratch = Scratch::new();
    signed(&scratch);
    let json = scratch.run(&["merge", "--no-sync", "--json", "-o", "out", "in"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    let ids: Vec<&Value> = report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["id"])
        .collect();
    assert_eq!(ids, [&json!("companion-left-out"); 2]);
    let output = scratch
        .command(&["verify", "--json", "in"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["errors"], &report["notes"]),
        (&json!(0), &json!(2))
    );
    // Their blobs are verified, too.
    let sbom = content_of(SPDX);
    let blob = scratch.path(&format!("in/blobs/sha256/{}", hex(&sbom)));
    std::fs::write(blob, sbom.to_ascii_uppercase()).unwrap();
    let output = scratch
        .command(&["verify", "--json", "in"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"][0]["id"], "wrong-digest");
    let message = scratch.fail(&[
        "merge",
        "--no-sync",
        "--referrers",
        "keep",
        "-o",
        "kept",
        "in",
    ]);
    assert!(message.contains("wrong digest"), "{message}");
}
