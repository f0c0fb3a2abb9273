//! Platforms: from the config, asserted by the caller, and their order in the index.

use serde_json::json;

use crate::support::*;

#[test]
fn a_correct_platform_assertion_changes_nothing() {
    let scratch = two_archives();
    let plain = scratch.run(&["merge", "-o", "o1", "a.tar", "b.tar"]);
    let asserted = ["linux/amd64=a.tar", "linux/arm64=b.tar"];
    assert_eq!(
        scratch.run(&[&["merge", "-o", "o2"], &asserted[..]].concat()),
        plain
    );
}

#[test]
fn a_platform_assertion_that_contradicts_the_config_is_refused() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    expect(
        &scratch,
        &["linux/arm64=a.tar"],
        &[
            "a.tar: its platform is linux/amd64 by its config, but it was given as linux/arm64",
            "hint: built with the wrong package set?",
            "linux/amd64=IMAGE",
        ],
    );
}

#[test]
fn a_platform_in_front_selects_one_of_several_images() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    scratch.run(&["merge", "-o", "both", "a.tar", "b.tar"]);
    let merged = scratch.merge(&["linux/arm64=both"]);
    assert_eq!(merged.platforms(), ["linux/arm64"]);
    assert_eq!(
        merged.digest,
        scratch.merge_to("alone", &["b.tar"]).digest,
        "the selected image is not the one that was merged"
    );
    std::fs::remove_dir_all(scratch.path("out")).unwrap();
    expect(
        &scratch,
        &["linux/s390x=both"],
        &["both: no image for the platform linux/s390x; there are linux/amd64, linux/arm64"],
    );
}

#[test]
fn a_platform_in_front_that_two_images_have_is_refused() {
    let scratch = Scratch::new();
    for name in ["v6", "v7"] {
        let mut image = TestImage::new(&format!("linux/arm/{name}"));
        image.layers.push(tar(&[("which", name.as_bytes())]));
        scratch.write(name, &image.docker_archive());
    }
    scratch.run(&["merge", "-o", "both", "v6", "v7"]);
    expect(
        &scratch,
        &["linux/arm=both"],
        &[
            "both: 2 images, but it was given as the platform linux/arm; there are linux/arm/v7, linux/arm/v6",
            "hint: name the variant: linux/arm/v6=IMAGE or linux/arm/v7=IMAGE",
        ],
    );
    let merged = scratch.merge(&["linux/arm/v6=both"]);
    assert_eq!(merged.platforms(), ["linux/arm/v6"]);
}

#[test]
fn an_asserted_arm_variant_is_written_into_the_index() {
    let scratch = Scratch::new();
    for (name, etc) in [("6", "six"), ("7", "seven")] {
        let mut image = TestImage::new("linux/arm");
        image.layers.push(tar(&[("etc/which", etc.as_bytes())]));
        scratch.write(name, &image.docker_archive());
    }
    let merged = scratch.merge(&["linux/arm/v6=6", "linux/arm/v7=7"]);
    assert_eq!(merged.platforms(), ["linux/arm/v7", "linux/arm/v6"]);
    // It stays there when the layout is merged again, as mkMultiArchImage does.
    assert_eq!(scratch.merge_to("again", &["out"]).digest, merged.digest);
}

#[test]
fn arm_without_a_variant_gives_a_warning() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/arm").docker_archive());
    let warned = scratch.merge(&["a.tar"]).stderr;
    assert!(
        warned.contains("warning: a.tar: linux/arm has no variant")
            && warned.contains("containerd"),
        "{warned}"
    );
    let quiet = scratch.merge_to("o2", &["linux/arm/v6=a.tar"]).stderr;
    assert!(!quiet.contains("warning"), "{quiet}");
}

#[test]
fn a_legacy_architecture_gets_its_current_name_and_a_warning() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/aarch64").docker_archive());
    // Clients match the current name only, so it is in the index with and without an assertion.
    for image in ["linux/arm64=a.tar", "a.tar"] {
        let merged = scratch.merge(&["--force", image]);
        let warned = &merged.stderr;
        assert!(
            warned.contains("warning: a.tar: its config calls the architecture \"aarch64\""),
            "{warned}"
        );
        assert!(
            warned.contains("--set-platform IMAGE=linux/arm64"),
            "{warned}"
        );
        assert_eq!(merged.platforms(), ["linux/arm64"]);
        assert_eq!(merged.configs[0]["architecture"], "aarch64");
    }
}

