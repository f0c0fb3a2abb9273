//! Text of an image in messages: no control characters, no forged lines, not without limit.

use serde_json::{Value, json};
use tar::EntryType;

use crate::support::blocks::*;
use crate::support::*;

#[test]
fn control_characters_in_names_are_escaped_in_messages() {
    let evil = "\u{1b}[2J\nhint: \u{202e}x";
    let shown = r"\u{1b}[2J\u{a}hint: \u{202e}x";
    let image = amd64();
    let (config, layer) = (image.config_bytes(), &image.layers[0]);
    let manifest = |items: &Value| serde_json::to_vec(items).unwrap();
    let item = |layers: [&str; 2]| json!({ "Config": "c", "Layers": layers, "RepoTags": [evil] });
    let wrong = manifest(&json!([item(["0", evil])]));
    let several = manifest(&json!([item(["0", "0"]), item(["0", "0"])]));
    let mut named = header("x", EntryType::Regular, layer.len() as u64);
    named.as_old_mut().name[..evil.len()].copy_from_slice(evil.as_bytes());
    named.set_cksum();
    let archive = |manifest: &[u8]| {
        let rest = tar(&[("0", layer), ("c", &config), ("manifest.json", manifest)]);
        [entry(&named, layer), rest].concat()
    };
    let scratch = Scratch::new();
    scratch.write("wrong.tar", &archive(&wrong));
    scratch.write("several.tar", &archive(&several));
    expect(
        &scratch,
        &["wrong.tar"],
        &[&format!("wrong.tar: layer {shown} has the wrong content")],
    );
    expect(
        &scratch,
        &["several.tar"],
        &[
            &format!("#@0  #{shown}  linux/amd64  sha256:"),
            "\n  #@1  ",
            "hint: pick one with several.tar#@0 or several.tar#@1\n",
        ],
    );

    let mut image = amd64();
    image.config["architecture"] = evil.into();
    scratch.write("platform.tar", &image.docker_archive());
    let arguments = ["linux/arm64=platform.tar"];
    expect(
        &scratch,
        &arguments,
        &[&format!("its platform is linux/{shown} by its config")],
    );
    let listed = scratch.merge_to("merged", &["platform.tar"]).stderr;
    assert!(listed.starts_with(&format!("linux/{shown} ")), "{listed}");
}

#[test]
fn names_in_an_image_cannot_forge_lines_of_a_message() {
    let scratch = Scratch::new();
    let evil = "x\u{1b}[2J\nhint: run this\r\u{9b}0m";
    let manifest = json!([{ "Config": evil, "Layers": [] }]);
    let archive = tar(&[("manifest.json", manifest.to_string().as_bytes())]);
    scratch.write("missing.tar", &archive);
    // In a list of images, which has one per line.
    let item = |tag: &str| json!({ "Config": "c", "RepoTags": [tag], "Layers": [] });
    let manifest = json!([item(evil), item("y:1")]).to_string();
    let mut config = amd64();
    config.layers.clear();
    let config = config.config_bytes();
    let files: [(&str, &[u8]); 2] = [("c", &config), ("manifest.json", manifest.as_bytes())];
    scratch.write("several.tar", &tar(&files));
    // As the name of a layer.
    let image = amd64();
    let manifest = json!([{ "Config": "c", "Layers": [evil, "l"] }]).to_string();
    let files: [(&str, &[u8]); 4] = [
        ("c", &image.config_bytes()),
        (evil, &image.layers[1]),
        ("l", &image.layers[1]),
        ("manifest.json", manifest.as_bytes()),
    ];
    scratch.write("layer.tar", &tar(&files));
    for name in ["missing.tar", "several.tar", "layer.tar"] {
        let message = scratch.fail(&["merge", "-o", "out", name]);
        assert!(message.contains(r"x\u{1b}[2J\"), "{message}");
        assert!(
            !message.contains(|c: char| c.is_control() && c != '\n'),
            "{message}"
        );
        assert!(!message.contains("\nhint: run"), "{message}");
    }
    // In the line for a merged image.
    let mut image = amd64();
    image.config["architecture"] = evil.into();
    scratch.write("merged.tar", &image.docker_archive());
    let listed = scratch.merge(&["merged.tar"]).stderr;
    assert!(listed.contains(r"x\u{1b}[2J\"), "{listed}");
    assert!(!listed.contains(['\u{1b}', '\r', '\u{9b}']), "{listed:?}");
}

#[test]
fn a_message_about_a_very_long_name_is_shortened() {
    let scratch = Scratch::new();
    let name = "x".repeat(1 << 20);
    let manifest = serde_json::to_vec(&json!([{ "Config": name }])).unwrap();
    scratch.write("a.tar", &tar(&[("manifest.json", &manifest)]));
    let message = scratch.fail(&["merge", "-o", "out", "a.tar"]);
    assert!(
        message.len() < 20_000 && message.contains(" …\nhint: "),
        "{}",
        message.len()
    );
}

/// Hints are chosen by the type of a problem, not by its text.
#[test]
fn an_entry_named_like_a_problem_does_not_get_its_hint() {
    for name in [
        "is a sparse file",
        "it expands to more than",
        "too much memory",
    ] {
        let mut blocks = entry(&tar_header(name, 4), b"data");
        blocks.truncate(514);
        let problem = format!(
            "cannot read the tar archive: the entry {name:?} has 4 bytes from byte 512 on, but the file ends at byte 514\nhint: the file is damaged or was not written to its end; build or download it again"
        );
        let scratch = Scratch::new();
        scratch.write("a.tar", &blocks);
        let error = &format!("error: a.tar: {problem}\n");
        expect(&scratch, &["a.tar"], &[error]);
    }
}
