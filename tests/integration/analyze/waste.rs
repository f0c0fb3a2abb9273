//! Waste within the layers of one platform.

use std::io::Read;

use serde_json::{Value, json};

use super::*;
use crate::support::*;

const AMD64: &str = "/nix/store/kx8i4ifbgxnk27s25p4kdkkvqcjvfw25-hello-1.0/bin/hello";

/// The name and the content of the static program in a dockerTools image.
fn hello_program(arch: &str) -> (String, Vec<u8>) {
    let file = fs::File::open(fixture(&format!("{arch}-bli-hello-gz.tar.gz"))).unwrap();
    let mut outer = tar::Archive::new(flate2::read::MultiGzDecoder::new(file));
    for entry in outer.entries().unwrap() {
        let entry = entry.unwrap();
        if entry.path().unwrap().file_name().unwrap() == "layer.tar" {
            let mut inner = tar::Archive::new(entry);
            for file in inner.entries().unwrap() {
                let mut file = file.unwrap();
                if file.header().entry_type().is_file() {
                    let name = file.path().unwrap().to_str().unwrap().to_owned();
                    let mut content = Vec::new();
                    file.read_to_end(&mut content).unwrap();
                    return (name.trim_start_matches('/').to_owned(), content);
                }
            }
        }
    }
    panic!("the fixture has no program");
}

/// A `RUN cp` or `copyToRoot` of a program doubles the size of an image.
#[test]
fn a_program_copied_out_of_its_store_path_is_waste() {
    let scratch = Scratch::new();
    for arch in ["amd64", "arm64"] {
        let (name, program) = hello_program(arch);
        let files: [(&str, &[u8]); 2] = [("bin/example", &program), (&name, &program)];
        image(
            &scratch,
            &format!("{arch}.tar"),
            &format!("linux/{arch}"),
            &[&files],
        );
    }
    scratch.run(&["merge", "-o", "twice.tar", "amd64.tar", "arm64.tar"]);
    snapshot(
        "analyze-twice.txt",
        &(scratch.run(&["analyze", "twice.tar"]) + "\n"),
    );

    let found = waste(&analyze(&scratch, "twice.tar"), "copied-from-store");
    assert_eq!(found["bytes"], 757_288);
    assert_eq!(found["items"][0]["paths"], json!(["/bin/example", AMD64]));
    assert!(found["advice"].as_str().unwrap().contains("buildEnv"));
}

#[test]
fn files_that_a_later_layer_overwrites_or_deletes_are_waste() {
    let scratch = Scratch::new();
    let of = |size| vec![b'x'; size];
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[
            &[
                ("a/over", &of(10)),
                ("a/gone", &of(20)),
                ("tree/x/1", &of(30)),
                ("tree/x/2", &of(40)),
                ("opaque/old", &of(50)),
                ("kept", &of(60)),
            ],
            &[
                ("a/over", &of(11)),
                ("a/.wh.gone", b""),
                ("tree/.wh.x", b""),
                ("opaque/.wh..wh..opq", b""),
                ("opaque/new", &of(70)),
            ],
            // The file is added again, but the deleted one is still waste.
            &[("a/gone", &of(21))],
        ],
    );
    let found = analyze(&scratch, "a.tar");
    let overwritten = waste(&found, "overwritten");
    assert_eq!(overwritten["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        overwritten["items"][1],
        json!({ "bytes": 10, "paths": ["/a/over"], "count": 1, "layer": 0, "hiddenBy": 1 })
    );
    let deleted = waste(&found, "deleted");
    assert_eq!(
        (&deleted["bytes"], &deleted["count"]),
        (&json!(120), &json!(3))
    );
    let paths: Vec<&Value> = (deleted["items"].as_array().unwrap().iter())
        .map(|item| &item["paths"][0])
        .collect();
    assert_eq!(paths, ["/opaque/old", "/tree/x/2", "/tree/x/1"]);
    // A hidden file is not a duplicate of a visible one.
    assert_eq!(waste(&found, "duplicates"), Value::Null);
}

#[test]
fn files_of_the_same_content_are_duplicates_in_any_layer() {
    let scratch = Scratch::new();
    let (big, small) = (noise(1, 5000), noise(2, 100));
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[
            &[
                ("a/1", &big),
                ("a/2", &small),
                ("empty/1", b""),
                ("empty/2", b""),
            ],
            &[
                ("b/1", &big),
                ("c/1", &big),
                ("b/2", &small),
                ("b/3", &noise(3, 100)),
            ],
        ],
    );
    let found = waste(&analyze(&scratch, "a.tar"), "duplicates");
    assert_eq!(found["bytes"], 2 * 5000 + 100);
    assert_eq!(found["count"], 2);
    assert_eq!(found["items"][0]["paths"], json!(["/a/1", "/b/1", "/c/1"]));
    assert_eq!(found["items"][1]["paths"], json!(["/a/2", "/b/2"]));
}

