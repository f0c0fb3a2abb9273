//! Input that means harm: what is said of it, and that it costs neither memory nor time without end.
//!
//! That nothing of the kind leaves anything behind is part of `expect`; that nothing is written under
//! a name of an input is the last test here, and `guarantee_9` in `tests/invariants.rs`.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::blocks::*;
use support::*;
use tar::EntryType;

fn amd64() -> TestImage {
    TestImage::new("linux/amd64")
}

/// Expects that an archive is refused with the very words, as it is and as a stream. Where a stream
/// can only tell that it ends too early, `of_stream` says how.
#[track_caller]
fn refused(archive: &[u8], problem: &str, of_stream: Option<&str>) {
    let scratch = Scratch::new();
    scratch.write("a.tar", archive);
    scratch.write("a.tar.gz", &gzip(archive));
    expect(
        &scratch,
        &["a.tar"],
        &[&format!("error: a.tar: {problem}\n")],
    );
    let problem = of_stream.unwrap_or(problem);
    expect(
        &scratch,
        &["a.tar.gz"],
        &[&format!("error: a.tar.gz: {problem}\n")],
    );
}

/// A header whose size is written in these bytes.
fn header_of_size(field: &[u8]) -> tar::Header {
    let mut header = tar_header("x", 0);
    header.as_old_mut().size = [0; 12];
    header.as_old_mut().size[..field.len()].copy_from_slice(field);
    header.set_cksum();
    header
}

/// A docker-archive whose first layer is called `layer` and is the entry that `blocks` are.
fn with_layer(blocks: &[u8], layer: &str) -> Vec<u8> {
    let image = amd64();
    let config = image.config_bytes();
    let manifest = serde_json::to_vec(&json!([{ "Config": "c", "Layers": [layer, "1"] }])).unwrap();
    let rest = tar(&[
        ("0", &image.layers[0]),
        ("1", &image.layers[1]),
        ("c", &config),
        ("manifest.json", &manifest),
    ]);
    [blocks, &rest].concat()
}

// ---- Names and kinds of entries

/// Whatever an archive says of a path, it means an entry of that archive or nothing.
#[test]
fn names_and_links_that_lead_out_of_an_archive_mean_nothing() {
    let file = |name: &str| entry(&tar_header(name, 4), b"evil");
    let link = |kind, target: &str| {
        let mut link = header("l", kind, 0);
        link.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        link.set_cksum();
        entry(&link, b"")
    };
    for (blocks, layer) in [
        (file("../../etc/passwd"), "../../etc/passwd"),
        (file("a/../../x"), "a/../../x"),
        (link(EntryType::Symlink, "/etc/passwd"), "l"),
        (link(EntryType::Symlink, "../0"), "l"),
        (link(EntryType::Symlink, "l"), "l"),
        (link(EntryType::Symlink, ""), "l"),
        (link(EntryType::Link, "/etc/passwd"), "l"),
        (link(EntryType::Link, "../../0"), "l"),
        // A link to a directory is no directory.
        (link(EntryType::Symlink, "."), "l/0"),
        (vec![], "/etc/passwd"),
        (vec![], ""),
    ] {
        let problem =
            format!("manifest.json names the layer {layer:?}, but there is no such file in it");
        refused(&with_layer(&blocks, layer), &problem, None);
    }
    // Absolute names are names in the archive, as with every tool that unpacks it.
    let scratch = Scratch::new();
    scratch.write("a.tar", &with_layer(b"", "/0"));
    scratch.run(&["merge", "-o", "out", "a.tar"]);
}

