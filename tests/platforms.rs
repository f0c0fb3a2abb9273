//! What an image starts must be for the platform that its config says: headers of programs, and the
//! ways in which an image finds the program that it starts.

mod support;

use serde_json::json;
use support::{Scratch, TestImage, fixture, gzip, stderr, tar_header, zstd};

/// The header of an ELF file.
#[derive(Clone, Copy)]
struct Elf {
    class: u8,
    data: u8,
    machine: u16,
    flags: u32,
    kind: u16,
}

const fn elf(bits: u8, little: bool, machine: u16, flags: u32) -> Elf {
    Elf {
        class: if bits == 64 { 2 } else { 1 },
        data: if little { 1 } else { 2 },
        machine,
        flags,
        kind: 2,
    }
}

const AMD64: Elf = elf(64, true, 62, 0);
const ARM64: Elf = elf(64, true, 183, 0);

impl Elf {
    fn bytes(self) -> Vec<u8> {
        let Self {
            class,
            data,
            machine,
            flags,
            kind,
        } = self;
        let (half, word) = match data {
            1 => (
                u16::to_le_bytes as fn(u16) -> _,
                u32::to_le_bytes as fn(u32) -> _,
            ),
            _ => (
                u16::to_be_bytes as fn(u16) -> _,
                u32::to_be_bytes as fn(u32) -> _,
            ),
        };
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, data, 1];
        bytes.resize(16, 0);
        bytes.extend(half(kind));
        bytes.extend(half(machine));
        bytes.extend(word(1));
        // Entry point, program and section headers: addresses, of the size of a word.
        bytes.resize(bytes.len() + 3 * if class == 2 { 8 } else { 4 }, 0);
        bytes.extend(word(flags));
        bytes.resize(4096, 0);
        bytes
    }
}

