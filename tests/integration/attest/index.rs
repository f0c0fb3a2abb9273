//! Documents in the image index, in the form of BuildKit.

use serde_json::{Value, json};

use super::*;
use crate::real_tools::writer::{attestation_of, image, index, with_roots};

#[test]
fn documents_become_attestations_like_those_of_buildkit() {
    let scratch = documents();
    let merged = scratch.merge(&[&ALL[..], &["a.tar", "b.tar"]].concat());
    let platforms = [
        "linux/amd64",
        "linux/arm64",
        "unknown/unknown",
        "unknown/unknown",
    ];
    assert_eq!(merged.platforms(), platforms);
    let manifests = merged.index["manifests"].as_array().unwrap();
    for (image, (entry, manifest)) in
        (manifests.iter()).zip(manifests.iter().zip(&merged.manifests).skip(2))
    {
        assert_eq!(
            entry["annotations"],
            json!({
                "vnd.docker.reference.digest": image["digest"],
                "vnd.docker.reference.type": "attestation-manifest",
            })
        );
        // skopeo 1.9 refuses an index that has one.
        assert_eq!(entry.get("artifactType"), None);
        assert_eq!(
            manifest["artifactType"],
            "application/vnd.docker.attestation.manifest.v1+json"
        );
        assert_eq!(
            manifest["config"],
            json!({
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": digest(b"{}"), "size": 2, "data": "e30=",
            })
        );
        assert_eq!(
            manifest["subject"],
            json!({
                "mediaType": MANIFEST, "digest": image["digest"], "size": image["size"],
            })
        );
        for layer in manifest["layers"].as_array().unwrap() {
            assert_eq!(layer["mediaType"], IN_TOTO);
            let statement: Value = serde_json::from_slice(&merged.content(layer)).unwrap();
            assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
            assert_eq!(statement["subject"], subject(image));
            assert_eq!(
                layer["annotations"],
                json!({ PREDICATE_TYPE: statement["predicateType"] })
            );
        }
    }
    let types = |i: usize| -> Vec<&Value> {
        (merged.layers[i].iter())
            .map(|layer| &layer["annotations"][PREDICATE_TYPE])
            .collect()
    };
    assert_eq!(
        types(2),
        [
            "https://slsa.dev/provenance/v1",
            "https://spdx.dev/Document"
        ]
    );
    assert_eq!(
        types(3),
        [
            "https://cyclonedx.org/bom",
            "https://slsa.dev/provenance/v1"
        ]
    );
}

