//! Confs of dockerTools' layered images: polyarch makes the image that dockerTools' stream writes.
//!
//! `fixtures` compares with archives that the real dockerTools wrote, `trees` with those of `stream.py`, which
//! leaves the bytes of layers to Python's `tarfile`, as dockerTools does.

mod commands;
mod errors;
mod fixtures;
mod trees;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use super::store::Store;
use crate::support::*;

/// A store with a customisation layer.
pub fn store() -> Store {
    let store = Store::new();
    customise(&store, &tar(&[("./bin/app", b"app")]));
    store
}

/// Writes the customisation layer and its checksum.
pub fn customise(store: &Store, layer: &[u8]) {
    store.file("customisation-layer/layer.tar", 0o444, layer);
    store.file(
        "customisation-layer/checksum",
        0o444,
        format!("{}\n", hex(layer)).as_bytes(),
    );
}

/// A conf of these layers and of the customisation layer.
pub fn conf(store: &Store, layers: &[&[&str]]) -> Value {
    let layers = layers.iter().map(|paths| {
        let paths = paths.iter().map(|name| store.path(name));
        paths.collect::<Vec<_>>()
    });
    json!({
        "architecture": "arm64",
        "config": { "Cmd": ["/bin/app"], "Env": ["PATH=/bin"] },
        "os": "linux",
        "store_dir": store.path("").trim_end_matches('/'),
        "from_image": null,
        "store_layers": layers.collect::<Vec<_>>(),
        "customisation_layer": store.path("customisation-layer"),
        "repo_tag": "app:v1",
        "created": "1970-01-01T00:00:01+00:00",
        "mtime": "1970-01-01T00:00:01+00:00",
        "uid": "0",
        "gid": "0",
        "uname": "root",
        "gname": "root",
    })
}

/// The conf with another value of a key, or without the key if that is `Null`.
pub fn with(conf: &Value, key: &str, value: Value) -> Value {
    let mut conf = conf.clone();
    match value {
        Value::Null => drop(conf.as_object_mut().unwrap().shift_remove(key)),
        value => conf[key] = value,
    }
    conf
}

pub fn write(store: &Store, conf: &Value) {
    store.0.write("conf.json", conf.to_string().as_bytes());
}

/// Writes the conf and the docker-archive that Python makes of it, `conf.json` and `stream.tar`.
#[track_caller]
fn stream(store: &Store, conf: &Value) -> bool {
    if !have(&["python3"]) {
        return false;
    }
    write(store, conf);
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/integration/inputs/dockertools_conf/stream.py"
    );
    let archive = fs::File::create(store.0.path("stream.tar")).unwrap();
    let output = Command::new("python3")
        .env("LC_ALL", "C.UTF-8")
        .args([script, "conf.json"])
        .current_dir(store.0.path(""))
        .stdout(archive)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    true
}

/// Expects that the conf and the archive that Python makes of it are merged to the same bytes.
#[track_caller]
fn same(store: &Store, conf: &Value) {
    if !stream(store, conf) {
        return;
    }
    let merge = |input: &str, output: &str| {
        let options = ["merge", "-q", "-f", "--compression", "none"];
        let rest = ["--platform-check", "off", "-o", output, input];
        store.0.run(&[&options[..], &rest].concat())
    };
    let [expected, found] = [merge("stream.tar", "a"), merge("conf.json", "b")];
    if found != expected {
        let [expected, found] = ["a", "b"].map(|output| Merged::read(&store.0.path(output)));
        assert_eq!(found.configs, expected.configs);
        panic!("not the same index: {} and {}", found.index, expected.index);
    }
}
