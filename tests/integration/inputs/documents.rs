//! Documents of a layout that are not valid, or that readers could understand in two ways.

use std::fs;

use serde_json::{Value, json};

use crate::support::*;

/// Writes the layout `in` after a change of its manifest (first argument) and its `index.json`.
fn layout_with(change: impl Fn(&mut Value, &mut Value)) -> Scratch {
    let scratch = Scratch::new();
    let mut layout = amd64().layout(plain);
    let manifest = layout.blobs.pop().unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut index = layout.index.clone();
    change(&mut manifest, &mut index);
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    for key in ["digest", "size"] {
        if index["manifests"][0][key] == layout.index["manifests"][0][key] {
            index["manifests"][0][key] = descriptor[key].clone();
        }
    }
    layout.index = index;
    layout.directory(&scratch, "in");
    scratch
}

#[test]
fn invalid_documents_are_refused() {
    for (change, texts) in [
        (
            (|m, _| m["manifests"] = json!([])) as fn(&mut Value, &mut Value),
            &["ambiguous", "\"manifests\"", "CVE-2021-41190"][..],
        ),
        (
            |m, _| m["mediaType"] = INDEX.into(),
            &["its mediaType is", "but its descriptor has"],
        ),
        (
            |m, _| m["layers"] = "none".into(),
            &["sha256:", "is not valid: invalid type"],
        ),
        (
            |m, _| m["config"]["digest"] = "sha256:../x".into(),
            &["is not a digest"],
        ),
        (|m, _| m["config"]["digest"] = "md5:00".into(), &["digest"]),
        (
            |m, _| m["layers"][0]["size"] = json!(-1),
            &["is not valid", "-1"],
        ),
        (
            |m, _| m["layers"][0]["size"] = json!(1_u64 << 63),
            &[
                "a descriptor has the size 9223372036854775808, expected at most 9223372036854775807",
            ],
        ),
        (
            |m, _| {
                m["layers"][0]["mediaType"] =
                    "application/vnd.oci.image.layer.nondistributable.v1.tar".into();
                let mut layers = m["layers"].as_array().unwrap().clone();
                layers.swap(0, 1);
                m["layers"] = layers.into();
            },
            &["has the wrong content: found diff ID"],
        ),
        (|_, i| i["manifests"] = json!([]), &["in: it has no image"]),
        (
            |_, i| i["manifests"][0]["mediaType"] = "a/b".into(),
            &["index.json", "is a \"a/b\"", "expected an image index"],
        ),
        (
            |_, i| {
                i["manifests"][0]["mediaType"] =
                    "application/vnd.docker.distribution.manifest.v1+prettyjws".into()
            },
            &["Docker schema 1", "skopeo copy --format oci"],
        ),
        (
            |_, i| i["manifests"][0]["size"] = json!(5 << 20),
            &["wrong size"],
        ),
    ] {
        expect(&layout_with(change), &["in"], texts);
    }
    let scratch = layout_with(|_, _| ());
    scratch.write("in/oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#);
    expect(
        &scratch,
        &["in"],
        &["oci-layout is not valid", "\"2.0.0\"", "expected \"1.0.0\""],
    );
    fs::remove_file(scratch.path("in/index.json")).unwrap();
    scratch.write("in/oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    expect(&scratch, &["in"], &["index.json"]);
}

#[test]
fn keys_that_differ_only_in_case_are_refused() {
    for change in [
        (|m, _| m["Layers"] = json!([])) as fn(&mut Value, &mut Value),
        (|m, _| m["layers"][0]["Digest"] = "x".into()),
        (|m, _| m["MANIFESTS"] = json!([])),
    ] {
        expect(
            &layout_with(change),
            &["in"],
            &["is ambiguous", "CVE-2021-41190"],
        );
    }
    let scratch = Scratch::new();
    let mut image = amd64();
    image.config["Architecture"] = "arm64".into();
    scratch.write("a.tar", &image.docker_archive());
    image.layout(gzipped).directory(&scratch, "in");
    for input in ["a.tar", "in"] {
        expect(&scratch, &[input], &["\"Architecture\"", "CVE-2021-41190"]);
    }
}
