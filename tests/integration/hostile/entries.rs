//! Names, kinds and sizes of the entries of an archive.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use tar::EntryType;

use super::*;
use crate::support::blocks::*;
use crate::support::*;

/// A header with these bytes in the field of the size.
fn header_of_size(field: &[u8]) -> tar::Header {
    let mut header = tar_header("x", 0);
    header.as_old_mut().size = [0; 12];
    header.as_old_mut().size[..field.len()].copy_from_slice(field);
    header.set_cksum();
    header
}

#[test]
fn names_and_links_that_lead_out_of_the_archive_match_no_entry() {
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
        // A link to a directory is not followed as a directory.
        (link(EntryType::Symlink, "."), "l/0"),
        (vec![], "/etc/passwd"),
        (vec![], ""),
    ] {
        let problem = format!("manifest.json names the layer {layer:?}; no such file in it");
        refused(&with_layer(&blocks, layer), &problem, None);
    }
    // An absolute name is a name in the archive, as it is for all tools that unpack archives.
    let scratch = Scratch::new();
    scratch.write("a.tar", &with_layer(b"", "/0"));
    scratch.run(&["merge", "-o", "out", "a.tar"]);
}

#[test]
fn link_cycles_and_long_chains_of_links_are_refused() {
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
            "manifest.json names the layer \"l0\"; no such file in it",
            None,
        );
    }
}

#[test]
fn layers_that_are_devices_pipes_or_directories_are_refused() {
    for kind in [
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::Directory,
        EntryType::new(b'?'),
    ] {
        refused(
            &with_layer(&entry(&header("x", kind, 0), b""), "x"),
            "manifest.json names the layer \"x\"; no such file in it",
            None,
        );
    }
}

#[test]
fn sparse_files_of_every_dialect_are_refused() {
    let mut gnu = header("x", EntryType::GNUSparse, 0);
    gnu.as_gnu_mut().unwrap().set_real_size(0);
    gnu.set_cksum();
    let mut posix = tar::Header::new_ustar();
    posix.set_path("x").unwrap();
    posix.set_mode(0o644);
    posix.set_size(4);
    posix.set_cksum();
    let map = ["GNU.sparse.numblocks", "GNU.sparse.map"];
    let map = record(map[0], "1") + &record(map[1], "0,4");
    let of_pax = |records: &str| {
        let header = pax(EntryType::XHeader, records);
        [header, entry(&posix, b"evil")].concat()
    };
    let sparse = "is a sparse file\nhint: make the archive again, without --sparse";
    let records = "has records of a sparse file that some readers apply and others do not: ";
    let no_map = format!("{records}they have neither a map nor a known version\nhint: ");
    for (blocks, problem) in [
        (entry(&gnu, b""), sparse),
        (of_pax(&(record("GNU.sparse.size", "1000") + &map)), sparse),
        // Go ignores the name, Python and GNU tar take it.
        (of_pax(&record("GNU.sparse.name", "x")), &no_map),
        (of_pax(&record("GNU.sparse.realsize", "9")), &no_map),
        (of_pax(&record("GNU.sparse.major", "1")), &no_map),
        (
            of_pax(&(record("GNU.sparse.size", "2") + &map)),
            &format!("{records}its map is wrong\nhint: "),
        ),
    ] {
        let scratch = Scratch::new();
        scratch.write("a.tar", &with_layer(&blocks, "x"));
        let expected =
            format!("error: a.tar: cannot read the tar archive: the entry \"x\" {problem}");
        expect(&scratch, &["a.tar"], &[&expected]);
    }
}

#[test]
fn a_document_that_appears_twice_is_refused() {
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

#[test]
fn names_that_are_not_utf8_match_no_layer() {
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
    // The input itself may have such a name, where the file system allows it; that of macOS does not.
    #[cfg(target_os = "linux")]
    {
        let name = std::ffi::OsStr::from_bytes(b"a\xff.tar");
        fs::rename(scratch.path("a.tar"), scratch.path("").join(name)).unwrap();
        let mut command = scratch.command(&["merge", "-o", "again"]);
        assert!(command.arg(name).status().unwrap().success());
    }
}

#[test]
fn entries_larger_than_the_archive_are_refused() {
    refused(
        &entry(&tar_header("x", 5000), &[b'x'; 1000]),
        "cannot read the tar archive: the entry \"x\" has 5000 bytes from byte 512 on, but the file ends at byte 1536",
        Some("cannot read the tar archive: the entry \"x\" ends after 1024 of 5000 bytes"),
    );
    for kind in [EntryType::Fifo, EntryType::Symlink, EntryType::Directory] {
        refused(
            &entry(&header("x", kind, 5000), &[b'x'; 1000]),
            "cannot read the tar archive: the entry \"x\" has 5000 bytes, but is not a file",
            None,
        );
    }
}

#[test]
fn invalid_sizes_of_entries_are_refused() {
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
    // Valid numbers that are larger than the archive.
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
fn entries_that_only_some_readers_see_are_refused() {
    for (blocks, problem) in ambiguous() {
        let scratch = Scratch::new();
        // More entries may follow, except after an end of the archive.
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