/// The header of a PE file of Windows.
fn pe(machine: u16, is_managed: bool) -> Vec<u8> {
    let is_64_bit = machine != 0x14c && machine != 0x1c4;
    let mut bytes = vec![0; 4096];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x80;
    bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
    bytes[0x84..0x86].copy_from_slice(&machine.to_le_bytes());
    let (size, magic, directories) = if is_64_bit {
        (240u16, 0x20bu16, 112)
    } else {
        (224, 0x10b, 96)
    };
    bytes[0x94..0x96].copy_from_slice(&size.to_le_bytes());
    let optional = 0x98;
    bytes[optional..optional + 2].copy_from_slice(&magic.to_le_bytes());
    bytes[optional + directories - 4] = 16;
    if is_managed {
        bytes[optional + directories + 14 * 8 + 1] = 0x20;
        bytes[optional + directories + 14 * 8 + 4] = 72;
    }
    bytes
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
        // Where the field of the header has no room for it, another entry has the name.
        let own = if name.len() > 100 { "" } else { name };
        let mut header = tar_header(own, content.len() as u64);
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

/// The image starts `/bin/x`, which has these bytes.
fn starts(platform: &str, program: Vec<u8>) -> TestImage {
    let execution = json!({ "Entrypoint": ["/bin/x"] });
    image(platform, execution, &[&[Program("bin/x", program)]])
}

/// What is said of a merge of the image, and whether it is merged.
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
fn a_program_for_another_machine_is_refused_with_all_that_helps() {
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
    let name = format!("{}/layer.tar", support::hex(&image.layers[0]));
    assert_eq!(
        said,
        format!(
            "error: in.tar: what it starts, \"hello\" (/{store}) in layer 1 of 2 ({name}), is a program for x86-64; expected one for linux/arm64, as its config says\n\
             hint: built with the wrong package set? take the program from pkgsCross, or from a machine of linux/arm64; if it is the config that is wrong, --set-platform IMAGE=linux/amd64 (Nix: setPlatform = \"linux/amd64\"); to go on all the same, --platform-check warn (Nix: platformCheck = \"warn\")\n"
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
fn headers_are_held_against_platforms() {
    const ARM: u32 = 0x0500_0000;
    for (platform, program, fits) in [
        ("linux/amd64", AMD64, true),
        ("linux/x86_64", AMD64, true),
        ("linux/amd64/v3", AMD64, true),
        ("linux/amd64", elf(32, true, 3, 0), false),
        ("linux/amd64", elf(32, true, 62, 0), false),
        ("linux/386", elf(32, true, 3, 0), true),
        ("linux/386", AMD64, false),
        ("linux/arm64", ARM64, true),
        ("linux/aarch64", ARM64, true),
        ("linux/arm64/v8", AMD64, false),
        ("linux/arm64", elf(64, false, 183, 0), false),
        ("linux/arm64", elf(32, true, 40, ARM | 0x400), false),
        ("linux/arm/v7", elf(32, true, 40, ARM | 0x400), true),
        ("linux/arm/v6", elf(32, true, 40, ARM | 0x400), true),
        ("linux/arm/v7", elf(32, true, 40, ARM | 0x200), false),
        // A static program of Go says neither.
        ("linux/arm/v7", elf(32, true, 40, ARM | 0x2), true),
        ("linux/arm/v5", elf(32, true, 40, ARM | 0x200), true),
        ("linux/arm/v5", elf(32, true, 40, ARM | 0x400), false),
        ("linux/arm", elf(32, true, 40, ARM | 0x200), true),
        // The same bits mean something else in older ABIs.
        ("linux/arm/v7", elf(32, true, 40, 0x0200_0200), true),
        ("linux/arm/v7", elf(32, false, 40, ARM | 0x400), false),
        ("linux/mips", elf(32, false, 8, 0), true),
        ("linux/mips", elf(32, true, 8, 0), false),
        ("linux/mipsle", elf(32, true, 8, 0), true),
        ("linux/mips64le", elf(64, true, 8, 0), true),
        ("linux/mips64le", elf(32, true, 8, 0), false),
        ("linux/ppc64", elf(64, false, 21, 1), true),
        ("linux/ppc64le", elf(64, false, 21, 1), false),
        ("linux/ppc64le", elf(64, true, 21, 2), true),
        ("linux/ppc64le", elf(32, false, 20, 0), false),
        ("linux/riscv64", elf(64, true, 243, 5), true),
        ("linux/riscv64", elf(64, true, 243, 1), false),
        ("linux/riscv64", elf(32, true, 243, 5), false),
        ("linux/s390x", elf(64, false, 22, 0), true),
        ("linux/s390x", AMD64, false),
        ("linux/loong64", elf(64, true, 258, 0x43), true),
        ("freebsd/arm64", AMD64, false),
        // Nobody knows how these look.
        ("linux/e2k", AMD64, true),
        ("wasi/wasm", AMD64, true),
    ] {
        let Elf {
            class,
            data,
            machine,
            flags,
            ..
        } = program;
        let (merged, said) = merge(&starts(platform, program.bytes()), &[]);
        let case = format!("{platform}: {machine} {class} {data} {flags:#x}: {said}");
        assert_eq!(merged, fits, "{case}");
        assert_eq!(said.contains("is a program for"), !fits, "{case}");
    }
}

#[test]
fn what_decides_is_told() {
    for (platform, program, found) in [
        (
            "linux/arm/v7",
            elf(32, true, 40, 0x0500_0200),
            "Arm (32-bit, little-endian, soft-float)",
        ),
        (
            "linux/ppc64le",
            elf(64, false, 21, 1),
            "Power (64-bit, big-endian)",
        ),
        (
            "linux/riscv64",
            elf(64, true, 243, 3),
            "RISC-V (64-bit, little-endian, single-float)",
        ),
        (
            "linux/amd64",
            elf(32, true, 62, 0),
            "x86-64 (32-bit, little-endian)",
        ),
        (
            "linux/amd64",
            elf(64, true, 80, 0),
            "ELF machine 80 (64-bit, little-endian)",
        ),
    ] {
        let (_, said) = merge(&starts(platform, program.bytes()), &[]);
        assert!(
            said.contains(&format!(
                "a program for {found}; expected one for {platform}"
            )),
            "{said}"
        );
    }
}

#[test]
fn programs_of_windows_are_held_against_platforms_too() {
    for (platform, program, entrypoint, fits) in [
        ("windows/amd64", pe(0x8664, false), r"C:\App\x.exe", true),
        ("windows/amd64", pe(0xaa64, false), r"C:\App\x.exe", false),
        ("windows/amd64", pe(0xaa64, false), r"c:/app/X", false),
        ("windows/amd64", pe(0xaa64, false), "x", false),
        ("windows/arm64", pe(0xaa64, false), "x.exe", true),
        ("windows/amd64", pe(0x14c, false), "x.exe", false),
        // Managed code is for any machine.
        ("windows/amd64", pe(0x14c, true), "x.exe", true),
        // In other images it is data.
        ("linux/amd64", pe(0xaa64, false), "/Files/App/x.exe", true),
        // What the base image of Windows has is not in the layers.
        ("windows/amd64", pe(0x8664, false), "cmd", true),
    ] {
        let execution = json!({ "Entrypoint": [entrypoint], "WorkingDir": r"C:\app" });
        let image = image(
            platform,
            execution,
            &[&[Program("Files/App/x.exe", program)]],
        );
        let (merged, said) = merge(&image, &[]);
        assert_eq!(merged, fits, "{platform} {entrypoint}: {said}");
    }
    // Windows calls it `Path`, whoever writes configs for Linux too `PATH`.
    for name in ["Path", "PATH"] {
        let execution = json!({ "Cmd": ["x"], "Env": [format!(r"{name}=C:\none;C:\App")] });
        let program = Program("Files/App/x.exe", pe(0xaa64, false));
        let (merged, said) = merge(&image("windows/amd64", execution, &[&[program]]), &[]);
        assert!(!merged, "{name}: {said}");
    }
}

#[test]
fn the_program_is_found_as_a_runtime_finds_it() {
    let bad = || AMD64.bytes();
    let good = || ARM64.bytes();
    let script = |first: &str| format!("{first}\necho\n").into_bytes();
    let entry = |word: &str| json!({ "Entrypoint": [word] });
    let library = bad();
    let [deep, too_deep] = [2000, 2100].map(|parts| "d/".repeat(parts) + "x");
    let names: Vec<String> = (1..=42).map(|i| format!("l{i}")).collect();
    let links = |n: usize| {
        let links = names
            .windows(2)
            .take(n)
            .map(|pair| Link(&pair[0], &pair[1]));
        let mut entries: Vec<Entry<'_>> = links.collect();
        entries.push(Program(&names[n], bad()));
        vec![entries]
    };
    let cases: Vec<(&str, serde_json::Value, Vec<Vec<Entry<'_>>>, bool)> = vec![
        (
            "Cmd where there is no entrypoint",
            json!({ "Cmd": ["/x"] }),
            vec![vec![Program("x", bad())]],
            false,
        ),
        (
            "Cmd is but an argument of an entrypoint",
            json!({ "Entrypoint": ["/y"], "Cmd": ["/x"] }),
            vec![vec![Program("x", bad()), Program("y", good())]],
            true,
        ),
        (
            "an empty entrypoint is none",
            json!({ "Entrypoint": [], "Cmd": ["/x"] }),
            vec![vec![Program("x", bad())]],
            false,
        ),
        (
            "names as tools write them",
            entry("/x"),
            vec![vec![Program("./x", bad())]],
            false,
        ),
        (
            "from the working directory",
            json!({ "Entrypoint": ["./x"], "WorkingDir": "/app" }),
            vec![vec![Program("app/x", bad())]],
            false,
        ),
        (
            "an absolute name, whatever the working directory",
            json!({ "Entrypoint": ["/x"], "WorkingDir": "/app" }),
            vec![vec![Program("x", bad()), Program("app/x", good())]],
            false,
        ),
        (
            "the default PATH",
            entry("x"),
            vec![vec![Program("usr/local/bin/x", bad())]],
            false,
        ),
        (
            "the first of PATH",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a:/b"] }),
            vec![vec![Program("a/x", good()), Program("b/x", bad())]],
            true,
        ),
        (
            "PATH passes directories by",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a:/b"] }),
            vec![vec![Directory("a/x"), Program("b/x", bad())]],
            false,
        ),
        (
            "PATH passes texts by that nobody can run",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a:/b"] }),
            vec![vec![
                Data("a/x", b"#!/s"),
                Program("s", good()),
                Program("b/x", bad()),
            ]],
            false,
        ),
        (
            "not on PATH",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a"] }),
            vec![vec![Program("b/x", bad())]],
            true,
        ),
        (
            "links, relative and upwards",
            entry("/a/b/x"),
            vec![vec![
                Link("a/b", "../c/d"),
                Link("c/d/x", "../y"),
                Program("c/y", bad()),
            ]],
            false,
        ),
        (
            "a link across layers",
            entry("/bin/x"),
            vec![
                vec![Program("usr/bin/x", bad())],
                vec![Link("bin", "usr/bin")],
            ],
            false,
        ),
        (
            "a directory in the place of a link",
            entry("/bin/x"),
            vec![
                vec![Link("bin", "usr/bin"), Program("usr/bin/x", bad())],
                vec![Directory("bin"), Program("bin/x", good())],
            ],
            true,
        ),
        (
            "a name that Linux finds",
            entry(&format!("/{deep}")),
            vec![vec![Program(&deep, bad())]],
            false,
        ),
        (
            "a name that is too long for Linux",
            entry(&format!("/{too_deep}")),
            vec![vec![Program(&too_deep, bad())]],
            true,
        ),
        (
            "as many links as Linux follows",
            entry("/l1"),
            links(40),
            false,
        ),
        (
            "more links than Linux follows",
            entry("/l1"),
            links(41),
            true,
        ),
        (
            "a link that leads nowhere",
            entry("/bin/x"),
            vec![vec![Link("bin/x", "/y")]],
            true,
        ),
        (
            "a link to itself",
            entry("/x"),
            vec![vec![Link("x", "y"), Link("y", "x")]],
            true,
        ),
        (
            "a hard link",
            entry("/x"),
            vec![vec![Program("y", bad()), Hardlink("x", "y")]],
            false,
        ),
        (
            "a hard link to a layer below",
            entry("/x"),
            vec![vec![Program("y", bad())], vec![Hardlink("x", "/y")]],
            false,
        ),
        (
            "a hard link to itself",
            entry("/x"),
            vec![vec![Hardlink("x", "x")]],
            true,
        ),
        (
            "replaced in a layer above",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Program("x", good())]],
            true,
        ),
        (
            "replaced by a text",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Data("x", b"text")]],
            true,
        ),
        (
            "replaced by a device",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Device("x")]],
            true,
        ),
        (
            "its directory is replaced by a text",
            entry("/a/x"),
            vec![vec![Program("a/x", bad())], vec![Data("a", b"text")]],
            true,
        ),
        (
            "its directory was a text",
            entry("/a/x"),
            vec![
                vec![Program("a/x", bad())],
                vec![Data("a", b"text")],
                vec![Directory("a")],
            ],
            true,
        ),
        (
            "PATH passes libraries by",
            json!({ "Entrypoint": ["x"], "Env": ["PATH=/a:/b"] }),
            vec![vec![Data("a/x", &library), Program("b/x", good())]],
            true,
        ),
        (
            "unpacked through a link of a layer below",
            entry("/bin/x"),
            vec![
                vec![Link("bin", "usr/bin"), Program("usr/bin/x", good())],
                vec![Program("bin/x", bad())],
            ],
            false,
        ),
        (
            "not unpacked through a link of a layer above",
            entry("/bin/x"),
            vec![
                vec![Program("bin/x", bad())],
                vec![Link("bin", "usr/bin"), Program("usr/bin/x", good())],
            ],
            true,
        ),
        (
            "a hard link to what was deleted since",
            entry("/x"),
            vec![
                vec![Program("y", bad()), Hardlink("x", "y")],
                vec![Data(".wh.y", b"")],
            ],
            false,
        ),
        (
            "the upper layer counts",
            entry("/x"),
            vec![vec![Program("x", good())], vec![Program("x", bad())]],
            false,
        ),
        (
            "the last of two entries counts",
            entry("/x"),
            vec![vec![Program("x", good()), Program("x", bad())]],
            false,
        ),
        (
            "deleted",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Data(".wh.x", b"")]],
            true,
        ),
        (
            "another is deleted",
            entry("/x"),
            vec![vec![Program("x", bad())], vec![Data(".wh.y", b"")]],
            false,
        ),
        (
            "its directory is deleted",
            entry("/a/x"),
            vec![vec![Program("a/x", bad())], vec![Data(".wh.a", b"")]],
            true,
        ),
        (
            "its directory is made anew",
            entry("/a/x"),
            vec![
                vec![Program("a/x", bad())],
                vec![Data("a/.wh..wh..opq", b"")],
            ],
            true,
        ),
        (
            "deleted and made again in one layer",
            entry("/x"),
            vec![
                vec![Program("x", good())],
                vec![Data(".wh.x", b""), Program("x", bad())],
            ],
            false,
        ),
        (
            "a script",
            entry("/x"),
            vec![vec![
                Program("x", script("#!/bin/sh -e")),
                Program("bin/sh", bad()),
            ]],
            false,
        ),
        (
            "a script with a blank",
            entry("/x"),
            vec![vec![
                Program("x", script("#! /bin/env x")),
                Program("bin/env", bad()),
            ]],
            false,
        ),
        (
            "a script of a script",
            entry("/x"),
            vec![vec![
                Program("x", script("#!/y")),
                Program("y", script("#!/z")),
                Program("z", bad()),
            ]],
            false,
        ),
        (
            "a script of itself",
            entry("/x"),
            vec![vec![Program("x", script("#!/x"))]],
            true,
        ),
        (
            "a text that nobody can run",
            entry("/x"),
            vec![vec![Data("x", b"#!/bin/sh"), Program("bin/sh", bad())]],
            true,
        ),
        (
            "nothing to start",
            json!({}),
            vec![vec![Program("x", bad())]],
            true,
        ),
        (
            "not in the image",
            entry("/x"),
            vec![vec![Data("y", b"")]],
            true,
        ),
    ];
    for (case, execution, layers, fits) in cases {
        let layers: Vec<&[Entry<'_>]> = layers.iter().map(|layer| &layer[..]).collect();
        let (merged, said) = merge(&image("linux/arm64", execution, &layers), &[]);
        assert_eq!(merged, fits, "{case}: {said}");
        assert_eq!(said.contains("is a program for"), !fits, "{case}: {said}");
    }
}

