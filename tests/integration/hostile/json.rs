//! JSON that is nested too deep or too large.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use crate::support::blocks::*;
use crate::support::*;

/// Writes an image for each kind of document, with `json` as the value of an unknown field, and returns their
/// names.
fn documents(scratch: &Scratch, json: &str) -> [&'static str; 5] {
    let image = amd64();
    let with = |document: &[u8]| {
        let text = String::from_utf8(document.to_vec()).unwrap();
        let (head, _) = text.rsplit_once('}').unwrap();
        format!("{head}, \"x\": {json}}}").into_bytes()
    };
    let manifest = format!(r#"[{{"Config":"c","Layers":["0","1"],"x":{json}}}]"#);
    let archive = |config: &[u8], manifest: &[u8]| {
        tar(&[
            ("0", &image.layers[0]),
            ("1", &image.layers[1]),
            ("c", config),
            ("manifest.json", manifest),
        ])
    };
    let config = image.config_bytes();
    scratch.write("manifest.tar", &archive(&config, manifest.as_bytes()));
    let short = br#"[{"Config":"c","Layers":["0","1"]}]"#;
    scratch.write("config.tar", &archive(&with(&config), short));

    let mut layout = image.layout(plain);
    let index = with(&serde_json::to_vec(&layout.index).unwrap());
    layout.directory(scratch, "index");
    scratch.write("index/index.json", &index);
    let bytes = with(&layout.blobs.pop().unwrap());
    let descriptor = layout.blob(MANIFEST, &bytes);
    layout.index["manifests"] = json!([descriptor]);
    layout.directory(scratch, "manifest");
    let document =
        format!(r#"{{"version":1,"layers":[],"arch":"amd64","image-config":{{}},"x":{json}}}"#);
    scratch.write("nix2container.json", document.as_bytes());
    [
        "manifest.tar",
        "config.tar",
        "index",
        "manifest",
        "nix2container.json",
    ]
}

#[test]
fn json_nested_more_than_100_levels_is_refused() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    // 98 levels within the two of the document are allowed.
    let scratch = Scratch::new();
    for input in documents(&scratch, &nested(98)) {
        scratch.run(&["merge", "--force", "-o", "out", input]);
    }
    for depth in [101, 1_000_000] {
        let scratch = Scratch::new();
        for input in documents(&scratch, &nested(depth)) {
            let problem = "is not valid: it is nested more than 100 levels deep\n";
            expect(&scratch, &[input], &[&format!("error: {input}: "), problem]);
        }
    }
}

#[test]
fn json_of_one_gibibyte_is_refused() {
    const SIZE: u64 = 1 << 30;
    let scratch = Scratch::new();
    let sparse = |name: &str, from: &[u8], size: u64| {
        let path = scratch.write(name, from);
        File::options()
            .append(true)
            .open(path)
            .unwrap()
            .set_len(size)
            .unwrap();
    };
    // Not `expect`, which would read all of these files.
    let fails = |input: &str, problem: &str| {
        let output = scratch
            .command(&["merge", "-o", "out", input])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = stderr(&output);
        assert!(
            message.starts_with(&format!("error: {input}: {problem}\n")),
            "{message}"
        );
        let left: Vec<_> = fs::read_dir(scratch.path(""))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert!(
            left.iter()
                .all(|name| !name.as_bytes().starts_with(b"out") && name.as_bytes()[0] != b'.'),
            "{left:?}"
        );
    };
    let too_large = |document: &str, limit: u64| {
        let limit = limit as f64 / 1e6;
        let digits = if limit < 10.0 { 2 } else { 1 };
        format!("{document} has 1.07 GB, expected at most {limit:.digits$} MB")
    };
    amd64().layout(plain).directory(&scratch, "layout");
    sparse("layout/index.json", b"{", SIZE);
    fails("layout", &too_large("index.json", 4 << 20));

    let mut head = entry(&tar_header("manifest.json", SIZE), b"");
    head.push(b'[');
    sparse("a.tar", &head, SIZE + 2048);
    fails("a.tar", &too_large("manifest.json", 4 << 20));

    sparse("nix2container.json", b"{", SIZE);
    fails(
        "nix2container.json",
        "not a container image: found a JSON document, expected a docker-archive, an OCI image layout directory, an oci-archive, a nix2container image or the conf of a layered image",
    );

    // The same compressed to a thousandth: it is not expanded in memory or on the disk.
    let manifest = br#"[{"Config":"c"}]"#;
    let mut bomb = gzip(&[&entry(&tar_header("c", SIZE), b"")[..], b"{"].concat());
    let spaces = gzip(&vec![b' '; 16 << 20]);
    (1..64).for_each(|_| bomb.extend_from_slice(&spaces));
    bomb.extend(gzip(&vec![b' '; (16 << 20) - 1]));
    bomb.extend(gzip(&tar(&[("manifest.json", manifest)])));
    scratch.write("a.tar.gz", &bomb);
    fails("a.tar.gz", &too_large("c", 8 << 20));
}
