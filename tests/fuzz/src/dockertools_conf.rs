//! Confs of dockerTools' layered images: any JSON, and confs of generated store paths.
//!
//! A conf may name any path of the machine, which is then read. Each path in a conf is therefore checked to be
//! one of the test.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use arbitrary::Unstructured;
use polyarch::merge::Compression;
use polyarch::oci::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;
use walkdir::WalkDir;

use super::merging::{Asked, hold, report, try_once};
use super::recipe::{self, Dice, document};
use super::scratch::{Parcel, Way};
use super::stores::{STORE, fill, placed};

/// Reads bytes as a conf, or generates one from them.
pub fn dockertools_conf(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let store = tempfile::tempdir().unwrap();
    let nothing = &mut Unstructured::new(b"\x02a\x00\x07content");
    if choice & 1 == 1 {
        fill(nothing, store.path());
        customise(nothing, store.path());
        return take(bytes, &store);
    }
    let u = &mut Unstructured::new(bytes);
    let names = fill(u, store.path());
    customise(u, store.path());
    let value = conf(u, &names, store.path());
    let layers: Vec<Vec<PathBuf>> = value["store_layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|paths| paths_of(paths, store.path()))
        .collect();
    let exact = placed(value.to_string().as_bytes(), &store);
    has_the_files(&exact, &layers, &store);
    let changed = document(u, value);
    take(&changed, &store);
}

fn take(conf: &[u8], store: &TempDir) {
    let conf = placed(conf, store);
    if is_ours(&conf, store) {
        let asked = Asked {
            compression: Compression::None,
            ..Asked::default()
        };
        let parcel = Parcel::Archive(conf);
        report(&parcel, [Way::File; 2]);
        hold(&[parcel], &asked, [Way::File; 2]);
    }
}

/// Whether all texts that are paths are in the store of the test.
fn is_ours(conf: &[u8], store: &TempDir) -> bool {
    fn all(value: &Value, is_ours: &impl Fn(&str) -> bool) -> bool {
        match value {
            Value::Array(items) => items.iter().all(|item| all(item, is_ours)),
            Value::Object(members) => members.values().all(|value| all(value, is_ours)),
            Value::String(text) => is_ours(text),
            _ => true,
        }
    }
    let is_ours = |text: &str| {
        let is_inside = Path::new(text).starts_with(store.path()) && !text.contains("..");
        is_inside || !text.starts_with('/')
    };
    // Of a duplicate key the last value counts, for this parser as well.
    serde_json::from_slice(conf).map_or(true, |value: Value| all(&value, &is_ours))
}

/// Creates the customisation layer.
fn customise(u: &mut Unstructured<'_>, store: &Path) {
    let program = recipe::Entry::file("bin/program", u.blob(40));
    let layer = recipe::archive(u, vec![program]);
    let top = store.join("top");
    fs::create_dir(&top).unwrap();
    fs::write(top.join("layer.tar"), &layer).unwrap();
    let digest = Digest::of(&layer);
    let checksum = match u.rarely() {
        true => u.text(),
        false => format!("{}\n", digest.hex()),
    };
    fs::write(top.join("checksum"), checksum).unwrap();
}

/// A conf of store paths.
fn conf(u: &mut Unstructured<'_>, names: &[String], store: &Path) -> Value {
    let layers: Vec<Vec<String>> = (0..u.up_to(3))
        .map(|_| {
            let paths = (0..u.up_to(2)).map(|_| &names[u.up_to(names.len() - 1)]);
            paths.map(|name| format!("{STORE}{name}")).collect()
        })
        .collect();
    let times = [
        "1970-01-01T00:00:01+00:00",
        "0001-01-01T00:00:00+14:00",
        "2024-02-29T23:59:59-12:30",
        "9999-12-31T23:59:59-00:00",
    ];
    let ids = ["0", "1000", "2097152", "18446744073709551615"];
    let mut from_image = Value::Null;
    if u.rarely() {
        fs::write(store.join("base.tar"), recipe::docker_archive(u)).unwrap();
        from_image = format!("{STORE}base.tar").into();
    }
    let name = |u: &mut Unstructured<'_>| match u.up_to(3) {
        0 => "root".to_owned(),
        1 => "u".repeat(30 + u.up_to(4)),
        _ => u.text().replace('\0', ""),
    };
    json!({
        "architecture": u.one_of(&["arm64", "amd64", "riscv64"]),
        "config": { "Env": [u.text(), u.text()], "Labels": { u.text(): [u.text(), u.up_to(9)] } },
        "os": "linux",
        "store_dir": STORE.trim_end_matches('/'),
        "from_image": from_image,
        "store_layers": layers,
        "customisation_layer": format!("{STORE}top"),
        "repo_tag": u.one_of(&["app:v1", "", "App"]),
        "created": u.one_of(&times),
        "mtime": u.one_of(&times),
        "uid": u.one_of(&ids),
        "gid": u.one_of(&ids),
        "uname": name(u),
        "gname": name(u),
    })
}

