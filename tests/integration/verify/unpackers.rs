//! Layers that no runtime unpacks: what programs that unpack them say, and what `verify` says.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use polyarch::verify::{LAYER_RULES, LayerRule};
use serde_json::json;
use tar::EntryType;

use super::samples::*;
use super::{ids, report, set};
use crate::support::blocks::*;
use crate::support::*;

/// A layer, who refuses it, and the findings of `verify`.
struct Row {
    name: &'static str,
    refused_by: &'static [&'static str],
    expected: &'static [&'static str],
    blocks: Vec<u8>,
}

/// umoci 0.4 and 0.6, containerd 1.6, and the code of podman 4 and 5 in skopeo 1.9 and 1.22: those of Debian 12 and
/// of unstable.
const ALL: &[&str] = &["u4", "u6", "c", "p4", "p5"];
const NONE: &[&str] = &[];
const PODMAN: &[&str] = &["p4", "p5"];
const UMOCI: &[&str] = &["u4", "u6"];
const RUNTIMES: &[&str] = &["c", "p4", "p5"];
const NOT_CONTAINERD: &[&str] = &["u4", "u6", "p4", "p5"];
const NOT_PODMAN: &[&str] = &["u4", "u6", "c"];
const NOT_NEW_UMOCI: &[&str] = &["u4", "c", "p4", "p5"];

fn row(
    name: &'static str,
    refused_by: &'static [&'static str],
    expected: &'static [&'static str],
    entries: &[Vec<u8>],
) -> Row {
    Row {
        name,
        refused_by,
        expected,
        blocks: [entries.concat(), vec![0; 1024]].concat(),
    }
}

fn file(name: &str) -> Vec<u8> {
    entry(&tar_header(name, 4), b"data")
}

fn directory(name: &str) -> Vec<u8> {
    of_type(EntryType::Directory, name, "")
}

fn hard(name: &str, target: &str) -> Vec<u8> {
    of_type(EntryType::Link, name, target)
}

fn soft(name: &str, target: &str) -> Vec<u8> {
    of_type(EntryType::Symlink, name, target)
}

/// An entry without content, with pax headers for long names.
fn of_type(kind: EntryType, name: &str, target: &str) -> Vec<u8> {
    let mut records = String::new();
    let mut fit = |key: &str, text: &str| match text.len() > 100 {
        true => {
            records += &record(key, text);
            String::new()
        }
        false => text.to_owned(),
    };
    let (short, link) = (fit("path", name), fit("linkpath", target));
    let mut header = header(&short, kind, 0);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_mode(if kind == EntryType::Directory {
        0o755
    } else {
        0o644
    });
    header.set_cksum();
    let own = entry(&header, b"");
    match records.is_empty() {
        true => own,
        false => [pax(EntryType::XHeader, &records), own].concat(),
    }
}

fn with(records: &str) -> Vec<u8> {
    [pax(EntryType::XHeader, records), file("file")].concat()
}

fn field(at: usize, text: &[u8]) -> Vec<u8> {
    let header = changed("file", 4, |block| {
        block[at..at + text.len()].copy_from_slice(text)
    });
    entry(&header, b"data")
}

fn xattr(name: &str, value: &str) -> Vec<u8> {
    with(&record(&format!("SCHILY.xattr.{name}"), value))
}

