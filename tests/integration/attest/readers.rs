//! What `inspect`, `verify` and other tools read of attached documents.

use serde_json::{Value, json};

use super::*;
use crate::real_tools::corpus::pushed;

/// A layout `out` with all documents in both forms.
fn attached() -> (Scratch, Merged) {
    let scratch = documents();
    let options = [
        &ALL[..],
        &["--attest-as", "index,referrers", "--name", "me/app:v1"],
    ]
    .concat();
    let merged = scratch.merge(&[&options[..], &["a.tar", "b.tar"]].concat());
    (scratch, merged)
}

#[test]
fn inspect_lists_the_documents_of_each_platform() {
    let (scratch, merged) = attached();
    let report = scratch.json(&["inspect", "--json", "out"]);
    let amd64 = &report["platforms"][0];
    let documents = amd64["attached"].as_array().unwrap();
    let facts = |key: &str| -> Vec<&Value> { documents.iter().map(|d| &d[key]).collect() };
    assert_eq!(amd64["attestations"], 1);
    assert_eq!(facts("form")[..2], ["index", "index"]);
    assert_eq!(facts("content")[..2], ["slsa-provenance", "spdx"]);
    assert_eq!(facts("digest")[1], &merged.layers[2][1]["digest"]);
    assert_eq!(facts("size")[1], &merged.layers[2][1]["size"]);
    assert_eq!(
        facts("manifest")[0],
        &merged.index["manifests"][2]["digest"]
    );
    let mut referrers: Vec<(&str, &Value)> = documents[2..]
        .iter()
        .map(|d| (d["mediaType"].as_str().unwrap(), &d["predicateType"]))
        .collect();
    referrers.sort_by_key(|(media_type, _)| *media_type);
    let provenance = json!("https://slsa.dev/provenance/v1");
    assert_eq!(referrers, [(SPDX, &Value::Null), (IN_TOTO, &provenance)]);
    let text = scratch.run(&["inspect", "out"]);
    assert!(
        text.contains("attached: SLSA provenance (index), SBOM (SPDX) (index), "),
        "{text}"
    );
    let text = scratch.run(&["inspect", "--platform", "linux/arm64", "out"]);
    let digest = merged.layers[3][0]["digest"].as_str().unwrap();
    assert!(
        text.contains(&format!("SBOM (CycloneDX), {digest}, ")),
        "{text}"
    );
}

#[test]
fn verify_has_no_finding_about_documents_that_a_merge_attached() {
    let (scratch, _) = attached();
    let arguments = ["merge", "-o", "out.tar", "--platform", "linux/amd64", "out"];
    scratch.run(&arguments);
    for image in ["out", "out.tar"] {
        let report = scratch.json(&["verify", "--json", image]);
        let findings = report["findings"].as_array().unwrap();
        let ids = findings
            .iter()
            .map(|finding| finding["id"].as_str().unwrap());
        let others: Vec<&str> = ids
            .filter(|id| !["companion", "several-descriptors"].contains(id))
            .collect();
        assert!(others.is_empty(), "{report}");
    }
}

#[test]
fn an_sbom_of_one_platform_does_not_mention_the_attestations_of_others() {
    let (scratch, _) = attached();
    let table = scratch.run(&["sbom", "--platform", "linux/amd64", "out"]);
    assert!(!table.contains("attestation"), "{table}");
}

#[test]
fn both_skopeos_copy_an_index_with_attached_documents() {
    let (scratch, merged) = attached();
    let wrong = pushed(&scratch, "out:v1", &merged.digest);
    assert!(wrong.is_empty(), "{wrong:?}");
}
