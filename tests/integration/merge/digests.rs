//! `IMAGE#@sha256:…` picks an image or an index of an input by a prefix of its digest.

use serde_json::Value;

use crate::real_tools::writer::{attestation_of, image, index, named, with_roots};
use crate::support::*;

fn digest_of(descriptor: &Value) -> &str {
    descriptor["digest"].as_str().unwrap()
}

/// A layout of a named index that has an index of two images, one of them attested, and of a named image.
#[test]
fn images_and_indexes_at_any_depth_are_picked_by_digest() {
    let scratch = Scratch::new();
    let mut layout = Layout::default();
    let amd64 = image(&mut layout, "linux/amd64");
    let arm64 = image(&mut layout, "linux/arm64");
    let riscv64 = image(&mut layout, "linux/riscv64");
    let s390x = image(&mut layout, "linux/s390x");
    let attestation = attestation_of(&mut layout, &amd64, b"statement");
    let inner = index(&mut layout, &[&amd64, &arm64, &attestation]);
    let outer = named(index(&mut layout, &[&inner, &riscv64]), "v1");
    let roots = [&outer, &named(s390x.clone(), "v2")];
    with_roots(layout, &roots).directory(&scratch, "in");

    for (of, platforms, attestations) in [
        (&amd64, &["linux/amd64"][..], 1),
        (&arm64, &["linux/arm64"], 0),
        (&riscv64, &["linux/riscv64"], 0),
        (&s390x, &["linux/s390x"], 0),
        (&inner, &["linux/amd64", "linux/arm64"], 1),
        (&outer, &["linux/amd64", "linux/arm64", "linux/riscv64"], 1),
    ] {
        let whole = digest_of(of);
        for prefix in [
            &whole[..7 + 12],
            whole,
            &whole.to_uppercase().replace("SHA", "sha"),
        ] {
            let merged = scratch.merge(&["--force", &format!("in#@{prefix}")]);
            let mut found = merged.platforms();
            let unknown = found.iter().filter(|p| *p == "unknown/unknown").count();
            assert_eq!(unknown, attestations, "{prefix}");
            found.retain(|platform| platform != "unknown/unknown");
            assert_eq!(found, platforms, "{prefix}");
            assert!(!merged.stderr.contains("warning"), "{}", merged.stderr);
        }
    }
    // Every command takes the same arguments.
    let argument = format!("in#@{}", &digest_of(&riscv64)[..19]);
    let shown = scratch.json(&["inspect", "--json", &argument]);
    assert_eq!(shown["platforms"][0]["platform"], "linux/riscv64");
    assert_eq!(shown["platforms"].as_array().unwrap().len(), 1);
    let verified = scratch.json(&["verify", "--json", &argument]);
    assert_eq!(verified["inputs"][0]["images"].as_array().unwrap().len(), 1);
    assert_eq!(verified["inputs"][0]["input"], argument);
    let raw = scratch.command(&["inspect", "--raw=manifest", &argument]);
    let raw = { raw }.output().unwrap().stdout;
    assert_eq!(digest(&raw), digest_of(&riscv64));

    let message = scratch.fail(&["merge", "-o", "no", "in#@sha256:"]);
    assert!(
        message.contains("several images have a digest that starts with sha256:"),
        "{message}"
    );
    for of in [&outer, &inner, &amd64, &arm64, &riscv64, &s390x] {
        let line = format!("\n  #@{}", &digest_of(of)[..19]);
        assert!(message.contains(&line), "{line:?} is not in: {message}");
    }
    let message = scratch.fail(&["merge", "-o", "no", "in#@sha256:0"]);
    assert!(
        message.contains("no image #@sha256:0; it has\n"),
        "{message}"
    );
}

/// The images of a docker-archive have no manifests, but IDs.
#[test]
fn images_of_a_docker_archive_are_picked_by_their_ids() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    scratch.write("in.tar", &image.docker_archive());
    let id = digest(&image.config_bytes());
    let merged = scratch.merge(&[&format!("in.tar#@{}", &id[..15])]);
    assert_eq!(merged.platforms(), ["linux/amd64"]);
    let message = scratch.fail(&["merge", "-o", "no", "in.tar#@sha512:"]);
    let hint = "hint: take it with in.tar#test:v1\n";
    assert!(message.ends_with(hint), "{message}");
    let line = format!("  #@0  #test:v1  linux/amd64  {}\n", &id[..19]);
    assert!(message.contains(&line), "{message}");
    let taken = scratch.merge_to("taken", &["in.tar#test:v1"]);
    assert_eq!(taken.stdout, merged.stdout);
}

/// Only one of two images for a platform can have the tag of the platform.
#[test]
fn docker_gets_the_first_of_two_images_for_a_platform() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    scratch.write("gzip.tar", &image.docker_archive());
    scratch.merge_to("zstd", &["--compression", "zstd", "gzip.tar"]);
    let arguments = ["merge", "-o", "out", "--name", "x", "--docker-manifest"];
    let arguments = [&arguments[..], &["gzip.tar", "zstd"]].concat();
    let output = scratch.command(&arguments).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let warning = "left out of manifest.json, which has gzip.tar for the same platform";
    assert!(stderr(&output).contains(warning), "{}", stderr(&output));
    let items = std::fs::read(scratch.path("out/manifest.json")).unwrap();
    let items: Value = serde_json::from_slice(&items).unwrap();
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(
        items[0]["RepoTags"],
        serde_json::json!([
            "docker.io/library/x:latest-linux-amd64",
            "docker.io/library/x:latest"
        ])
    );
}
