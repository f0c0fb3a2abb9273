//! Warnings about programs: missing, foreign, or not checked.

use serde_json::json;

use super::*;
use crate::support::*;

#[test]
fn images_with_correct_programs_or_without_programs_give_no_warning() {
    for file in ["amd64-bi-hello-gz.tar.gz", "arm64-bli-hello-gz.tar.gz"] {
        let scratch = Scratch::new();
        let merged = scratch.merge(&[&fixture(file)]);
        assert!(!merged.stderr.contains("warning"), "{}", merged.stderr);
    }
    let busybox = [
        Program("bin/busybox", ARM64.bytes()),
        Hardlink("bin/sh", "bin/busybox"),
    ];
    let execution = json!({ "Cmd": ["sh"] });
    assert!(is_quiet(&image("linux/arm64", execution, &[&busybox])));
    let none: [&[Entry<'_>]; 0] = [];
    assert!(
        is_quiet(&image("linux/arm64", json!({ "Cmd": ["/x"] }), &none)),
        "scratch"
    );
    let data = [Data("etc/os-release", b"x"), Directory("etc")];
    assert!(
        is_quiet(&image("linux/arm64", json!({}), &[&data])),
        "no ELF at all"
    );
    // Windows itself cannot start ELF files; a virtual machine on it can.
    let linux = [Program("Files/tools/x", ARM64.bytes())];
    let execution = json!({ "Cmd": ["cmd"] });
    assert!(is_quiet(&image("windows/amd64", execution, &[&linux])));
    // Object files are input of a compiler, of the kernel or of BPF, and not checked.
    let object = Elf { kind: 1, ..AMD64 };
    let objects = [Data("lib/a.o", &object.bytes())];
    assert!(
        is_quiet(&image("linux/arm64", json!({}), &[&objects])),
        "objects"
    );
    assert!(
        is_quiet(&starts("windows/amd64", b"MZ".to_vec())),
        "a PE file that is cut off"
    );
}

#[test]
fn foreign_files_that_are_not_started_give_one_warning() {
    let (good, bad) = (ARM64.bytes(), AMD64.bytes());
    let below = [
        Program("bin/x", good),
        Data("lib/a.so", &bad),
        Data("lib/b.so", &bad),
    ];
    let above = [Data("lib/c.so", &bad), Data("lib/d.so", &bad)];
    let image = image("linux/arm64", json!({ "Cmd": ["x"] }), &[&below, &above]);
    let (merged, said) = merge(&image, &[]);
    let warnings: Vec<&str> = said.lines().filter(|l| l.starts_with("warning")).collect();
    assert!(merged);
    assert_eq!(
        warnings,
        [
            "warning: in.tar: 4 files are not built for linux/arm64: /lib/a.so (x86-64), /lib/b.so (x86-64), /lib/c.so (x86-64), …"
        ]
    );
}

#[test]
fn foreign_files_that_upper_layers_delete_or_replace_give_no_warning() {
    let (good, bad) = (ARM64.bytes(), AMD64.bytes());
    let below = [
        Data("lib/a.so", &bad),
        Data("lib/b.so", &bad),
        Data("lib/c.so", &bad),
    ];
    let above = [Data("lib/.wh.a.so", b""), Data("lib/b.so", &good)];
    let some = image("linux/arm64", json!({}), &[&below, &above]);
    let (_, said) = merge(&some, &[]);
    let warning = "1 file is not built for linux/arm64: /lib/c.so (x86-64)\n";
    assert!(said.contains(warning), "{said}");
    let all = image("linux/arm64", json!({}), &[&below, &[Data(".wh.lib", b"")]]);
    assert!(is_quiet(&all));

    let names: Vec<String> = (0..50).map(|i| format!("opt/lib/{i}.so")).collect();
    let many = |content| -> Vec<Entry<'_>> {
        let entries = names.iter().map(|name| Data(name, content));
        entries.collect()
    };
    let (below, above) = (many(&bad), many(&good));
    for layers in [
        [&below[..], &above[..]],
        [&below[..], &[Data(".wh.opt", b"")]],
        [&below[..], &[Link("opt", "usr")]],
    ] {
        let replaced = image("linux/arm64", json!({}), &layers);
        assert!(is_quiet(&replaced), "{}", merge(&replaced, &[]).1);
    }
    let some = image("linux/arm64", json!({}), &[&below, &above[..40]]);
    let (_, said) = merge(&some, &[]);
    let warning = "10 files are not built for linux/arm64: /opt/lib/40.so (x86-64), ";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn the_last_of_two_files_of_the_same_name_counts() {
    let (good, bad) = (ARM64.bytes(), AMD64.bytes());
    let replaced = [Data("a.so", &bad), Data("a.so", &good)];
    let (_, said) = merge(&image("linux/arm64", json!({}), &[&replaced]), &[]);
    assert!(!said.contains("not built for"), "{said}");
    let replacing = [Data("a.so", &good), Data("a.so", &bad)];
    let twice = [Data("a.so", &bad), Data("a.so", &bad)];
    for layer in [replacing, twice] {
        let (_, said) = merge(&image("linux/arm64", json!({}), &[&layer]), &[]);
        let warning = "1 file is not built for linux/arm64: /a.so (x86-64)\n";
        assert!(said.contains(warning), "{said}");
    }
}

#[test]
fn programs_that_linux_refuses_give_a_warning() {
    let empty = "the program that it starts, \"/bin/x\", is an empty file\n";
    let cut_off = "the program that it starts, \"/bin/x\", is cut off: the file ends before its headers or segments do\n";
    let long_segment = |size: u8| {
        let mut bytes = ARM64.bytes();
        // PT_LOAD, and its size in the file.
        bytes[64] = 1;
        bytes[64 + 32 + 1] = size;
        bytes
    };
    for (program, warning) in [
        (Vec::new(), empty),
        (b"\x7fELF".to_vec(), cut_off),
        (ARM64.bytes()[..40].to_vec(), cut_off),
        (ARM64.bytes()[..100].to_vec(), cut_off),
        (long_segment(0x11), cut_off),
    ] {
        let (merged, said) = merge(&starts("linux/arm64", program), &[]);
        assert!(merged && said.contains(warning), "{said}");
    }
    assert!(is_quiet(&starts("linux/arm64", long_segment(0x10))));
    // Files that are not started may be empty, or a part of a program.
    let data = [
        Program("a", Vec::new()),
        Program("b", b"\x7fELF".to_vec()),
        Program("x", ARM64.bytes()),
    ];
    let execution = json!({ "Cmd": ["/x"] });
    assert!(is_quiet(&image("linux/arm64", execution, &[&data])));
}

/// Archives of before 1988 have no type for directories (POSIX, ustar).
#[test]
fn a_directory_of_an_old_archive_hides_nothing() {
    use crate::support::blocks::{changed, entry};
    for kind in [0, b'0'] {
        let execution = json!({ "Cmd": ["/bin/x"] });
        let mut image = image(
            "linux/arm64",
            execution,
            &[&[Program("bin/x", ARM64.bytes())]],
        );
        let directory = changed("bin/", 0, |block| block[156] = kind);
        image
            .layers
            .push([entry(&directory, b""), vec![0; 1024]].concat());
        let (_, said) = merge(&image, &[]);
        assert!(!said.contains("its layers do not have"), "{said}");
        // Readers disagree about a directory that has the type of a file.
        assert_eq!(said.contains("warning"), kind == b'0', "{said}");
    }
}

/// A common mistake with dockerTools is a `Cmd` without `contents` or `copyToRoot`.
#[test]
fn a_program_that_is_in_no_layer_gives_a_warning() {
    let text = |first: &str| first.as_bytes().to_vec();
    let files = [
        Program("bin/x", ARM64.bytes()),
        Program("bin/script", text("#!/bin/bash\n")),
        Program("bin/windows", text("#!/bin/x\r\n")),
        Data("bin/data", b"x"),
        Directory("dir"),
        Link("dangling", "/nix/store/x"),
        Link("mounted", "../data/x"),
    ];
    for (word, told) in [
        (
            "/bin/hello",
            Some("its layers do not have the program that it starts, \"/bin/hello\""),
        ),
        (
            "hello",
            Some("its layers do not have the program that it starts, \"hello\""),
        ),
        (
            "bin/data",
            Some("the program that it starts, \"bin/data\", is not executable"),
        ),
        (
            "/dir",
            Some("its layers do not have the program that it starts, \"/dir\""),
        ),
        (
            "/dangling",
            Some("its layers do not have the program that it starts, \"/dangling\""),
        ),
        (
            "script",
            Some(
                "its layers do not have the interpreter \"/bin/bash\" of the script that it starts, \"script\"",
            ),
        ),
        (
            "windows",
            Some(
                "its layers do not have the interpreter \"/bin/x\\r\" of the script that it starts, \"windows\"; the first line of the script ends with CR LF",
            ),
        ),
        (
            "/database/app",
            Some("its layers do not have the program that it starts, \"/database/app\""),
        ),
        (
            "/none/../bin/x",
            Some("its layers do not have the program that it starts, \"/none/../bin/x\""),
        ),
        ("/mounted", None),
        ("/mounted/y", None),
        ("/data/../bin/none", None),
        ("./none", None),
        ("/bin/x", None),
        ("x", None),
        ("/proc/self/exe", None),
        ("/data/x", None),
    ] {
        // Relative names are looked up in the working directory, which is in a volume here.
        let working_dir = if word == "./none" { "/home/x" } else { "" };
        let volumes = json!({ "/data": {}, "/home/": {} });
        let execution = json!({ "Cmd": [word], "Volumes": volumes, "WorkingDir": working_dir });
        let image = image("linux/arm64", execution, &[&files]);
        let (merged, said) = merge(&image, &[]);
        assert!(merged, "{said}");
        match told {
            Some(told) => assert!(said.contains(told), "{word}: {said}"),
            None => assert!(!said.contains("warning"), "{word}: {said}"),
        }
        let (_, said) = merge(&image, &["--platform-check", "off"]);
        assert!(!said.contains("warning"), "{said}");
    }
}

/// The bytes of a sparse file in an archive are not its content, and an ambiguous layer may hide entries.
#[test]
fn programs_that_could_not_be_checked_give_a_warning() {
    use crate::support::blocks::{ambiguous, changed, entry, pax, record};
    let mut image = image("linux/arm64", json!({ "Cmd": ["/x"] }), &[&[]]);
    let header = changed("GNUSparseFile/x", 512 + 4, |block| {
        block[100..107].copy_from_slice(b"0000755");
        block[257..265].copy_from_slice(b"ustar\x0000");
    });
    let records = [
        record("GNU.sparse.major", "1"),
        record("GNU.sparse.minor", "0"),
        record("GNU.sparse.name", "x"),
        record("GNU.sparse.realsize", "1000"),
    ];
    let sparse = pax(tar::EntryType::XHeader, &records.concat());
    let map = [&b"1\n996\n4\n"[..], &[0; 504], b"\x7fELF"].concat();
    image.layers = vec![[sparse, entry(&header, &map), vec![0; 1024]].concat()];
    let (merged, said) = merge(&image, &[]);
    let warning = "its program was not checked: /x is a sparse file\n";
    assert!(merged && said.contains(warning), "{said}");

    for (blocks, problem) in ambiguous() {
        image.layers = vec![blocks];
        let (merged, said) = merge(&image, &[]);
        let warning = "some of its programs were not checked: layer ";
        assert!(
            merged && said.contains(warning) && said.contains(problem),
            "{said}"
        );
        assert!(!said.contains("its layers do not have"), "{said}");
    }
}