#[test]
fn every_platform_field_of_the_config_is_in_the_index() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("windows/amd64");
    image.config["os.version"] = "10.0.20348.169".into();
    image.config["os.features"] = json!(["win32k"]);
    image.config["variant"] = "v2".into();
    scratch.write("w.tar", &image.docker_archive());
    let merged = scratch.merge(&["w.tar"]);
    assert_eq!(
        merged.index["manifests"][0]["platform"],
        json!({
            "architecture": "amd64", "os": "windows", "os.version": "10.0.20348.169",
            "os.features": ["win32k"], "variant": "v2",
        })
    );
}

#[test]
fn empty_or_contradictory_platforms_are_refused() {
    let scratch = Scratch::new();
    let mut image = amd64();
    image.config["os"] = "".into();
    scratch.write("a.tar", &image.docker_archive());
    image.layout(gzipped).directory(&scratch, "in");
    expect(&scratch, &["a.tar"], &["no platform"]);
    expect(&scratch, &["in"], &["no platform"]);
    let mut image = amd64();
    image.config["os.version"] = "10.0.1".into();
    let mut layout = image.layout(gzipped);
    layout.index["manifests"][0]["platform"] =
        json!({ "os": "linux", "architecture": "amd64", "os.version": "10.0.2" });
    layout.directory(&scratch, "version");
    expect(
        &scratch,
        &["version"],
        &["(10.0.1) by its config, but index.json says", "(10.0.2)"],
    );
    for (name, platform) in [("7", "linux/arm"), ("v7", "linux/arm/v7")] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
    }
    expect(
        &scratch,
        &["7", "v7"],
        &["two images for the platform linux/arm"],
    );
}

#[test]
fn two_images_for_one_platform_are_refused() {
    let scratch = Scratch::new();
    let mut other = amd64();
    other.layers.pop();
    scratch.write("a.tar", &amd64().docker_archive());
    scratch.write("b.tar", &other.docker_archive());
    let text = "error: two images for the platform linux/amd64: a.tar and b.tar\nhint: ";
    expect(&scratch, &["a.tar", "b.tar"], &[text]);
    expect(&scratch, &["b.tar", "a.tar"], &[text]);
    // containerd treats the variants "7" and "v7" as equal.
    scratch.write("7", &TestImage::new("linux/arm/7").docker_archive());
    scratch.write("v7", &TestImage::new("linux/arm/v7").docker_archive());
    let text = "error: two images for the platform linux/arm/v7: 7 and v7\nhint: ";
    expect(&scratch, &["v7", "7"], &[text]);
}

#[test]
fn images_of_one_architecture_may_differ_in_os_version() {
    let scratch = Scratch::new();
    for version in ["10.0.20348.1", "10.0.17763.1"] {
        let mut image = TestImage::new("windows/amd64");
        image.config["os.version"] = version.into();
        image.config["os.features"] = json!(["win32k"]);
        scratch.write(version, &image.docker_archive());
    }
    let merged = scratch.merge(&["10.0.20348.1", "10.0.17763.1"]);
    let expected = [
        "windows/amd64 (10.0.17763.1)",
        "windows/amd64 (10.0.20348.1)",
    ];
    assert_eq!(merged.platforms(), expected);
    assert_eq!(
        merged.index["manifests"][0]["platform"]["os.features"],
        json!(["win32k"])
    );
}

#[test]
fn the_index_sorts_platforms_whatever_the_order_of_the_inputs() {
    let scratch = Scratch::new();
    let sorted = [
        "linux/386",
        "linux/amd64/v3",
        "linux/amd64",
        "linux/arm/v7",
        "linux/arm/v6",
        "linux/arm64",
        "linux/loong64",
        "linux/mips64le",
        "linux/ppc64le",
        "linux/riscv64",
        "linux/s390x",
        "windows/amd64",
    ];
    let mut inputs: Vec<String> = Vec::new();
    for (i, platform) in sorted.iter().enumerate() {
        inputs.insert(0, format!("{i}.tar"));
        scratch.write(&inputs[0], &TestImage::new(platform).docker_archive());
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    assert_eq!(scratch.merge(&inputs).platforms(), sorted);
}

#[test]
fn an_artifact_alone_needs_a_platform_in_its_descriptor() {
    let scratch = Scratch::new();
    let mut layout = Layout::default();
    let config = layout.blob("application/vnd.oci.empty.v1+json", b"{}");
    let layer = layout.blob("application/vnd.example.thing", b"thing");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example",
        "config": config, "layers": [layer],
    });
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    let kind = r#"an artifact of the type "application/vnd.example", not a container image"#;
    assert!(message.contains(kind), "{message}");
    layout.index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    layout.directory(&scratch, "in");
    scratch.run(&["merge", "-o", "out", "in"]);
}
