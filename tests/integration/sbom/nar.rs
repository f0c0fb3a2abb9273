//! NAR hashes: those of Nix, whatever the order of entries and the number of layers.

use std::os::unix::fs::{PermissionsExt, symlink};

use polyarch::{Input, SbomRequest, sbom};

use super::*;

const ROOT: &str = "nix/store/9z364a2vnvi1j6x5aqb7nab9ijkx5pgz-example-1.2-lib";

/// What Nix 2.8 prints for the entries below: `nix-hash --type sha256 --base32`.
const HASH: &str = "sha256:0d9xmpmlphf3h273fv5kkcw0y1kbsw8svjgsknw0ixa8l6ispqjm";

/// A store path in the order of a NAR. A reader that sorts whole paths has `a.b` before `a/c`.
const ENTRIES: &[Entry<'static>] = &[
    Entry::Directory(""),
    Entry::Directory("a"),
    Entry::File("a/c", b"nested"),
    Entry::File("a.b", b""),
    Entry::Directory("bin"),
    Entry::Program("bin/run", b"#!/bin/sh\n"),
    Entry::Symlink("bin/sh", "../a/c"),
    Entry::Directory("empty"),
    Entry::File("z", b"12345678"),
];

fn full_name(name: &str) -> String {
    match name {
        "" => ROOT.to_owned(),
        name => format!("{ROOT}/{name}"),
    }
}

