//! `--annotation`, and annotations that come with the inputs.

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn an_index_annotation_keeps_its_exact_text() {
    let scratch = two_archives();
    let value = "a=b, \"c\"\n$d \\ é";
    let argument = format!("org.example.key={value}");
    let merged = scratch.merge(&["--annotation", &argument, "a.tar", "b.tar"]);
    assert_eq!(
        merged.index["annotations"],
        json!({ "org.example.key": value })
    );
}

#[test]
fn annotations_are_written_at_their_level() {
    let scratch = two_archives();
    let annotations = [
        "a=1",
        "index:b=2",
        "manifest:c=3",
        "manifest-descriptor:d=4",
        "index-descriptor:e=5",
        "index,manifest:f=6",
        "org.example:g=7",
    ];
    let options: Vec<&str> = annotations
        .iter()
        .flat_map(|a| ["--annotation", a])
        .collect();
    let merged = scratch.merge(&[&options[..], &["a.tar", "b.tar"]].concat());
    let of_index = json!({ "a": "1", "b": "2", "f": "6", "org.example:g": "7" });
    assert_eq!(merged.index["annotations"], of_index);
    assert_eq!(
        merged.root["manifests"][0]["annotations"],
        json!({ "e": "5" })
    );
    for (i, manifest) in merged.manifests.iter().enumerate() {
        assert_eq!(manifest["annotations"], json!({ "c": "3", "f": "6" }));
        assert_eq!(
            merged.index["manifests"][i]["annotations"],
            json!({ "d": "4" })
        );
    }
    // An image that has the annotation already keeps its digest.
    let again = scratch.merge_to("again", &["--annotation", "manifest:c=3", "out"]);
    assert_eq!(again.digest, merged.digest);
    let twice = [
        "merge",
        "-o",
        "x",
        "--annotation",
        "a=1",
        "--annotation",
        "index:a=2",
        "a.tar",
    ];
    let output = scratch.command(&twice).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--annotation a is given twice"));
}

#[test]
fn contradictory_index_annotations_are_refused_until_an_option_decides() {
    let scratch = Scratch::new();
    for (name, platform) in [("a", "linux/amd64"), ("b", "linux/arm64")] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
        scratch.run(&[
            "merge",
            "-o",
            &format!("l{name}"),
            "--annotation",
            &format!("k={name}"),
            name,
        ]);
    }
    expect(
        &scratch,
        &["la", "lb"],
        &[
            "\"k\"",
            "is \"a\" in one and \"b\" in another",
            "choose its value with --annotation k=VALUE",
        ],
    );
    // The same applies to two indexes in one layout.
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    let manifest = layout.index["manifests"][0].clone();
    let indexes: Vec<Value> = ["1", "2"]
        .iter()
        .map(|value| {
            let index = json!({
                "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest],
                "annotations": { "k": value },
            });
            layout.blob(INDEX, &serde_json::to_vec(&index).unwrap())
        })
        .collect();
    layout.index["manifests"] = indexes.into();
    layout.directory(&scratch, "both");
    expect(
        &scratch,
        &["both"],
        &["choose its value with --annotation k=VALUE"],
    );
    scratch.run(&["merge", "-o", "decided-too", "--annotation", "k=3", "both"]);
    let merged = scratch.merge_to("decided", &["--annotation", "k=c", "la", "lb"]);
    assert_eq!(merged.index["annotations"]["k"], "c");
}
