//! Layers that all readers understand in the same way, and layers that they do not.

use serde_json::json;
use tar::EntryType;

use super::samples::*;
use super::{ids, report, set};
use crate::support::blocks::*;
use crate::support::*;

/// An image for amd64 whose last layer has these blocks.
fn image(blocks: &[u8], config: serde_json::Value) -> Layout {
    let mut image = TestImage::new("linux/amd64");
    image.layers.push(blocks.to_vec());
    image.config["config"] = config;
    layout_of(&[image], gzipped, NO_EDIT, |_, text| text)
}

/// An archive with such entries is refused; a layer is reported, and a merge copies it unchanged.
#[test]
fn layers_that_hide_entries_from_some_readers_have_the_finding_layer_tar() {
    for (mut blocks, problem) in ambiguous() {
        if !problem.contains("the end") {
            blocks.extend([0; 1024]);
        }
        let scratch = Scratch::new();
        let layout = image(&blocks, json!({}));
        layout.directory(&scratch, "image");
        let report = report(&scratch, &["image"]);
        assert_eq!(ids(&report), set(&["layer-tar"]), "{problem}");
        let finding = &report["findings"][0];
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains(problem), "{message}");
        assert_eq!(finding["subject"], digest(&gzip(&blocks)));
        scratch.run(&["merge", "-q", "-o", "out", "image"]);
    }
}

/// All of these are written by real tools.
#[test]
fn unusual_but_unambiguous_layers_have_no_findings() {
    let file = entry(&tar_header("file", 4), b"fine");
    let many = (0..70_000).flat_map(|i| entry(&tar_header(&i.to_string(), 0), b""));
    let xattr = format!("a\n\n9 size=0\n{}", record("path", "b"));
    let path = format!("{}pp", "p/".repeat(149));
    let sized = [
        pax(EntryType::XHeader, &record("size", "4")),
        entry(&changed("x", 0, |_| ()), b""),
        entry(&tar_header("", 0), b"fine")[512..].to_vec(),
    ];
    let times = changed("x", 0, |block| {
        block[257..265].copy_from_slice(b"ustar  \0");
        block[345..357].copy_from_slice(b"14724650000\0");
        block[357..369].copy_from_slice(b"14724650000 ");
    });
    let old = changed("dir/", 0, |block| {
        block[156] = 0;
        block[257..265].fill(0);
    });
    let star = changed("x", 0, |block| {
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[345..350].copy_from_slice(b"a/b/c");
        block[476..487].copy_from_slice(b"14724650000");
        block[508..512].copy_from_slice(b"tar\0");
    });
    let mut sparse = header("holes", EntryType::GNUSparse, 4);
    let gnu = sparse.as_gnu_mut().unwrap();
    gnu.set_real_size(1000);
    gnu.sparse[0].set_offset(996);
    gnu.sparse[0].set_length(4);
    sparse.set_cksum();
    let records = [
        record("GNU.sparse.major", "1"),
        record("GNU.sparse.minor", "0"),
        record("GNU.sparse.name", "holes"),
        record("GNU.sparse.realsize", "1000"),
    ];
    let posix = |name: &str, size| {
        changed(name, size, |block| {
            block[257..265].copy_from_slice(b"ustar\x0000")
        })
    };
    let map = [&b"1\n996\n4\n"[..], &[0; 504], b"fine"].concat();
    for (what, blocks) in [
        ("more entries than an archive may have", many.collect()),
        (
            "attributes of several lines",
            [
                pax(EntryType::XHeader, &record("SCHILY.xattr.x", &xattr)),
                file.clone(),
            ]
            .concat(),
        ),
        (
            "a long name filled up with zeros",
            [
                entry(
                    &header("long", EntryType::GNULongName, 304),
                    format!("{path}\0\0\0\0").as_bytes(),
                ),
                file.clone(),
            ]
            .concat(),
        ),
        ("a size that only the pax header has", sized.concat()),
        ("times of GNU", entry(&times, b"")),
        ("a directory in the format of v7", entry(&old, b"")),
        ("a prefix and a time of star", entry(&star, b"")),
        ("a sparse file of GNU", entry(&sparse, b"fine")),
        (
            "a sparse file of GNU with a long name",
            [
                entry(
                    &header("long", EntryType::GNULongName, 301),
                    format!("{path}\0").as_bytes(),
                ),
                entry(&sparse, b"fine"),
            ]
            .concat(),
        ),
        (
            "a sparse file of pax",
            [
                pax(EntryType::XHeader, &records.concat()),
                entry(&posix("GNUSparseFile.0/holes", map.len() as u64), &map),
            ]
            .concat(),
        ),
        (
            "one block of zeros, and the end",
            [&file[..], &[0; 512]].concat(),
        ),
        (
            "an end followed by more bytes",
            [&file[..], &[0; 1024], b"more"].concat(),
        ),
        ("nothing", Vec::new()),
    ] {
        let scratch = Scratch::new();
        image(&blocks, json!({})).directory(&scratch, "image");
        let report = report(&scratch, &["image"]);
        assert_eq!(report["findings"], json!([]), "{what}");
    }
}

/// A value may contain a line that looks like a record.
#[test]
fn an_entry_has_the_name_in_its_pax_header() {
    let comment = record(
        "comment",
        &format!("x\n{}", record("path", "decoy").trim_end()),
    );
    let program = elf(OF_ARM64);
    let blocks = [
        pax(EntryType::XHeader, &(comment + &record("path", "start"))),
        entry(
            &changed("other", program.len() as u64, |block| {
                block[100..108].copy_from_slice(b"0000755\0")
            }),
            &program,
        ),
        vec![0; 1024],
    ];
    let scratch = Scratch::new();
    image(&blocks.concat(), json!({ "Cmd": ["/start"] })).directory(&scratch, "image");
    assert_eq!(ids(&report(&scratch, &["image"])), set(&["wrong-program"]));
}

#[test]
fn a_nondistributable_layer_is_verified_where_it_is_present() {
    const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    let foreign = |part: &str, value: &mut serde_json::Value| {
        if part == "manifest0" {
            value["layers"][2]["mediaType"] = FOREIGN.into();
        }
    };
    let program = elf(OF_ARM64);
    let mut header = tar_header("start", program.len() as u64);
    header.set_mode(0o755);
    header.set_cksum();
    let mut test = TestImage::new("linux/amd64");
    test.layers
        .push([entry(&header, &program), vec![0; 1024]].concat());
    test.config["config"] = json!({ "Cmd": ["/start"] });
    let scratch = Scratch::new();
    layout_of(&[test], plain, &foreign, |_, text| text).directory(&scratch, "image");
    assert_eq!(ids(&report(&scratch, &["image"])), set(&["wrong-program"]));
}

/// The hint is chosen by the type of the error, which must survive all readers between.
#[test]
fn a_zstd_layer_with_a_window_of_two_gigabytes_gets_the_hint_for_it() {
    // RFC 8878, section 3.1.1: magic number, a window of 2 GiB, an empty block.
    let frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
    let zstd = |_: &[u8]| ("application/vnd.oci.image.layer.v1.tar+zstd", frame.clone());
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    layout_of(&[image], zstd, NO_EDIT, |_, text| text).directory(&scratch, "image");
    let report = report(&scratch, &["image"]);
    assert_eq!(ids(&report), set(&["corrupt"]));
    let hint = report["findings"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("zstd --long"), "{hint}");
}
