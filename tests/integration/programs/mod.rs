//! The program that an image starts must be built for the platform in the config.

mod demands;
mod headers;
mod launchers;
mod search;
mod warnings;

use serde_json::json;

use crate::support::*;

/// The header of an ELF file.
#[derive(Clone, Copy)]
pub struct Elf {
    class: u8,
    data: u8,
    machine: u16,
    flags: u32,
    kind: u16,
    is_dynamic: bool,
}

const fn elf(bits: u8, little: bool, machine: u16, flags: u32) -> Elf {
    Elf {
        class: if bits == 64 { 2 } else { 1 },
        data: if little { 1 } else { 2 },
        machine,
        flags,
        kind: 2,
        is_dynamic: true,
    }
}

/// The same without an interpreter.
pub const fn static_elf(bits: u8, little: bool, machine: u16, flags: u32) -> Elf {
    Elf {
        is_dynamic: false,
        ..elf(bits, little, machine, flags)
    }
}

const AMD64: Elf = elf(64, true, 62, 0);
const ARM64: Elf = elf(64, true, 183, 0);

/// The type of the program header that names the interpreter.
const PT_INTERP: u32 = 3;

impl Elf {
    pub fn bytes(self) -> Vec<u8> {
        let Self {
            class,
            data,
            machine,
            flags,
            kind,
            is_dynamic,
        } = self;
        let (half, word) = match data {
            1 => (
                u16::to_le_bytes as fn(u16) -> [u8; 2],
                u32::to_le_bytes as fn(u32) -> [u8; 4],
            ),
            _ => (
                u16::to_be_bytes as fn(u16) -> [u8; 2],
                u32::to_be_bytes as fn(u32) -> [u8; 4],
            ),
        };
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, data, 1];
        bytes.resize(16, 0);
        bytes.extend(half(kind));
        bytes.extend(half(machine));
        bytes.extend(word(1));
        // Addresses of the entry point, of program headers and of section headers.
        let (size, header) = if class == 2 { (64, 56) } else { (52, 32) };
        for place in [0, size, 0] {
            bytes.extend(match (class, data) {
                (1, _) => word(u32::from(place)).to_vec(),
                (_, 1) => u64::from(place).to_le_bytes().to_vec(),
                _ => u64::from(place).to_be_bytes().to_vec(),
            });
        }
        bytes.extend(word(flags));
        for value in [size, header, u16::from(is_dynamic), 40, 0, 0] {
            bytes.extend(half(value));
        }
        if is_dynamic {
            bytes.extend(word(PT_INTERP));
        }
        bytes.resize(4096, 0);
        bytes
    }
}

