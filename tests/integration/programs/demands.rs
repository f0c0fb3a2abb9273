//! The dynamic linker, the libraries and the level of x86-64 that a program demands.

use serde_json::{Value, json};

use super::*;

/// A program for x86-64 that is dynamically linked.
#[derive(Clone)]
struct Linked<'a> {
    interpreter: &'a str,
    runpath: &'a str,
    needed: &'a [&'a str],
    /// The bits of `GNU_PROPERTY_X86_ISA_1_NEEDED`.
    levels: u32,
    /// Where the dynamic section and its strings are in the file.
    dynamic_at: usize,
    strings_at: usize,
    tag: u64,
}

const DT_RUNPATH: u64 = 29;
const DT_RPATH: u64 = 15;
const GLIBC: &str =
    "/nix/store/00000000000000000000000000000000-glibc-2.40/lib/ld-linux-x86-64.so.2";
const ZLIB: &str = "/nix/store/11111111111111111111111111111111-zlib-1.3/lib";

fn linked<'a>(interpreter: &'a str, needed: &'a [&'a str]) -> Linked<'a> {
    Linked {
        interpreter,
        runpath: "",
        needed,
        levels: 0,
        dynamic_at: 0x1000,
        strings_at: 0x800,
        tag: DT_RUNPATH,
    }
}

impl Linked<'_> {
    fn bytes(&self) -> Vec<u8> {
        /// The difference between addresses and offsets in the file.
        const BASE: u64 = 0x40_0000;
        let mut strings = vec![0];
        let mut add = |text: &str| {
            let at = strings.len() as u64;
            strings.extend(text.as_bytes());
            strings.push(0);
            at
        };
        let mut dynamic: Vec<u64> = Vec::new();
        for name in self.needed {
            dynamic.extend([1, add(name)]);
        }
        if !self.runpath.is_empty() {
            dynamic.extend([self.tag, add(self.runpath)]);
        }
        dynamic.extend([5, BASE + self.strings_at as u64, 10, strings.len() as u64]);
        // What comes after the end does not count.
        dynamic.extend([0, 0, 1, 1]);
        let dynamic: Vec<u8> = dynamic.into_iter().flat_map(u64::to_le_bytes).collect();
        let interpreter = [self.interpreter.as_bytes(), b"\0"].concat();
        let note = [4, 16, 5, 0x0055_4e47, 0xc000_8002, 4, self.levels, 0];
        let note: Vec<u8> = note.into_iter().flat_map(u32::to_le_bytes).collect();

        let mut bytes = AMD64.bytes();
        let parts = [
            (3, 0x400, &interpreter),
            (2, self.dynamic_at, &dynamic),
            (4, 0x600, &note),
            (0, self.strings_at, &strings),
        ];
        let end = parts.iter().map(|(_, at, part)| at + part.len()).max();
        bytes.resize(end.unwrap_or(0).max(4096), 0);
        bytes[56] = 4;
        let mut headers = vec![(1u32, 0, bytes.len())];
        for (kind, at, part) in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            if kind != 0 {
                headers.push((kind, at, part.len()));
            }
        }
        for (i, (kind, at, size)) in headers.into_iter().enumerate() {
            let (at, size) = (at as u64, size as u64);
            let header = [u64::from(kind), at, BASE + at, BASE + at, size, size, 8];
            let header: Vec<u8> = header.into_iter().flat_map(u64::to_le_bytes).collect();
            bytes[64 + i * 56..][..56].copy_from_slice(&header);
        }
        bytes
    }
}

