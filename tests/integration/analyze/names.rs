//! Names of files that are not UTF-8 or too long.

use serde_json::{Value, json};

use super::*;
use crate::support::*;

/// Writes an image of one file per layer, whose names may not be UTF-8.
fn nameless(scratch: &Scratch, output: &str, names: &[&[u8]]) {
    let mut image = TestImage::new("linux/amd64");
    let layer = |name: &[u8], i: usize| {
        let mut header = tar_header("", 1000);
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        let mut layer = tar::Builder::new(Vec::new());
        layer.append(&header, &noise(i as u64, 1000)[..]).unwrap();
        layer.into_inner().unwrap()
    };
    image.layers = names.iter().enumerate().map(|(i, n)| layer(n, i)).collect();
    scratch.write(output, &image.docker_archive());
}

#[test]
fn names_that_are_not_utf8_stay_distinct() {
    let scratch = Scratch::new();
    nameless(
        &scratch,
        "a.tar",
        &[b"\xff/a/x", b"\xfe/a/x", b"\xfd/a/x", br"\xfc/a/x"],
    );
    let first = scratch.run(&["analyze", "--json", "a.tar"]);
    let found: Value = serde_json::from_str(&first).unwrap();
    let paths = found["platforms"][0]["paths"].as_array().unwrap();
    let paths: Vec<&str> = paths.iter().map(|p| p["path"].as_str().unwrap()).collect();
    assert_eq!(paths, [r"/\x5cxfc/a", r"/\xfd/a", r"/\xfe/a", r"/\xff/a"]);
    for jobs in ["1", "2", "4", "4", "4", "4"] {
        let again = scratch.run(&["analyze", "--json", "--jobs", jobs, "a.tar"]);
        assert!(again == first, "{again}");
    }

    let diff = |new: &str| -> Value { scratch.json(&["diff", "--json", "a.tar", new]) };
    let nothing = json!({ "added": [], "removed": [], "changed": [] });
    assert_eq!(diff("a.tar")["platforms"][0]["directories"], nothing);
    nameless(&scratch, "b.tar", &[b"\xff/a/x", b"\xfe/a/x"]);
    let gone =
        json!([{ "path": r"/\x5cxfc/a", "size": 1000 }, { "path": r"/\xfd/a", "size": 1000 }]);
    assert_eq!(
        diff("b.tar")["platforms"][0]["directories"]["removed"],
        gone
    );
}

#[test]
fn a_path_longer_than_4096_bytes_gives_a_warning() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    let mut layer = tar::Builder::new(Vec::new());
    // The tar crate must not cut the name at a slash: Python takes the rest for a directory.
    let name = "a".to_owned() + &"a/".repeat(2100) + "x";
    layer
        .append_data(&mut tar_header("x", 3), name, &b"abc"[..])
        .unwrap();
    image.layers[1] = layer.into_inner().unwrap();
    scratch.write("a.tar", &image.docker_archive());
    let found = analyze(&scratch, "a.tar");
    assert_eq!(found["platforms"][0]["layers"][1]["fileSize"], 3);
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("more than 4096 bytes"), "{warnings}");
    assert!(
        !warnings.contains("too many files to compare"),
        "{warnings}"
    );
}
