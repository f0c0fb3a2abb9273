//! Several images: merged again, given twice, or with layers in common.

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn a_multi_platform_image_can_be_merged_with_another_image() {
    let scratch = two_archives();
    scratch.write("c.tar", &TestImage::new("linux/riscv64").docker_archive());
    let once = scratch.run(&["merge", "-o", "once", "a.tar", "b.tar", "c.tar"]);
    scratch.run(&["merge", "-o", "ab.tar", "a.tar", "b.tar"]);
    let twice = scratch.run(&["merge", "-o", "twice", "ab.tar", "c.tar"]);
    assert_eq!(once, twice);
}

#[test]
fn an_image_given_twice_is_merged_once() {
    let scratch = two_archives();
    let expected = scratch.run(&["merge", "-o", "once", "a.tar", "b.tar"]);
    assert_eq!(
        scratch.run(&["merge", "-o", "twice", "once", "once"]),
        expected
    );

    let merged = scratch.merge_to("thrice", &["a.tar", "b.tar", "a.tar"]);
    assert_eq!(merged.digest, expected);
    let warning = "warning: a.tar and a.tar are the same image for linux/amd64";
    assert!(merged.stderr.contains(warning), "{}", merged.stderr);
}

#[test]
fn nested_indexes_are_flattened() {
    let scratch = Scratch::new();
    let mut layout = amd64().layout(gzipped);
    let expected = layout.index["manifests"][0]["digest"].clone();
    for _ in 0..3 {
        let index = json!({
            "schemaVersion": 2, "mediaType": INDEX, "manifests": layout.index["manifests"],
        });
        let descriptor = layout.blob(INDEX, &serde_json::to_vec(&index).unwrap());
        layout.index["manifests"] = json!([descriptor]);
    }
    layout.directory(&scratch, "nested");
    let merged = scratch.merge_to("flat", &["nested"]);
    assert_eq!(merged.index["manifests"][0]["digest"], expected);
}

/// The image is given with an attestation, and without one but with an annotation.
#[test]
fn annotations_and_attestations_of_an_image_given_twice_are_united() {
    let scratch = Scratch::new();
    let (layout, _) = attested();
    layout.directory(&scratch, "with");
    layout.directory(&scratch, "again");
    let mut index: Value = serde_json::from_slice(layout.blobs.last().unwrap()).unwrap();
    let manifests = index["manifests"].as_array_mut().unwrap();
    manifests.truncate(2);
    manifests[0]["annotations"] = json!({ "note": "one" });
    let mut plain = layout.clone();
    plain.blobs.pop();
    let descriptor = plain.blob(INDEX, &serde_json::to_vec(&index).unwrap());
    plain.index["manifests"] = json!([descriptor]);
    for name in ["a-plain", "z-plain"] {
        plain.directory(&scratch, name);
    }
    let orders = [
        &["with", "a-plain"][..],
        &["z-plain", "with"],
        &["with", "again", "a-plain", "z-plain"],
    ];
    let digests = orders.map(|inputs| {
        let merged = scratch.merge(&[&["-f"], inputs].concat());
        assert_eq!(merged.index["manifests"].as_array().unwrap().len(), 4);
        assert_eq!(merged.index["manifests"][0]["annotations"]["note"], "one");
        merged.digest
    });
    assert!(
        digests.windows(2).all(|pair| pair[0] == pair[1]),
        "{digests:?}"
    );

    scratch.write("arm.tar", &TestImage::new("linux/arm").docker_archive());
    let one = scratch.merge_to("o1", &["arm.tar", "linux/arm/v7=arm.tar"]);
    assert_eq!(
        scratch.run(&["merge", "-o", "o2", "linux/arm/v7=arm.tar", "arm.tar"]),
        one.digest
    );
    assert_eq!(one.platforms(), ["linux/arm/v7"]);
}

#[test]
fn a_layer_with_two_different_diff_ids_is_refused() {
    let scratch = Scratch::new();
    let (good, bad) = (TestImage::new("linux/amd64"), TestImage::new("linux/arm64"));
    good.layout(gzipped).directory(&scratch, "good");
    // Both images name the same blob, but their configs have different diff IDs for it.
    let other = gzip(&good.layers[1]);
    let own = bad.layers[1].clone();
    bad.layout(|layer| match layer == own {
        true => (gzipped(layer).0, other.clone()),
        false => gzipped(layer),
    })
    .directory(&scratch, "bad");
    scratch.fail(&["merge", "-o", "out", "bad"]);
    let message = scratch.fail(&["merge", "-o", "out", "good", "bad"]);
    assert!(
        message
            .contains("two configs contradict each other about the content of the layer sha256:")
            && message.contains(": bad ("),
        "{message}"
    );
}

#[test]
fn a_shared_layer_gives_the_same_index_in_files_and_in_streams() {
    let scratch = Scratch::new();
    for (name, platform) in [
        ("a", "linux/amd64"),
        ("b", "linux/arm64"),
        ("c", "linux/s390x"),
    ] {
        let archive = TestImage::new(platform).docker_archive();
        scratch.write(&format!("{name}.tar"), &archive);
        scratch.write(&format!("{name}.tar.gz"), &gzip(&archive));
    }
    for compression in ["gzip", "zstd", "none"] {
        for jobs in ["1", "4"] {
            let options = ["--compression", compression, "--jobs", jobs, "-f", "-o"];
            let merge = |output, inputs: &[&str]| {
                scratch.run(&[&["merge"], &options[..], &[output], inputs].concat())
            };
            let plain = merge("plain", &["a.tar", "b.tar", "c.tar"]);
            assert_eq!(merge("gz", &["a.tar.gz", "b.tar.gz", "c.tar.gz"]), plain);
            assert_eq!(merge("both", &["c.tar", "a.tar.gz", "b.tar.gz"]), plain);
            Merged::directory(&scratch.path("gz"));
        }
    }
}

#[test]
fn a_streamed_layer_with_the_name_of_another_digest_is_refused() {
    // The entry of both layers has the digest of one of them as its name.
    let (a, b) = (TestImage::new("linux/amd64"), TestImage::new("linux/arm64"));
    let name = format!("{}/layer.tar", hex(&a.layers[1]));
    let archive = |image: &TestImage| {
        let config = image.config_bytes();
        let manifest = json!([{ "Config": "c", "Layers": ["0", name] }]);
        let manifest = serde_json::to_vec(&manifest).unwrap();
        gzip(&tar(&[
            ("0", &image.layers[0]),
            (&name, &image.layers[1]),
            ("c", &config),
            ("manifest.json", &manifest),
        ]))
    };
    let scratch = Scratch::new();
    scratch.write("a", &archive(&a));
    scratch.write("b", &archive(&b));
    scratch.run(&["merge", "-o", "alone", "b"]);
    let message = scratch.fail(&["merge", "--jobs", "1", "-o", "out", "a", "b"]);
    assert!(message.contains("its name is not its digest"), "{message}");
}
