//! `--reuse` takes layers of earlier merges, and changes nothing else.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::inputs::dockertools_conf::{conf, store, with, write};
use crate::support::*;

const RECORDS: &str = "polyarch-layers.json";

/// The layout `first` of the archives `a.tar` and `b.tar`.
fn first(options: &[&str]) -> Scratch {
    let scratch = two_archives();
    let arguments = ["merge", "--layer-records", "-o", "first", "a.tar", "b.tar"];
    scratch.run(&[&arguments, options].concat());
    scratch
}

/// Changes the layers of an archive, whose names, config and digests stay.
fn damage_layers(scratch: &Scratch, name: &str) {
    let path = scratch.path(name);
    let mut bytes = fs::read(&path).unwrap();
    for (i, at) in bytes.clone().windows(5).enumerate() {
        if at == b"linux" && bytes[i..].starts_with(b"linux/") {
            bytes[i] = b'L';
        }
    }
    fs::write(path, bytes).unwrap();
}

fn records(layout: &Path) -> Value {
    serde_json::from_slice(&fs::read(layout.join(RECORDS)).unwrap()).unwrap()
}

#[test]
fn a_layer_with_the_same_diff_id_is_not_read_again() {
    let scratch = first(&[]);
    for archive in ["a.tar", "b.tar"] {
        damage_layers(&scratch, archive);
    }
    scratch.fail(&["merge", "-o", "second", "a.tar", "b.tar"]);
    for options in [&["--layer-records"][..], &["--layer-records", "--no-sync"]] {
        let arguments = [
            "merge", "--force", "--reuse", "first", "-o", "second", "a.tar", "b.tar",
        ];
        scratch.run(&[&arguments, options].concat());
        assert_eq!(tree(&scratch.path("second")), tree(&scratch.path("first")));
    }
}

#[test]
fn a_layer_of_the_same_store_paths_is_not_read_again() {
    let store = store();
    store.file("lib/share/text", 0o444, b"a library");
    store.file("app/text", 0o444, b"an app");
    let conf = conf(&store, &[&["lib"], &["app"]]);
    write(&store, &conf);
    let scratch = &store.0;
    scratch.run(&["merge", "--layer-records", "-o", "first", "conf.json"]);
    fs::remove_dir_all(store.path("lib")).unwrap();
    scratch.fail(&["merge", "-o", "second", "conf.json"]);
    let arguments = ["merge", "--layer-records", "--reuse", "first", "-o"];
    scratch.run(&[&arguments[..], &["second", "conf.json"]].concat());
    assert_eq!(tree(&scratch.path("second")), tree(&scratch.path("first")));

    // Another owner makes another layer.
    write(&store, &with(&conf, "uid", "1".into()));
    let error = scratch.fail(&[&arguments[..], &["third", "conf.json"]].concat());
    assert!(error.contains("store/lib: No such file"), "{error}");
}

#[test]
fn links_lead_to_the_layers_that_are_taken() {
    let scratch = first(&[]);
    let arguments = ["merge", "--link", "--reuse", "first", "-o", "second"];
    scratch.run(&[&arguments[..], &["a.tar", "b.tar"]].concat());
    let first = scratch.path("first").canonicalize().unwrap();
    let records = records(&first);
    let layers = records["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 3);
    for layer in layers {
        let digest = layer["digest"].as_str().unwrap().replace(':', "/");
        let blob = Path::new("blobs").join(digest);
        let link = fs::read_link(scratch.path("second").join(&blob)).unwrap();
        assert_eq!(link, first.join(&blob));
    }
}

#[test]
fn a_layer_that_was_compressed_in_another_way_is_not_taken() {
    let scratch = first(&["--compression-level", "1"]);
    let plain = scratch.merge_to("plain", &["a.tar", "b.tar"]);
    let reusing = ["--reuse", "first", "a.tar", "b.tar"];
    assert_eq!(scratch.merge_to("second", &reusing).digest, plain.digest);
    let zstd = ["--compression", "zstd", "a.tar", "b.tar"];
    let expected = scratch.merge_to("zstd", &zstd).digest;
    let reusing = [&["--reuse", "first"][..], &zstd].concat();
    assert_eq!(scratch.merge_to("third", &reusing).digest, expected);
}

#[test]
fn a_layer_that_is_taken_is_verified() {
    let scratch = first(&[]);
    let records = records(&scratch.path("first"));
    let digest = records["layers"][0]["digest"].as_str().unwrap();
    let blob = scratch.path("first/blobs").join(digest.replace(':', "/"));
    let mut bytes = fs::read(&blob).unwrap();
    bytes[20] ^= 1;
    fs::write(&blob, bytes).unwrap();
    let error = scratch.fail(&["merge", "--reuse", "first", "-o", "out", "a.tar", "b.tar"]);
    let start = format!("error: first: blob {digest} has the wrong digest: ");
    assert!(error.starts_with(&start), "{error}");
    assert!(error.contains(&format!("expected {digest}")), "{error}");

    // A blob that is not a file, or of another size, is made again.
    fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &blob).unwrap();
    let path = scratch.path("first").join(RECORDS);
    let mut endless = records.clone();
    endless["layers"][0]["size"] = 0.into();
    fs::write(&path, endless.to_string()).unwrap();
    scratch.run(&["merge", "--reuse", "first", "-o", "made", "a.tar", "b.tar"]);
    fs::write(&path, records.to_string()).unwrap();
    fs::remove_file(&blob).unwrap();
    fs::write(&blob, "").unwrap();
    scratch.run(&["merge", "--reuse", "first", "-o", "out", "a.tar", "b.tar"]);
}