#[test]
fn images_without_anything_to_complain_of_pass_quietly() {
    for file in ["amd64-bi-hello-gz.tar.gz", "arm64-bli-hello-gz.tar.gz"] {
        let scratch = Scratch::new();
        let output = scratch
            .command(&["merge", "--output", "out", &fixture(file)])
            .output()
            .unwrap();
        assert!(output.status.success() && !stderr(&output).contains("warning"));
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
    // Nothing starts these on Windows; a virtual machine may.
    let linux = [Program("Files/tools/x", ARM64.bytes())];
    let execution = json!({ "Cmd": ["cmd"] });
    assert!(is_quiet(&image("windows/amd64", execution, &[&linux])));
    // What a compiler, the kernel or BPF loads is for whatever it is for.
    let object = Elf { kind: 1, ..AMD64 };
    let objects = [Data("lib/a.o", &object.bytes())];
    assert!(
        is_quiet(&image("linux/arm64", json!({}), &[&objects])),
        "objects"
    );
    assert!(
        is_quiet(&starts("linux/arm64", b"\x7fELF".to_vec())),
        "an ELF file that is cut off"
    );
    assert!(
        is_quiet(&starts("windows/amd64", b"MZ".to_vec())),
        "a PE file that is cut off"
    );
}

#[test]
fn other_files_for_another_machine_are_one_warning() {
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
            "warning: in.tar: 4 files are for another machine than linux/arm64: /lib/a.so (x86-64), /lib/b.so (x86-64), /lib/c.so (x86-64), …"
        ]
    );
}

