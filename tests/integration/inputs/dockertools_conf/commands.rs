//! The commands that read images, on a conf and on the archive that Python makes of it.

use serde_json::json;

use super::*;
use crate::support::*;

/// A store with an image of which all commands have something to report.
fn image() -> Option<(Store, Value)> {
    let store = store();
    store.file("hello/bin/hello", 0o555, b"#!/bin/sh\n");
    store.file("hello/share/large", 0o444, &noise(1, 50_000));
    store.file("copy/share/large", 0o444, &noise(1, 50_000));
    let conf = conf(&store, &[&["hello"], &["copy"]]);
    stream(&store, &conf).then_some((store, conf))
}

#[test]
fn every_command_reads_a_conf_as_the_archive() {
    let Some((store, _)) = image() else { return };
    let scratch = &store.0;
    let read = |command: &[&str], input: &str| {
        let output = scratch
            .command(&[command, &[input]].concat())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        (
            text.replace("dockertools-conf", "docker-archive"),
            stderr(&output),
        )
    };
    for command in [
        &["inspect", "--raw=config"][..],
        &["analyze", "--json"],
        &["analyze"],
    ] {
        let [conf, archive] = ["conf.json", "stream.tar"].map(|input| {
            let (out, err) = read(command, input);
            (out.replace(input, "INPUT"), err.replace(input, "INPUT"))
        });
        assert_eq!(conf, archive, "{command:?}");
    }
    let found = scratch.json(&["diff", "--json", "stream.tar", "conf.json"]);
    assert_eq!(found["push"], json!({ "blobs": 0, "bytes": 0 }));
    assert_eq!(found["platforms"][0]["status"], "same");

    let inspect = |input: &str| scratch.json(&["inspect", "--json", input]);
    let (conf, archive) = (inspect("conf.json"), inspect("stream.tar"));
    assert_eq!(conf["format"], "dockertools-conf");
    for key in ["names", "index"] {
        assert_eq!(conf[key], archive[key], "{key}");
    }
    for key in ["platform", "imageId", "size", "config"] {
        assert_eq!(
            conf["platforms"][0][key], archive["platforms"][0][key],
            "{key}"
        );
    }
}

#[test]
fn verify_reads_every_layer_of_a_conf() {
    let Some((store, conf)) = image() else { return };
    let verify = |arguments: &[&str]| {
        let arguments = [&["verify", "--json"], arguments, &["conf.json"]].concat();
        let output = store.0.command(&arguments).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), report)
    };
    let (code, report) = verify(&["--platform-check", "off"]);
    assert_eq!((code, &report["findings"]), (0, &json!([])));
    assert_eq!(report["inputs"][0]["format"], "dockertools-conf");
    assert_eq!(report["inputs"][0]["images"][0]["layers"], 3);

    customise(&store, b"not a tar archive");
    let (code, report) = verify(&["--platform-check", "off"]);
    assert_eq!(
        (code, &report["findings"][0]["id"]),
        (1, &json!("layer-tar"))
    );

    write(&store, &with(&conf, "created", json!("now")));
    let (code, report) = verify(&[]);
    assert_eq!(
        (code, &report["findings"][0]["id"]),
        (1, &json!("unsupported-conf"))
    );
    assert_eq!(
        report["findings"][0]["subject"],
        "the conf of the layered image"
    );
}

#[test]
fn unusual_values_are_treated_as_those_of_the_archive() {
    let Some((store, conf)) = image() else { return };
    let merge = |input: &str| {
        let options = ["merge", "-f", "--platform-check", "off", "-o", "out", input];
        let output = store.0.command(&options).output().unwrap();
        let text = String::from_utf8(output.stdout.clone()).unwrap() + &stderr(&output);
        (output.status.code(), text.replace(input, "INPUT"))
    };
    for (key, value) in [
        ("architecture", json!("x86_64")),
        ("architecture", json!("riscv64")),
        ("repo_tag", json!("App")),
        ("repo_tag", json!("")),
        ("config", json!({ "User": 5 })),
        ("config", json!({ "Env": [1] })),
    ] {
        stream(&store, &with(&conf, key, value.clone()));
        assert_eq!(merge("conf.json"), merge("stream.tar"), "{key} {value}");
    }
}

#[test]
fn a_conf_is_selected_as_the_archive() {
    let Some((store, _)) = image() else { return };
    let scratch = &store.0;
    let whole = scratch.merge(&["conf.json"]).digest;
    for input in ["conf.json#app:v1", "conf.json#@0", "linux/arm64=conf.json"] {
        assert_eq!(scratch.merge(&["-f", input]).digest, whole, "{input}");
    }
    for (input, message) in [
        (
            "conf.json#app:v2",
            "no image #app:v2; it has\n  #@0  #app:v1  linux/arm64\nhint: take it with conf.json#app:v1\n",
        ),
        (
            "conf.json#@1",
            "no image #@1; it has\n  #@0  #app:v1  linux/arm64\nhint: take it with conf.json#app:v1\n",
        ),
        (
            "linux/amd64=conf.json",
            "its platform is linux/arm64 by its config, but it was given as linux/amd64\nhint: built with the wrong package set? if only its config is wrong, merge it with --set-platform IMAGE=linux/amd64 (Nix: architecture = \"amd64\" in dockerTools, or setPlatform = \"linux/amd64\"); otherwise give it as linux/arm64=IMAGE (Nix: change its key in images), or without a platform\n",
        ),
    ] {
        let found = scratch.fail(&["merge", "-o", "new", input]);
        assert_eq!(found, format!("error: conf.json: {message}"));
    }
}