fn paths_of(paths: &Value, store: &Path) -> Vec<PathBuf> {
    let paths = paths.as_array().unwrap().iter();
    paths
        .map(|path| store.join(path.as_str().unwrap().trim_start_matches(STORE)))
        .collect()
}

/// Checks that each layer has the files of its store paths, each directory before its entries.
fn has_the_files(conf: &[u8], layers: &[Vec<PathBuf>], store: &TempDir) {
    let output = store.path().with_extension("merged");
    if try_once(conf, &output).is_ok() {
        let diff_ids = diff_ids(&output);
        // Those of a base image come first, and the customisation layer is last.
        let start = diff_ids.len() - 1 - layers.len();
        for (diff_id, paths) in diff_ids[start..].iter().zip(layers) {
            let blob = fs::read(output.join(diff_id.blob_path())).unwrap();
            let mut found = entries(&blob);
            for (i, (name, _)) in found.iter().enumerate().skip(2) {
                let parent = name.parent().unwrap();
                let is_root = paths.contains(name);
                assert!(is_root || found[..i].iter().any(|(other, _)| other == parent));
            }
            let mut expected = vec![("/nix".into(), None), ("/nix/store".into(), None)];
            expected.extend(paths.iter().flat_map(|path| files(path)));
            found.sort();
            expected.sort();
            assert!(found == expected, "{found:?} instead of {expected:?}");
        }
    }
    let _ = fs::remove_dir_all(&output);
}

fn diff_ids(layout: &Path) -> Vec<Digest> {
    let configs = fs::read_dir(layout.join("blobs/sha256")).unwrap();
    let mut configs = configs.filter_map(|blob| {
        let bytes = fs::read(blob.unwrap().path()).unwrap();
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        value.get("rootfs").cloned()
    });
    let rootfs = configs.next().unwrap();
    serde_json::from_value(rootfs["diff_ids"].clone()).unwrap()
}

/// A file of a layer: its content, or the target of a link, and `None` for a directory.
type File = (PathBuf, Option<Vec<u8>>);

fn entries(blob: &[u8]) -> Vec<File> {
    let mut archive = tar::Archive::new(blob);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().components().collect();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        match entry.header().entry_type() {
            tar::EntryType::Directory => (name, None),
            tar::EntryType::Symlink => (name, Some(entry.link_name_bytes().unwrap().into_owned())),
            kind => {
                assert_eq!(kind, tar::EntryType::Regular);
                (name, Some(content))
            }
        }
    });
    entries.collect()
}

fn files(path: &Path) -> Vec<File> {
    let files = WalkDir::new(path).follow_root_links(false).into_iter();
    let file = |entry: walkdir::DirEntry| {
        use std::os::unix::ffi::OsStringExt;
        let kind = entry.file_type();
        let content = match () {
            () if kind.is_dir() => None,
            () if kind.is_symlink() => Some(
                fs::read_link(entry.path())
                    .unwrap()
                    .into_os_string()
                    .into_vec(),
            ),
            () => Some(fs::read(entry.path()).unwrap()),
        };
        (entry.into_path(), content)
    };
    files.map(|entry| file(entry.unwrap())).collect()
}
