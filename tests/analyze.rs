//! `polyarch analyze`: where the bytes go, and which need not be there.

mod support;

use std::io::Read;

use serde_json::{Value, json};
use support::*;

const AMD64: &str = "/nix/store/kx8i4ifbgxnk27s25p4kdkkvqcjvfw25-hello-1.0/bin/hello";

fn analyze(scratch: &Scratch, image: &str) -> Value {
    serde_json::from_str(&scratch.run(&["analyze", "--json", image])).unwrap()
}

/// The waste of a kind, of the first platform.
fn waste(analysis: &Value, kind: &str) -> Value {
    let all = analysis["platforms"][0]["waste"].as_array().unwrap();
    let found = all.iter().find(|waste| waste["kind"] == kind);
    found.cloned().unwrap_or_default()
}

/// An image of layers, each of files.
fn image(scratch: &Scratch, name: &str, platform: &str, layers: &[&[(&str, &[u8])]]) {
    let mut image = TestImage::new(platform);
    image.layers = layers.iter().map(|files| tar(files)).collect();
    scratch.write(name, &image.docker_archive());
}

/// The static program in a layer of a dockerTools image.
fn hello_program(arch: &str) -> (String, Vec<u8>) {
    let file = std::fs::File::open(fixture(&format!("{arch}-bli-hello-gz.tar.gz"))).unwrap();
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

#[test]
fn images_of_dockertools_are_analysed_as_ever() {
    let scratch = Scratch::new();
    hello(&scratch);
    snapshot(
        "analyze.txt",
        &(scratch.run(&["analyze", "hello.tar"]) + "\n"),
    );
    snapshot(
        "analyze.json",
        &(scratch.run(&["analyze", "--json", "hello.tar"]) + "\n"),
    );
    // The same from an archive that is compressed as a whole, whose layers flow by once.
    let inside = fixture("arm64-bi-hello-gz.tar.gz");
    let shown = scratch.run(&["analyze", &inside]);
    snapshot("analyze-docker-archive.txt", &(shown + "\n"));
}

/// "Why is it twice as large as scratch?"
#[test]
fn an_image_that_is_twice_as_large_as_its_program_is_explained() {
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
fn bytes_are_counted_for_store_paths_and_packages() {
    let scratch = Scratch::new();
    let hash = |c: char| c.to_string().repeat(32);
    let (lib, dev) = (
        format!("nix/store/{}-zlib-1.3.1/lib/libz.so", hash('a')),
        format!("nix/store/{}-zlib-1.3.1-dev/lib/x", hash('b')),
    );
    let other = format!("nix/store/{}-zlib-1.2/lib/libz.so", hash('c'));
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[
            &[(&lib, &noise(1, 3000)), ("etc/ssl/certs/a", &noise(2, 10))],
            &[
                (&dev, &noise(3, 500)),
                (&other, &noise(4, 20)),
                ("file", b"x"),
            ],
        ],
    );
    let found = analyze(&scratch, "a.tar");
    let platform = &found["platforms"][0];
    let paths: Vec<(&str, u64)> = (platform["paths"].as_array().unwrap().iter())
        .map(|path| {
            (
                path["path"].as_str().unwrap(),
                path["size"].as_u64().unwrap(),
            )
        })
        .collect();
    let store = |c, name: &str| format!("/nix/store/{}-{name}", hash(c));
    assert_eq!(
        paths,
        [
            (&store('a', "zlib-1.3.1")[..], 3000),
            (&store('b', "zlib-1.3.1-dev"), 500),
            (&store('c', "zlib-1.2"), 20),
            ("/etc/ssl", 10),
            ("/", 1),
        ]
    );
    assert_eq!(
        platform["packages"],
        json!([{ "name": "zlib", "versions": ["1.2", "1.3.1", "1.3.1-dev"], "size": 3520, "paths": 3 }])
    );
    assert_eq!(
        platform["paths"][0]["layers"],
        json!([{ "layer": 0, "size": 3000 }])
    );
    assert_eq!(platform["files"], 5);
    assert_eq!(platform["layers"][1]["fileSize"], 521);
}

#[test]
fn what_a_later_layer_hides_is_waste() {
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
            // It comes back: the deleted one is still waste.
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
    // What is hidden is no duplicate of what is not.
    assert_eq!(waste(&found, "duplicates"), Value::Null);
}

#[test]
fn files_of_the_same_content_are_found_wherever_they_are() {
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
fn what_few_images_need_is_named() {
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

#[test]
fn a_layer_that_was_compressed_differently_is_waste_of_both_platforms() {
    let scratch = Scratch::new();
    let shared = noise(1, 5000);
    let layers: [&[(&str, &[u8])]; 1] =
        [&[("nix/store/0123456789abcdfghijklmnpqrsvwxyz-data/x", &shared)]];
    for (name, platform) in [("a.tar", "linux/amd64"), ("b.tar", "linux/arm64")] {
        image(&scratch, name, platform, &layers);
    }
    scratch.run(&["merge", "-o", "a", "--compression-level", "1", "a.tar"]);
    scratch.run(&["merge", "-o", "b", "--compression-level", "9", "b.tar"]);
    scratch.run(&["merge", "-o", "both", "a", "b"]);
    let found = analyze(&scratch, "both");
    let sizes: Vec<u64> = ["a", "b"]
        .map(|name| {
            Merged::directory(&scratch.path(name)).manifests[0]["layers"][0]["size"]
                .as_u64()
                .unwrap()
        })
        .to_vec();
    let waste = &found["waste"][0];
    assert_eq!(waste["kind"], "recompressed-layers");
    assert_eq!(waste["bytes"], *sizes.iter().max().unwrap());
    assert_eq!(
        waste["items"][0]["platforms"],
        json!(["linux/amd64", "linux/arm64"])
    );

    let sharing = &found["sharing"];
    assert_eq!(sharing["registry"]["saved"], 0);
    assert_eq!(
        sharing["client"]["saved"],
        found["platforms"][0]["uncompressed"]
    );
    let path = &sharing["storePaths"][0];
    assert_eq!(
        (&path["sameFiles"], &path["sameLayer"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn store_paths_are_compared_across_platforms() {
    let scratch = Scratch::new();
    let path = |c: char, name: &str| format!("nix/store/{}-{name}/x", c.to_string().repeat(32));
    let (same, data) = (path('0', "data"), noise(1, 1000));
    let (native, cross) = (
        path('1', "hello-1.0"),
        path('2', "hello-aarch64-unknown-linux-gnu-1.0"),
    );
    let impure = path('3', "impure");
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[&[(&same, &data), (&native, &noise(2, 300)), (&impure, b"one")]],
    );
    image(
        &scratch,
        "b.tar",
        "linux/arm64",
        &[&[(&same, &data), (&cross, &noise(3, 200)), (&impure, b"two")]],
    );
    scratch.run(&["merge", "-o", "both", "a.tar", "b.tar"]);
    let found = analyze(&scratch, "both");
    let sharing = &found["sharing"];
    let parent = |path: &str| format!("/{}", path.trim_end_matches("/x"));
    let both = ["linux/amd64", "linux/arm64"];
    assert_eq!(
        sharing["storePaths"],
        json!([
            { "path": parent(&same), "size": 1000, "platforms": both, "sameFiles": true, "sameLayer": false },
            { "path": parent(&impure), "size": 3, "platforms": both, "sameFiles": false, "sameLayer": false },
        ])
    );
    assert_eq!(
        sharing["sameName"],
        json!([{ "name": "hello-1.0", "paths": [
            { "platform": "linux/amd64", "path": parent(&native), "size": 300 },
            { "platform": "linux/arm64", "path": parent(&cross), "size": 200 },
        ] }])
    );
    assert_eq!(found["waste"][0]["kind"], "unshared-store-paths");
    assert_eq!(found["waste"][0]["bytes"], 1000);
}

#[test]
fn the_way_that_an_image_comes_in_changes_nothing() {
    let scratch = Scratch::new();
    let layers: [&[(&str, &[u8])]; 2] = [
        &[("a/1", &noise(1, 5000)), ("b/1", &noise(1, 5000))],
        &[("a/1", b"new")],
    ];
    image(&scratch, "plain.tar", "linux/amd64", &layers);
    let plain = std::fs::read(scratch.path("plain.tar")).unwrap();
    scratch.write("a.tar.gz", &gzip(&plain));
    scratch.write("a.tar.zst", &zstd(&plain));
    scratch.run(&[
        "merge",
        "-o",
        "layout",
        "--compression",
        "none",
        "plain.tar",
    ]);
    let expected = analyze(&scratch, "plain.tar")["platforms"].clone();
    assert_eq!(expected[0]["waste"].as_array().unwrap().len(), 1);
    for other in ["a.tar.gz", "a.tar.zst", "layout"] {
        assert_eq!(analyze(&scratch, other)["platforms"], expected, "{other}");
    }
    for jobs in ["1", "4"] {
        let found = scratch.run(&["analyze", "--json", "--jobs", jobs, "layout"]);
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found["platforms"], expected);
    }
}

#[test]
fn a_layer_that_is_no_tar_is_an_error() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers.push(noise(1, 5000));
    scratch.write("a.tar", &image.docker_archive());
    let error = scratch.fail(&["analyze", "a.tar"]);
    assert!(error.contains(&hex(&noise(1, 5000))), "{error}");
}

#[test]
fn the_page_is_one_file_and_whatever_is_in_an_image_is_text_in_it() {
    let scratch = Scratch::new();
    let evil = "x/<img src=1 onerror=alert(1)>/</script><script>alert(2)</script>";
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[&[(evil, b"1"), ("y/<!--<script>/z", b"1")]],
    );
    assert_eq!(
        scratch.run(&["analyze", "--html", "page.html", "a.tar"]),
        ""
    );
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    assert_eq!(page, scratch.run(&["analyze", "--html", "-", "a.tar"]));
    assert!(page.contains("&lt;img src=1 onerror=alert(1)&gt;"));
    assert!(!page.contains("<img") && !page.contains("<script>alert") && !page.contains("<!--<"));
    // What would be fetched; `https:` stands in the licence of the treemap alone.
    for outside in ["src=\"", "href=\"h", "url(", "@import", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
    // It is replaced whole or not at all, and devices are not replaced.
    scratch.run(&["analyze", "--html", "page.html", "a.tar"]);
    scratch.run(&["analyze", "--html", "/dev/null", "a.tar"]);
    scratch.write("empty.html", b"");
    scratch.run(&["analyze", "--html", "empty.html", "a.tar"]);
    // What is no page may be dear to somebody.
    let before = std::fs::read(scratch.path("a.tar")).unwrap();
    assert_eq!(
        scratch.fail(&["analyze", "--html", "a.tar", "a.tar"]),
        "error: a.tar: not replaced: found a file that is not a page, expected an HTML page, or nothing\n\
         hint: remove it by hand if it is not needed\n"
    );
    assert_eq!(std::fs::read(scratch.path("a.tar")).unwrap(), before);
    assert!(!std::path::Path::new("/dev/null").is_file());
    assert!(
        scratch
            .fail(&["analyze", "--html", "no/page.html", "a.tar"])
            .contains("does not exist")
    );
}

/// The program under test is one that is not stripped: `readelf -SW` says what there is to take out.
#[test]
fn symbols_that_strip_takes_out_of_a_program_are_counted() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_polyarch")).unwrap();
    let scratch = Scratch::new();
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[&[("bin/polyarch", &program), ("bin/cut", &program[..1000])]],
    );
    let found = waste(&analyze(&scratch, "a.tar"), "debug-symbols");
    assert_eq!(
        found["items"][0]["paths"],
        json!(["/bin/polyarch"]),
        "{found}"
    );
    assert_eq!(found["count"], 1);

    use object::{Object as _, ObjectSection as _};
    let file = object::File::parse(&program[..]).unwrap();
    let others = [".symtab", ".strtab", ".comment"];
    // That one is loaded, so it stays.
    let is_symbols = |name: &str| {
        (name.starts_with(".debug") && name != ".debug_gdb_scripts") || others.contains(&name)
    };
    let sections = file
        .sections()
        .filter(|section| section.name().is_ok_and(is_symbols));
    assert_eq!(
        found["bytes"],
        sections.map(|section| section.size()).sum::<u64>()
    );
}

/// What lies elsewhere is as large as its descriptor says: three layers of the largest size that there
/// may be are more than a number holds.
#[test]
fn sizes_that_sum_up_to_more_than_a_number_holds() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers = (0..3).map(|i| noise(i, 10)).collect();
    let mut layout = image.layout(plain);
    let mut manifest: Value = serde_json::from_slice(layout.blobs.last().unwrap()).unwrap();
    for layer in manifest["layers"].as_array_mut().unwrap() {
        layer["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar".into();
        layer["size"] = i64::MAX.into();
        layer["urls"] = json!(["https://example.org/"]);
    }
    layout.blobs.drain(1..);
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index["manifests"] = json!([descriptor]);
    layout.directory(&scratch, "in");

    let found: Value = serde_json::from_str(&scratch.run(&["inspect", "--json", "in"])).unwrap();
    assert_eq!(found["platforms"][0]["size"], u64::MAX);
    assert_eq!(found["sharing"]["size"], u64::MAX);
    assert_eq!(found["sharing"]["uniqueSize"], u64::MAX);
    let found = analyze(&scratch, "in");
    assert_eq!(found["platforms"][0]["size"], u64::MAX);
    let registry = json!({ "total": u64::MAX, "unique": u64::MAX, "saved": 0 });
    assert_eq!(found["sharing"]["registry"], registry);
    let shown = scratch.run(&["analyze", "--top", "1", "in"]);
    assert!(shown.contains("################ 50.0%"), "{shown}");
    assert!(shown.contains("and 2 more, 18.4 EB"), "{shown}");
    scratch.run(&["analyze", "--html", "page.html", "in"]);

    scratch.write("other.tar", &TestImage::new("linux/amd64").docker_archive());
    scratch.run(&["merge", "-o", "other", "other.tar"]);
    let found = scratch.run(&["diff", "--json", "other", "in"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["push"]["bytes"], u64::MAX);
    // They are not copied, so nothing stops a merge.
    scratch.run(&["merge", "-o", "out.tar", "in"]);
}

/// An image of files whose names are no text.
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
fn names_that_are_no_text_are_told_apart() {
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

    let diff = |new: &str| -> Value {
        serde_json::from_str(&scratch.run(&["diff", "--json", "a.tar", new])).unwrap()
    };
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

/// Go's linker writes the headers of the sections behind those of the segments, far from the end.
#[test]
fn symbols_are_counted_where_the_sections_are_said_at_the_beginning() {
    const SYMBOLS: u64 = 100_000;
    let mut program = vec![0; 64];
    program[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    // An executable for x86-64; two sections of 64 bytes each at 2048.
    for (at, value) in [
        (16, 2),
        (18, 62),
        (20, 1),
        (40, 2048),
        (52, 64),
        (58, 64),
        (60, 2),
    ] {
        program[at..at + 2].copy_from_slice(&u16::to_le_bytes(value));
    }
    program.resize(2048 + 64, 0);
    let mut section = [0; 64];
    // A table of symbols that is not loaded.
    section[4] = 2;
    section[24..32].copy_from_slice(&4096_u64.to_le_bytes());
    section[32..40].copy_from_slice(&SYMBOLS.to_le_bytes());
    program.extend(section);
    program.extend(noise(1, 300_000));

    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", &[&[("bin/go", &program)]]);
    let found = waste(&analyze(&scratch, "a.tar"), "debug-symbols");
    assert_eq!(found["bytes"], SYMBOLS, "{found}");
}

/// A file by its name, or a hard link to one.
type Entry<'a> = (&'a str, Result<&'a [u8], &'a str>);

/// An image of layers of which some entries are hard links.
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
fn a_deleted_file_whose_hard_link_stays_is_no_waste() {
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
    // What stays is compared with others under the name that it has left.
    let same = json!([{ "bytes": 1000, "paths": ["/a/y", "/c"], "count": 2 }]);
    assert_eq!(items("duplicates"), same);
}

#[test]
fn a_file_that_is_in_one_layer_twice_is_overwritten_by_none() {
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
    assert!(shown.contains("/a  (layer 1)\n"), "{shown}");
    assert!(shown.contains("/a  (layer 1, by layer 2)\n"), "{shown}");
}

#[test]
fn a_path_that_no_system_opens_is_called_one() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    let mut layer = tar::Builder::new(Vec::new());
    let name = "a/".repeat(2100) + "x";
    layer
        .append_data(&mut tar_header("x", 3), name, &b"abc"[..])
        .unwrap();
    image.layers[1] = layer.into_inner().unwrap();
    scratch.write("a.tar", &image.docker_archive());
    let found = analyze(&scratch, "a.tar");
    assert_eq!(found["platforms"][0]["layers"][1]["fileSize"], 3);
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("more than 4096 bytes"), "{warnings}");
    assert!(!warnings.contains("very many files"), "{warnings}");
}

#[test]
fn no_list_is_no_list_with_more_in_it() {
    let scratch = Scratch::new();
    hello(&scratch);
    let shown = scratch.run(&["analyze", "--top", "0", "hello.tar"]);
    assert!(shown.contains("linux/amd64\n"), "{shown}");
    assert!(!shown.contains("more"), "{shown}");
    assert!(!shown.contains("layers\n"), "{shown}");
    let files: [(&str, &[u8]); 2] = [("a", &noise(1, 1000)), ("b", &noise(1, 1000))];
    image(&scratch, "a.tar", "linux/amd64", &[&files]);
    for page in [&["--top=0"][..], &["--top=0", "--html=-"]] {
        let shown = scratch.run(&[&["analyze", "a.tar"], page].concat());
        assert!(
            shown.contains("aste: 1.00 kB, files of the same"),
            "{shown}"
        );
        assert!(!shown.contains("and 1 more"), "{shown}");
    }
}