/// A layer with entries of the store path, and the directories above it.
fn store_layer(entries: &[Entry<'_>]) -> Vec<u8> {
    let names: Vec<String> = (entries.iter())
        .map(|entry| match entry {
            Entry::Directory(name)
            | Entry::File(name, _)
            | Entry::Program(name, _)
            | Entry::Symlink(name, _)
            | Entry::HardLink(name, _)
            | Entry::ProgramLink(name, _)
            | Entry::Fifo(name) => full_name(name),
        })
        .collect();
    let target = full_name("z");
    let mut all = vec![Entry::Directory("nix"), Entry::Directory("nix/store")];
    all.extend(entries.iter().zip(&names).map(|(entry, name)| match entry {
        Entry::Directory(_) => Entry::Directory(name),
        Entry::File(_, content) => Entry::File(name, content),
        Entry::Program(_, content) => Entry::Program(name, content),
        Entry::Symlink(_, target) => Entry::Symlink(name, target),
        Entry::HardLink(..) => Entry::HardLink(name, &target),
        Entry::ProgramLink(..) => Entry::ProgramLink(name, &target),
        Entry::Fifo(_) => Entry::Fifo(name),
    }));
    layer(&all)
}

/// Returns the hash of the only component of an image.
fn hash_of(layers: &[Vec<u8>]) -> String {
    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", layers);
    let document = cyclonedx(&scratch, "a.tar");
    let component = component(&document, "example");
    assert_eq!(component["version"], "1.2");
    assert_eq!(properties(component, "polyarch:output"), ["lib"]);
    nar_hash(component)
}

#[test]
fn the_hash_is_the_one_that_nix_computes() {
    assert_eq!(hash_of(&[store_layer(ENTRIES)]), HASH);
    if !have(&["nix-hash"]) {
        return;
    }
    let scratch = Scratch::new();
    for entry in ENTRIES {
        let path = |name: &str| scratch.path("store").join(name);
        match entry {
            Entry::Directory(name) => std::fs::create_dir_all(path(name)).unwrap(),
            Entry::File(name, content) => std::fs::write(path(name), content).unwrap(),
            Entry::Program(name, content) => {
                std::fs::write(path(name), content).unwrap();
                let mode = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(path(name), mode).unwrap();
            }
            Entry::Symlink(name, target) => symlink(target, path(name)).unwrap(),
            Entry::HardLink(..) | Entry::ProgramLink(..) | Entry::Fifo(_) => unreachable!(),
        }
    }
    let hash = sh(&scratch, "nix-hash --type sha256 --base32 store");
    assert_eq!(format!("sha256:{hash}"), HASH);
}

#[test]
fn a_real_image_has_the_hash_that_nix_computes() {
    let scratch = Scratch::new();
    let fixture = fixture("amd64-bli-hello-gz.tar.gz");
    let document = cyclonedx(&scratch, &fixture);
    let hash = nar_hash(component(&document, "hello"));
    assert_eq!(
        hash,
        "sha256:0iykg014h2kysr3cs9z9xn0wc3nszcf4295fs0bpwf3kn9qfaahd"
    );
}

#[test]
fn entries_in_another_order_have_the_same_hash() {
    let mut reversed = ENTRIES.to_vec();
    reversed.reverse();
    assert_eq!(hash_of(&[store_layer(&reversed)]), HASH);
    // Without entries for directories that have files.
    let implied = ENTRIES
        .iter()
        .filter(|entry| !matches!(entry, Entry::Directory("" | "a" | "bin")));
    let implied: Vec<Entry<'_>> = implied.copied().collect();
    assert_eq!(hash_of(&[store_layer(&implied)]), HASH);
    let doubled = [ENTRIES, ENTRIES].concat();
    assert_eq!(hash_of(&[store_layer(&doubled)]), HASH);
}

#[test]
fn a_store_path_in_several_layers_has_the_hash_of_all_together() {
    let (below, above) = ENTRIES.split_at(4);
    assert_eq!(hash_of(&[store_layer(below), store_layer(above)]), HASH);
    // The same layer twice, and the same path in two layers.
    let whole = store_layer(ENTRIES);
    assert_eq!(hash_of(&[whole.clone(), whole.clone()]), HASH);
    let other = [&whole[..], &layer(&[Entry::File("etc/x", b"")])].concat();
    assert_ne!(digest(&other), digest(&whole));
    let more = store_layer(&[ENTRIES, &[Entry::File("zz", b"more")]].concat());
    let deleted = layer(&[Entry::File(&format!("{ROOT}/.wh.zz"), b"")]);
    assert_ne!(hash_of(std::slice::from_ref(&more)), HASH);
    assert_eq!(hash_of(&[more.clone(), deleted]), HASH);
    // An upper layer empties the directory and has it again.
    let opaque = Entry::File(".wh..wh..opq", b"");
    let again = store_layer(&[&[opaque], ENTRIES].concat());
    assert_eq!(hash_of(&[more, again]), HASH);
    // A file becomes a directory, and a directory a file.
    let odd = [Entry::File("a", b""), Entry::File("z/x", b"")];
    assert_eq!(hash_of(&[store_layer(&odd), store_layer(ENTRIES)]), HASH);
}

#[test]
fn a_hard_link_is_a_file_of_its_own() {
    let copied = [ENTRIES, &[Entry::File("zz", b"12345678")]].concat();
    let linked = [ENTRIES, &[Entry::HardLink("zz", "z")]].concat();
    let hash = hash_of(&[store_layer(&copied)]);
    assert_eq!(hash_of(&[store_layer(&linked)]), hash);
}

#[test]
fn a_changed_byte_changes_the_hash() {
    let mut changed = ENTRIES.to_vec();
    *changed.last_mut().unwrap() = Entry::File("z", b"12345679");
    assert_ne!(hash_of(&[store_layer(&changed)]), HASH);
    let upper = store_layer(&[Entry::File("z", b"12345679")]);
    assert_ne!(hash_of(&[store_layer(ENTRIES), upper]), HASH);
    // So does the permission to execute.
    let upper = store_layer(&[Entry::Program("z", b"12345678")]);
    assert_ne!(hash_of(&[store_layer(ENTRIES), upper]), HASH);
}

#[test]
fn a_store_path_that_nix_cannot_have_has_no_hash() {
    let odd = store_layer(&[ENTRIES, &[Entry::Fifo("zz")]].concat());
    has_no_hash(&[odd], "a device or pipe");
    // containerd gives the target the permissions of the link, and Docker does not.
    let link = [ENTRIES, &[Entry::ProgramLink("zz", "z")]].concat();
    has_no_hash(
        &[store_layer(&link)],
        "a hard link with other permissions than its target",
    );
}

#[test]
fn a_store_path_with_an_entry_below_a_link_has_no_hash() {
    // containerd unpacks the second file in the directory that the link leads to.
    let link = Entry::Symlink("a", "/etc");
    let (lower, below) = ([Entry::Directory(""), link], Entry::File("a/c", b"nested"));
    let reason = "an entry below a link or file";
    has_no_hash(&[store_layer(&[&lower[..], &[below]].concat())], reason);
    has_no_hash(&[store_layer(&lower), store_layer(&[below])], reason);
    let base = layer(&[Entry::Directory("data"), Entry::Symlink("nix", "data")]);
    let path = layer(&[Entry::File(&full_name("c"), b"content")]);
    has_no_hash(&[base, path.clone()], reason);
    // The link is gone.
    let deleted = layer(&[
        Entry::File(".wh.nix", b""),
        Entry::File(&full_name("c"), b"content"),
    ]);
    let linked = layer(&[Entry::Symlink("nix", "data")]);
    assert_eq!(hash_of(&[linked, deleted]), hash_of(&[path]));
}

/// Expects a store path without a NAR hash.
#[track_caller]
fn has_no_hash(layers: &[Vec<u8>], reason: &str) {
    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", layers);
    let output = scratch.command(&["sbom", "--format", "cyclonedx", "a.tar"]);
    let output = { output }.output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(nar_hash(component(&document, "example")), "");
    let warning = stderr(&output);
    let expected = format!("the NAR hash of /{ROOT} is not known: it has {reason}\n");
    assert!(warning.contains(&expected), "{warning}");
}

#[test]
fn names_are_those_that_runtimes_unpack() {
    let hash = hash_of(&[layer(&[Entry::File(&full_name("c"), b"content")])]);
    for name in [format!("x/../{ROOT}/c"), format!("../{ROOT}/c")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(7);
        header.set_mode(0o444);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, &b"content"[..]).unwrap();
        assert_eq!(hash_of(&[builder.into_inner().unwrap()]), hash, "{name}");
    }
    // No runtime unpacks metadata of AUFS.
    let metadata = [
        Entry::File(&full_name("c"), b"content"),
        Entry::File(&full_name(".wh..wh.aufs"), b"x"),
    ];
    assert_eq!(hash_of(&[layer(&metadata)]), hash);
}

