//! Documents as referrers beside the image.

use serde_json::{Value, json};

use super::*;

const BOTH: [&str; 2] = ["--attest-as", "index,referrers"];

/// The referrers of a merged layout, with their subjects: the descriptors in its lists.
fn listed(merged: &Merged) -> Vec<(Value, Value)> {
    let lists = &merged.root["manifests"].as_array().unwrap()[1..];
    let entries = lists.iter().flat_map(|list| {
        let list: Value = serde_json::from_slice(&merged.content(list)).unwrap();
        list["manifests"].as_array().unwrap().clone()
    });
    entries
        .map(|entry| {
            let manifest = serde_json::from_slice(&merged.content(&entry)).unwrap();
            (entry, manifest)
        })
        .collect()
}

#[test]
fn documents_become_referrers_of_the_types_that_clients_look_for() {
    let scratch = documents();
    let options = [&ALL[..], &["--attest-as", "referrers"]].concat();
    let merged = scratch.merge(&[&options[..], &["a.tar", "b.tar"]].concat());
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
    let referrers = listed(&merged);
    let mut types: Vec<&str> = Vec::new();
    for (entry, manifest) in &referrers {
        let artifact_type = entry["artifactType"].as_str().unwrap();
        types.push(artifact_type);
        assert_eq!(manifest["artifactType"], artifact_type);
        assert_eq!(
            manifest["config"]["mediaType"],
            "application/vnd.oci.empty.v1+json"
        );
        let layer = &manifest["layers"][0];
        assert_eq!(layer["mediaType"], artifact_type);
        let annotations = match artifact_type {
            IN_TOTO => json!({ PREDICATE_TYPE: "https://slsa.dev/provenance/v1" }),
            _ => Value::Null,
        };
        assert_eq!(manifest["annotations"], annotations);
        assert_eq!(entry["annotations"], annotations);
    }
    types.sort();
    let cyclonedx = "application/vnd.cyclonedx+json";
    assert_eq!(types, [SPDX, cyclonedx, IN_TOTO, IN_TOTO]);
    let (_, sbom) = referrers
        .iter()
        .find(|(entry, _)| entry["artifactType"] == SPDX)
        .unwrap();
    assert_eq!(merged.content(&sbom["layers"][0]), SBOM.trim().as_bytes());
    assert_eq!(
        sbom["subject"]["digest"],
        merged.index["manifests"][0]["digest"]
    );
}

#[test]
fn both_forms_together_have_one_copy_of_each_statement() {
    let scratch = documents();
    let merged = scratch.merge(&[&BOTH[..], &["--attest", "provenance.json", "a.tar"]].concat());
    let (_, referrer) = &listed(&merged)[0];
    assert_eq!(
        referrer["layers"][0]["digest"],
        merged.layers[1][0]["digest"]
    );
    // The referrers do not change the image.
    let index = scratch.merge_to("index", &["--attest", "provenance.json", "a.tar"]);
    assert_eq!(index.digest, merged.digest);
    assert!(
        merged
            .stderr
            .contains("push it: oras cp --recursive --from-oci-layout out@sha256:")
    );
    assert!(index.stderr.contains("push it: skopeo copy --all"));
}

#[test]
fn referrers_that_an_input_has_are_kept_beside_the_new_ones() {
    let scratch = documents();
    let attest = [
        "--attest-as",
        "referrers",
        "--attest",
        "linux/amd64=sbom.json",
    ];
    let first = scratch.merge(&[&attest[..], &["a.tar", "b.tar"]].concat());
    let keep = [
        "--referrers",
        "keep",
        "--attest-as",
        "referrers",
        "--attest",
    ];
    let again = scratch.merge_to(
        "again",
        &[&keep[..], &["linux/amd64=sbom.json", "out"]].concat(),
    );
    assert_eq!(again.root, first.root);
    assert!(!again.stderr.contains("warning"), "{}", again.stderr);
    let more = scratch.merge_to(
        "more",
        &[&keep[..], &["linux/arm64=bom.json", "out"]].concat(),
    );
    assert_eq!(listed(&more).len(), 2);
    // Without --referrers keep, a warning names the old one.
    let dropped = [
        &[
            "--attest-as",
            "referrers",
            "--attest",
            "linux/arm64=bom.json",
        ],
        &["out"][..],
    ];
    let dropped = scratch.merge_to("dropped", &dropped.concat());
    assert_eq!(listed(&dropped).len(), 1);
    assert!(
        dropped.stderr.contains("was left out"),
        "{}",
        dropped.stderr
    );
    // An unselected platform takes its referrers with it.
    let one = ["--referrers", "keep", "--platform", "linux/arm64", "more"];
    assert_eq!(listed(&scratch.merge_to("one", &one)).len(), 1);
}

#[test]
fn an_archive_cannot_have_referrers() {
    let scratch = documents();
    let arguments = [
        "merge",
        "-o",
        "x.tar",
        "--attest-as",
        "referrers",
        "--attest",
        "sbom.json",
        "a.tar",
    ];
    let output = scratch.command(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(
        message.contains("--attest-as referrers needs an oci-layout output"),
        "{message}"
    );
}
