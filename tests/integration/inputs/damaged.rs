//! Images that were truncated or changed, or that lack a part.

use std::fs;

use serde_json::json;

use crate::support::*;

#[test]
fn a_truncated_archive_is_refused() {
    let scratch = Scratch::new();
    let archive = amd64().docker_archive();
    // Cut within a layer, within a header, and between two entries.
    for cut in [700, 1024 + 100, 2048] {
        scratch.write("a.tar", &archive[..cut]);
        expect(&scratch, &["a.tar"], &["a.tar: ", "hint: "]);
    }
    scratch.write("a.tar", &archive[..700]);
    expect(
        &scratch,
        &["a.tar"],
        &["cannot read the tar archive", "the file ends at byte 700"],
    );
    // Cut within the zeros after the content of the last entry.
    scratch.write("a.tar", &archive[..archive.len() - 1025]);
    scratch.write("a.tar.gz", &gzip(&archive[..archive.len() - 1025]));
    let text = "within the last block of the entry \"manifest.json\"";
    expect(&scratch, &["a.tar"], &["cannot read the tar archive", text]);
    expect(&scratch, &["a.tar.gz"], &["cannot read the tar archive"]);
    for (name, bytes, what) in [
        ("a.tar.gz", gzip(&archive), "gzip stream"),
        ("a.tar.zst", zstd(&archive), "zstd stream"),
    ] {
        scratch.write(name, &bytes[..bytes.len() * 2 / 3]);
        let what = format!("{name}: cannot read the {what}");
        expect(&scratch, &[name], &[&what, "hint: the file is damaged"]);
    }
    scratch.write("a.tar.gz", &gzip(&archive[..700]));
    expect(&scratch, &["a.tar.gz"], &["cannot read the tar archive"]);
}

#[test]
fn an_archive_with_a_changed_byte_is_refused() {
    let scratch = Scratch::new();
    let mut archive = amd64().docker_archive();
    for (name, bytes) in [("a.tar.gz", gzip(&archive)), ("a.tar.zst", zstd(&archive))] {
        let mut bytes = bytes;
        // Of the checksum at the end, which is read last.
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        scratch.write(name, &bytes);
        expect(&scratch, &[name], &[name, "cannot read the", "stream"]);
    }
    archive[512 * 5] ^= 1;
    scratch.write("a.tar", &archive);
    expect(&scratch, &["a.tar"], &["a.tar: "]);
}

#[test]
fn a_missing_layer_or_config_is_named_in_the_error() {
    let image = amd64();
    let (config, layer) = (image.config_bytes(), &image.layers[0]);
    for (files, kind, name) in [
        (vec![("config.json", &config[..])], "layer", "a/layer.tar"),
        (vec![("a/layer.tar", &layer[..])], "config", "config.json"),
    ] {
        let manifest = json!([{ "Config": "config.json", "Layers": ["a/layer.tar", "b"] }]);
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let archive = tar(&[&files[..], &[("manifest.json", &manifest)]].concat());
        let scratch = Scratch::new();
        scratch.write("a.tar", &archive);
        scratch.write("a.tar.gz", &gzip(&archive));
        let text = format!("manifest.json names the {kind} {name:?}; no such file in it");
        expect(&scratch, &["a.tar"], &[&text, "hint: "]);
        expect(&scratch, &["a.tar.gz"], &[&text, "hint: "]);
    }
}

#[test]
fn a_layer_count_that_differs_from_the_diff_ids_is_refused() {
    let scratch = Scratch::new();
    let config = amd64().config_bytes();
    let manifest = br#"[{"Config":"c","Layers":[]}]"#;
    scratch.write(
        "a.tar",
        &tar(&[("c", &config), ("manifest.json", manifest)]),
    );
    expect(
        &scratch,
        &["a.tar"],
        &["a.tar: 0 layers, but 2 diff IDs in the config"],
    );
}

#[test]
fn a_layer_that_does_not_match_its_diff_id_is_refused() {
    let image = amd64();
    let mut other = image.clone();
    other.layers[1] = tar(&[("bin/program", b"another")]);
    let config = image.config_bytes();
    let manifest = br#"[{"Config":"c","Layers":["0","1"]}]"#;
    let archive = tar(&[
        ("0", &other.layers[0]),
        ("1", &other.layers[1]),
        ("c", &config),
        ("manifest.json", manifest),
    ]);
    let scratch = Scratch::new();
    scratch.write("a.tar", &archive);
    scratch.write("a.tar.gz", &gzip(&archive));
    let (found, expected) = (digest(&other.layers[1]), digest(&image.layers[1]));
    for input in ["a.tar", "a.tar.gz"] {
        for compression in ["gzip", "zstd", "none", "keep"] {
            expect(
                &scratch,
                &["--compression", compression, input],
                &[
                    &format!(
                        "{input}: layer 1 has the wrong content: found diff ID {found}, expected {expected}"
                    ),
                    "hint: ",
                ],
            );
        }
    }
}

#[test]
fn a_config_that_does_not_match_the_digest_in_its_name_is_refused() {
    let scratch = Scratch::new();
    let image = amd64();
    let name = format!("{}.json", hex(b"something else"));
    let manifest = serde_json::to_vec(&json!([{ "Config": name, "Layers": ["0", "1"] }])).unwrap();
    let archive = tar(&[
        ("0", &image.layers[0]),
        ("1", &image.layers[1]),
        (&name, &image.config_bytes()),
        ("manifest.json", &manifest),
    ]);
    scratch.write("a.tar", &archive);
    expect(
        &scratch,
        &["a.tar"],
        &["wrong digest", &digest(b"something else")],
    );
}

#[test]
fn a_missing_blob_or_one_of_a_wrong_size_or_digest_is_refused() {
    let layout = amd64().layout(gzipped);
    for (i, blob) in layout.blobs.iter().enumerate() {
        let scratch = Scratch::new();
        layout.directory(&scratch, "in");
        let name = format!("in/blobs/sha256/{}", hex(blob));
        scratch.write(&name, &blob[1..]);
        let size = format!("found {} bytes, expected {}", blob.len() - 1, blob.len());
        expect(
            &scratch,
            &["in"],
            &["wrong size", &digest(blob), &size, "hint: "],
        );
        fs::remove_file(scratch.path(&name)).unwrap();
        expect(&scratch, &["in"], &["no such file in it", &digest(blob)]);
        if i == 0 {
            let mut changed = blob.clone();
            changed[3] ^= 1;
            scratch.write(&name, &changed);
            expect(
                &scratch,
                &["in"],
                &["wrong digest", &digest(&changed), &digest(blob)],
            );
        }
    }
}