#[test]
fn entries_in_another_order_cannot_be_hashed_from_a_pipe() {
    let mut reversed = ENTRIES.to_vec();
    reversed.reverse();
    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", &[store_layer(&reversed)]);
    let program = env!("CARGO_BIN_EXE_polyarch");
    for input in [
        "- <a.tar",
        "<(cat a.tar)",
        "<(gzip -c a.tar)",
        "- < <(gzip -c a.tar)",
    ] {
        let out = sh(&scratch, &format!("{program} sbom {input} 2>&1"));
        assert!(out.contains("a pipe is read only once"), "{input}: {out}");
        assert!(out.contains("example"), "{input}: {out}");
    }
    // A compressed archive is a file, which is read again.
    let out = sh(
        &scratch,
        &format!("gzip -k a.tar; {program} sbom --format cyclonedx a.tar.gz 2>&1"),
    );
    assert!(out.contains(HASH), "{out}");
}

#[test]
fn only_layers_with_something_unknown_are_read_again() {
    let scratch = Scratch::new();
    let large = layer(&[Entry::File("large", &[7; 1 << 20])]);
    let upper = store_layer(&[Entry::File("z", b"12345678")]);
    let layers = [store_layer(ENTRIES), large, upper];
    image(&scratch, "a.tar", "linux/amd64", &layers);
    let request = SbomRequest::new(Input::new(scratch.path("a.tar")));
    let report = sbom(&request).unwrap();
    assert_eq!(report.warnings.len(), 0);
    let read = request.progress.inputs()[0].done;
    assert!((1 << 20..3 << 19).contains(&read), "{read}");
}

#[test]
fn a_deleted_store_path_is_not_in_the_image() {
    let scratch = Scratch::new();
    for whiteout in [
        "nix/.wh.store",
        ".wh.nix",
        &format!("{}.wh.{}", &ROOT[..10], &ROOT[10..]),
    ] {
        let layers = [store_layer(ENTRIES), layer(&[Entry::File(whiteout, b"")])];
        image(&scratch, "a.tar", "linux/amd64", &layers);
        let document = cyclonedx(&scratch, "a.tar");
        assert_eq!(
            document["components"].as_array().unwrap().len(),
            0,
            "{whiteout}"
        );
    }
}