/// Merges an image that starts `/bin/x`; returns the warnings.
fn warnings(execution: Value, layers: &[&[Entry<'_>]]) -> String {
    let mut config = json!({ "Entrypoint": ["/bin/x"] });
    for (key, value) in execution.as_object().unwrap() {
        config[key] = value.clone();
    }
    let (merged, said) = merge(&image("linux/amd64", config, layers), &[]);
    assert!(merged, "{said}");
    let lines = said.lines().filter(|line| line.starts_with("warning"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_missing_dynamic_linker_gives_a_warning() {
    let program = linked("/lib64/ld-linux-x86-64.so.2", &["libc.so.6"]);
    let x = || Program("bin/x", program.bytes());
    assert_eq!(
        warnings(json!({}), &[&[x()]]),
        "warning: in.tar: its layers do not have /lib64/ld-linux-x86-64.so.2, the dynamic linker of the program that it starts, \"/bin/x\"\n"
    );
    let linker = || Program("usr/lib64/ld-linux-x86-64.so.2", AMD64.bytes());
    let files = [
        x(),
        Link("lib64", "usr/lib64"),
        linker(),
        Data("usr/lib64/libc.so.6", b""),
    ];
    assert_eq!(warnings(json!({}), &[&files]), "");
    // A volume may have it, also at the end of a link.
    let linked = [x(), Link("lib64", "/mnt/lib")];
    let execution = json!({ "Volumes": { "/mnt": {} } });
    assert_eq!(warnings(execution, &[&linked]), "");
    assert_eq!(
        warnings(json!({ "Volumes": { "/lib64": {} } }), &[&[x()]]),
        ""
    );
    let deleted: [&[Entry<'_>]; 2] = [&files, &[Data("usr/.wh.lib64", b"")]];
    assert!(warnings(json!({}), &deleted).contains("the dynamic linker"));
}

#[test]
fn a_missing_library_gives_a_warning_with_its_store_path() {
    let program = Linked {
        runpath: ZLIB,
        ..linked(GLIBC, &["libz.so.1", "libc.so.6"])
    };
    let libc = GLIBC.replace("ld-linux-x86-64.so.2", "libc.so.6");
    let libz = format!("{ZLIB}/libz.so.1.3");
    let link = format!("{ZLIB}/libz.so.1");
    let missing = "warning: in.tar: the program that it starts, \"/bin/x\", needs libz.so.1, which is not in its layers (they do not have /nix/store/11111111111111111111111111111111-zlib-1.3)\n";
    for (program, is_read) in [
        (program.clone(), true),
        (
            Linked {
                tag: DT_RPATH,
                ..program.clone()
            },
            true,
        ),
        // The strings come before or after the dynamic section, near or far.
        (
            Linked {
                strings_at: 0x3_0000,
                dynamic_at: 0x20_0000,
                ..program.clone()
            },
            true,
        ),
        (
            Linked {
                strings_at: 0x31_0000,
                dynamic_at: 0x20_0000,
                ..program.clone()
            },
            true,
        ),
        // These strings were read and dropped before the section that names them.
        (
            Linked {
                strings_at: 0x10_0000,
                dynamic_at: 0x20_0000,
                ..program.clone()
            },
            false,
        ),
    ] {
        let base = || {
            [
                Program("bin/x", program.bytes()),
                Program(&GLIBC[1..], AMD64.bytes()),
                Data(&libc[1..], b""),
            ]
        };
        let found = warnings(json!({}), &[&base()]);
        assert_eq!(found, if is_read { missing } else { "" });
        let zlib = [Data(&libz[1..], b""), Link(&link[1..], "libz.so.1.3")];
        assert_eq!(warnings(json!({}), &[&base(), &zlib]), "");
        // The target of the link is missing.
        let found = warnings(json!({}), &[&base(), &zlib[1..]]);
        assert_eq!(found.is_empty(), !is_read);
        assert!(!found.contains("they do not have"), "{found}");
    }
}

#[test]
fn libraries_are_searched_where_the_linker_searches_them() {
    let debian = "/lib64/ld-linux-x86-64.so.2";
    let musl = "/lib/ld-musl-x86_64.so.1";
    let path = |runpath, interpreter| Linked {
        runpath,
        ..linked(interpreter, &["liba.so"])
    };
    let variable = |value: &str| json!({ "Env": [value] });
    for (case, program, execution, library, is_found) in [
        (
            "default",
            path("", debian),
            json!({}),
            "usr/lib/x86_64-linux-gnu/liba.so",
            true,
        ),
        (
            "default of musl",
            path("", musl),
            json!({}),
            "usr/local/lib/liba.so",
            true,
        ),
        (
            "beside the linker",
            path("", debian),
            json!({}),
            "lib64/liba.so",
            true,
        ),
        (
            "elsewhere",
            path("", debian),
            json!({}),
            "opt/lib/liba.so",
            false,
        ),
        (
            "elsewhere, musl",
            path("", musl),
            json!({}),
            "opt/lib/liba.so",
            false,
        ),
        (
            "run path",
            path("/a:/opt/lib", debian),
            json!({}),
            "opt/lib/liba.so",
            true,
        ),
        (
            "origin",
            path("$ORIGIN/../opt", debian),
            json!({}),
            "opt/liba.so",
            true,
        ),
        (
            "origin",
            path("${ORIGIN}/../opt", debian),
            json!({}),
            "opt/liba.so",
            true,
        ),
        (
            "other origin",
            path("$ORIGIN/../lib2", debian),
            json!({}),
            "opt/liba.so",
            false,
        ),
        (
            "variable",
            path("", debian),
            variable("LD_LIBRARY_PATH=/opt"),
            "opt/liba.so",
            true,
        ),
        // The libraries are not known here.
        (
            "a variable",
            path("$LIB", debian),
            json!({}),
            "opt/liba.so",
            true,
        ),
        (
            "mounted",
            path("/run/opengl-driver/lib", debian),
            json!({}),
            "opt/liba.so",
            true,
        ),
        (
            "volume",
            path("/opt/x", debian),
            json!({ "Volumes": { "/opt": {} } }),
            "a",
            true,
        ),
        (
            "preload",
            path("", debian),
            variable("LD_PRELOAD=/opt/liba.so"),
            "opt/liba.so",
            true,
        ),
        (
            "a cache",
            path("", debian),
            json!({}),
            "etc/ld.so.cache",
            true,
        ),
        (
            "a list",
            path("", debian),
            json!({}),
            "etc/ld.so.conf.d/x.conf",
            true,
        ),
        (
            "musl instead of glibc",
            path("", debian),
            json!({}),
            "lib/libgcompat.so.0",
            true,
        ),
        (
            "a list of musl",
            path("", musl),
            json!({}),
            "etc/ld-musl-x86_64.path",
            true,
        ),
        (
            "another list",
            path("", musl),
            json!({}),
            "etc/ld-musl-aarch64.path",
            false,
        ),
    ] {
        let files = [
            Program("bin/x", program.bytes()),
            Program(&program.interpreter[1..], AMD64.bytes()),
            Data(library, b""),
        ];
        let found = warnings(execution, &[&files]);
        assert_eq!(
            !found.contains("needs liba.so"),
            is_found,
            "{case}: {found}"
        );
        assert_eq!(found.is_empty(), is_found, "{case}: {found}");
    }
    // Parts of the linker, and drivers that a runtime mounts.
    for (interpreter, needed) in [
        (musl, &["libc.musl-x86_64.so.1", "libpthread.so.0"][..]),
        (debian, &["ld-linux-x86-64.so.2", "libcuda.so.1"]),
    ] {
        let files = [
            Program("bin/x", linked(interpreter, needed).bytes()),
            Program(&interpreter[1..], AMD64.bytes()),
        ];
        assert_eq!(warnings(json!({}), &[&files]), "");
    }
}

/// A hostile program takes no more memory than another one.
#[test]
fn programs_that_name_too_many_libraries_are_not_checked_for_them() {
    let long = "x".repeat(60);
    let names: Vec<String> = (0..1000).map(|i| format!("{long}{i}")).collect();
    for (count, is_checked) in [(100, true), (1000, false)] {
        let names: Vec<&str> = names[..count].iter().map(String::as_str).collect();
        let program = Linked {
            dynamic_at: 0x2_0000,
            ..linked("/lib/ld-linux.so", &names)
        };
        let files = [
            Program("bin/x", program.bytes()),
            Program("lib/ld-linux.so", AMD64.bytes()),
        ];
        let found = warnings(json!({}), &[&files]);
        assert_eq!(
            found.contains(", …, which are not in its layers"),
            is_checked
        );
        assert_eq!(found.is_empty(), !is_checked, "{found}");
        assert!(warnings(json!({}), &[&files[..1]]).contains("the dynamic linker"));
    }
}

#[test]
fn only_the_dynamic_linker_of_linux_is_checked() {
    let program = linked("/libexec/ld-elf.so.1", &["libc.so.7"]);
    let mut bytes = program.bytes();
    bytes[7] = 9;
    assert!(is_quiet(&starts("freebsd/amd64", bytes)));
}

#[test]
fn the_level_of_x86_64_is_checked_against_the_platform() {
    let starts_level = |platform, levels, is_linked: bool| {
        let mut program = Linked {
            levels,
            ..linked("", &[])
        }
        .bytes();
        if !is_linked {
            program[64 + 56] = 0x70;
        }
        let (merged, said) = merge(&starts(platform, program), &[]);
        assert!(merged, "{said}");
        said
    };
    for (platform, levels, demanded) in [
        ("linux/amd64", 0, None),
        ("linux/amd64", 1, None),
        (
            "linux/amd64",
            3,
            Some(
                "x86-64-v2, and linux/amd64 includes machines of x86-64-v1; set the platform linux/amd64/v2",
            ),
        ),
        (
            "linux/amd64",
            4,
            Some(
                "x86-64-v3, and linux/amd64 includes machines of x86-64-v1; set the platform linux/amd64/v3",
            ),
        ),
        ("linux/amd64/v2", 2, None),
        (
            "linux/amd64/v2",
            4,
            Some(
                "x86-64-v3, and linux/amd64/v2 includes machines of x86-64-v2; set the platform linux/amd64/v3",
            ),
        ),
        ("linux/amd64/v3", 7, None),
        (
            "linux/amd64/v3",
            15,
            Some(
                "x86-64-v4, and linux/amd64/v3 includes machines of x86-64-v3; set the platform linux/amd64/v4",
            ),
        ),
        ("linux/amd64/v4", 15, None),
    ] {
        for is_linked in [true, false] {
            let said = starts_level(platform, levels, is_linked);
            match demanded {
                None => assert!(!said.contains("demands"), "{platform} {levels}: {said}"),
                Some(demanded) => {
                    let warning = format!(
                        "warning: in.tar: the program that it starts, \"/bin/x\", demands {demanded}\n"
                    );
                    assert!(said.contains(&warning), "{platform} {levels}: {said}");
                }
            }
        }
    }
}

/// The table that a merge saves has what the programs demand.
#[test]
fn a_layer_of_an_earlier_merge_gives_the_same_warnings() {
    let scratch = Scratch::new();
    let program = Linked {
        levels: 4,
        ..linked(GLIBC, &["libz.so.1"])
    };
    let files = [
        Program("bin/x", program.bytes()),
        Program("bin/wrapper", b"#!/bin/sh\nexec /bin/x\n".to_vec()),
        Program("bin/sh", AMD64.bytes()),
        Program(&GLIBC[1..], AMD64.bytes()),
    ];
    let image = image("linux/amd64", json!({ "Cmd": ["/bin/wrapper"] }), &[&files]);
    scratch.write("in.tar", &image.docker_archive());
    let merge = |arguments: &[&str]| {
        let output = scratch.command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    let first = merge(&["merge", "--layer-records", "-o", "first", "in.tar"]);
    let second = merge(&["merge", "--reuse", "first", "-o", "second", "in.tar"]);
    for said in [&first, &second] {
        let named = "the program \"/bin/x\", which \"/bin/wrapper\" starts";
        let warnings = ["needs libz.so.1", "demands x86-64-v3"];
        for warning in warnings {
            assert!(said.contains(&format!("{named}, {warning}")), "{said}");
        }
    }
}
