//! Which images of an input are merged: `IMAGE#WHICH` and `--platform`.

use std::fs;

use serde_json::json;

use crate::support::*;

/// A docker-archive of several images with their tags, as `docker save` writes it.
fn several(images: &[(&[&str], &TestImage)]) -> Vec<u8> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut items = Vec::new();
    for (tags, image) in images {
        let config = image.config_bytes();
        let names: Vec<String> = image
            .layers
            .iter()
            .map(|l| format!("{}.tar", hex(l)))
            .collect();
        for (name, layer) in names.iter().zip(&image.layers) {
            files.push((name.clone(), layer.clone()));
        }
        let config_name = format!("{}.json", hex(&config));
        items.push(json!({ "Config": config_name, "RepoTags": tags, "Layers": names }));
        files.push((config_name, config));
    }
    files.push(("manifest.json".into(), serde_json::to_vec(&items).unwrap()));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
    tar(&files)
}

#[test]
fn images_that_share_a_tag_are_all_merged() {
    let scratch = Scratch::new();
    let (a, b) = (TestImage::new("linux/amd64"), TestImage::new("linux/arm64"));
    scratch.write("in.tar", &several(&[(&["x:1"], &a), (&["x:1"], &b)]));
    let merged = scratch.merge(&["in.tar"]);
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
}

#[test]
fn one_of_several_images_is_selected_by_tag_or_position() {
    let scratch = Scratch::new();
    let (a, b) = (TestImage::new("linux/amd64"), TestImage::new("linux/arm64"));
    let archive = several(&[(&["x:1", "x:latest"], &a), (&["me/y:2"], &b)]);
    scratch.write("in.tar", &archive);
    scratch.write("in.tar.gz", &gzip(&archive));

    let message = scratch.fail(&["merge", "-o", "out", "in.tar"]);
    for text in [
        "error: in.tar: several images",
        "\n  #@0  #x:1  #x:latest  linux/amd64",
        "\n  #@1  #me/y:2  linux/arm64",
        "hint: pick one with in.tar#x:1 or in.tar#me/y:2",
    ] {
        assert!(message.contains(text), "{text:?} is not in:\n{message}");
    }
    for (which, platform) in [
        ("#x:1", "linux/amd64"),
        ("#docker.io/library/x:latest", "linux/amd64"),
        ("#2", "linux/arm64"),
        ("#@0", "linux/amd64"),
        ("#@1", "linux/arm64"),
    ] {
        for file in ["in.tar", "in.tar.gz"] {
            let input = format!("{file}{which}");
            let merged = scratch.merge(&["--force", &input]);
            assert_eq!(merged.platforms(), [platform], "{input}");
        }
    }
    // A tag that two images share does not select one of them, and images without a name are several too.
    scratch.write("tags.tar", &several(&[(&["x:1"], &a), (&["y:1"], &b)]));
    scratch.write("unnamed.tar", &several(&[(&[], &a), (&[], &b)]));
    for input in ["tags.tar#1", "unnamed.tar"] {
        let message = scratch.fail(&["merge", "-o", "no", input]);
        assert!(message.contains("several images"), "{message}");
    }
    let message = scratch.fail(&["merge", "-o", "no", "no.tar#v1"]);
    assert!(
        message.contains("no.tar: no such file or directory (to take #v1 of it)"),
        "{message}"
    );
    let message = scratch.fail(&["merge", "-o", "no", "in.tar#z"]);
    assert!(message.contains("no image #z; it has\n  #@0"), "{message}");
}

