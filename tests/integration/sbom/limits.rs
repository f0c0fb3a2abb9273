//! Hostile files: what they take is bounded, and what is not searched for it is named.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};

use super::*;

/// The table of an image with one file, made in 1 GB of memory.
fn table(path: &str, content: &[u8]) -> String {
    let scratch = Scratch::new();
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[layer(&[Entry::File(path, content)])],
    );
    let polyarch = env!("CARGO_BIN_EXE_polyarch");
    sh(
        &scratch,
        &format!("ulimit -v 1000000; {polyarch} sbom --jobs 1 a.tar 2>&1"),
    )
}

#[track_caller]
fn expect_warning(path: &str, content: &[u8], reason: &str) -> String {
    let table = table(path, content);
    let warning = format!("/{path} was not fully searched for packages: {reason}");
    assert!(
        table.contains(&warning),
        "{warning} is not in {}",
        &table[..table.len().min(2000)]
    );
    table
}

/// A zip archive whose files all have the same `content`.
fn archive(content: &[u8], names: impl Iterator<Item = String>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    let data = encoder.finish().unwrap();
    let size = |data: &[u8]| u32::try_from(data.len()).unwrap().to_le_bytes();
    let mut archive = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
    archive.resize(18, 0);
    archive.extend_from_slice(&size(&data));
    archive.extend_from_slice(&size(content));
    archive.extend_from_slice(b"\x01\0\0\0x");
    archive.extend_from_slice(&data);
    let mut list = Vec::new();
    for name in names {
        let start = list.len();
        list.extend_from_slice(b"PK\x01\x02\x14\0\x14\0\0\0\x08\0");
        list.resize(start + 20, 0);
        list.extend_from_slice(&size(&data));
        list.extend_from_slice(&size(content));
        list.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        list.resize(start + 46, 0);
        list.extend_from_slice(name.as_bytes());
    }
    let offset = size(&archive);
    archive.extend_from_slice(&list);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0\0\0\0\0");
    archive.extend_from_slice(&size(&list));
    archive.extend_from_slice(&offset);
    archive.extend_from_slice(b"\0\0");
    archive
}

#[test]
fn a_java_archive_decompresses_to_a_bounded_number_of_bytes() {
    let zeros = vec![0; 2 << 20];
    let reason = "it decompresses to too many bytes";
    let manifests = |i| format!("META-INF/maven/{i}/pom.properties");
    for bomb in [
        archive(&zeros, (0..2000).map(|i| format!("{i}.jar"))),
        archive(&zeros, (0..2000).map(manifests)),
        // Reads that are short or fail count too.
        archive(b"", (0..20_000).map(manifests)),
        archive(&zeros[..4096], (0..20_000).map(|i| format!("{i}.jar"))),
    ] {
        expect_warning("app/bomb.jar", &bomb, reason);
    }
    let properties = b"groupId=g\nartifactId=a\nversion=1\n";
    let many = archive(properties, (0..100).map(manifests));
    let table = table("app/many.jar", &many);
    assert!(
        table.contains("maven") && !table.contains(reason),
        "{table}"
    );
}

#[test]
fn a_database_names_a_bounded_number_of_files() {
    let reason = "it names too many packages or files";
    // Paths that are longer than their lines.
    let base = ["b"; 1000].join("/");
    let lines = b"a\n".repeat(80_000);
    expect_warning(&format!("{base}/x.dist-info/RECORD"), &lines, reason);
    let lines = "R:x\n".repeat(80_000);
    let apk = format!("P:a\nV:1\nF:{base}\n{lines}");
    expect_warning("lib/apk/db/installed", apk.as_bytes(), reason);
}

#[test]
fn names_of_packages_have_a_bounded_length() {
    let long = "x".repeat(2000);
    let status = format!(
        "Package: {long}\nVersion: 1\n\nPackage: ok\nVersion: 2\n\nPackage: \nVersion: 3\n"
    );
    let reason = "a package in it has a name or version of more than 1024 bytes";
    let table = expect_warning("var/lib/dpkg/status", status.as_bytes(), reason);
    assert_eq!(
        table.lines().filter(|line| line.contains(" deb ")).count(),
        1,
        "{table}"
    );
    // A license is left out.
    let json = format!(r#"{{"name":"ok","version":"1","license":"{long}"}}"#);
    let table = super::limits::table("node_modules/ok/package.json", json.as_bytes());
    assert!(
        table.contains(" npm ") && !table.contains("not fully"),
        "{table}"
    );
}

#[test]
fn a_program_is_searched_for_a_bounded_number_of_marks() {
    let reason = "it has too many bytes like those of lists of packages";
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(b"not the crates of a program").unwrap();
    let zlib = zlib.finish().unwrap();
    let mut go = b"\xff Go buildinf:\x08\x02".to_vec();
    go.resize(32, 0);
    go.extend_from_slice(b"\x03go1\x28");
    // Not text.
    go.resize(80, 0xff);
    for mark in [&zlib[..], &go] {
        let program = [
            &b"\x7fELF"[..],
            &[0; 12],
            &mark.repeat(400_000 / mark.len()),
        ]
        .concat();
        expect_warning("bin/app", &program, reason);
    }
}

#[test]
fn a_path_that_no_system_opens_is_an_error() {
    let scratch = Scratch::new();
    let path = vec!["a"; 3000].join("/");
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[layer(&[Entry::File(&path, b"")])],
    );
    let error = scratch.fail(&["sbom", "a.tar"]);
    assert!(
        error.contains("a path has 5999 bytes; Linux opens at most 4095"),
        "{error}"
    );
}

const ROOT: &str = "nix/store/9z364a2vnvi1j6x5aqb7nab9ijkx5pgz-x";

#[test]
fn hard_links_do_not_repeat_content_without_end() {
    let scratch = Scratch::new();
    let content = vec![0; 2 << 20];
    let first = format!("{ROOT}/0");
    let names: Vec<String> = (1..1000).map(|i| format!("{ROOT}/{i}")).collect();
    let links = names.iter().map(|name| Entry::HardLink(name, &first));
    let mut entries = vec![Entry::File(&first, &content)];
    entries.extend(links);
    image(&scratch, "a.tar", "linux/amd64", &[layer(&entries[..100])]);
    scratch.run(&["sbom", "a.tar"]);
    image(&scratch, "a.tar", "linux/amd64", &[layer(&entries)]);
    let error = scratch.fail(&["sbom", "a.tar"]);
    assert!(
        error.contains("its hard links repeat the content of files more than 16 times"),
        "{error}"
    );
}

#[test]
fn an_image_that_takes_too_much_memory_is_an_error_with_and_without_a_closure() {
    let scratch = Scratch::new();
    let packages = "Package:p\nVersion:1\n\n".repeat(28_000);
    let names: Vec<String> = (0..5)
        .map(|i| format!("var/lib/dpkg/status.d/{i}"))
        .collect();
    let layers: Vec<Vec<u8>> = (names.iter())
        .map(|name| layer(&[Entry::File(name, packages.as_bytes())]))
        .collect();
    image(&scratch, "a.tar", "linux/amd64", &layers);
    scratch.write("closure.json", b"[]");
    for options in [
        &["--jobs", "1"][..],
        &["--jobs", "4"],
        &["--closure", "closure.json"],
    ] {
        let error = scratch.fail(&[&["sbom", "a.tar"], options].concat());
        let expected = "a.tar: the names of its files and packages take more than 537 MB of memory";
        assert!(error.contains(expected), "{error}");
    }
}