/// Guarantee 2: a document is not serialised again.
#[test]
fn a_statement_contains_the_bytes_of_the_document() {
    let scratch = documents();
    let merged = scratch.merge(&["--attest", "sbom.json", "a.tar"]);
    let statement = String::from_utf8(merged.content(&merged.layers[1][0])).unwrap();
    let predicate = statement.split_once(r#""predicate":"#).unwrap().1;
    assert_eq!(predicate, format!("{}}}", SBOM.trim()));
    let merged = scratch.merge_to("statement", &["--attest", "provenance.json", "a.tar"]);
    let statement = String::from_utf8(merged.content(&merged.layers[1][0])).unwrap();
    assert!(
        statement.ends_with(r#""predicate":{"n":1.50}}"#),
        "{statement}"
    );
}

/// Guarantee 1.
#[test]
fn the_same_documents_give_the_same_bytes() {
    let scratch = documents();
    let expected = scratch.merge(&[&ALL[..], &["a.tar", "b.tar"]].concat());
    let mut other_order = vec!["--jobs", "1"];
    other_order.extend(ALL.chunks(2).rev().flatten());
    other_order.extend(["--attest", "linux/amd64=sbom.json", "b.tar", "a.tar"]);
    for (output, arguments) in [
        ("order", other_order),
        ("archive.tar", [&ALL[..], &["a.tar", "b.tar"]].concat()),
        // Attaching a document again changes nothing.
        ("again", [&ALL[..], &["out"]].concat()),
        ("linked", [&["--link"], &ALL[..], &["out"]].concat()),
        ("kept", vec!["--compression", "keep", "out"]),
    ] {
        let merged = scratch.merge_to(output, &arguments);
        assert_eq!(merged.digest, expected.digest, "{output}");
        assert!(!merged.stderr.contains("warning"), "{}", merged.stderr);
    }
}

/// Layers that come from an earlier merge do not change the manifest that a document describes.
#[test]
fn reused_layers_give_the_same_attestations() {
    let scratch = documents();
    scratch.run(&["merge", "--layer-records", "-o", "recorded", "a.tar"]);
    let expected = scratch.merge_to("fresh", &["--attest", "sbom.json", "a.tar"]);
    let merged = scratch.merge(&["--reuse", "recorded", "--attest", "sbom.json", "a.tar"]);
    assert_eq!(merged.digest, expected.digest);
}

#[test]
fn attestations_of_the_input_stay_as_they_are_and_come_first() {
    let scratch = documents();
    let mut layout = Layout::default();
    let amd64 = image(&mut layout, "linux/amd64");
    let statement = PROVENANCE.replace("{\"n\"", "{\"of\":\"BuildKit\",\"n\"");
    let own = attestation_of(&mut layout, &amd64, statement.as_bytes());
    let index = index(&mut layout, &[&amd64, &own]);
    with_roots(layout, &[&index]).directory(&scratch, "in");
    let merged = scratch.merge(&["--attest", "sbom.json", "in"]);
    let manifests = merged.index["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), 3);
    assert_eq!(manifests[1], own);
    assert_eq!(
        merged.layers[2][0]["annotations"][PREDICATE_TYPE],
        "https://spdx.dev/Document"
    );
    // A changed manifest has only the new one.
    let annotate = [
        "--annotation",
        "manifest:a=b",
        "--attest",
        "sbom.json",
        "in",
    ];
    let merged = scratch.merge_to("changed", &annotate);
    assert!(
        merged.stderr.contains("its attestation was left out"),
        "{}",
        merged.stderr
    );
    assert_eq!(merged.platforms(), ["linux/amd64", "unknown/unknown"]);
    let statement: Value = serde_json::from_slice(&merged.content(&merged.layers[1][0])).unwrap();
    assert_eq!(statement["subject"], subject(&merged.index["manifests"][0]));
}

#[test]
fn later_merges_keep_the_attestations_of_the_platforms_that_they_take() {
    let scratch = documents();
    let first = scratch.merge(&[&ALL[..], &["a.tar", "b.tar"]].concat());
    let one = scratch.merge_to("one", &["--platform", "linux/arm64", "out"]);
    assert_eq!(one.platforms(), ["linux/arm64", "unknown/unknown"]);
    let kept = |i: usize| first.index["manifests"][i].clone();
    assert_eq!(one.index["manifests"], json!([kept(1), kept(3)]));
    assert!(
        one.stderr.contains("an attestation was left out"),
        "{}",
        one.stderr
    );
    scratch.write("c.tar", &TestImage::new("linux/riscv64").docker_archive());
    let more = scratch.merge_to("more", &["--link", "c.tar", "out"]);
    assert_eq!(
        more.index["manifests"].as_array().unwrap()[3..],
        [kept(2), kept(3)]
    );
}

#[test]
fn both_images_of_one_platform_get_the_document() {
    let scratch = documents();
    scratch.merge_to("zstd", &["--compression", "zstd", "a.tar"]);
    scratch.merge_to("gzip", &["--compression", "gzip", "a.tar"]);
    let attest = ["--compression", "keep", "--attest", "linux/amd64=sbom.json"];
    let merged = scratch.merge(&[&attest[..], &["gzip", "zstd"]].concat());
    let manifests = merged.index["manifests"].as_array().unwrap();
    for i in [0, 1] {
        let described = &manifests[2 + i]["annotations"]["vnd.docker.reference.digest"];
        assert_eq!(*described, manifests[i]["digest"]);
    }
}