#[test]
fn bytecode_locales_documentation_headers_and_debug_files_are_waste() {
    let scratch = Scratch::new();
    let files: [(&str, &[u8]); 9] = [
        ("usr/lib/debug/x.debug", &noise(1, 10)),
        ("usr/lib/libx.a", b"!<arch>\nx"),
        ("usr/include/x.h", &noise(2, 20)),
        ("usr/share/man/man1/x.1.gz", &noise(3, 30)),
        ("usr/share/locale/de/x.mo", &noise(4, 40)),
        ("usr/lib/python/x.py", &noise(5, 50)),
        (
            "usr/lib/python/__pycache__/x.cpython-312.pyc",
            &noise(6, 60),
        ),
        (
            "usr/lib/python/__pycache__/alone.cpython-312.pyc",
            &noise(7, 70),
        ),
        ("usr/bin/x", &noise(8, 80)),
    ];
    image(&scratch, "a.tar", "linux/amd64", &[&files]);
    let found = analyze(&scratch, "a.tar");
    let all: Vec<(&str, u64)> = (found["platforms"][0]["waste"].as_array().unwrap().iter())
        .map(|waste| {
            (
                waste["kind"].as_str().unwrap(),
                waste["bytes"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        all,
        [
            ("python-bytecode", 60),
            ("locales", 40),
            ("documentation", 30),
            ("headers", 20),
            ("debug-symbols", 10),
            ("static-libraries", 9),
        ]
    );
}

/// The name of an entry, and the content of a file or the target of a hard link.
type Entry<'a> = (&'a str, Result<&'a [u8], &'a str>);

/// Writes an image whose layers have files and hard links.
fn linked(scratch: &Scratch, layers: &[&[Entry]]) {
    let mut image = TestImage::new("linux/amd64");
    let layer = |entries: &&[Entry]| {
        let mut layer = tar::Builder::new(Vec::new());
        for (name, content) in *entries {
            let mut header = tar_header(name, content.map_or(0, |content| content.len() as u64));
            if let Err(target) = content {
                header.set_entry_type(tar::EntryType::Link);
                header.set_link_name(target).unwrap();
                header.set_cksum();
            }
            layer.append(&header, content.unwrap_or_default()).unwrap();
        }
        layer.into_inner().unwrap()
    };
    image.layers = layers.iter().map(layer).collect();
    scratch.write("a.tar", &image.docker_archive());
}

#[test]
fn a_deleted_file_with_another_hard_link_is_not_waste() {
    let scratch = Scratch::new();
    let (x, other) = (&noise(1, 1000)[..], &noise(2, 500)[..]);
    let first: [Entry; 4] = [
        ("a/x", Ok(x)),
        ("a/y", Err("a/x")),
        ("b/x", Ok(other)),
        ("b/y", Err("./b/x")),
    ];
    linked(
        &scratch,
        &[
            &first,
            &[
                ("a/.wh.x", Ok(b"")),
                ("b/.wh.x", Ok(b"")),
                ("b/.wh.y", Ok(b"")),
                ("c", Ok(x)),
            ],
        ],
    );
    let found = analyze(&scratch, "a.tar");
    let items = |kind| waste(&found, kind)["items"].clone();
    let gone = json!([{ "bytes": 500, "paths": ["/b/x"], "count": 1, "layer": 0, "hiddenBy": 1 }]);
    assert_eq!(items("deleted"), gone);
    // The remaining name is compared with other files.
    let same = json!([{ "bytes": 1000, "paths": ["/a/y", "/c"], "count": 2 }]);
    assert_eq!(items("duplicates"), same);
}

#[test]
fn a_file_that_appears_twice_in_a_layer_is_repeated_not_overwritten() {
    let scratch = Scratch::new();
    let files: [(&str, &[u8]); 2] = [("a", &noise(1, 1000)), ("a", &noise(2, 500))];
    image(&scratch, "a.tar", "linux/amd64", &[&files, &[("a", b"3")]]);
    let found = analyze(&scratch, "a.tar");
    let items = |kind| waste(&found, kind)["items"].clone();
    assert_eq!(
        items("repeated"),
        json!([{ "bytes": 1000, "paths": ["/a"], "count": 1, "layer": 0 }])
    );
    assert_eq!(
        items("overwritten"),
        json!([{ "bytes": 500, "paths": ["/a"], "count": 1, "layer": 0, "hiddenBy": 1 }])
    );
    let shown = scratch.run(&["analyze", "a.tar"]);
    assert!(shown.contains("/a  (in layer 1)\n"), "{shown}");
    assert!(
        shown.contains("/a  (in layer 1, hidden by layer 2)\n"),
        "{shown}"
    );
}