#[test]
fn links_that_lead_in_a_circle_or_on_without_end() {
    let link = |(name, target): &(String, String)| {
        let mut link = header(name, EntryType::Symlink, 0);
        link.set_link_name(target).unwrap();
        link.set_cksum();
        entry(&link, b"")
    };
    let name = |i: usize| format!("l{i}");
    let circle = [(name(0), name(1)), (name(1), name(0))];
    let chain: Vec<_> = (0..41).map(|i| (name(i), name(i + 1))).collect();
    for links in [&circle[..], &chain] {
        let blocks: Vec<u8> = links.iter().flat_map(link).collect();
        let blocks = [blocks, entry(&tar_header("l41", 0), b"")].concat();
        refused(
            &with_layer(&blocks, "l0"),
            "manifest.json names the layer \"l0\", but there is no such file in it",
            None,
        );
    }
}

#[test]
fn entries_that_are_no_files() {
    for kind in [
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::Directory,
        EntryType::new(b'?'),
    ] {
        refused(
            &with_layer(&entry(&header("x", kind, 0), b""), "x"),
            "manifest.json names the layer \"x\", but there is no such file in it",
            None,
        );
    }
}

#[test]
fn sparse_files_in_every_dialect() {
    let mut gnu = header("x", EntryType::GNUSparse, 0);
    gnu.as_gnu_mut().unwrap().set_real_size(0);
    gnu.set_cksum();
    let file = entry(&tar_header("x", 4), b"evil");
    let dialects = [
        entry(&gnu, b""),
        [
            pax(EntryType::XHeader, &record("GNU.sparse.size", "1000")),
            file.clone(),
        ]
        .concat(),
        [
            pax(EntryType::XHeader, &record("GNU.sparse.major", "1")),
            file,
        ]
        .concat(),
    ];
    for blocks in dialects {
        let problem = "cannot read the tar archive: the entry \"x\" is a sparse file";
        let hint = format!("{problem}\nhint: make the archive again, without --sparse");
        refused(&with_layer(&blocks, "x"), &hint, None);
    }
}

/// Hints are chosen by the type of a problem, not by its text.
#[test]
fn an_entry_named_like_a_problem_does_not_get_its_hint() {
    for name in [
        "is a sparse file",
        "it expands to more than",
        "too much memory",
    ] {
        let mut blocks = entry(&tar_header(name, 4), b"data");
        blocks.truncate(514);
        let problem = format!(
            "cannot read the tar archive: the entry {name:?} has 4 bytes from byte 512 on, but the file ends at byte 514\nhint: the file is damaged or was not written to its end; build or download it again"
        );
        let scratch = Scratch::new();
        scratch.write("a.tar", &blocks);
        let error = &format!("error: a.tar: {problem}\n");
        expect(&scratch, &["a.tar"], &[error]);
    }
}

#[test]
fn documents_that_are_there_twice() {
    let twice = [
        &tar(&[("./manifest.json", b"[]")])[..1024],
        &amd64().docker_archive(),
    ]
    .concat();
    let problem = "cannot read the tar archive: it has the entry \"manifest.json\" twice";
    let hint = format!(
        "{problem}\nhint: the file is damaged or was not written to its end; build or download it again"
    );
    refused(&twice, &hint, None);
}

/// What no JSON document can name is not there.
#[test]
fn names_that_are_no_text() {
    let mut name = header("x", EntryType::Regular, 4);
    name.as_old_mut().name[0] = 0xff;
    name.set_cksum();
    let scratch = Scratch::new();
    scratch.write("a.tar", &with_layer(&entry(&name, b"evil"), "0"));
    scratch.run(&["merge", "-o", "out", "a.tar"]);

    let manifest = b"[{\"Config\":\"c\",\"Layers\":[\"\xff\"]}]";
    refused(
        &tar(&[("manifest.json", manifest)]),
        "manifest.json is not valid: invalid unicode code point at line 1 column 27",
        None,
    );
    // A file of the user may be called anything that its file system takes; that of macOS takes text.
    #[cfg(target_os = "linux")]
    {
        let name = std::ffi::OsStr::from_bytes(b"a\xff.tar");
        fs::rename(scratch.path("a.tar"), scratch.path("").join(name)).unwrap();
        let mut command = scratch.command(&["merge", "-o", "again"]);
        assert!(command.arg(name).status().unwrap().success());
    }
}