/// An entry of a layer.
enum Entry<'a> {
    Program(&'a str, Vec<u8>),
    Data(&'a str, &'a [u8]),
    Device(&'a str),
    Link(&'a str, &'a str),
    Hardlink(&'a str, &'a str),
    Directory(&'a str),
}
use Entry::{Data, Device, Directory, Hardlink, Link, Program};

fn layer(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let (name, content, mode): (_, &[u8], _) = match entry {
            Program(name, content) => (name, content, 0o755),
            Data(name, content) => (name, content, 0o644),
            Link(name, _) | Hardlink(name, _) | Directory(name) | Device(name) => {
                (name, b"", 0o777)
            }
        };
        // A long name is written in a separate entry.
        let own = if name.len() > 100 { "" } else { name };
        let mut header = tar_header(own, content.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(mode);
        if own != *name {
            builder.append_data(&mut header, name, content).unwrap();
            continue;
        }
        match entry {
            Link(name, target) if target.len() > 100 => {
                header.set_entry_type(tar::EntryType::Symlink);
                builder.append_link(&mut header, name, target).unwrap();
                continue;
            }
            Link(_, target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_link_name_literal(target).unwrap();
            }
            Hardlink(_, target) => {
                header.set_entry_type(tar::EntryType::Link);
                header.set_link_name_literal(target).unwrap();
            }
            Directory(_) => header.set_entry_type(tar::EntryType::Directory),
            Device(_) => header.set_entry_type(tar::EntryType::Char),
            _ => {}
        }
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn image(platform: &str, execution: serde_json::Value, layers: &[&[Entry<'_>]]) -> TestImage {
    let mut image = TestImage::new(platform);
    image.config["config"] = execution;
    image.layers = layers.iter().map(|entries| layer(entries)).collect();
    image
}

/// An image whose entrypoint is `/bin/x`, a program of these bytes.
fn starts(platform: &str, program: Vec<u8>) -> TestImage {
    let execution = json!({ "Entrypoint": ["/bin/x"] });
    image(platform, execution, &[&[Program("bin/x", program)]])
}

/// Merges the image; returns whether that succeeded, and the messages.
fn merge(image: &TestImage, arguments: &[&str]) -> (bool, String) {
    let scratch = Scratch::new();
    scratch.write("in.tar", &image.docker_archive());
    let arguments = [&["merge", "--output", "out", "in.tar"], arguments].concat();
    let output = scratch.command(&arguments).output().unwrap();
    assert_eq!(output.status.success(), scratch.path("out").exists());
    (output.status.success(), stderr(&output))
}

fn is_quiet(image: &TestImage) -> bool {
    let (merged, said) = merge(image, &[]);
    merged && !said.contains("warning:")
}

#[test]
fn the_error_for_a_foreign_program_names_it_and_the_remedies() {
    let scratch = Scratch::new();
    let execution = json!({ "Entrypoint": ["hello"], "Env": ["PATH=/opt/bin:/bin"] });
    let store = "nix/store/0123456789abcdfghijklmnpqrsvwxyz-hello-2.12.1/bin/hello";
    let image = image(
        "linux/arm64",
        execution,
        &[
            &[Program(store, AMD64.bytes())],
            &[
                Link("bin", "usr/bin"),
                Link("usr/bin/hello", &format!("/{store}")),
            ],
        ],
    );
    scratch.write("in.tar", &image.docker_archive());
    let said = scratch.fail(&["merge", "--output", "out.tar", "in.tar"]);
    let name = format!("{}/layer.tar", crate::support::hex(&image.layers[0]));
    assert_eq!(
        said,
        format!(
            "error: in.tar: the program that it starts, \"hello\" (/{store}) in layer 1 of 2 ({name}), is a program for x86-64; expected linux/arm64, the platform in its config\n\
             hint: built with the wrong package set? take the program from pkgsCross, or from a machine of linux/arm64; if the config is wrong, merge it with --set-platform IMAGE=linux/amd64 (Nix: setPlatform = \"linux/amd64\"); to continue with a warning, use --platform-check warn (Nix: platformCheck = \"warn\")\n"
        )
    );
    scratch.run(&[
        "merge",
        "--output",
        "out.tar",
        "--set-platform",
        "in.tar=linux/amd64",
        "in.tar",
    ]);
}

#[test]
fn platform_check_makes_the_error_a_warning_or_nothing() {
    let image = starts("linux/arm64", AMD64.bytes());
    assert!(!merge(&image, &["--platform-check", "error"]).0);
    let (merged, said) = merge(&image, &["--platform-check", "warn"]);
    assert!(
        merged
            && said.contains("warning: in.tar: the program that it starts, /bin/x in layer 1 of 1")
    );
    assert!(!said.contains("not built for"), "reported twice: {said}");
    let (merged, said) = merge(&image, &["--platform-check", "off"]);
    assert!(merged && !said.contains("warning"), "{said}");
}

#[test]
fn programs_are_checked_in_every_input_format_and_compression() {
    let mut image = starts("linux/arm64", AMD64.bytes());
    image.layers.push(layer(&[Data("etc/x", b"x")]));
    let scratch = Scratch::new();
    let archive = image.docker_archive();
    scratch.write("plain.tar", &archive);
    scratch.write("gzip.tar.gz", &gzip(&archive));
    scratch.write("zstd.tar.zst", &zstd(&archive));
    image
        .layout(crate::support::plain)
        .directory(&scratch, "layout");
    let gzipped = image.layout(crate::support::gzipped);
    gzipped.directory(&scratch, "gzipped");
    scratch.write("layout.tar.gz", &gzip(&gzipped.archive()));
    let inputs = [
        "plain.tar",
        "gzip.tar.gz",
        "zstd.tar.zst",
        "layout",
        "gzipped",
        "layout.tar.gz",
    ];
    for input in inputs {
        for compression in ["gzip", "zstd", "none", "keep"] {
            for output in ["out", "out.tar"] {
                let arguments = [
                    "merge",
                    "--compression",
                    compression,
                    "--output",
                    output,
                    input,
                ];
                let said = scratch.fail(&arguments);
                assert!(
                    said.contains("is a program for x86-64"),
                    "{arguments:?}: {said}"
                );
            }
        }
    }
    // Layers that are not decompressed cannot be checked.
    scratch.run(&[
        "merge",
        "--output",
        "trusted",
        "--trust-diff-ids",
        "gzipped",
    ]);
    scratch.run(&["merge", "--output", "linked", "--link", "gzipped"]);
}

#[test]
fn a_layer_shared_by_two_platforms_is_checked_for_both() {
    let scratch = Scratch::new();
    scratch.write(
        "a.tar",
        &starts("linux/amd64", AMD64.bytes()).docker_archive(),
    );
    scratch.write(
        "b.tar",
        &starts("linux/arm64", AMD64.bytes()).docker_archive(),
    );
    for jobs in ["1", "2"] {
        let said = scratch.fail(&["merge", "--jobs", jobs, "--output", "out", "a.tar", "b.tar"]);
        assert!(
            said.starts_with("error: b.tar: the program that it starts"),
            "{said}"
        );
    }
}