#[test]
fn the_program_in_a_layer_that_is_taken_is_checked() {
    let scratch = Scratch::new();
    let mut image = amd64();
    let arm64 = [
        &b"\x7fELF\x02\x01\x01"[..],
        &[0; 9],
        &[2, 0, 183, 0, 1],
        &[0; 43],
    ]
    .concat();
    let mut header = tar_header("bin/run", arm64.len() as u64);
    header.set_mode(0o755);
    header.set_cksum();
    let mut layer = tar::Builder::new(Vec::new());
    layer.append(&header, &arm64[..]).unwrap();
    image.layers.push(layer.into_inner().unwrap());
    image.config["config"]["Cmd"] = json!(["/bin/run"]);
    scratch.write("a.tar", &image.docker_archive());
    for check in ["warn", "off"] {
        let layout = &*format!("checked-{check}");
        let check = ["--platform-check", check, "--layer-records", "-o", layout];
        scratch.run(&[&["merge"][..], &check, &["a.tar"]].concat());
        let error = scratch.fail(&["merge", "--reuse", layout, "-o", "out", "a.tar"]);
        assert!(error.contains("/bin/run in layer 3 of 3"), "{error}");
    }
}

#[test]
fn records_that_cannot_be_used_are_errors() {
    let scratch = two_archives();
    scratch.run(&["merge", "-o", "first", "a.tar", "b.tar"]);
    let reuse = ["merge", "--reuse", "first", "-o", "out", "a.tar", "b.tar"];
    assert_eq!(
        scratch.fail(&reuse),
        "error: first: has no \"polyarch-layers.json\", so none of its layers can be taken\n\
         hint: give an image layout that was written with --layer-records\n"
    );
    assert_eq!(
        scratch.fail(&["merge", "--reuse", "a.tar", "-o", "out", "b.tar"]),
        "error: a.tar: has no \"polyarch-layers.json\", so none of its layers can be taken\n\
         hint: give an image layout that was written with --layer-records\n"
    );
    for (records, problem) in [
        (r#"{"version":1}"#, "missing field `layers`"),
        (
            r#"{"version":2,"layers":[]}"#,
            "found version 2, expected 1",
        ),
    ] {
        scratch.write("first/polyarch-layers.json", records.as_bytes());
        let error = scratch.fail(&reuse);
        let start = "error: first: polyarch-layers.json is not valid: ";
        assert!(error.starts_with(&format!("{start}{problem}")), "{error}");
    }
    let archive = ["merge", "--layer-records", "-o", "out.tar", "a.tar"];
    let output = scratch.command(&archive).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--layer-records needs an oci-layout output"));
}

/// `verify` does not report the file, and a merge of the layout does not carry it.
#[test]
fn records_are_no_part_of_the_image() {
    let scratch = first(&[]);
    let report = scratch.json(&["verify", "--json", "first"]);
    assert_eq!(report["findings"], json!([]), "{report}");
    let merged = scratch.merge_to("second", &["first"]);
    assert_eq!(
        merged.digest,
        scratch.merge_to("third", &["a.tar", "b.tar"]).digest
    );
    assert!(!scratch.path("second").join(RECORDS).exists());
}
