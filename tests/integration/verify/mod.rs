//! `polyarch verify`: an image that breaks each rule, the report, and the verdicts of other tools on the same
//! images.

mod agreement;
mod cases;
mod consumers;
mod layers;
pub mod samples;
mod unpackers;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::*;
use cases::*;
use samples::*;

fn verify(scratch: &Scratch, arguments: &[&str]) -> Output {
    let all = [&["verify"], arguments].concat();
    scratch.command(&all).output().unwrap()
}

/// Verifies images and returns the report, after checking the exit code and the counts in it.
#[track_caller]
fn report(scratch: &Scratch, images: &[&str]) -> Value {
    let output = verify(scratch, &[&["--json"], images].concat());
    let said = stderr(&output);
    assert_eq!(said, "", "verify prints only its report");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = |severity: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|f| f["severity"] == severity).count()
    };
    let is_whole = !ids(&report).contains("too-many-findings");
    for (severity, key) in [
        ("error", "errors"),
        ("warning", "warnings"),
        ("note", "notes"),
    ] {
        assert!(!is_whole || report[key] == count(severity), "{report:#}");
    }
    let failed = report["errors"] != 0;
    assert_eq!(output.status.code(), Some(failed.into()), "{report:#}");
    report
}

fn ids(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|f| f["id"].as_str().unwrap().to_owned())
        .collect()
}

