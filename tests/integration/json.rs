//! docs/json.md lists exactly the fields that `--json` prints.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::*;

/// Collects the paths of all values, such as `platforms[].layers[].digest`. Values at a path for which
/// `is_whole` holds are not entered.
fn places(value: &Value, at: &str, is_whole: &dyn Fn(&str) -> bool, found: &mut BTreeSet<String>) {
    match value {
        _ if is_whole(at) => drop(found.insert(at.to_owned())),
        Value::Object(fields) => {
            for (key, value) in fields {
                let at = if at.is_empty() {
                    key.clone()
                } else {
                    format!("{at}.{key}")
                };
                places(value, &at, is_whole, found);
            }
        }
        Value::Array(items) => {
            let at = format!("{at}[]");
            items
                .iter()
                .for_each(|item| places(item, &at, is_whole, found));
        }
        _ => drop(found.insert(at.to_owned())),
    }
}

/// The fields in the table after a heading.
fn documented(heading: &str) -> BTreeSet<String> {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md"));
    let (_, section) = page.split_once(heading).unwrap();
    let table = section
        .lines()
        .skip_while(|line| !line.starts_with("| field"));
    let rows = table.take_while(|line| line.starts_with('|')).skip(2);
    let names = rows.map(|row| row.split('|').nth(1).unwrap());
    let words = names.flat_map(|names| names.split('`').skip(1).step_by(2));
    words.map(str::to_owned).collect()
}

/// Merges two images that give every field: shared and recompressed layers, waste, history.
fn images(scratch: &Scratch) {
    scratch.write("sbom.json", br#"{"spdxVersion":"SPDX-2.3"}"#);
    let path = |c: char, name: &str| format!("nix/store/{}-{name}/x", c.to_string().repeat(32));
    for (name, program) in [("old", "hello-1.0"), ("new", "hello-1.1")] {
        for (arch, hash, level) in [("amd64", '1', "1"), ("arm64", '2', "9")] {
            let mut image = TestImage::new(&format!("linux/{arch}"));
            let (data, other) = (noise(1, 5000), noise(hash as u64, 3000));
            image.layers.push(tar(&[(&path('0', "data"), &data)]));
            let copy = program.as_bytes().repeat(10);
            image.layers.push(tar(&[
                (&path(hash, program), &copy),
                ("bin/x", &copy),
                ("etc/shared", &other),
            ]));
            image.config["created"] = "2026-01-01T00:00:00Z".into();
            image.config["config"] = serde_json::json!({ "Cmd": [program] });
            image.config["history"] = vec![serde_json::json!({ "comment": "x" }); 4].into();
            scratch.write(&format!("{name}-{arch}.tar"), &image.docker_archive());
            let (input, output) = (format!("{name}-{arch}.tar"), format!("{name}-{arch}"));
            scratch.run(&["merge", "-o", &output, "--compression-level", level, &input]);
        }
        let inputs = [format!("{name}-amd64"), format!("{name}-arm64")];
        let version = format!("version={program}");
        let options = ["merge", "-o", name, "--name", "x", "--annotation", &version];
        scratch.run(
            &[
                &options[..],
                &["--annotation", "manifest:a=b", "--attest"],
                &["linux/amd64=sbom.json", &inputs[0], &inputs[1]],
            ]
            .concat(),
        );
    }
}

#[test]
fn every_json_field_is_documented_and_every_documented_field_exists() {
    let scratch = Scratch::new();
    images(&scratch);
    // The last list has documents of the image, whose fields are not ours, and values that the page describes
    // once for several places.
    for (heading, arguments, whole) in [
        (
            "## `polyarch inspect --json`",
            &["inspect", "--json", "new"][..],
            &[
                "index",
                "annotations",
                "platforms[].manifest",
                "platforms[].annotations",
                "platforms[].config",
                "platforms[].layers[].history",
                "warnings[]",
            ][..],
        ),
        (
            "## `polyarch analyze --json`",
            &["analyze", "--json", "new"],
            &[
                "platforms[].layers[].history",
                "platforms[].waste[]",
                "waste[]",
                "warnings[]",
            ],
        ),
        (
            "## `polyarch diff --json`",
            &["diff", "--json", "old", "new"],
            &[
                "annotations[]",
                "platforms[].annotations[]",
                "platforms[].config[].old",
                "platforms[].config[].new",
                "platforms[].storePaths",
                "platforms[].directories",
                "warnings[]",
            ],
        ),
    ] {
        let printed = scratch.json(arguments);
        let mut found = BTreeSet::new();
        places(&printed, "", &|at| whole.contains(&at), &mut found);
        let documented = documented(heading);
        let missing: Vec<_> = found.difference(&documented).collect();
        assert!(
            missing.is_empty(),
            "{arguments:?} has {missing:?}, docs/json.md has not"
        );
        // An empty list has no values, so a documented path into it is not an error.
        let empty = |place: &&String| {
            let pointer = format!(
                "/{}",
                place
                    .trim_end_matches("[]")
                    .replace("[].", "/0/")
                    .replace('.', "/")
            );
            printed
                .pointer(&pointer)
                .is_some_and(|value| value.as_array().is_some_and(Vec::is_empty))
        };
        let gone: Vec<_> = documented
            .difference(&found)
            .filter(|place| !empty(place))
            .collect();
        assert!(
            gone.is_empty(),
            "docs/json.md has {gone:?}, {arguments:?} has not"
        );
    }
}

#[test]
fn merge_prints_warnings_with_the_codes_of_the_documentation() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/arm").docker_archive();
    scratch.write("a.tar", &image);
    scratch.write("b.tar", &image);
    let merge = ["merge", "-o", "out", "--json", "a.tar", "b.tar"];
    let merged: Value = serde_json::from_str(&scratch.run(&merge)).unwrap();
    assert_eq!(
        merged["digest"],
        scratch
            .run(&["inspect", "--json", "out"])
            .parse::<Value>()
            .unwrap()["index"]["digest"]
    );
    let warnings = merged["warnings"].as_array().unwrap();
    let found: Vec<(&str, Option<&str>)> = warnings
        .iter()
        .map(|warning| (warning["id"].as_str().unwrap(), warning["input"].as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("arm-without-variant", Some("a.tar")),
            ("arm-without-variant", Some("b.tar")),
            ("duplicate-image", None),
        ]
    );
    let page = std::fs::read_to_string("docs/json.md").unwrap();
    let (_, page) = page.split_once("## Warnings").unwrap();
    for rule in OTHER_WARNINGS {
        let row = format!("| `{}` | {} |", rule.id, rule.demand);
        assert!(page.contains(&row), "{row}");
    }
}
