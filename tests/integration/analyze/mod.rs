//! `polyarch analyze`: the sizes of the parts of an image, and its waste.

mod names;
mod page;
mod platforms;
mod sizes;
mod summary;
mod symbols;
mod waste;

use std::fs;

use serde_json::Value;

use crate::support::*;

fn analyze(scratch: &Scratch, image: &str) -> Value {
    scratch.json(&["analyze", "--json", image])
}

/// The waste of one kind in the first platform; null if it is not listed.
fn waste(analysis: &Value, kind: &str) -> Value {
    let all = analysis["platforms"][0]["waste"].as_array().unwrap();
    let found = all.iter().find(|waste| waste["kind"] == kind);
    found.cloned().unwrap_or_default()
}

/// Writes an image whose layers have these files.
fn image(scratch: &Scratch, name: &str, platform: &str, layers: &[&[(&str, &[u8])]]) {
    let mut image = TestImage::new(platform);
    image.layers = layers.iter().map(|files| tar(files)).collect();
    scratch.write(name, &image.docker_archive());
}

#[test]
fn the_analysis_is_the_same_for_every_input_format() {
    let scratch = Scratch::new();
    let layers: [&[(&str, &[u8])]; 2] = [
        &[("a/1", &noise(1, 5000)), ("b/1", &noise(1, 5000))],
        &[("a/1", b"new")],
    ];
    image(&scratch, "plain.tar", "linux/amd64", &layers);
    let plain = fs::read(scratch.path("plain.tar")).unwrap();
    scratch.write("a.tar.gz", &gzip(&plain));
    scratch.write("a.tar.zst", &zstd(&plain));
    scratch.run(&[
        "merge",
        "-o",
        "layout",
        "--compression",
        "none",
        "plain.tar",
    ]);
    let expected = analyze(&scratch, "plain.tar")["platforms"].clone();
    assert_eq!(expected[0]["waste"].as_array().unwrap().len(), 1);
    for other in ["a.tar.gz", "a.tar.zst", "layout"] {
        assert_eq!(analyze(&scratch, other)["platforms"], expected, "{other}");
    }
    for jobs in ["1", "4"] {
        let found = scratch.run(&["analyze", "--json", "--jobs", jobs, "layout"]);
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found["platforms"], expected);
    }
}

#[test]
fn a_layer_that_is_not_a_tar_archive_is_an_error() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers.push(noise(1, 5000));
    scratch.write("a.tar", &image.docker_archive());
    let error = scratch.fail(&["analyze", "a.tar"]);
    assert!(error.contains(&hex(&noise(1, 5000))), "{error}");
}