fn rows() -> Vec<Row> {
    let part = "p".repeat(255);
    let long = |parts: usize, last: &str| {
        format!("{}{last}", format!("{}/", "p".repeat(199)).repeat(parts))
    };
    let of = |kind: u8| entry(&header("file", EntryType::new(kind), 4), b"data");
    vec![
        row("a file", NONE, &[], &[file("file")]),
        // Hard links.
        row(
            "a hard link to an earlier file",
            NONE,
            &[],
            &[file("file"), hard("link", "file")],
        ),
        row(
            "a hard link to /file",
            NONE,
            &[],
            &[file("file"), hard("link", "/file")],
        ),
        row(
            "a hard link to ./file",
            NONE,
            &[],
            &[file("file"), hard("link", "./file")],
        ),
        row(
            "a hard link to a file of a layer below",
            NONE,
            &[],
            &[hard("link", "etc/shared")],
        ),
        row(
            "a hard link through a symbolic link",
            NONE,
            &[],
            &[
                directory("real"),
                file("real/file"),
                soft("way", "real"),
                hard("link", "way/file"),
            ],
        ),
        row(
            "a hard link to a symbolic link",
            NONE,
            &[],
            &[soft("soft", "file"), hard("link", "soft")],
        ),
        row(
            "a hard link to a missing file",
            ALL,
            &["layer-unpack"],
            &[hard("link", "missing")],
        ),
        row(
            "a hard link to a later file",
            ALL,
            &["layer-unpack"],
            &[hard("link", "file"), file("file")],
        ),
        row(
            "a hard link to itself",
            ALL,
            &["layer-unpack"],
            &[hard("link", "link")],
        ),
        row(
            "a hard link to itself, after a file of its name",
            ALL,
            &["layer-unpack-some", "layer-unpack"],
            &[file("link"), hard("link", "link")],
        ),
        row(
            "a hard link to a directory",
            ALL,
            &["layer-unpack"],
            &[directory("directory"), hard("link", "directory")],
        ),
        row(
            "a hard link to a directory that has no entry",
            ALL,
            &["layer-unpack"],
            &[file("directory/file"), hard("link", "directory")],
        ),
        row(
            "a hard link to ../file",
            NONE,
            &[],
            &[file("file"), hard("link", "../file")],
        ),
        row(
            "a hard link to ../../etc/passwd",
            ALL,
            &["layer-unpack"],
            &[hard("link", "../../etc/passwd")],
        ),
        row(
            "a hard link to a/../file",
            NONE,
            &[],
            &[file("file"), hard("link", "a/../file")],
        ),
        row(
            "a hard link to nothing",
            ALL,
            &["layer-unpack"],
            &[hard("link", "")],
        ),
        row(
            "a hard link to a device",
            NONE,
            &[],
            &[of_type(EntryType::Fifo, "pipe", ""), hard("link", "pipe")],
        ),
        row(
            "a hard link to a deleted file of a layer below",
            ALL,
            &["layer-unpack"],
            &[file("etc/.wh.shared"), hard("link", "etc/shared")],
        ),
        row(
            "a hard link to a file of a layer below, which a later entry deletes",
            NONE,
            &[],
            &[hard("link", "etc/shared"), file("etc/.wh.shared")],
        ),
        row(
            "a hard link to a file in a deleted directory of a layer below",
            ALL,
            &["layer-unpack"],
            &[file(".wh.etc"), hard("link", "etc/shared")],
        ),
        row(
            "a hard link to a file in a directory of a layer below that was emptied",
            ALL,
            &["layer-unpack"],
            &[file("etc/.wh..wh..opq"), hard("link", "etc/shared")],
        ),
        row(
            "a hard link to a file in a directory of a layer below that a later entry empties",
            NONE,
            &[],
            &[hard("link", "etc/shared"), file("etc/.wh..wh..opq")],
        ),
        // Files and directories in each other's way.
        row(
            "a file below a file",
            NOT_NEW_UMOCI,
            &["layer-unpack"],
            &[file("file"), file("file/below")],
        ),
        row(
            "a directory below a file",
            NOT_NEW_UMOCI,
            &["layer-unpack"],
            &[file("file"), directory("file/below")],
        ),
        row(
            "a file below a symbolic link to a file",
            NOT_NEW_UMOCI,
            &["layer-unpack"],
            &[file("file"), soft("soft", "file"), file("soft/below")],
        ),
        row(
            "a file below a missing symbolic link",
            PODMAN,
            &[],
            &[soft("soft", "missing"), file("soft/below")],
        ),
        row(
            "a file below a symbolic link to itself",
            ALL,
            &[],
            &[soft("soft", "soft"), file("soft/below")],
        ),
        row(
            "a file below a symbolic link to a directory",
            NONE,
            &[],
            &[directory("real"), soft("soft", "real"), file("soft/below")],
        ),
        row(
            "a file below a file of a layer below",
            NOT_NEW_UMOCI,
            &["layer-unpack"],
            &[file("etc/shared/below")],
        ),
        row(
            "a file below a pipe",
            NOT_NEW_UMOCI,
            &["layer-unpack"],
            &[of_type(EntryType::Fifo, "pipe", ""), file("pipe/below")],
        ),
        row(
            "a file below a hard link",
            NOT_NEW_UMOCI,
            &["layer-unpack"],
            &[file("file"), hard("link", "file"), file("link/below")],
        ),
        row(
            "a file below a file that a directory replaces",
            PODMAN,
            &["layer-unpack-some"],
            &[file("file"), directory("file"), file("file/below")],
        ),
        row(
            "a file for a directory",
            PODMAN,
            &["layer-unpack-some"],
            &[directory("x"), file("x/below"), file("x")],
        ),
        row(
            "a file for a directory of a layer below",
            NONE,
            &[],
            &[file("etc")],
        ),
        row(
            "a symbolic link for a directory",
            RUNTIMES,
            &["layer-unpack-some"],
            &[directory("x"), file("x/below"), soft("x", "y")],
        ),
        row(
            "a directory for a symbolic link",
            PODMAN,
            &["layer-unpack-some"],
            &[soft("x", "y"), directory("x")],
        ),
        row(
            "a directory for a file",
            PODMAN,
            &["layer-unpack-some"],
            &[file("x"), directory("x")],
        ),
        row(
            "a file twice",
            PODMAN,
            &["layer-unpack-some"],
            &[file("file"), file("file")],
        ),
        // Names.
        row(
            "a name of 255 bytes",
            NONE,
            &[],
            &[of_type(EntryType::Regular, &part, "")],
        ),
        row(
            "a name of 256 bytes",
            ALL,
            &["layer-unpack"],
            &[of_type(EntryType::Regular, &format!("{part}p"), "")],
        ),
        row(
            "a directory with a name of 256 bytes",
            ALL,
            &["layer-unpack"],
            &[of_type(EntryType::Regular, &format!("{part}p/file"), "")],
        ),
        row(
            "a path of 3800 bytes",
            NONE,
            &[],
            &[of_type(EntryType::Directory, &long(19, ""), "")],
        ),
        row(
            "a path of 4200 bytes",
            ALL,
            &["layer-unpack"],
            &[of_type(EntryType::Directory, &long(21, ""), "")],
        ),
        row("the name ../file", NONE, &[], &[file("../file")]),
        row("the name a/../file", NONE, &[], &[file("a/../file")]),
        row("the name a/../../file", NONE, &[], &[file("a/../../file")]),
        row("the name /file", NONE, &[], &[file("/file")]),
        row("the name ./", NONE, &[], &[directory("./")]),
        row("the name /", NONE, &[], &[directory("/")]),
        row(
            "no name",
            NOT_CONTAINERD,
            &["layer-unpack-some"],
            &[file("")],
        ),
        row(
            "a file with the name .",
            NOT_CONTAINERD,
            &["layer-unpack-some"],
            &[file(".")],
        ),
        row(
            "a symbolic link with the name .",
            NOT_CONTAINERD,
            &["layer-unpack-some"],
            &[soft(".", "etc")],
        ),
        row(
            "a name that is not UTF-8",
            NONE,
            &[],
            &[entry(&changed("x", 4, |block| block[0] = 0xff), b"data")],
        ),
        row("a name with a newline", NONE, &[], &[file("a\nb")]),
        // Symbolic links.
        row(
            "a symbolic link to nothing",
            ALL,
            &["layer-unpack"],
            &[soft("soft", "")],
        ),
        row(
            "a symbolic link to 4095 bytes",
            NONE,
            &[],
            &[soft("soft", &"t".repeat(4095))],
        ),
        row(
            "a symbolic link to 4096 bytes",
            ALL,
            &["layer-unpack"],
            &[soft("soft", &"t".repeat(4096))],
        ),
        row(
            "a symbolic link to the outside",
            NONE,
            &[],
            &[soft("soft", "../../../etc/passwd")],
        ),
        // Whiteouts.
        row("a whiteout", NONE, &[], &[file("etc/.wh.shared")]),
        row("a whiteout of nothing", NONE, &[], &[file(".wh.missing")]),
        row(
            "a whiteout in a directory that does not exist",
            NONE,
            &[],
            &[file("a/b/.wh.missing")],
        ),
        row("an opaque whiteout", NONE, &[], &[file("etc/.wh..wh..opq")]),
        row("a whiteout of AUFS", NONE, &[], &[file(".wh..wh.plnk")]),
        row(
            "a directory of AUFS",
            NONE,
            &[],
            &[directory(".wh..wh.plnk"), file(".wh..wh.plnk/1.2")],
        ),
        row(
            "the whiteout .wh.",
            NOT_NEW_UMOCI,
            &["layer-unpack"],
            &[file(".wh.")],
        ),
        row(
            "the whiteout .wh..",
            NOT_PODMAN,
            &["layer-unpack-some"],
            &[file("etc/.wh..")],
        ),
        row(
            "the whiteout .wh..., in a directory",
            ALL,
            &["layer-unpack"],
            &[file("etc/.wh...")],
        ),
        row(
            "the whiteout .wh... of the root",
            ALL,
            &["layer-unpack"],
            &[file(".wh...")],
        ),
        row(
            "a whiteout that is a directory",
            NONE,
            &[],
            &[directory("etc/.wh.shared")],
        ),
        row(
            "a whiteout below a file",
            RUNTIMES,
            &["layer-unpack"],
            &[file("file"), file("file/.wh.x")],
        ),
        row(
            "a whiteout of a file in the same layer",
            NONE,
            &[],
            &[file("file"), file(".wh.file")],
        ),
        row(
            "a whiteout before a file in the same layer",
            NONE,
            &[],
            &[file(".wh.file"), file("file")],
        ),
        // Extended attributes.
        row("an attribute", NONE, &[], &[xattr("user.x", "y")]),
        row(
            "an attribute of the root user",
            NONE,
            &[],
            &[xattr("trusted.x", "y")],
        ),
        row(
            "an attribute of 65537 bytes",
            ALL,
            &["layer-unpack"],
            &[xattr("user.x", &"y".repeat(65_537))],
        ),
        row(
            "an attribute without a name",
            ALL,
            &["layer-unpack"],
            &[xattr("", "y")],
        ),
        row(
            "an attribute with a name of 255 bytes",
            NONE,
            &[],
            &[xattr(&format!("user.{}", "x".repeat(250)), "y")],
        ),
        row(
            "an attribute with a name of 256 bytes",
            ALL,
            &["layer-unpack"],
            &[xattr(&format!("user.{}", "x".repeat(251)), "y")],
        ),
        row(
            "an attribute of no namespace",
            NONE,
            &[],
            &[xattr("x", "y")],
        ),
        row(
            "the attribute user.",
            ALL,
            &["layer-unpack"],
            &[xattr("user.", "y")],
        ),
        row(
            "wrong capabilities",
            ALL,
            &["layer-unpack"],
            &[xattr("security.capability", "y")],
        ),
        row(
            "an attribute of libarchive",
            NONE,
            &[],
            &[with(&record("LIBARCHIVE.xattr.user.x", "eQ"))],
        ),
        // Types.
        row("the type 7", ALL, &["layer-unpack"], &[of(b'7')]),
        row("the type D", ALL, &["layer-unpack"], &[of(b'D')]),
        row("the type M", ALL, &["layer-unpack"], &[of(b'M')]),
        row("the type N", ALL, &["layer-unpack"], &[of(b'N')]),
        row("the type V", ALL, &["layer-unpack"], &[of(b'V')]),
        row(
            "the type X",
            ALL,
            &["layer-tar"],
            &[
                entry(&header("pax", EntryType::new(b'X'), 10), b"10 path=x\n"),
                file("file"),
            ],
        ),
        row("the type A", ALL, &["layer-unpack"], &[of(b'A')]),
        row("the type I", ALL, &["layer-unpack"], &[of(b'I')]),
        row("the type E", ALL, &["layer-unpack"], &[of(b'E')]),
        row("the type Z", ALL, &["layer-unpack"], &[of(b'Z')]),
        row("a pipe", NONE, &[], &[of_type(EntryType::Fifo, "pipe", "")]),
        row(
            "a device",
            NONE,
            &[],
            &[of_type(EntryType::Char, "null", "")],
        ),
        row(
            "a directory of the type 0",
            NONE,
            &["layer-tar"],
            &[entry(&header("x/", EntryType::Regular, 0), b"")],
        ),
        row(
            "a directory of the type 0 with a file",
            NOT_NEW_UMOCI,
            &["layer-tar"],
            &[
                entry(&header("x/", EntryType::Regular, 0), b""),
                file("x/file"),
            ],
        ),
        row(
            "a global header",
            UMOCI,
            &["layer-unpack-some"],
            &[
                pax(EntryType::XGlobalHeader, &record("comment", "c")),
                file("file"),
            ],
        ),
        // Numbers.
        row("a wrong mode", ALL, &["layer-tar"], &[field(100, b"abc\0")]),
        row("a wrong UID", ALL, &["layer-tar"], &[field(108, b"abc\0")]),
        row("a wrong GID", ALL, &["layer-tar"], &[field(116, b"abc\0")]),
        row("a wrong time", ALL, &["layer-tar"], &[field(136, b"abc\0")]),
        row(
            "a wrong device number",
            ALL,
            &["layer-tar"],
            &[field(329, b"abc\0")],
        ),
        row(
            "a negative UID",
            NONE,
            &["layer-tar"],
            &[field(108, &[0xff; 8])],
        ),
        row(
            "a UID of 32 bits",
            NONE,
            &[],
            &[field(108, b"\x80\0\0\0\xff\xff\xff\xfe")],
        ),
        row(
            "a UID of 33 bits",
            NONE,
            &["layer-tar"],
            &[field(108, b"\x80\0\0\x01\0\0\0\0")],
        ),
        row("a time before 1970", NONE, &[], &[field(136, &[0xff; 12])]),
        row(
            "a time of 62 bits",
            NONE,
            &[],
            &[field(136, b"\x80\0\0\0\x40\0\0\0\0\0\0\0")],
        ),
        row(
            "the uid abc of pax",
            ALL,
            &["layer-tar"],
            &[with(&record("uid", "abc"))],
        ),
        row(
            "a uid of pax of 33 bits",
            NONE,
            &["layer-tar"],
            &[with(&record("uid", "4294967296"))],
        ),
        row(
            "the mtime 1.5.5 of pax",
            ALL,
            &["layer-tar"],
            &[with(&record("mtime", "1.5.5"))],
        ),
        row(
            "the mtime 1.5 of pax",
            NONE,
            &[],
            &[with(&record("mtime", "1.5"))],
        ),
        row(
            "a directory twice",
            PODMAN,
            &["layer-unpack-some"],
            &[directory("x"), directory("x")],
        ),
        row(
            "a hard link to a directory of a layer below",
            ALL,
            &["layer-unpack"],
            &[hard("link", "etc")],
        ),
        row(
            "a hard link to /",
            ALL,
            &["layer-unpack"],
            &[hard("link", "/")],
        ),
        row(
            "an attribute of a symbolic link",
            NOT_CONTAINERD,
            &["layer-unpack-some"],
            &[
                pax(EntryType::XHeader, &record("SCHILY.xattr.user.x", "y")),
                soft("soft", "x"),
            ],
        ),
        row(
            "right capabilities",
            NONE,
            &[],
            &[xattr(
                "security.capability",
                "\u{1}\0\0\u{2}\0\u{20}\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            )],
        ),
        row(
            "a hard link through a link to a directory of a layer below",
            NONE,
            &[],
            &[soft("way", "etc"), hard("link", "way/shared")],
        ),
        row(
            "a hard link to a file of a layer below that is also a later one",
            NONE,
            &[],
            &[hard("link", "etc/shared"), file("etc/shared")],
        ),
        row(
            "a path of pax with a zero byte",
            ALL,
            &["layer-tar"],
            &[with(&record("path", "a\0b"))],
        ),
    ]
}

/// An image whose last layer is that of a row, with the tag `latest`.
fn write(scratch: &Scratch, name: &str, row: &Row) {
    let mut image = TestImage::new("linux/amd64");
    image.layers.push(row.blocks.clone());
    let mut layout = image.layout(gzipped);
    let tag = json!({ "org.opencontainers.image.ref.name": "latest" });
    layout.index["manifests"][0]["annotations"] = tag;
    layout.directory(scratch, name);
}

#[test]
fn a_hard_link_keeps_a_file_whose_other_names_are_removed() {
    let layers = [
        vec![file("a/file"), file("b/file")],
        // Each link is made before its target is removed.
        vec![
            hard("first", "a/file"),
            hard("second", "first"),
            file(".wh.a"),
            hard("third", "b/file"),
            file("b"),
        ],
        vec![
            directory("first"),
            hard("fourth", "second"),
            hard("fifth", "third"),
        ],
    ];
    let mut image = TestImage::new("linux/amd64");
    let layer = |entries: Vec<Vec<u8>>| [entries.concat(), vec![0; 1024]].concat();
    image.layers.extend(layers.map(layer));
    let scratch = Scratch::new();
    let mut layout = image.layout(gzipped);
    let tag = json!({ "org.opencontainers.image.ref.name": "latest" });
    layout.index["manifests"][0]["annotations"] = tag;
    layout.directory(&scratch, "image");
    assert_eq!(report(&scratch, &["image"])["findings"], json!([]));
    if have(&["umoci"]) && is_root() {
        sh(&scratch, "umoci unpack --image image:latest bundle");
        for name in ["second", "third", "fourth", "fifth"] {
            let name = format!("bundle/rootfs/{name}");
            assert_eq!(
                std::fs::read(scratch.path(&name)).unwrap(),
                b"data",
                "{name}"
            );
        }
    }
}

#[test]
fn verify_reports_the_layers_that_runtimes_refuse() {
    // Links whose targets are not followed. The last one is a warning, as each name that is there twice.
    let silent = [
        "a file below a missing symbolic link",
        "a file below a symbolic link to itself",
        "a symbolic link for a directory",
    ];
    let mut wrong = String::new();
    for row in rows() {
        let scratch = Scratch::new();
        write(&scratch, "image", &row);
        let report = report(&scratch, &["image"]);
        let findings = report["findings"].as_array().unwrap().iter();
        let found: BTreeSet<&str> = findings.map(|f| f["id"].as_str().unwrap()).collect();
        let is_as_expected = found == row.expected.iter().copied().collect();
        let [containerd, podman] = ["c", "p5"].map(|unpacker| row.refused_by.contains(&unpacker));
        let is_fair = match report["errors"] != 0 {
            // Two readings are an error, also where these programs agree on one.
            true => found.contains("layer-tar") || containerd && podman,
            false => !(containerd && podman) && found.is_empty() == row.refused_by.is_empty(),
        };
        if !(is_as_expected && (is_fair || silent.contains(&row.name))) {
            let (name, refused_by) = (row.name, row.refused_by);
            let findings = &report["findings"];
            writeln!(wrong, "{name}: refused by {refused_by:?}, {findings:#}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_merge_warns_about_layers_that_runtimes_refuse() {
    let scratch = Scratch::new();
    let entries = [hard("link", "missing"), soft("soft", "")];
    write(&scratch, "image", &row("", ALL, &[], &entries));
    let mut command = scratch.command(&["merge", "-o", "out", "image"]);
    let output = command.output().unwrap();
    assert!(output.status.success());
    let said = stderr(&output);
    let expected = "cannot be unpacked (containerd, podman, umoci): the symbolic link \"soft\" has no target; it has 1 more defect";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn an_oci_archive_that_skopeo_cannot_unpack_is_an_error() {
    let part = "p".repeat(256);
    for (name, more, expected) in [
        ("good", vec![], set(&[])),
        (
            "link",
            hard("blobs/link", "missing"),
            set(&["unsafe-entry", "linked-blob"]),
        ),
        ("below", file("oci-layout/below"), set(&["unsafe-entry"])),
        (
            "long",
            of_type(EntryType::Regular, &part, ""),
            set(&["unsafe-entry"]),
        ),
        (
            "contiguous",
            entry(&header("file", EntryType::Continuous, 0), b""),
            set(&["unsafe-entry"]),
        ),
    ] {
        let scratch = Scratch::new();
        let mut bytes = archive(entries(&good()));
        bytes.truncate(bytes.len() - 1024);
        bytes.extend(more);
        bytes.extend([0; 1024]);
        scratch.write("image", &bytes);
        let mut found = ids(&report(&scratch, &["image"]));
        found.remove("unreferenced-blob");
        assert_eq!(found, expected, "{name}");
        if have(&["skopeo"]) {
            let copy = "skopeo --insecure-policy copy -q --all oci-archive:image dir:out";
            assert_eq!(succeeds(&scratch, copy), expected.is_empty(), "{name}");
        }
    }
}

/// Compares who refuses the layers with the table. A command has `IMAGE` for the directory of an image.
fn compare(unpacker: &str, command: &str) {
    let mut differs = String::new();
    let scratch = Scratch::new();
    for (i, row) in rows().iter().enumerate() {
        let image = format!("image{i}");
        write(&scratch, &image, row);
        let refuses = !succeeds(&scratch, &command.replace("IMAGE", &image));
        if refuses != row.refused_by.contains(&unpacker) {
            writeln!(differs, "{}: {unpacker} refuses it: {refuses}", row.name).unwrap();
        }
    }
    assert!(differs.is_empty(), "{differs}");
}

const UNPACK: &str = "unpack --image IMAGE:latest bundle; s=$?; rm -rf bundle; exit $s";

#[test]
fn umoci_refuses_exactly_the_layers_in_the_table() {
    if is_root() && have(&["umoci"]) {
        compare("u4", &format!("umoci {UNPACK}"));
    }
}

#[test]
fn the_newest_umoci_refuses_exactly_the_layers_in_the_table() {
    if let Some(umoci) = newer("umoci").filter(|_| is_root()) {
        compare("u6", &format!("{umoci} {UNPACK}"));
    }
}

#[test]
#[ignore = "takes two minutes"]
fn podman_refuses_exactly_the_layers_in_the_table() {
    let storage = "containers-storage:[vfs@$PWD/storage+$PWD/run]localhost/x:latest";
    let copy = format!("--insecure-policy copy -q oci:IMAGE:latest \"{storage}\"");
    let copy = format!("{copy}; s=$?; rm -rf storage run; exit $s");
    if is_root() && have(&["skopeo"]) {
        compare("p4", &format!("skopeo {copy}"));
    }
    if let Some(skopeo) = newer("skopeo").filter(|_| is_root()) {
        compare("p5", &format!("{skopeo} {copy}"));
    }
}

#[test]
#[ignore = "starts containerd"]
fn containerd_refuses_exactly_the_layers_in_the_table() {
    if !is_root() || !have(&["containerd", "ctr"]) {
        return;
    }
    let scratch = Scratch::new();
    let (_daemon, ctr) = containerd(&scratch);
    let import = "images import --snapshotter native --base-name IMAGE image.tar";
    let remove = "images rm IMAGE:latest";
    compare(
        "c",
        &format!(
            "tar -C $PWD/IMAGE -cf image.tar . && {ctr} {import}; s=$?; {ctr} {remove}; exit $s"
        ),
    );
}

#[test]
fn the_table_of_rules_for_layers_in_the_docs_is_current() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify.md"));
    let row = |rule: &LayerRule| {
        let (demand, source) = (rule.demand, rule.source);
        let (severity, refused_by) = (rule.severity().name(), rule.refused_by());
        format!("| {demand} | {severity} | {source} | {refused_by} |\n")
    };
    let rows: String = LAYER_RULES.iter().map(row).collect();
    assert!(
        page.contains(&rows),
        "docs/verify.md must have these rows:\n{rows}"
    );
}
