//! Pax headers.

use tar::EntryType;

use super::*;
use crate::support::blocks::*;
use crate::support::*;

#[test]
fn invalid_or_contradictory_pax_headers_are_refused() {
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
        (
            x(&two_sizes),
            "the entry \"y\" has two records size in its pax header",
        ),
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
        "manifest.json names the layer \"l\"; no such file in it",
        None,
    );
}

#[test]
fn unusual_but_valid_pax_headers_are_read() {
    let image = amd64();
    let layer = &image.layers[0];
    // Binary attributes with line breaks (macOS), a size that the header does not have (Python, beyond 8 GiB),
    // and the global comment of git.
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
    let expected = scratch.merge_to("o1", &["a.tar"]).digest;
    assert_eq!(scratch.run(&["merge", "-o", "o2", "a.tar.gz"]), expected);
}
