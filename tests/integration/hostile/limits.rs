//! How much an archive or a layout may hold.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use serde_json::{Value, json};
use tar::EntryType;

use super::*;
use crate::support::blocks::*;
use crate::support::*;

#[test]
fn headers_and_names_beyond_the_limits_are_refused() {
    for kind in [
        EntryType::GNULongName,
        EntryType::GNULongLink,
        EntryType::XHeader,
    ] {
        refused(
            &entry(&header("long", kind, 4 << 20), &vec![b'a'; 4 << 20]),
            "cannot read the tar archive: its entry 1: its headers have more than 1048576 bytes",
            None,
        );
    }
    // Each name is allowed by itself, and together they are easily compressed.
    let name = vec![b'n'; 900 << 10];
    let long = entry(&header("long", EntryType::GNULongName, 900 << 10), &name);
    let one = [long, entry(&tar_header("x", 0), b"")].concat();
    refused(
        &one.repeat(20),
        "cannot read the tar archive: the names of its entries have more than 16777216 bytes",
        None,
    );
}

/// The entries come through a pipe, so the test can count how many were read.
#[test]
fn an_archive_of_two_million_entries_is_refused_early() {
    for same in [false, true] {
        let scratch = Scratch::new();
        let mut child = scratch
            .command(&["merge", "-o", "out", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let written = (0..2_000_000).step_by(1000).take_while(|start| {
            let headers = (*start..start + 1000).flat_map(|i| {
                let name = if same { 0 } else { i };
                *tar_header(&name.to_string(), 0).as_bytes()
            });
            input.write_all(&headers.collect::<Vec<u8>>()).is_ok()
        });
        let written = written.count() * 1000;
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let problem =
            "error: standard input: cannot read the tar archive: it has more than 65536 entries\n";
        assert!(stderr(&output).starts_with(problem), "{}", stderr(&output));
        assert!(written < 200_000, "{written} entries were taken");
        assert!(scratch.tree().len() == 1);
    }
}

/// Documents that are named many times: they are counted each time.
#[test]
fn a_small_layout_that_names_too_many_documents_is_refused() {
    let scratch = Scratch::new();
    let mut layout = amd64().layout(gzipped);
    for _ in 0..6 {
        let same = vec![layout.index["manifests"][0].clone(); 20];
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": same });
        let descriptor = layout.blob(INDEX, &serde_json::to_vec(&index).unwrap());
        layout.index["manifests"] = json!([descriptor]);
    }
    layout.directory(&scratch, "in");
    // Indexes that name the next one twenty times, six deep: still one image.
    scratch.run(&["merge", "-o", "ok", "in"]);

    let mut image = amd64();
    image.config["x"] = "x".repeat(7 << 20).into();
    let mut layout = image.layout(gzipped);
    let manifest = layout.index["manifests"][0].clone();
    layout.index["manifests"] = (0..400)
        .map(|i| {
            let mut other = manifest.clone();
            other["platform"] =
                json!({ "os": "linux", "architecture": "amd64", "os.version": i.to_string() });
            other
        })
        .collect();
    layout.directory(&scratch, "large");
    expect(
        &scratch,
        &["large"],
        &["its manifests and configs take more than 67.1 MB"],
    );

    // Very many layers, which take more memory than their bytes in the manifest.
    let mut layout = Layout::default();
    let empty = json!({ "mediaType": "a/b", "digest": digest(b""), "size": 0 });
    layout.blobs.push(Vec::new());
    let config = layout.blob("application/vnd.oci.empty.v1+json", b"{}");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": vec![empty; 20_000],
    });
    let manifest = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index = json!({ "schemaVersion": 2, "manifests": [] });
    for version in 0..4 {
        let mut other = manifest.clone();
        other["platform"] =
            json!({ "os": "linux", "architecture": "amd64", "os.version": version.to_string() });
        layout.index["manifests"]
            .as_array_mut()
            .unwrap()
            .push(other);
    }
    layout.directory(&scratch, "layers");
    expect(
        &scratch,
        &["layers"],
        &["its manifests and configs take more than"],
    );

    let item = json!({ "Config": "c", "Layers": ["0", "1"] });
    let manifest = serde_json::to_vec(&vec![item; 300]).unwrap();
    let files: [(&str, &[u8]); 4] = [
        ("0", &image.layers[0]),
        ("1", &image.layers[1]),
        ("c", &image.config_bytes()),
        ("manifest.json", &manifest),
    ];
    scratch.write("a.tar", &tar(&files));
    expect(
        &scratch,
        &["a.tar"],
        &["its manifests and configs take more than"],
    );
}

/// A value of JSON takes more memory than bytes in the document: `0,` takes twenty times as much.
#[test]
fn a_document_of_two_million_values_is_refused() {
    let scratch = Scratch::new();
    let mut layout = amd64().layout(plain);
    let manifest = layout.blobs.pop().unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["x"] = vec![0; 2_000_000].into();
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index["manifests"] = json!([descriptor]);
    layout.directory(&scratch, "in");
    let problem = "in: its manifests and configs take more than 67.1 MB of memory";
    expect(&scratch, &["in"], &[problem]);
}

#[test]
fn indexes_that_are_nested_too_deep_or_name_themselves_are_refused() {
    let scratch = Scratch::new();
    let mut layout = amd64().layout(gzipped);
    let index_of = |layout: &mut Layout, manifests: Value| {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
        layout.blob(INDEX, &serde_json::to_vec(&index).unwrap())
    };
    for depth in 1..=9 {
        let manifests = layout.index["manifests"].clone();
        let descriptor = index_of(&mut layout, manifests);
        layout.index["manifests"] = json!([descriptor]);
        layout.directory(&scratch, &format!("in{depth}"));
    }
    scratch.run(&["merge", "-o", "deep", "in8"]);
    let by = digest(&layout.blobs[layout.blobs.len() - 8]);
    let problem =
        format!("error: in9: {by} is not valid: image indexes are nested more than 8 deep\n");
    let message = scratch.fail(&["merge", "-o", "out", "in9"]);
    assert!(
        message.contains("image indexes are nested more than 8 deep\n"),
        "{message} {problem}"
    );

    // No index can contain its own digest, so the file with that name is another index.
    let mut layout = Layout::default();
    let promised = json!({ "mediaType": INDEX, "digest": digest(b"itself"), "size": 6 });
    let itself = index_of(&mut layout, json!([promised]));
    layout.index = json!({ "schemaVersion": 2, "manifests": [itself] });
    layout.directory(&scratch, "itself");
    let (name, blob) = (hex(b"itself"), hex(&layout.blobs[0]));
    let link = scratch.path(&format!("itself/blobs/sha256/{name}"));
    symlink(&blob, link).unwrap();
    let size = layout.blobs[0].len();
    let problem = format!(
        "error: itself: blob sha256:{name} has the wrong size: found {size} bytes, expected 6\n"
    );
    expect(&scratch, &["itself"], &[&problem]);
}
