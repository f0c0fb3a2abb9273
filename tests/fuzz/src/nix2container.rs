//! Images of nix2container: any JSON, and documents that match generated store paths.
//!
//! A document may name any path of the machine, which is then read. Each path in a document is therefore
//! checked to be one of the test.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use arbitrary::Unstructured;
use polyarch::Error;
use polyarch::internals::error::Problem;
use polyarch::merge::Compression;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::merging::{Asked, hold, try_once};
use super::recipe::{Dice, document};
use super::scratch::{Parcel, Way};
use super::stores::{STORE, fill, placed};

/// Reads bytes as a document, or generates one from them.
pub fn nix2container(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let store = tempfile::tempdir().unwrap();
    if choice & 1 == 0 {
        let u = &mut Unstructured::new(bytes);
        let names = fill(u, store.path());
        let value = learn(image(u, &names), &store);
        let document = document(u, value);
        take(&document, &store);
    } else {
        fill(
            &mut Unstructured::new(b"\x02a\x00\x07content"),
            store.path(),
        );
        take(bytes, &store);
    }
}

fn take(document: &[u8], store: &TempDir) {
    let document = placed(document, store);
    if is_ours(&document, store) {
        let asked = Asked {
            compression: Compression::None,
            ..Asked::default()
        };
        hold(&[Parcel::Archive(document)], &asked, [Way::File; 2]);
    }
}

/// Whether all paths are in the store of the test. (Text that is not JSON has no paths, and a document with
/// a duplicate key is refused before its paths are read.)
fn is_ours(document: &[u8], store: &TempDir) -> bool {
    fn all(value: &Value, is_ours: &impl Fn(&str) -> bool) -> bool {
        match value {
            Value::Array(items) => items.iter().all(|item| all(item, is_ours)),
            Value::Object(members) => members.iter().all(|(key, value)| match value {
                Value::String(text) if key.ends_with("path") => is_ours(text),
                value => all(value, is_ours),
            }),
            _ => true,
        }
    }
    let is_ours = |text: &str| {
        let is_inside = Path::new(text).starts_with(store.path()) && !text.contains("..");
        is_inside || !text.starts_with('/')
    };
    serde_json::from_slice(document).map_or(true, |value: Value| all(&value, &is_ours))
}

/// A document about store paths, whose digests are not known yet.
fn image(u: &mut Unstructured<'_>, names: &[String]) -> Value {
    let nothing = format!("sha256:{:064}", 0);
    let layers: Vec<Value> = (0..u.up_to(2))
        .map(|_| {
            let paths: Vec<Value> = (0..=u.up_to(1)).map(|_| store_path(u, names)).collect();
            json!({
                "digest": nothing, "diff_ids": nothing, "size": 1, "paths": paths,
                "mediatype": "application/vnd.oci.image.layer.v1.tar",
                "History": { "created_by": "nix2container", "comment": u.text() },
            })
        })
        .collect();
    json!({
        "version": 1, "arch": "arm64", "layers": layers,
        "created": u.one_of(&["0001-01-01T00:00:00Z", "2025-01-31T00:00:00.120+02:00"]),
        "image-config": { "Env": [u.text()], "Labels": { u.text(): u.text() } },
    })
}

fn store_path(u: &mut Unstructured<'_>, names: &[String]) -> Value {
    let name = &names[u.up_to(names.len() - 1)];
    let mut path = json!({ "path": format!("{STORE}{name}") });
    if u.up_to(1) == 1 {
        let regexes = [
            "",
            "^.*/path[0-9]",
            "/",
            "(.)(.*)",
            ".*",
            "file$",
            "^.*/path0/(.*)$",
        ];
        let repls = ["", "/", "/opt", "$2$1", "/a/../b", "x", "${1}/$1"];
        let mut perm =
            json!({ "regex": u.one_of(&regexes), "mode": u.one_of(&["", "0755", "-1"]) });
        if u.up_to(1) == 1 {
            perm["uid"] = json!(u.arbitrary::<i32>().unwrap_or(0));
            perm["gid"] = json!(u.arbitrary::<i64>().unwrap_or(0));
            perm["uname"] = json!(u.text());
        }
        path["options"] = json!({
            "rewrite": { "regex": u.one_of(&regexes), "repl": u.one_of(&repls) },
            "perms": [perm],
        });
    }
    path
}

/// Replaces wrong values in the document by those that polyarch reports, until it is correct, as the author
/// of a document would. The layers of the output must then be tar archives.
fn learn(mut document: Value, store: &TempDir) -> Value {
    let output = store.path().with_extension("learnt");
    let count = document["layers"].as_array().map_or(0, Vec::len);
    for _ in 0..=2 * count {
        let bytes = placed(document.to_string().as_bytes(), store);
        match try_once(&bytes, &output) {
            Ok(()) => {
                readable(&output);
                break;
            }
            Err(error) if !correct(&mut document, &error) => break,
            Err(_) => {}
        }
    }
    let _ = fs::remove_dir_all(&output);
    document
}

/// Corrects the document by the error; returns whether the error has the value that was found.
fn correct(document: &mut Value, error: &Error) -> bool {
    let Problem::StorePathsChanged { found, .. } = error.problem() else {
        return false;
    };
    let layer = error.subject().item.id();
    let number: usize = layer.split(' ').next().unwrap().parse().unwrap();
    let layer = &mut document["layers"][number - 1];
    match found.strip_suffix(" bytes") {
        Some(size) => layer["size"] = json!(size.parse::<u64>().unwrap()),
        None => {
            layer["digest"] = found.as_str().into();
            layer["diff_ids"] = found.as_str().into();
        }
    }
    true
}

/// Checks that every tar archive can be read to its end and has no name twice.
fn readable(layout: &Path) {
    for blob in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
        let bytes = fs::read(blob.unwrap().path()).unwrap();
        if bytes.starts_with(b"{") {
            continue;
        }
        let mut names = BTreeSet::new();
        let mut archive = tar::Archive::new(&bytes[..]);
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name: PathBuf = entry.path().unwrap().into_owned();
            assert!(names.insert(name.clone()), "{name:?} is a duplicate");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            assert_eq!(
                content.len() as u64,
                entry.header().entry_size().unwrap_or(0)
            );
        }
    }
}
