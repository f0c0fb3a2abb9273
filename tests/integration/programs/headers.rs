//! Headers of ELF and PE files, and the platforms that they match.

use serde_json::json;

use super::*;

/// The header of a PE file, the format of programs on Windows.
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

#[test]
fn elf_headers_are_checked_against_the_platform() {
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
        // The ABI matters only between a program and its libraries.
        ("linux/arm/v7", static_elf(32, true, 40, ARM | 0x200), true),
        ("linux/arm/v6", static_elf(32, true, 40, ARM | 0x200), true),
        ("linux/arm/v5", static_elf(32, true, 40, ARM | 0x400), true),
        ("linux/arm64", static_elf(32, true, 40, ARM | 0x200), false),
        ("linux/riscv64", static_elf(64, true, 243, 1), true),
        ("linux/amd64", static_elf(64, true, 62, 0), true),
        ("linux/ppc64", static_elf(64, false, 21, 1), true),
        // Static programs of Go have neither flag.
        ("linux/arm/v7", elf(32, true, 40, ARM | 0x2), true),
        ("linux/arm/v5", elf(32, true, 40, ARM | 0x200), true),
        ("linux/arm/v5", elf(32, true, 40, ARM | 0x400), false),
        ("linux/arm", elf(32, true, 40, ARM | 0x200), true),
        // In older ABIs the same bits have another meaning.
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
        // The name of riscv64 says nothing about the ABI (lp64, lp64f).
        ("linux/riscv64", elf(64, true, 243, 1), true),
        ("linux/riscv64", elf(64, true, 243, 3), true),
        ("linux/riscv64", elf(32, true, 243, 5), false),
        ("linux/s390x", elf(64, false, 22, 0), true),
        ("linux/s390x", AMD64, false),
        ("linux/loong64", elf(64, true, 258, 0x43), true),
        ("freebsd/arm64", AMD64, false),
        // There is no known header for these platforms.
        ("linux/e2k", AMD64, true),
        ("wasi/wasm", AMD64, false),
        ("wasip1/wasm", ARM64, false),
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
fn the_error_names_the_architecture_of_the_program() {
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
            "linux/arm64",
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
            said.contains(&format!("is a program for {found}; expected {platform}")),
            "{said}"
        );
    }
}

/// The header of a program for macOS.
fn mach_o(cpu: u32, kind: u32) -> Vec<u8> {
    let words = [0xfeed_facf, cpu, 3, kind, 0, 0, 0, 0];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// A program for several machines, as `lipo` makes it of two.
fn fat(magic: u32) -> Vec<u8> {
    let words = [magic, 2, 0x0100_0007, 3, 0x1000, 0x100, 12];
    words.into_iter().flat_map(u32::to_be_bytes).collect()
}

fn with(program: Elf, changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = program.bytes();
    for (at, byte) in changes {
        bytes[*at] = *byte;
    }
    bytes
}

#[test]
fn programs_for_another_system_are_errors_where_they_are_started() {
    const X86_64: u32 = 0x0100_0007;
    const ARM64_CPU: u32 = 0x0100_000c;
    let os_abi = |number| with(AMD64, &[(7, number)]);
    let big_endian: Vec<u8> = (mach_o(18, 2).chunks(4))
        .flat_map(|word| word.iter().rev().copied())
        .collect();
    for (platform, program, found) in [
        ("linux/amd64", mach_o(X86_64, 2), "macOS on amd64"),
        ("linux/arm64", mach_o(ARM64_CPU, 2), "macOS on arm64"),
        ("linux/amd64", mach_o(7, 2), "macOS on machine 0x7"),
        ("linux/amd64", big_endian, "macOS on machine 0x12"),
        ("linux/amd64", fat(0xcafe_babe), "macOS on several machines"),
        ("linux/amd64", fat(0xcafe_babf), "macOS on several machines"),
        ("linux/amd64", pe(0x8664, false), "Windows on amd64"),
        ("linux/amd64", pe(0xaa64, false), "Windows on arm64"),
        ("linux/amd64", os_abi(9), "FreeBSD on x86-64"),
        ("linux/amd64", os_abi(2), "NetBSD on x86-64"),
        ("linux/amd64", os_abi(12), "OpenBSD on x86-64"),
        ("linux/amd64", os_abi(6), "Solaris on x86-64"),
        ("netbsd/amd64", os_abi(9), "FreeBSD on x86-64"),
    ] {
        let (merged, said) = merge(&starts(platform, program), &[]);
        let error = format!("is a program for {found}; expected {platform}");
        assert!(!merged && said.contains(&error), "{platform}: {said}");
        // Another platform in the config would not help.
        assert!(!said.contains("--set-platform"), "{said}");
    }
    let mut class = fat(0xcafe_babe);
    class[4..8].copy_from_slice(&[0, 0, 0, 65]);
    let mut portable = pe(0x8664, false);
    portable[..8].copy_from_slice(b"MZqFpD='");
    for (platform, program) in [
        ("freebsd/amd64", os_abi(9)),
        // GNU, and programs that have no OS ABI.
        ("linux/amd64", os_abi(3)),
        ("freebsd/amd64", os_abi(0)),
        ("darwin/arm64", mach_o(ARM64_CPU, 2)),
        // A class of Java, a portable executable of Cosmopolitan, and managed code.
        ("linux/amd64", class),
        ("linux/amd64", portable),
        ("linux/amd64", pe(0x14c, true)),
    ] {
        let image = starts(platform, program);
        assert!(is_quiet(&image), "{}", merge(&image, &[]).1);
    }
    // Packages have launchers for other systems as data.
    let [launcher, bundle] = [pe(0xaa64, false), mach_o(X86_64, 2)];
    let data = [Data("t64.exe", &launcher), Program("x.node", bundle)];
    assert!(is_quiet(&image("linux/amd64", json!({}), &[&data])));
}

/// The kernel does not check the versions in the header.
#[test]
fn elf_files_without_a_version_are_programs() {
    for changes in [&[(6, 0)][..], &[(20, 0)], &[(6, 0), (20, 0)]] {
        let (merged, said) = merge(&starts("linux/arm64", with(AMD64, changes)), &[]);
        assert!(
            !merged && said.contains("is a program for x86-64"),
            "{said}"
        );
    }
}

#[test]
fn pe_headers_are_checked_against_windows_platforms() {
    for (platform, program, entrypoint, fits) in [
        ("windows/amd64", pe(0x8664, false), r"C:\App\x.exe", true),
        ("windows/amd64", pe(0xaa64, false), r"C:\App\x.exe", false),
        ("windows/amd64", pe(0xaa64, false), r"c:/app/X", false),
        ("windows/amd64", pe(0xaa64, false), "x", false),
        ("windows/arm64", pe(0xaa64, false), "x.exe", true),
        ("windows/amd64", pe(0x14c, false), "x.exe", false),
        // Managed code runs on every machine.
        ("windows/amd64", pe(0x14c, true), "x.exe", true),
        // Programs of the Windows base image are not in the layers.
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
    // The variable is `Path` on Windows, but some configs have `PATH`.
    for name in ["Path", "PATH"] {
        let execution = json!({ "Cmd": ["x"], "Env": [format!(r"{name}=C:\none;C:\App")] });
        let program = Program("Files/App/x.exe", pe(0xaa64, false));
        let (merged, said) = merge(&image("windows/amd64", execution, &[&[program]]), &[]);
        assert!(!merged, "{name}: {said}");
    }
}