#[test]
fn files_that_layers_above_delete_or_replace_are_not_told_of() {
    let (good, bad) = (ARM64.bytes(), AMD64.bytes());
    let below = [
        Data("lib/a.so", &bad),
        Data("lib/b.so", &bad),
        Data("lib/c.so", &bad),
    ];
    let above = [Data("lib/.wh.a.so", b""), Data("lib/b.so", &good)];
    let some = image("linux/arm64", json!({}), &[&below, &above]);
    let (_, said) = merge(&some, &[]);
    let warning = "1 file is for another machine than linux/arm64: /lib/c.so (x86-64)\n";
    assert!(said.contains(warning), "{said}");
    let all = image("linux/arm64", json!({}), &[&below, &[Data(".wh.lib", b"")]]);
    assert!(is_quiet(&all));
}

/// The most common mistake with dockerTools: a `Cmd` without `contents` or `copyToRoot`.
#[test]
fn a_program_that_is_in_no_layer_is_a_warning() {
    let text = |first: &str| first.as_bytes().to_vec();
    let files = [
        Program("bin/x", ARM64.bytes()),
        Program("bin/script", text("#!/bin/bash\n")),
        Data("bin/data", b"x"),
        Directory("dir"),
        Link("dangling", "/nix/store/x"),
    ];
    for (word, told) in [
        ("/bin/hello", Some("\"/bin/hello\", is no program")),
        ("hello", Some("\"hello\", is no program")),
        ("bin/data", Some("\"bin/data\", is no program")),
        ("/dir", Some("\"/dir\", is no program")),
        ("/dangling", Some("\"/dangling\", is no program")),
        (
            "script",
            Some("\"script\", is a script for \"/bin/bash\", which is no program"),
        ),
        ("/bin/x", None),
        ("x", None),
        ("/proc/self/exe", None),
        ("/data/x", None),
    ] {
        let execution = json!({ "Cmd": [word], "Volumes": { "/data": {} } });
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

/// A file with holes is not what its bytes in the archive are, and in an archive that readers take for
/// different things nobody knows what there is.
#[test]
fn what_could_not_be_looked_at_is_said() {
    use support::blocks::{ambiguous, entry, pax, record};
    let mut image = image("linux/arm64", json!({ "Cmd": ["/x"] }), &[&[]]);
    let mut header = tar_header("GNUSparseFile/x", 4096);
    header.set_mode(0o755);
    header.set_cksum();
    let records = record("GNU.sparse.major", "1") + &record("GNU.sparse.name", "x");
    let sparse = pax(tar::EntryType::XHeader, &records);
    image.layers = vec![[sparse, entry(&header, &AMD64.bytes()), vec![0; 1024]].concat()];
    let (merged, said) = merge(&image, &[]);
    let warning = "its program was not checked: /x is a sparse file\n";
    assert!(merged && said.contains(warning), "{said}");

    for (blocks, problem) in ambiguous() {
        image.layers = vec![blocks];
        let (merged, said) = merge(&image, &[]);
        let warning = "its programs were not all checked: layer ";
        assert!(
            merged && said.contains(warning) && said.contains(problem),
            "{said}"
        );
        assert!(!said.contains("is no program"), "{said}");
    }
}

/// Each of these took minutes.
#[test]
fn a_config_cannot_make_the_search_for_its_program_last() {
    let deep = format!("/{}x", "d/".repeat(30_000));
    let long_path = format!("PATH={}", "/a/b/c/d/e/f:".repeat(100_000));
    let files = [Link("l", &deep), Program("x", ARM64.bytes())];
    let layers: Vec<&[Entry<'_>]> = vec![&files; 100];
    for (execution, told) in [
        (json!({ "Cmd": [deep] }), "is no program"),
        (json!({ "Cmd": ["/l/x"] }), "is no program"),
        (json!({ "Cmd": ["y"], "Env": [long_path] }), "too long"),
        (
            json!({ "Cmd": ["y"], "Env": [long_path.replace(':', ";")] }),
            "too long",
        ),
    ] {
        let platform = match execution["Env"][0].as_str().unwrap_or_default() {
            path if path.contains(';') => "windows/amd64",
            _ => "linux/arm64",
        };
        let (merged, said) = merge(&image(platform, execution, &layers), &[]);
        assert!(merged && said.len() < 1000 && said.contains(told), "{told}");
    }
}

#[test]
fn the_check_can_be_a_warning_or_be_turned_off() {
    let image = starts("linux/arm64", AMD64.bytes());
    assert!(!merge(&image, &["--platform-check", "error"]).0);
    let (merged, said) = merge(&image, &["--platform-check", "warn"]);
    assert!(merged && said.contains("warning: in.tar: what it starts, /bin/x in layer 1 of 1"));
    assert!(!said.contains("another machine"), "said twice: {said}");
    let (merged, said) = merge(&image, &["--platform-check", "off"]);
    assert!(merged && !said.contains("warning"), "{said}");
}

#[test]
fn whatever_way_the_layers_go_they_are_looked_at() {
    let mut image = starts("linux/arm64", AMD64.bytes());
    image.layers.push(layer(&[Data("etc/x", b"x")]));
    let scratch = Scratch::new();
    let archive = image.docker_archive();
    scratch.write("plain.tar", &archive);
    scratch.write("gzip.tar.gz", &gzip(&archive));
    scratch.write("zstd.tar.zst", &zstd(&archive));
    image.layout(support::plain).directory(&scratch, "layout");
    let gzipped = image.layout(support::gzipped);
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
    // What nobody reads nobody sees.
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
fn a_layer_that_two_platforms_share_is_held_against_both() {
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
        assert!(said.starts_with("error: b.tar: what it starts"), "{said}");
    }
}

#[test]
fn configs_that_differ_are_refused_if_they_must_not() {
    let with = |platform, execution: serde_json::Value, created: &str| {
        let mut image = TestImage::new(platform);
        image.config["config"] = execution;
        image.config["created"] = created.into();
        image.docker_archive()
    };
    let store = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-x-1.0/bin/x";
    let cross = "/nix/store/1123456789abcdfghijklmnpqrsvwxyz-x-aarch64-unknown-linux-gnu-1.0/bin/x";
    let one = json!({ "Entrypoint": [store], "Env": ["A=1", "B=2"], "ExposedPorts": { "80/tcp": {}, "81/tcp": {} }, "Labels": { "l": "v" } });
    let same = json!({ "Entrypoint": [cross], "Env": ["B=2", "A=1"], "ExposedPorts": { "81/tcp": {}, "80/tcp": {} }, "Labels": { "l": "v" } });
    let other = json!({ "Entrypoint": ["/x"], "Cmd": ["y"], "Env": ["A=2"], "User": "me", "WorkingDir": "/w", "Volumes": { "/v": {} }, "Labels": { "l": "w" } });

    let scratch = Scratch::new();
    scratch.write("one.tar", &with("linux/amd64", one, "1970-01-01T00:00:01Z"));
    scratch.write(
        "same.tar",
        &with("linux/arm64", same, "1970-01-01T00:00:01Z"),
    );
    scratch.write(
        "other.tar",
        &with("linux/arm64", other, "1980-01-01T00:00:00Z"),
    );
    scratch.run(&[
        "merge",
        "--consistency",
        "error",
        "--output",
        "same",
        "one.tar",
        "same.tar",
    ]);
    let said = scratch.fail(&[
        "merge",
        "--consistency",
        "error",
        "--output",
        "out",
        "one.tar",
        "other.tar",
    ]);
    let differences = [
        r#"Cmd: nothing for linux/amd64, ["y"] for linux/arm64"#.to_owned(),
        format!(r#"Entrypoint: ["{store}"] for linux/amd64, ["/x"] for linux/arm64"#),
        r#"Env A: "1" for linux/amd64, "2" for linux/arm64"#.to_owned(),
        r#"Env B: "2" for linux/amd64, nothing for linux/arm64"#.to_owned(),
        r#"ExposedPorts: ["80/tcp", "81/tcp"] for linux/amd64, nothing for linux/arm64"#.to_owned(),
        r#"Labels l: "v" for linux/amd64, "w" for linux/arm64"#.to_owned(),
        r#"User: nothing for linux/amd64, "me" for linux/arm64"#.to_owned(),
        r#"Volumes: nothing for linux/amd64, ["/v"] for linux/arm64"#.to_owned(),
        r#"WorkingDir: nothing for linux/amd64, "/w" for linux/arm64"#.to_owned(),
        r#"created: "1970-01-01T00:00:01Z" for linux/amd64, "1980-01-01T00:00:00Z" for linux/arm64"#.to_owned(),
    ];
    assert_eq!(
        said,
        format!(
            "error: the images differ, though they should only be for different machines: {}\n\
             hint: build all of them from the same expression; to be told only, --consistency warn (Nix: consistency = \"warn\")\n",
            differences.join("; ")
        )
    );
    let warn = [
        "merge",
        "--consistency",
        "warn",
        "--output",
        "warned",
        "one.tar",
        "other.tar",
    ];
    let said = stderr(&scratch.command(&warn).output().unwrap());
    assert_eq!(
        said.matches("warning: the images differ: ").count(),
        differences.len()
    );
    let off = ["merge", "--output", "off", "one.tar", "other.tar"];
    assert!(!stderr(&scratch.command(&off).output().unwrap()).contains("differ"));
}

/// A thousand images with a thousand labels each were gigabytes.
#[test]
fn not_all_of_very_many_differences_are_told() {
    let scratch = Scratch::new();
    let images = (0..40).map(|i| {
        let mut image = TestImage::new(&format!("linux/arch{i}"));
        if i == 39 {
            let labels = (0..100).map(|i| {
                (
                    format!("l{i:02}"),
                    "v".repeat(if i == 0 { 5000 } else { 5 }),
                )
            });
            image.config["config"] =
                json!({ "Labels": labels.collect::<std::collections::BTreeMap<_, _>>() });
        }
        let name = format!("{i}.tar");
        scratch.write(&name, &image.docker_archive());
        name
    });
    let images: Vec<String> = images.collect();
    let mut arguments = vec!["merge", "--consistency", "error", "--output", "out"];
    arguments.extend(images.iter().map(String::as_str));
    let output = scratch.command(&arguments).output().unwrap();
    let said = stderr(&output);
    // Only the odd one out and one of the others, and not the whole of it.
    let long = format!(
        "Labels l00: nothing for linux/arch0, \"{}…\" for linux/arch39; ",
        "v".repeat(1000)
    );
    assert!(said.contains(&long) && !said.contains("arch1,"), "{said}");
    assert!(
        said.contains("Labels l63") && !said.contains("Labels l64"),
        "{said}"
    );
    assert!(said.contains("; in 36 more properties\n"), "{said}");
}