/// A name must not move the cursor of who reads the message, nor look like another line of it.
#[test]
fn names_that_are_commands_to_a_terminal() {
    let evil = "\u{1b}[2J\nhint: \u{202e}x";
    let shown = r"\u{1b}[2J\u{a}hint: \u{202e}x";
    let image = amd64();
    let (config, layer) = (image.config_bytes(), &image.layers[0]);
    let manifest = |items: &Value| serde_json::to_vec(items).unwrap();
    let item = |layers: [&str; 2]| json!({ "Config": "c", "Layers": layers, "RepoTags": [evil] });
    let wrong = manifest(&json!([item(["0", evil])]));
    let several = manifest(&json!([item(["0", "0"]), item(["0", "0"])]));
    let mut named = header("x", EntryType::Regular, layer.len() as u64);
    named.as_old_mut().name[..evil.len()].copy_from_slice(evil.as_bytes());
    named.set_cksum();
    let archive = |manifest: &[u8]| {
        let rest = tar(&[("0", layer), ("c", &config), ("manifest.json", manifest)]);
        [entry(&named, layer), rest].concat()
    };
    let scratch = Scratch::new();
    scratch.write("wrong.tar", &archive(&wrong));
    scratch.write("several.tar", &archive(&several));
    expect(
        &scratch,
        &["wrong.tar"],
        &[&format!("wrong.tar: layer {shown} does not have")],
    );
    expect(
        &scratch,
        &["several.tar"],
        &[&format!("#@0  #{shown}  linux/amd64\n  #@1")],
    );

    let mut image = amd64();
    image.config["architecture"] = evil.into();
    scratch.write("platform.tar", &image.docker_archive());
    let arguments = ["linux/arm64=platform.tar"];
    expect(
        &scratch,
        &arguments,
        &[&format!("its platform is linux/{shown} by its config")],
    );
    let merged = scratch
        .command(&["merge", "-o", "merged", "platform.tar"])
        .output();
    assert!(stderr(&merged.unwrap()).starts_with(&format!("linux/{shown} ")));
}

#[test]
fn a_message_has_an_end() {
    let scratch = Scratch::new();
    let name = "x".repeat(1 << 20);
    let manifest = serde_json::to_vec(&json!([{ "Config": name }])).unwrap();
    scratch.write("a.tar", &tar(&[("manifest.json", &manifest)]));
    let message = scratch.fail(&["merge", "-o", "out", "a.tar"]);
    assert!(
        message.len() < 20_000 && message.contains(" …\nhint: "),
        "{}",
        message.len()
    );
}

// ---- Sizes

#[test]
fn entries_that_are_larger_than_the_archive() {
    refused(
        &entry(&tar_header("x", 5000), &[b'x'; 1000]),
        "cannot read the tar archive: the entry \"x\" has 5000 bytes from byte 512 on, but the file ends at byte 1536",
        Some("cannot read the tar archive: the entry \"x\" ends after 1024 of 5000 bytes"),
    );
    for kind in [EntryType::Fifo, EntryType::Symlink, EntryType::Directory] {
        refused(
            &entry(&header("x", kind, 5000), &[b'x'; 1000]),
            "cannot read the tar archive: the entry \"x\" has 5000 bytes, but is no file",
            None,
        );
    }
}