/// `id subject` of each finding.
fn findings(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    findings
        .map(|f| format!("{} {}", text(f, "id"), text(f, "subject")))
        .collect()
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// A rule that is removed fails this test, and so does a rule without an image.
#[test]
fn every_rule_is_broken_by_an_image_with_exactly_the_expected_findings() {
    let mut seen = BTreeSet::new();
    let mut wrong = String::new();
    for (i, case) in all().into_iter().enumerate() {
        let scratch = Scratch::new();
        (case.write)(&scratch);
        let report = report(&scratch, case.arguments);
        let found = ids(&report);
        if found != set(case.expected) {
            let expected = case.expected;
            wrong += &format!(
                "case {i}: expected {expected:?}, found {:#}\n",
                report["findings"]
            );
        }
        for finding in report["findings"].as_array().unwrap() {
            let rule = RULES.iter().find(|rule| finding["id"] == rule.id).unwrap();
            assert_eq!(finding["severity"], rule.severity.name());
            assert_eq!(finding["demand"], rule.demand);
            let message = finding["message"].as_str().unwrap();
            assert!(!message.is_empty() && message.len() < 5_000, "{finding:#}");
            assert_eq!(finding["input"], report["inputs"][0]["input"]);
        }
        seen.extend(found);
    }
    assert!(wrong.is_empty(), "{wrong}");
    let rules: BTreeSet<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(seen, rules, "a rule has no image that breaks it");
    assert_eq!(rules.len(), RULES.len(), "an id is there twice");
}

#[test]
fn valid_images_of_every_format_have_no_findings() {
    let scratch = Scratch::new();
    good().directory(&scratch, "layout");
    scratch.write("oci.tar", &archive(entries(&good())));
    scratch.write("oci.tar.gz", &gzip(&archive(entries(&good()))));
    scratch.write("oci.tar.zst", &zstd(&archive(entries(&good()))));
    scratch.write("docker.tar", &docker_archive(|_| ()));
    scratch.write("docker.tar.gz", &gzip(&docker_archive(|_| ())));
    let fixtures = ["amd64-bi-hello-gz.tar.gz", "arm64-bli-hello-zstd.tar.zst"].map(fixture);
    let inputs = [
        "layout",
        "oci.tar",
        "oci.tar.gz",
        "oci.tar.zst",
        "docker.tar",
        "docker.tar.gz",
    ];
    let inputs = [&inputs[..], &[&fixtures[0], &fixtures[1]]].concat();
    let report = report(&scratch, &inputs);
    assert_eq!(report["findings"], json!([]));
    let formats: Vec<&str> = report["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| input["format"].as_str().unwrap())
        .collect();
    let docker = "docker-archive";
    assert_eq!(
        formats,
        [
            "oci-layout",
            "oci-archive",
            "oci-archive",
            "oci-archive",
            docker,
            docker,
            docker,
            docker
        ]
    );
    for input in &report["inputs"].as_array().unwrap()[..4] {
        let platforms = input["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| &i["platform"]);
        assert_eq!(platforms.collect::<Vec<_>>(), BOTH);
        // The shared layer is counted once.
        assert_eq!(input["blobs"], 3, "{input}");
    }
}

#[test]
fn merged_images_of_every_format_and_compression_have_no_findings() {
    let scratch = Scratch::new();
    for platform in ["linux/amd64", "linux/arm/v7"] {
        let name = platform.replace('/', "-");
        scratch.write(&name, &TestImage::new(platform).docker_archive());
    }
    for compression in ["gzip", "zstd", "none", "keep"] {
        for (output, more) in [
            ("a.tar", ""),
            ("directory", ""),
            ("d.tar", "--docker-manifest"),
            ("d", "--docker-manifest"),
        ] {
            let mut arguments = vec![
                "merge",
                "-f",
                "-q",
                "--name",
                "hello",
                "--compression",
                compression,
                "-o",
                output,
            ];
            arguments.extend((!more.is_empty()).then_some(more));
            scratch.run(&[&arguments[..], &["linux-amd64", "linux-arm-v7"]].concat());
            let report = report(&scratch, &[output]);
            assert_eq!(report["findings"], json!([]), "{compression} {output}");
        }
    }
    scratch.run(&[
        "merge",
        "-q",
        "--link",
        "--name",
        "hello",
        "-o",
        "linked",
        "directory",
    ]);
    let report = report(&scratch, &["directory", "linked"]);
    assert_eq!(report["findings"], json!([]));
}

#[test]
fn all_problems_of_an_image_are_reported_errors_first() {
    let scratch = Scratch::new();
    let mut images = images(&BOTH);
    images[0].layers.push(tar(&[("third", b"3")]));
    images[1].layers.push(tar(&[("fourth", b"4")]));
    let gone = digest(&gzip(&images[1].layers[2]));
    let changed = digest(&gzip(&images[0].layers[2]));
    let edit = |part: &str, value: &mut Value| match part {
        "config0" => value["rootfs"]["diff_ids"][1] = digest(b"").into(),
        "config1" => value["created"] = "today".into(),
        "manifest1" => value["schemaVersion"] = 4.into(),
        "root" => value["manifests"][0]["annotations"] = json!({ "io.containerd.image.name": "x" }),
        _ => {}
    };
    let twice = |part: &str, text: String| match part {
        "config1" => text.replacen('{', r#"{"author":"a","author":"b","#, 1),
        _ => text,
    };
    let mut layout = layout_of(&images, gzipped, &edit, twice);
    layout.blobs.retain(|blob| digest(blob) != gone);
    let stray = layout.blob("application/x-thing", b"left over")["digest"].clone();
    layout.directory(&scratch, "image");
    change_a_bit(&scratch, &changed);

    let of = |suffix: &str| {
        let blob = layout.blobs.iter().find(|blob| {
            let text = String::from_utf8_lossy(blob);
            text.contains(suffix)
        });
        digest(blob.unwrap())
    };
    let expected = [
        format!("wrong-digest {changed}"),
        format!("missing {gone}"),
        format!("wrong-diff-id {}", digest(&gzip(&images[0].layers[1]))),
        format!("duplicate-key {}", of("today")),
        format!("bad-time {}", of("today")),
        format!("schema-version {}", of(r#""schemaVersion":4"#)),
        format!(
            "containerd-name {}",
            layout.index["manifests"][0]["digest"].as_str().unwrap()
        ),
        format!(
            "unreferenced-blob blobs/{}",
            stray.as_str().unwrap().replace(':', "/")
        ),
    ];
    let report = report(&scratch, &["image"]);
    assert_eq!(findings(&report), expected.into_iter().collect());
    // Errors first.
    let severities: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["severity"])
        .collect();
    assert!(
        severities.is_sorted_by_key(|s| ["error", "warning", "note"].iter().position(|n| *s == n))
    );
}

#[test]
fn archives_and_streams_have_the_findings_of_the_layout() {
    let scratch = Scratch::new();
    let layout = part("config0", |value| {
        value["rootfs"]["diff_ids"][1] = digest(b"").into();
        value["created"] = "today".into();
    });
    layout.directory(&scratch, "directory");
    let bytes = archive(entries(&layout));
    scratch.write("plain", &bytes);
    scratch.write("gzip", &gzip(&bytes));
    let expected = findings(&report(&scratch, &["directory"]));
    assert_eq!(expected.len(), 2);
    assert_eq!(findings(&report(&scratch, &["plain"])), expected);
    assert_eq!(findings(&report(&scratch, &["gzip"])), expected);

    let mut command = scratch.command(&["verify", "--json", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["inputs"][0]["input"], "standard input");
    assert_eq!(findings(&report), expected);
}

#[test]
fn sha512_blobs_are_verified_in_files_and_streams() {
    let scratch = Scratch::new();
    let layer = gzip(&big_layer());
    let mut images = images(&["linux/amd64"]);
    images[0].layers.push(big_layer());
    let edit = |part: &str, value: &mut Value| {
        if part == "manifest0" {
            value["layers"][2]["digest"] = sha512(&gzip(&big_layer())).into();
        }
    };
    let layout = layout_of(&images, gzipped, &edit, |_, text| text);
    let own = format!("blobs/sha256/{}", hex(&layer));
    let mut entries = entries(&layout);
    entries.retain(|entry| !matches!(entry, Entry::File(name, _) if *name == own));
    entries.insert(3, Entry::Directory("blobs/sha512/".to_owned()));
    let mut bytes = archive(entries);
    bytes.truncate(bytes.len() - 1024);
    let mut builder = tar::Builder::new(bytes);
    // The name of the blob is too long for its header, so it is in a separate entry.
    let name = format!("blobs/{}", sha512(&layer).replace(':', "/"));
    let mut header = tar_header("", layer.len() as u64);
    builder.append_data(&mut header, &name, &layer[..]).unwrap();
    let good = builder.into_inner().unwrap();
    let mut bad = good.clone();
    let place = bad.len() - 1024 - layer.len().next_multiple_of(512);
    bad[place + 4] ^= 1;
    for (name, bytes, expected) in [
        ("good", &good, set(&[])),
        (
            "bad",
            &bad,
            set(&[&format!("wrong-digest {}", sha512(&layer))]),
        ),
    ] {
        scratch.write(name, bytes);
        scratch.write("gzip", &gzip(bytes));
        assert_eq!(findings(&report(&scratch, &[name])), expected);
        assert_eq!(findings(&report(&scratch, &["gzip"])), expected);
    }
}

#[test]
fn the_docker_manifest_of_a_layout_is_verified_too() {
    let scratch = Scratch::new();
    scratch.write("amd64", &docker_archive(|_| ()));
    scratch.run(&[
        "merge",
        "-q",
        "--name",
        "x",
        "--docker-manifest",
        "-o",
        "image",
        "amd64",
    ]);
    let path = scratch.path("image/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut items: Value = serde_json::from_str(&text).unwrap();
    items[0]["Layers"].as_array_mut().unwrap().reverse();
    items[0]["RepoTags"] = json!(["x"]);
    fs::write(&path, items.to_string()).unwrap();
    assert_eq!(
        ids(&report(&scratch, &["image"])),
        set(&["wrong-diff-id", "repo-tag"])
    );
    // A name cannot lead out of the layout.
    scratch.write("secret", &docker_archive(|_| ()));
    items[0]["Config"] = "../secret".into();
    fs::write(&path, items.to_string()).unwrap();
    let found = findings(&report(&scratch, &["image"]));
    assert!(found.contains("missing ../secret"), "{found:?}");
}

#[test]
fn attestations_are_verified_with_their_images() {
    let scratch = Scratch::new();
    let statement = statement_about(&digest(b"")).replace("\"subject\":", "\"other\":");
    let statement = statement.as_bytes();
    let attested = |damage: bool| {
        let mut layout = edited(&|part, value| match part {
            "config1" => {
                value["os"] = "unknown".into();
                value["architecture"] = "unknown".into();
            }
            "manifest1" => {
                value["layers"][1] = json!({
                    "mediaType": "application/vnd.in-toto+json",
                    "digest": digest(statement), "size": statement.len(),
                });
            }
            "index" => {
                let subject = value["manifests"][0]["digest"].clone();
                value["manifests"][1]["platform"] =
                    json!({ "os": "unknown", "architecture": "unknown" });
                value["manifests"][1]["annotations"] = json!({
                    "vnd.docker.reference.type": "attestation-manifest",
                    "vnd.docker.reference.digest": subject,
                });
            }
            _ => {}
        });
        let replaced = gzip(&TestImage::new("linux/arm64").layers[1]);
        layout.blobs.retain(|blob| *blob != replaced);
        if !damage {
            layout.blobs.push(statement.to_vec());
        }
        layout
    };
    attested(false).directory(&scratch, "good");
    assert_eq!(report(&scratch, &["good"])["findings"], json!([]));
    attested(true).directory(&scratch, "bad");
    assert_eq!(ids(&report(&scratch, &["bad"])), set(&["missing"]));
}

#[test]
fn all_images_of_an_input_are_verified_or_the_selected_one() {
    let scratch = Scratch::new();
    let mut layout = Layout::default();
    let mut manifests = Vec::new();
    for (i, time) in ["2025-01-31T00:00:00Z", "today"].iter().enumerate() {
        let mut image = TestImage::new("linux/amd64");
        image.config["created"] = (*time).into();
        let one = image.layout(gzipped);
        let mut descriptor = one.index["manifests"][0].clone();
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": format!("v{i}") });
        manifests.push(descriptor);
        layout.blobs.extend(one.blobs);
    }
    layout.index = json!({ "schemaVersion": 2, "manifests": manifests });
    layout.directory(&scratch, "image");
    let bad = set(&["bad-time", "several-descriptors"]);
    assert_eq!(ids(&report(&scratch, &["image"])), bad);
    assert_eq!(ids(&report(&scratch, &["image#v1"])), bad);
    assert_eq!(
        ids(&report(&scratch, &["image#v0"])),
        set(&["several-descriptors"])
    );
    let two = report(&scratch, &["image#@0", "image"]);
    assert_eq!(two["inputs"][0]["input"], "image#@0");
    assert_eq!(two["inputs"][1]["images"].as_array().unwrap().len(), 2);
}

#[test]
fn the_text_report_has_a_group_for_each_image_and_a_summary() {
    let scratch = Scratch::new();
    scratch.write("good", &docker_archive(|_| ()));
    let layout = part("config0", |value| {
        value["rootfs"]["diff_ids"][1] = digest(b"").into();
        value["history"] = json!([{}]);
    });
    layout.directory(&scratch, "bad");
    let output = verify(&scratch, &["linux/amd64=good", "bad", "nothing.tar"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let layer = digest(&gzip(&TestImage::new("linux/amd64").layers[1]));
    let found = digest(&TestImage::new("linux/amd64").layers[1]);
    let config = layout
        .blobs
        .iter()
        .find(|b| b.starts_with(b"{") && String::from_utf8_lossy(b).contains("history"));
    let config = digest(config.unwrap());
    let expected = format!("\
linux/amd64=good: docker-archive, linux/amd64; 2 layers, 4.10 kB
bad: oci-layout, linux/amd64, linux/arm64; 3 layers, SIZE B
  error: layer {layer} has the wrong content: found diff ID {found}, expected {} as in the config [wrong-diff-id]
    hint: the image was damaged or changed after it was built; build it again
  warning: the history of {config} has 1 layer, but there are 2 diff IDs [history-count]
nothing.tar: cannot be read
  error: no such file or directory [not-found]
2 errors, 1 warning, 0 notes in 3 inputs
", digest(b""));
    let size: usize = ["linux/amd64", "linux/arm64"]
        .iter()
        .flat_map(|p| TestImage::new(p).layers)
        .collect::<BTreeSet<_>>()
        .iter()
        .map(|layer| gzip(layer).len())
        .sum();
    assert_eq!(text, expected.replace("SIZE", &size.to_string()));
    let inputs = &report(&scratch, &["good", "bad"])["inputs"];
    assert_eq!([&inputs[0]["bytes"], &inputs[1]["bytes"]], [4096, size]);

    let output = verify(&scratch, &["--quiet", "good", "bad"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("wrong-diff-id") && text.lines().count() == 3,
        "{text}"
    );
    let output = verify(&scratch, &["-q", "good"]);
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b""[..]));
}

#[test]
fn platform_check_decides_the_severity_of_a_foreign_program() {
    let scratch = Scratch::new();
    scratch.write(
        "image",
        &with_program("start", json!({ "Cmd": ["/start"] })),
    );
    for (check, expected) in [
        ("error", set(&["wrong-program"])),
        ("warn", set(&["wrong-program"])),
        ("off", set(&[])),
    ] {
        let option = format!("--platform-check={check}");
        assert_eq!(ids(&report(&scratch, &[&option, "image"])), expected);
    }
}

#[test]
fn control_characters_of_an_image_are_escaped_in_the_report() {
    let scratch = Scratch::new();
    part("manifest0", |value| {
        value["mediaType"] = "\u{1b}[2J\u{7}".into()
    })
    .directory(&scratch, "image");
    let output = verify(&scratch, &["image"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("media-type-mismatch") && text.contains(r"\u{1b}[2J\u{7}"),
        "{text}"
    );
    assert!(!text.contains(['\u{1b}', '\u{7}']));
}

#[test]
fn wrong_usage_exits_with_2_and_no_report() {
    let scratch = Scratch::new();
    for arguments in [
        &[][..],
        &["-", "-"],
        &["--jobs", "0", "a"],
        &["--no-such-option", "a"],
    ] {
        let output = verify(&scratch, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_report_is_the_same_with_any_number_of_threads() {
    let scratch = Scratch::new();
    let layout = part("config0", |value| {
        value["rootfs"]["diff_ids"] = json!([digest(b"a"), digest(b"b")]);
    });
    layout.directory(&scratch, "a");
    scratch.write("b", &gzip(&archive(entries(&layout))));
    let of = |jobs: &str| verify(&scratch, &["--json", "--jobs", jobs, "a", "b", "a"]).stdout;
    assert_eq!(of("1"), of("8"));
}

#[test]
fn a_closed_standard_output_is_not_an_error() {
    let scratch = Scratch::new();
    good().directory(&scratch, "image");
    let mut command: Command = scratch.command(&["verify", "image"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(0), String::new())
    );
}

#[test]
fn the_table_of_findings_in_the_docs_is_current() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify.md"));
    let rows: String = RULES
        .iter()
        .map(|rule| {
            format!(
                "| `{}` | {} | {} |\n",
                rule.id,
                rule.severity.name(),
                rule.demand
            )
        })
        .collect();
    assert!(
        page.contains(&rows),
        "docs/verify.md must have these rows:\n{rows}"
    );
}
