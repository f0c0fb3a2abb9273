//! Which documents are attached, and to which image.

use std::fs::File;

use serde_json::{Value, json};

use super::*;

/// A statement about a manifest.
fn statement(subject: Value) -> String {
    let mut statement: Value = serde_json::from_str(PROVENANCE).unwrap();
    statement["subject"] = subject;
    statement.to_string()
}

#[test]
fn the_subject_of_a_statement_chooses_its_image() {
    let scratch = documents();
    let plain = scratch.merge_to("plain", &["a.tar", "b.tar"]);
    let arm64 = &plain.index["manifests"][1];
    let about = statement(subject(arm64));
    scratch.write("about.json", about.as_bytes());
    let merged = scratch.merge(&["--attest", "about.json", "a.tar", "b.tar"]);
    assert_eq!(merged.index["manifests"].as_array().unwrap().len(), 3);
    let attestation = &merged.index["manifests"][2];
    assert_eq!(
        attestation["annotations"]["vnd.docker.reference.digest"],
        arm64["digest"]
    );
    assert_eq!(merged.content(&merged.layers[2][0]), about.as_bytes());

    let message = scratch.fail(&[
        "merge",
        "-o",
        "x",
        "--attest",
        "linux/amd64=about.json",
        "a.tar",
        "b.tar",
    ]);
    for part in [
        "error: about.json: its subject is sha256:",
        "the manifest of the image for linux/amd64",
        "hint: attach it to the image that it describes: --attest linux/arm64=about.json\n",
    ] {
        assert!(message.contains(part), "{message}");
    }
    // The manifest that it is about changes.
    let options = ["merge", "-o", "x", "--compression", "zstd", "--attest"];
    let message = scratch.fail(&[&options[..], &["about.json", "a.tar", "b.tar"]].concat());
    for part in ["its subject is sha256:", "hint: create the statement"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn an_sbom_of_another_platform_is_an_error() {
    let scratch = documents();
    scratch.merge_to("plain", &["a.tar", "b.tar"]);
    for platform in ["amd64", "arm64"] {
        let (platform, output) = (format!("linux/{platform}"), format!("{platform}.spdx.json"));
        let options = ["sbom", "--platform", &platform, "-o", &output, "plain"];
        scratch.run(&options);
    }
    let attach = |own: &'static str| {
        let options = ["merge", "-f", "-o", "x", "--attest", own, "plain"];
        scratch.command(&options).output().unwrap()
    };
    assert!(attach("linux/arm64=arm64.spdx.json").status.success());
    let swapped = attach("linux/amd64=arm64.spdx.json");
    let message = stderr(&swapped);
    for part in [
        "error: arm64.spdx.json: its subject is sha256:",
        "the manifest of the image for linux/amd64",
        "hint: attach it to the image that it describes: --attest linux/arm64=arm64.spdx.json\n",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn an_empty_subject_is_filled_in() {
    let scratch = documents();
    scratch.write("empty.json", statement(json!([])).as_bytes());
    let filled = scratch.merge_to("filled", &["--attest", "empty.json", "a.tar"]);
    let read = |merged: &Merged| -> Value {
        serde_json::from_slice(&merged.content(&merged.layers[1][0])).unwrap()
    };
    assert_eq!(
        read(&filled)["subject"],
        subject(&filled.index["manifests"][0])
    );
    let missing = scratch.merge_to("missing", &["--attest", "provenance.json", "a.tar"]);
    assert_eq!(read(&missing), read(&filled));
    let keys: Vec<String> = read(&missing)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(keys, ["_type", "subject", "predicateType", "predicate"]);
}

/// Guarantee 2.
#[test]
fn the_other_bytes_of_a_statement_stay_when_a_subject_is_added() {
    const PREDICATE: &str = r#""predicate" : { "n": 1.50, "big": 123456789012345678901234567890, "huge": 1e400, "tiny": -0.0e-0,
  "text": "\u00e9\/", "\u0061": [ ] } "#;
    let scratch = documents();
    let plain = scratch.merge_to("plain", &["a.tar"]);
    let added = subject(&plain.index["manifests"][0]).to_string();
    let head = r#""_type" : "https://in-toto.io/Statement/v0.1" "#;
    let tail = format!(r#""predicateType":"https://example.com/x", {PREDICATE}"#);
    for (name, before, after) in [
        (
            "missing",
            format!("{{ {head}, {tail}}}"),
            format!(
                "{{ {}, {tail}}}",
                head.replace("v0.1\" ", &format!("v0.1\",\"subject\":{added} "))
            ),
        ),
        (
            "null",
            format!("{{{head},\n \"subject\" : null , {tail}}}"),
            format!("{{{head},\n \"subject\" : {added} , {tail}}}"),
        ),
        (
            "empty",
            format!("{{{tail}, \"subject\":[ ],{head}}}"),
            format!("{{{tail}, \"subject\":{added},{head}}}"),
        ),
    ] {
        scratch.write("statement.json", before.as_bytes());
        let merged = scratch.merge_to(name, &["--attest", "statement.json", "a.tar"]);
        let found = String::from_utf8(merged.content(&merged.layers[1][0])).unwrap();
        assert_eq!(found, after);
    }
}

#[test]
fn documents_that_readers_understand_in_different_ways_are_refused() {
    let statement = |own: &str, predicate_type: &str, subject: &str, predicate: &str| {
        format!(
            r#"{{"_type":"{own}","subject":{subject},"predicateType":"{predicate_type}","predicate":{predicate}}}"#
        )
    };
    let known = "https://in-toto.io/Statement/v1";
    let scratch = documents();
    for (content, problem) in [
        (
            statement("https://in-toto.io/Statement/v9", "x", "[]", "{}"),
            r#"its _type is "https://in-toto.io/Statement/v9", expected "https://in-toto.io/Statement/v1" or "https://in-toto.io/Statement/v0.1""#,
        ),
        (
            statement("https://example.com/x", "x", "[]", "{}"),
            r#"its _type is "https://example.com/x", expected "#,
        ),
        (
            statement(known, "", "[]", "{}"),
            "its predicateType is empty, expected the URI of a predicate",
        ),
        (
            statement(known, "x", r#"[{"name":"hello"}]"#, "{}"),
            "one of its subjects has no digest, expected a digest in each",
        ),
        (
            statement(known, "x", "[{}]", "{}"),
            "one of its subjects has no digest",
        ),
        (
            statement(known, "x", r#"[{"name":"hello","digest":{}}]"#, "{}"),
            "one of its subjects has no digest",
        ),
        (
            statement(known, "x", "[]", r#"{"a":[{"b":1,"b":2}]}"#),
            r#"has the key "/predicate/a/0/b" twice, expected each key once"#,
        ),
        (
            r#"{"bomFormat":"CycloneDX","components":[{}],"components":[]}"#.to_owned(),
            r#"has the key "/components" twice, expected each key once"#,
        ),
    ] {
        scratch.write("file.json", content.as_bytes());
        let message = scratch.fail(&["merge", "-o", "x", "--attest", "file.json", "a.tar"]);
        let expected = format!("error: file.json: {problem}");
        assert!(message.starts_with(&expected), "{content}: {message}");
    }
}

#[test]
fn a_document_of_several_platforms_needs_one_of_them() {
    let scratch = documents();
    let message = scratch.fail(&[
        "merge",
        "-o",
        "x",
        "--attest",
        "sbom.json",
        "a.tar",
        "b.tar",
    ]);
    for part in [
        "error: sbom.json: it names no platform, and the merged image has several: linux/amd64, linux/arm64",
        "hint: write the platform that it describes: --attest linux/amd64=sbom.json",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let message = scratch.fail(&[
        "merge",
        "-o",
        "x",
        "--attest",
        "linux/arm=sbom.json",
        "a.tar",
    ]);
    let expected = "sbom.json: no image for the platform linux/arm; there are linux/amd64";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn other_files_are_refused_with_what_they_are() {
    let scratch = documents();
    let envelope = r#"{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[]}"#;
    let typed = r#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"x"}"#;
    for (content, found) in [
        ("", "found an empty file"),
        ("#!/bin/sh\n", "found a script"),
        ("[]", "found a JSON document"),
        ("{}", "found an empty JSON object"),
        (
            r#"{"@context":"x","@graph":[]}"#,
            r#"the keys "@context", "@graph""#,
        ),
        (r#"{"spdxVersion":"2.3"}"#, r#"the keys "spdxVersion""#),
        (typed, r#"the keys "_type", "predicateType""#),
        (envelope, "found a DSSE envelope, which is signed"),
        (
            r#"{"spdxVersion":2}"#,
            "is not valid: invalid type: integer",
        ),
        (
            r#"{"spdxVersion":"SPDX-2.3"}{}"#,
            "is not valid: trailing characters",
        ),
        (
            r#"{"_type":"a","_type":"b"}"#,
            "is not valid: duplicate field",
        ),
    ] {
        scratch.write("file.json", content.as_bytes());
        let message = scratch.fail(&["merge", "-o", "x", "--attest", "file.json", "a.tar"]);
        assert!(message.starts_with("error: file.json: is not"), "{message}");
        assert!(message.contains(found), "{content}: {message}");
    }
    let large = File::create(scratch.path("large.json")).unwrap();
    large.set_len(50_000_000).unwrap();
    let message = scratch.fail(&["merge", "-o", "x", "--attest", "large.json", "a.tar"]);
    assert!(
        message.contains("large.json: has 50.0 MB, expected at most 41.9 MB"),
        "{message}"
    );
    let message = scratch.fail(&["merge", "-o", "x", "--attest", "absent.json", "a.tar"]);
    assert!(message.contains("absent.json: no such file"), "{message}");
    // No hint about images in a registry.
    let message = scratch.fail(&["merge", "-o", "x", "--attest", "absent", "a.tar"]);
    assert_eq!(message.trim(), "error: absent: no such file or directory");
    let mut command = scratch.command(&["merge", "-o", "x", "--attest", "linux/arm64=", "a.tar"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = "error: the FILE of --attest after linux/arm64= is missing";
    assert!(message.starts_with(expected), "{message}");
}

/// Guarantee 6.
#[test]
fn a_document_is_never_replaced_by_the_output() {
    let scratch = documents();
    scratch.merge(&["a.tar"]);
    std::fs::copy(scratch.path("sbom.json"), scratch.path("out/sbom.json")).unwrap();
    let options = ["merge", "--force", "-o", "out", "--attest", "out/sbom.json"];
    let message = scratch.fail(&[&options[..], &["a.tar"]].concat());
    assert!(message.contains("out/sbom.json"), "{message}");
}
