//! Runs `tests/fixtures/tools/cases.json`: images that real tools wrote, and what is right for each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use crate::real_tools::audit::Audit;
use crate::support::*;

/// A case. An expectation is `ok:PLATFORMS` or `no:REGEX` (a merge that is refused with a message
/// that matches), or several of them with ` or ` between.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The compressed fixture: an archive, or a directory in a tar.
    file: String,
    /// The tool with its version, the command and a remark: for the reader of the file.
    #[serde(rename = "tool")]
    _tool: String,
    #[serde(rename = "command")]
    _command: String,
    #[serde(default, rename = "remark")]
    _remark: String,
    /// The expected result of a merge of this image alone.
    alone: String,
    /// The expected result of a merge with an image of the architecture `other`.
    with: String,
    other: String,
    /// The merges that messages propose: arguments, of which `@` is the fixture, and the expected result.
    #[serde(default)]
    ways: Vec<(Vec<String>, String)>,
    /// The exit code of `polyarch verify`.
    verify: i32,
}

fn cases() -> BTreeMap<String, Case> {
    let path = fixture("tools/cases.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// skopeo as the machine has it, and the newest one (`tests/newer-tools`).
pub fn skopeos() -> Vec<String> {
    static FOUND: LazyLock<Vec<String>> = LazyLock::new(|| {
        let newest = format!("{}/target/newer/bin/skopeo", env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        if have(&["skopeo"]) {
            found.push("skopeo".to_owned());
        }
        match Path::new(&newest).exists() {
            true => found.push(newest),
            false => missing("the newest skopeo; tests/newer-tools gets it"),
        }
        found
    });
    FOUND.clone()
}

/// What is wrong with a pushed copy of the layout `name`.
pub fn pushed(scratch: &Scratch, name: &str, digest_of_index: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for skopeo in skopeos() {
        let copy = scratch.path("copied");
        let copied = Command::new(&skopeo)
            .current_dir(scratch.path(""))
            .args([
                "--insecure-policy",
                "copy",
                "-q",
                "--all",
                "--preserve-digests",
            ])
            .arg(format!("oci:{name}"))
            .arg("dir:copied")
            .output()
            .unwrap();
        if !copied.status.success() {
            let message = stderr(&copied);
            wrong.push(format!("{skopeo} refuses the result: {}", message.trim()));
        } else {
            let manifest = std::fs::read(copy.join("manifest.json")).unwrap();
            if digest(&manifest) != digest_of_index {
                wrong.push(format!("{skopeo} has another digest"));
            }
        }
        let _ = std::fs::remove_dir_all(&copy);
    }
    wrong
}

/// The lines that warn.
pub fn notes(message: &str) -> String {
    static NOTE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("(?m)^(?:warning|note|hint).*$").unwrap());
    let lines: Vec<&str> = NOTE.find_iter(message).map(|m| m.as_str()).collect();
    lines.join("\n")
}

/// What of all that is lost no note names: its kind, or the key of an annotation.
pub fn unnoted(lost: BTreeSet<String>, message: &str) -> Vec<String> {
    let notes = notes(message);
    let is_named = |item: &String| {
        let named = match item.split_once(' ') {
            Some(("absent", what)) if what.starts_with('?') => "attestation|artifact".to_owned(),
            Some(("attestation" | "absent", _)) => "attestation".to_owned(),
            Some(("artifact", _)) => "artifact|referrer|signature|attached|describe".to_owned(),
            Some(("signature", _)) => "signature".to_owned(),
            Some(("image", _)) => "image".to_owned(),
            Some((_, rest)) => {
                let key = rest.split(" of ").next().unwrap_or(rest);
                key.split(' ')
                    .map(regex::escape)
                    .collect::<Vec<_>>()
                    .join("|")
            }
            None => regex::escape(item),
        };
        Regex::new(&named).unwrap().is_match(&notes)
    };
    lost.into_iter().filter(|item| !is_named(item)).collect()
}

/// What a merge came to.
struct Outcome {
    wrong: Vec<String>,
    code: Option<i32>,
    /// The digest of the index; empty if the merge failed.
    digest: String,
}

/// Merges, and compares with what is expected; `push` has skopeo copy the result.
fn merge(
    scratch: &Scratch,
    arguments: &[&str],
    inputs: &[&Audit],
    expected: &str,
    picked: bool,
    push: bool,
) -> Outcome {
    let before = scratch.tree();
    let all = [&["merge", "--no-sync", "--output", "merged"], arguments].concat();
    let output = scratch.command(&all).output().unwrap();
    let (code, message) = (output.status.code(), stderr(&output));
    let digest = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let expected: Vec<&str> = expected.split(" or ").collect();
    let alternatives = |prefix| expected.iter().filter_map(move |e| e.strip_prefix(prefix));
    let mut wrong = Vec::new();
    if message.contains("panicked") || !matches!(code, Some(0 | 1)) {
        wrong.push(format!("exit code {code:?}: {message}"));
    } else if code == Some(0) {
        let path = scratch.path("merged");
        let merged = Audit::of(&path);
        let platforms = merged.platforms();
        if !alternatives("ok:").any(|wanted| wanted == platforms) {
            wrong.push(format!("accepted with {platforms}, expected {expected:?}"));
        }
        let lost = inputs.iter().flat_map(|input| input.lost(&merged, picked));
        let silent = unnoted(lost.collect(), &message);
        if !silent.is_empty() {
            wrong.push(format!("lost without a word: {}", silent.join("; ")));
        }
        for unmarked in merged.wrongly_marked() {
            wrong.push(format!(
                "{unmarked} is of zstd and not marked, or the reverse"
            ));
        }
        let verify = ["verify", "--quiet", "--platform-check", "off", "merged"];
        let verified = scratch.command(&verify).output().unwrap();
        if !verified.status.success() {
            wrong.push(format!("verify refuses the result: {}", stderr(&verified)));
        }
        if push {
            wrong.extend(pushed(scratch, "merged", &digest));
        }
        std::fs::remove_dir_all(path).unwrap();
    } else {
        if scratch.tree() != before {
            wrong.push("a failure left something behind".to_owned());
        }
        // The names of fixtures have words such as `zstd`.
        let mut names: Vec<&str> = arguments.to_vec();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let mut said = message.clone();
        for name in names {
            let name = name.split('#').next().unwrap_or(name);
            said = said.replace(name.rsplit(['=', '/']).next().unwrap_or(name), "SRC");
        }
        // This list of formats has words such as `oci-layout`.
        let said = said.split(", expected a docker-archive").next().unwrap();
        if !alternatives("no:").any(|wanted| Regex::new(wanted).unwrap().is_match(said)) {
            let first = message.lines().next().unwrap_or_default();
            wrong.push(format!("refused: {first}; expected {expected:?}"));
        }
    }
    Outcome {
        wrong,
        code,
        digest,
    }
}

pub fn decompressed(scratch: &Scratch, file: &str, name: &str) {
    let bytes = zstd::decode_all(&*std::fs::read(fixture(&format!("tools/{file}"))).unwrap());
    let bytes = bytes.unwrap();
    match file.ends_with(".dir.tar.zst") {
        true => tar::Archive::new(&*bytes)
            .unpack(scratch.path(name))
            .unwrap(),
        false => drop(scratch.write(name, &bytes)),
    }
}

/// What is wrong with a case.
fn check(name: &str, case: &Case) -> Vec<String> {
    let scratch = Scratch::new();
    let is_directory = case.file.ends_with(".dir.tar.zst");
    let source = match is_directory {
        true => name.to_owned(),
        false => format!("{name}.tar"),
    };
    decompressed(&scratch, &case.file, &source);
    let other = format!("other-{}.tar", case.other);
    decompressed(&scratch, &format!("plain-{}.tar.zst", case.other), &other);
    // A fixture that is not an image has no audit.
    let audit = std::panic::catch_unwind(|| Audit::of(&scratch.path(&source)));
    let audit = audit.unwrap_or_default();
    let other_audit = Audit::of(&scratch.path(&other));
    let mut wrong = Vec::new();
    let mut add = |of: &str, found: Vec<String>| {
        wrong.extend(found.into_iter().map(|problem| format!("{of}: {problem}")));
    };

    let alone = merge(&scratch, &[&source], &[&audit], &case.alone, false, true);
    let with = [&*source, &*other];
    let with = merge(
        &scratch,
        &with,
        &[&audit, &other_audit],
        &case.with,
        false,
        false,
    );
    for (arguments, expected) in &case.ways {
        // `@#v1`, `linux/arm64=@`, `@=linux/arm64`.
        let place = |argument: &String| match argument.contains('@') {
            true if argument.starts_with('@') => argument.replacen('@', &source, 1),
            true => argument.replace("=@", &format!("={source}")),
            false => argument.clone(),
        };
        let arguments: Vec<String> = arguments.iter().map(place).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let way = merge(&scratch, &arguments, &[&audit], expected, true, true);
        add(&arguments.join(" "), way.wrong);
    }
    if !is_directory {
        let file = fixture(&format!("tools/{}", case.file));
        let arguments = ["merge", "--no-sync", "--output", "streamed", &file];
        let streamed = scratch.command(&arguments).output().unwrap();
        let digest = String::from_utf8_lossy(&streamed.stdout).trim().to_owned();
        if (streamed.status.code(), &digest) != (alone.code, &alone.digest) {
            add(
                "compressed",
                vec![format!("another result: {}", stderr(&streamed))],
            );
        }
    }
    let inspect = scratch.command(&["inspect", &source]).output().unwrap();
    if alone.code == Some(0) && !inspect.status.success() {
        add("inspect", vec![stderr(&inspect)]);
    }
    let verify = scratch.command(&["verify", &source]).output().unwrap();
    if verify.status.code() != Some(case.verify) {
        let report = String::from_utf8_lossy(&verify.stdout).into_owned();
        add(
            "verify",
            vec![format!("exit code is not {}: {report}", case.verify)],
        );
    }
    add("alone", alone.wrong);
    add(&format!("with {}", case.other), with.wrong);
    wrong
}

/// Runs the cases whose names start with `prefix`, on all processors.
fn run(prefix: &str) {
    let all = cases();
    let cases: Vec<(&String, &Case)> = all
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    assert!(!cases.is_empty(), "there is no case of {prefix}");
    let mut bad = String::new();
    for (name, case) in cases {
        let wrong = check(name, case);
        if !wrong.is_empty() {
            bad += &format!("{name} is wrong:\n  {}\n", wrong.join("\n  "));
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

/// A test for each tool, so that they run side by side.
macro_rules! tools {
    ($($test:ident $prefix:literal)*) => {
        $(#[test] fn $test() { run($prefix); })*

        #[test]
        fn every_case_belongs_to_a_test() {
            let prefixes = [$($prefix),*];
            for name in cases().keys() {
                assert!(prefixes.iter().any(|prefix| name.starts_with(prefix)), "{name}");
            }
        }
    };
}

tools! {
    buildah "buildah-"
    buildx "buildx-"
    containerify "containerify-"
    cosign "cosign-"
    crane "crane-"
    rust_crates "crates-"
    containerd "ctr-"
    docker_classic_store "docker-classic-"
    docker_containerd_store "docker-ctd-"
    flatpak "flatpak-"
    mkosi "mkosi-"
    notation "notation-"
    oras "oras-"
    podman "podman-"
    python_oci "py-oci-"
    pyoci "pyoci-"
    skopeo_directories "skopeo-dir"
    skopeo_archives "skopeo-all-"
    skopeo_layouts "skopeo-o"
    skopeo_attestations "skopeo-att-"
    skopeo_encrypted "skopeo-encrypt-"
    skopeo_others "skopeo-d"
    skopeo_sparse "skopeo-index-only-"
    skopeo_preserved "skopeo-preserve"
    skopeo_shared "skopeo-s"
    soci "soci-"
    umoci "umoci-"
}