#[test]
fn sizes_that_are_no_sizes() {
    let wide = |sign: u8, number: u64| {
        let mut field = [0; 12];
        field[0] = sign;
        field[4..].copy_from_slice(&number.to_be_bytes());
        field
    };
    let negative = "the entry \"x\" has a size that is negative or has more than 64 bits";
    for (field, problem) in [
        (
            &b"-1"[..],
            "its entry 1: numeric field was not a number: -1 when getting size for x",
        ),
        (
            b"0x10",
            "its entry 1: numeric field was not a number: 0x10 when getting size for x",
        ),
        (
            b"99",
            "its entry 1: numeric field was not a number: 99 when getting size for x",
        ),
        (
            b"",
            "its entry 1: numeric field was not a number:  when getting size for x",
        ),
        (&[0xff; 12], "its entry 1: size overflow"),
        (&wide(0xff, 512), negative),
        (&wide(0x81, 512), negative),
        (&wide(0x80, u64::MAX), "its entry 1: size overflow"),
    ] {
        let archive = with_layer(&entry(&header_of_size(field), &[b'x'; 512]), "0");
        refused(
            &archive,
            &format!("cannot read the tar archive: {problem}"),
            None,
        );
    }
    // What is a number, but not of this archive.
    for (field, size) in [
        (&b"777777777777"[..], 68_719_476_735u64),
        (&wide(0x80, 1 << 62), 1 << 62),
    ] {
        let archive = entry(&header_of_size(field), &[b'x'; 512]);
        refused(
            &archive,
            &format!(
                "cannot read the tar archive: the entry \"x\" has {size} bytes from byte 512 on, but the file ends at byte 1024"
            ),
            Some(&format!(
                "cannot read the tar archive: the entry \"x\" ends after 512 of {size} bytes"
            )),
        );
    }
}

#[test]
fn entries_that_some_readers_see_and_some_do_not() {
    for (blocks, problem) in ambiguous() {
        let scratch = Scratch::new();
        // Whatever comes behind does not matter, but for what is to be the end.
        let archive = match problem.contains("the end") {
            true => blocks,
            false => with_layer(&blocks, "0"),
        };
        scratch.write("a.tar", &archive);
        scratch.write("a.tar.gz", &gzip(&archive));
        for name in ["a.tar", "a.tar.gz"] {
            let of = format!("error: {name}: cannot read the tar archive: ");
            expect(&scratch, &[name], &[&of, problem]);
        }
    }
}

// ---- Pax headers

#[test]
fn pax_headers_that_lie() {
    let layer = &amd64().layers[0];
    let size = layer.len().to_string();
    let x = |records: &str| pax(EntryType::XHeader, records);
    let true_path = record("path", "y");
    let two_sizes = record("size", &size) + &record("size", "0");
    let too_long = format!(
        "{}{}",
        true_path.replacen(' ', "0 ", 1),
        record("size", "0")
    );
    for (before, problem) in [
        (
            x(&record("size", "-5")),
            "the entry \"y\" has the size \"-5\" in its pax header",
        ),
        (
            x(&record("size", "18446744073709551616")),
            "the entry \"y\" has the size \"18446744073709551616\" in its pax header",
        ),
        (
            x(&record("size", "18446744073709551615")),
            "its entry 1: size overflow",
        ),
        (x(&two_sizes), "the entry \"y\" has two sizes"),
        (
            x(&record("path", "")),
            "the entry \"\" has two names, or an empty one, in its headers",
        ),
        (
            x(&too_long),
            "the entry \"y\" has a pax header with a record of another length than it says: \"90 path=y\\n9 size=0\\n\"",
        ),
        (
            x("5 path=y\n"),
            "the entry \"y\" has a pax header with a record of another length than it says: \"5 path=y\\n\"",
        ),
        (
            x("path=y\n"),
            "the entry \"y\" has a pax header with a record of another length than it says: \"path=y\\n\"",
        ),
        (
            [
                x(&record("path", "z")),
                entry(&header("long", EntryType::GNULongName, 2), b"w\0"),
            ]
            .concat(),
            "the entry \"w\" has two names, or an empty one, in its headers",
        ),
        (
            pax(EntryType::XGlobalHeader, &true_path),
            "the entry \"pax\" is a global pax header that says the path of other entries",
        ),
        (
            [
                x(&true_path),
                pax(EntryType::XGlobalHeader, &record("comment", "x")),
            ]
            .concat(),
            "the entry \"y\" is a global pax header in the wrong place, or too large",
        ),
        (
            entry(
                &header("pax", EntryType::XGlobalHeader, 3 << 20),
                &vec![0; 3 << 20],
            ),
            "the entry \"pax\" is a global pax header in the wrong place, or too large",
        ),
    ] {
        let blocks = [before, entry(&tar_header("y", layer.len() as u64), layer)].concat();
        refused(
            &with_layer(&blocks, "0"),
            &format!("cannot read the tar archive: {problem}"),
            None,
        );
    }
    let larger = [
        x(&record("size", "9999999")),
        entry(&tar_header("y", 4), b"evil"),
    ]
    .concat();
    refused(
        &larger,
        "cannot read the tar archive: the entry \"y\" has 9999999 bytes from byte 1536 on, but the file ends at byte 2048",
        Some("cannot read the tar archive: the entry \"y\" ends after 512 of 9999999 bytes"),
    );
    let link = [
        x(&record("linkpath", "../../etc/passwd")),
        entry(&header("l", EntryType::Symlink, 0), b""),
    ]
    .concat();
    refused(
        &with_layer(&link, "l"),
        "manifest.json names the layer \"l\", but there is no such file in it",
        None,
    );
}