#[test]
fn one_of_several_images_in_a_layout_is_selected_by_tag() {
    let scratch = Scratch::new();
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    let other = TestImage::new("linux/arm64").layout(gzipped);
    layout.blobs.extend(other.blobs);
    let mut manifests = vec![
        layout.index["manifests"][0].clone(),
        other.index["manifests"][0].clone(),
        layout.index["manifests"][0].clone(),
    ];
    for (manifest, tag) in manifests.iter_mut().zip(["a", "b", "c"]) {
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    }
    layout.index["manifests"] = manifests.into();
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(
        message.contains("several images")
            && message.contains("\n  #@0  #a  #c  linux/amd64  sha256:")
            && message.contains("\n  #@1  #b  linux/arm64  sha256:")
            && message.contains("hint: pick one with in#a or in#b"),
        "{message}"
    );
    for (which, platform) in [
        ("a", "linux/amd64"),
        ("b", "linux/arm64"),
        ("c", "linux/amd64"),
    ] {
        let output = format!("out-{which}");
        let merged = scratch.merge_to(&output, &[&format!("in#{which}")]);
        assert_eq!(merged.platforms(), [platform]);
        // The name in the layout is not copied.
        assert_eq!(merged.index["manifests"][0].get("annotations"), None);
    }
    let both = scratch.merge_to("both", &["in#a", "in#b"]);
    assert_eq!(both.manifests.len(), 2);
}

#[test]
fn the_platform_option_selects_images_of_any_input() {
    let scratch = Scratch::new();
    for (name, platform) in [
        ("a", "linux/amd64"),
        ("b", "linux/arm/v7"),
        ("c", "linux/arm64"),
    ] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
    }
    scratch.run(&["merge", "-o", "all", "a", "b", "c"]);
    for (wanted, found) in [
        (&["linux/amd64"][..], &["linux/amd64"][..]),
        (&["linux/arm"], &["linux/arm/v7"]),
        (
            &["linux/arm64/v8", "linux/amd64"],
            &["linux/amd64", "linux/arm64"],
        ),
    ] {
        let options: Vec<&str> = wanted.iter().flat_map(|p| ["--platform", *p]).collect();
        for inputs in [&["all"][..], &["a", "b", "c"]] {
            let arguments = [&["--force"], &options[..], inputs].concat();
            let merged = scratch.merge(&arguments);
            assert_eq!(merged.platforms(), found, "{arguments:?}");
        }
    }
    let message = scratch.fail(&["merge", "-o", "x", "--platform", "linux/s390x", "a", "b"]);
    assert!(
        message.contains("no image for the platform linux/s390x; there are"),
        "{message}"
    );
}

#[test]
fn the_platform_option_matches_variants_as_a_runtime_does() {
    let scratch = Scratch::new();
    scratch.write("arm.tar", &TestImage::new("linux/arm").docker_archive());
    scratch.write("amd64.tar", &TestImage::new("linux/amd64").docker_archive());
    let message = scratch.fail(&[
        "merge",
        "-o",
        "x",
        "--platform",
        "linux/arm/v6",
        "arm.tar",
        "amd64.tar",
    ]);
    let offered = "no image for the platform linux/arm/v6; there are";
    assert!(
        message.contains(offered) && message.contains("linux/amd64"),
        "{message}"
    );
    scratch.run(&[
        "merge",
        "-o",
        "v7",
        "--platform",
        "linux/arm/v7",
        "arm.tar",
        "amd64.tar",
    ]);
    scratch.run(&[
        "merge",
        "-o",
        "v6",
        "--platform",
        "linux/arm/v6",
        "linux/arm/v6=arm.tar",
    ]);
    // The platform asserted for an unselected input is checked too.
    let wrong = [
        "--platform",
        "linux/amd64",
        "linux/amd64=arm.tar",
        "amd64.tar",
    ];
    let message = scratch.fail(&[&["merge", "-o", "x"], &wrong[..]].concat());
    assert!(
        message.contains("its platform is linux/arm by its config"),
        "{message}"
    );
}

#[test]
fn the_manifest_of_an_unselected_platform_may_be_missing() {
    // Docker saves such an index if it has pulled one platform only.
    let scratch = Scratch::new();
    let (layout, digests) = attested();
    layout.directory(&scratch, "in");
    let missing = format!("in/blobs/{}", digests[0].replace(':', "/"));
    fs::remove_file(scratch.path(&missing)).unwrap();
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(message.contains("take those with --platform"), "{message}");
    scratch.run(&["merge", "-o", "out", "--platform", "linux/arm64", "in"]);
}