#[test]
fn pax_headers_that_are_unusual_but_true() {
    let image = amd64();
    let layer = &image.layers[0];
    // Binary attributes with line ends (macOS), a size that the header leaves out (Python, beyond
    // 8 GiB), and the comment that git writes for all entries.
    let hidden = format!("a\n\n9 size=0\n{}", record("path", "manifest.json"));
    let records = record("size", &layer.len().to_string())
        + &record("SCHILY.xattr.x", &hidden)
        + &record("path", "the layer");
    let blocks = [
        pax(EntryType::XGlobalHeader, &record("comment", "a commit")),
        pax(EntryType::XHeader, &records),
        entry(&tar_header("x", layer.len() as u64), layer),
    ]
    .concat();
    let scratch = Scratch::new();
    scratch.write("a.tar", &with_layer(&blocks, "the layer"));
    scratch.write("a.tar.gz", &gzip(&with_layer(&blocks, "the layer")));
    let expected = scratch.run(&["merge", "-o", "o1", "a.tar"]);
    assert_eq!(scratch.run(&["merge", "-o", "o2", "a.tar.gz"]), expected);
    Merged::directory(&scratch.path("o1"));
}

// ---- How much there may be

#[test]
fn headers_and_names_of_entries_are_bounded() {
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
    // Each allowed by itself, and easily compressed.
    let name = vec![b'n'; 900 << 10];
    let long = entry(&header("long", EntryType::GNULongName, 900 << 10), &name);
    let one = [long, entry(&tar_header("x", 0), b"")].concat();
    refused(
        &one.repeat(20),
        "cannot read the tar archive: the names of its entries have more than 16777216 bytes",
        None,
    );
}

/// Two million entries through a pipe, of which the reader takes as many as it has to.
#[test]
fn two_million_entries() {
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

/// A layout whose index names others, and those others again, each twenty times.
#[test]
fn a_small_layout_cannot_name_images_without_end() {
    let scratch = Scratch::new();
    let mut layout = amd64().layout(gzipped);
    for _ in 0..6 {
        let same = vec![layout.index["manifests"][0].clone(); 20];
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": same });
        let descriptor = layout.blob(INDEX, &serde_json::to_vec(&index).unwrap());
        layout.index["manifests"] = json!([descriptor]);
    }
    layout.directory(&scratch, "in");
    // It is one image, and found at once.
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
        &["its manifests and configs take more than 67108864 bytes"],
    );

    // Layers without number, which cost more in memory than in the manifest.
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

/// JSON costs more in memory than on the disk: `0,` twenty times as much.
#[test]
fn documents_of_very_many_values() {
    let scratch = Scratch::new();
    let mut layout = amd64().layout(plain);
    let manifest = layout.blobs.pop().unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["x"] = vec![0; 2_000_000].into();
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index["manifests"] = json!([descriptor]);
    layout.directory(&scratch, "in");
    let problem = "in: its manifests and configs take more than 67108864 bytes of memory";
    expect(&scratch, &["in"], &[problem]);
}

#[test]
fn indexes_that_are_nested_without_end_or_name_themselves() {
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

    // No index can have its own digest in it: what is there under that name is another one.
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

// ---- JSON

/// Where a document may be, with `json` at the place of something that nobody looks at.
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
fn json_that_is_nested_very_deep() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    // Deeper than anybody writes, and carried all the same. (The list of images is a level itself.)
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
fn json_of_a_gibibyte() {
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
    // (`expect` would read all of these files.)
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
        format!("{document} has {SIZE} bytes, expected at most {limit}")
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
        "not a container image: found a JSON document, expected a docker-archive, an OCI image layout directory, an oci-archive or a nix2container image",
    );

    // A thousandth of that, compressed: neither in memory nor on the disk as a whole.
    let manifest = br#"[{"Config":"c"}]"#;
    let mut bomb = gzip(&[&entry(&tar_header("c", SIZE), b"")[..], b"{"].concat());
    let spaces = gzip(&vec![b' '; 16 << 20]);
    (1..64).for_each(|_| bomb.extend_from_slice(&spaces));
    bomb.extend(gzip(&vec![b' '; (16 << 20) - 1]));
    bomb.extend(gzip(&tar(&[("manifest.json", manifest)])));
    scratch.write("a.tar.gz", &bomb);
    fails("a.tar.gz", &too_large("c", 8 << 20));
}

// ---- Digests

#[test]
fn digests_that_are_none_or_of_another_algorithm() {
    let hex = digest(b"x")[7..].to_owned();
    let hint = "hint: a digest of another algorithm cannot be verified here; build the image again, with sha256";
    let lower = |count| format!("expected {count} hex digits in lower case behind ");
    for (text, problem, hint) in [
        (
            format!("sha384:{}", "0".repeat(96)),
            "found the algorithm \"sha384\", expected sha256 or sha512".to_owned(),
            hint,
        ),
        (
            format!("blake3:{hex}"),
            "found the algorithm \"blake3\", expected sha256 or sha512".to_owned(),
            hint,
        ),
        (
            format!("SHA256:{hex}"),
            "found the algorithm \"SHA256\", expected sha256 or sha512".to_owned(),
            hint,
        ),
        (
            hex.clone(),
            format!("found the algorithm \"{hex}\", expected sha256 or sha512"),
            hint,
        ),
        (
            format!("sha256:{}", hex.to_uppercase()),
            lower(64) + "sha256:",
            "",
        ),
        (format!("sha256:{}", &hex[1..]), lower(64) + "sha256:", ""),
        (format!("sha512:{hex}"), lower(128) + "sha512:", ""),
        (
            format!("sha256:../../../{}", &hex[9..]),
            lower(64) + "sha256:",
            "",
        ),
        (format!("sha256:{hex}/../{hex}"), lower(64) + "sha256:", ""),
    ] {
        let scratch = Scratch::new();
        let mut layout = amd64().layout(plain);
        layout.index["manifests"][0]["digest"] = text.clone().into();
        layout.directory(&scratch, "in");
        let problem = format!(
            "error: in: index.json is not valid: {text:?} is not a digest: {problem} at line 1 column "
        );
        expect(&scratch, &["in"], &[&problem, hint]);
    }
}

// ---- Bombs

#[test]
fn compressed_more_than_once() {
    let scratch = Scratch::new();
    let archive = amd64().docker_archive();
    for (name, bytes, found) in [
        (
            "a.gz.gz",
            gzip(&gzip(&archive)),
            "a gzip stream of a gzip-compressed file",
        ),
        (
            "a.zst.gz",
            gzip(&zstd(&archive)),
            "a gzip stream of a zstd-compressed file",
        ),
        (
            "a.gz.zst",
            zstd(&gzip(&archive)),
            "a zstd stream of a gzip-compressed file",
        ),
    ] {
        scratch.write(name, &bytes);
        expect(
            &scratch,
            &[name],
            &[&format!(
                "error: {name}: not a container image: found {found}, expected "
            )],
        );
    }
}

/// A layer of zeros is legal, and stays as small as it came.
#[test]
fn a_layer_that_expands_a_thousand_times() {
    let scratch = Scratch::new();
    let zeros = vec![0; 150 << 20];
    let mut image = amd64();
    image.layers = vec![zeros];
    let layout = image.layout(gzipped);
    layout.directory(&scratch, "layout");
    scratch.write("archive.tar.gz", &gzip(&layout.archive()));
    let small = size_of(&scratch.path("layout")) + 10_000;
    for input in ["layout", "archive.tar.gz"] {
        for compression in ["gzip", "zstd", "keep"] {
            let arguments = [
                "merge",
                "-j",
                "2",
                "--compression",
                compression,
                "-o",
                "out",
                input,
            ];
            let peak = peak_of(&mut scratch.command(&arguments));
            assert!(peak < 48, "{peak} MiB");
            let size = size_of(&scratch.path("out"));
            assert!(size < small, "{size} bytes");
            fs::remove_dir_all(scratch.path("out")).unwrap();
        }
    }
}

/// Runs a command that must succeed; the most memory that it had, in MiB.
fn peak_of(command: &mut Command) -> u64 {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        peak = fs::read_to_string(format!("/proc/{}/status", child.id()))
            .ok()
            .and_then(|status| {
                status
                    .lines()
                    .find_map(|l| l.strip_prefix("VmHWM:"))
                    .map(str::to_owned)
            })
            .map_or(peak, |peak| {
                peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
            });
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert!(status.success());
    peak
}

fn size_of(directory: &std::path::Path) -> u64 {
    let files = walkdir::WalkDir::new(directory)
        .into_iter()
        .map(Result::unwrap);
    files.map(|file| file.metadata().unwrap().len()).sum()
}

/// Zstd says 128 KiB in four bytes (RFC 8878, section 3.1.1.2): 10 GiB in 320 KiB.
#[test]
fn a_stream_that_expands_beyond_measure() {
    let mut bomb = zstd(&entry(&tar_header("repositories", 10 << 30), b""));
    let mut zeros = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for i in (0..10 << 13).rev() {
        let block = (128 << 10) << 3 | 1 << 1 | u32::from(i == 0);
        zeros.extend_from_slice(&block.to_le_bytes()[..3]);
        zeros.push(0);
    }
    bomb.extend(zeros);
    let scratch = Scratch::new();
    scratch.write("a.tar.zst", &bomb);
    let problem = "error: a.tar.zst: cannot read the zstd stream: it expands to more than 8 GiB and to more than 1032 times its size\nhint: this looks like a decompression bomb; if the layer is genuine, compress it again with gzip\n";
    expect(&scratch, &["a.tar.zst"], &[problem]);
}

// ---- Directories

#[test]
fn blobs_of_a_directory_that_are_no_files() {
    let layout = amd64().layout(plain);
    let blob = format!("in/blobs/sha256/{}", hex(&layout.blobs[1]));
    let name = digest(&layout.blobs[1]);
    let missing = format!("names the layer \"{name}\", but there is no such file in it");
    let replace = |make: &dyn Fn(&std::path::Path)| {
        let scratch = Scratch::new();
        layout.directory(&scratch, "in");
        fs::remove_file(scratch.path(&blob)).unwrap();
        make(&scratch.path(&blob));
        scratch
    };
    let fifo = |path: &std::path::Path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    for scratch in [
        replace(&fifo),
        replace(&|path| symlink("/dev/zero", path).unwrap()),
        replace(&|path| symlink("/dev", path).unwrap()),
        replace(&|path| symlink("nothing", path).unwrap()),
        replace(&|path| fs::create_dir(path).unwrap()),
    ] {
        let output = scratch
            .command(&["merge", "-o", "out", "in"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(&missing), "{}", stderr(&output));
    }
    let scratch = replace(&|path| symlink(path, path).unwrap());
    let output = scratch
        .command(&["merge", "-o", "out", "in"])
        .output()
        .unwrap();
    assert!(
        stderr(&output).contains(": cannot read: Too many levels of symbolic links"),
        "{}",
        stderr(&output)
    );
    // A link to any file of this machine may be there; it goes out only if it has the digest.
    let scratch = replace(&|path| symlink("/etc/passwd", path).unwrap());
    let output = scratch
        .command(&["merge", "-o", "out", "in"])
        .output()
        .unwrap();
    assert!(
        stderr(&output).contains(&format!("in: blob {name} has the wrong ")),
        "{}",
        stderr(&output)
    );
}

// ---- What is written

/// Every path that is made, by what the kernel is asked for: none has a word of an input in it.
#[test]
fn nothing_is_made_under_a_name_of_an_input() {
    if !have(&["strace"]) {
        return;
    }
    let image = amd64();
    let file = |name: &str| entry(&tar_header(name, 4), b"evil");
    let mut link = header("blobs", EntryType::Symlink, 0);
    link.set_link_name("/tmp").unwrap();
    link.set_cksum();
    let evil = [
        file("../evil"),
        file("/evil"),
        file("blobs/sha256/../../evil"),
        file("blobs/0"),
        file("output"),
        entry(&header("evil", EntryType::Directory, 0), b""),
        entry(&link, b""),
    ]
    .concat();
    let scratch = Scratch::new();
    for (name, archive) in [
        ("docker", image.docker_archive()),
        ("oci", image.layout(plain).archive()),
    ] {
        let archive = [&evil[..], &archive].concat();
        scratch.write(&format!("{name}.tar"), &archive);
        scratch.write(&format!("{name}.tar.gz"), &gzip(&archive));
    }
    let made = regex::Regex::new(
        r"^(/\.(out|out\.tar)\.polyarch-\w{6}(/blobs(/[0-9]+)?|/output(/oci-layout|/index\.json|/blobs(/sha256(/[0-9a-f]{64})?)?)?)?|/out|/out\.tar)$",
    )
    .unwrap();
    for input in ["docker.tar", "docker.tar.gz", "oci.tar", "oci.tar.gz"] {
        for output in ["out", "out.tar"] {
            let mut found = Vec::new();
            for call in calls(&scratch, "%file", &["merge", "-f", "-o", output, input]) {
                let name = call.split('(').next().unwrap();
                let makes = match name {
                    "open" | "openat" => call.contains("O_CREAT") || call.contains("O_TRUNC"),
                    _ => [
                        "mkdir", "rename", "link", "symlink", "mknod", "creat", "truncate",
                        "chmod", "chown",
                    ]
                    .iter()
                    .any(|word| name.starts_with(word)),
                };
                let quoted = call.split('"').skip(1).step_by(2);
                found.extend(quoted.filter(|_| makes).map(str::to_owned));
            }
            assert!(found.len() > 5, "{found:?}");
            let root = fs::canonicalize(scratch.path("")).unwrap();
            for path in found {
                let below = path.strip_prefix(root.to_str().unwrap());
                assert!(
                    below.is_some_and(|path| made.is_match(path)),
                    "{path:?} was made"
                );
            }
        }
    }
}
