//! The bytes of a compressed layer depend on the versions of the compressors, and not on the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::*;

/// The version of a package in Cargo.lock.
fn locked(package: &str) -> String {
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    let lines: Vec<&str> = lock.lines().collect();
    let name = format!("name = {package:?}");
    let at = lines.iter().position(|line| *line == name);
    let version = at.and_then(|at| lines[at + 1].strip_prefix("version = \""));
    let version = version.and_then(|version| version.strip_suffix('"'));
    version
        .unwrap_or_else(|| panic!("{package} is in Cargo.lock"))
        .to_owned()
}

#[test]
fn version_names_the_compressors_and_their_versions() {
    let scratch = Scratch::new();
    let own = format!("polyarch {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(scratch.run(&["-V"]), own);

    let said = scratch.run(&["--version"]);
    let (libdeflate, zstd) = said
        .strip_prefix(&format!("{own} (libdeflate "))
        .and_then(|rest| rest.strip_suffix(')'))
        .and_then(|rest| rest.split_once(", zstd "))
        .unwrap_or_else(|| panic!("unexpected: {said}"));
    // The third number is that of the crate: versions of libdeflate have two.
    let crate_version = locked("libdeflate-sys");
    assert!(
        crate_version.starts_with(&format!("{libdeflate}.")),
        "{libdeflate}, not {crate_version}"
    );
    let crate_version = locked("zstd-sys");
    assert!(
        crate_version.ends_with(&format!("+zstd.{zstd}")),
        "{zstd}, not {crate_version}"
    );
}

/// The emulator of the architecture of this machine, if it is installed.
fn emulator() -> Option<String> {
    let emulator = format!("qemu-{}-static", std::env::consts::ARCH);
    have(&[&emulator]).then_some(emulator)
}

/// The static program that `make` builds, otherwise the one under test.
fn shipped() -> PathBuf {
    let shipped = std::env::var_os("POLYARCH").map(PathBuf::from);
    let own = Path::new(env!("CARGO_BIN_EXE_polyarch"));
    shipped
        .filter(|path| path.is_file())
        .unwrap_or_else(|| own.to_owned())
}

/// A processor without and one with the instructions that compressors and hashes have special code for: Nehalem
/// (2008) has SSE 4.2, but neither AVX, BMI2, PCLMUL nor the SHA instructions.
const CPUS: [&str; 2] = if cfg!(target_arch = "x86_64") {
    ["Nehalem", "max"]
} else {
    ["cortex-a53", "max"]
};

const LEVELS: [(&str, &[i32]); 2] = [("gzip", &[1, 2, 6, 12]), ("zstd", &[1, 3, 9])];

#[test]
fn an_old_and_a_new_processor_compress_to_the_same_bytes() {
    let Some(emulator) = emulator() else { return };
    let scratch = Scratch::new();
    let program = shipped();
    let inputs = ["amd64-bli-hello-gz.tar.gz", "arm64-bi-hello-gz.tar.gz"].map(fixture);
    let merge = |mut command: Command, compression: &str, level: i32| {
        let output = command
            .current_dir(scratch.path(""))
            .args([
                "merge", "--quiet", "--force", "--jobs", "2", "--output", "out.tar",
            ])
            .args([
                "--compression",
                compression,
                "--compression-level",
                &level.to_string(),
            ])
            .args(&inputs)
            .output()
            .unwrap();
        assert!(output.status.success(), "{command:?}: {}", stderr(&output));
        // The digest of the index covers the digests of all layers.
        String::from_utf8(output.stdout).unwrap()
    };
    for (compression, levels) in LEVELS {
        for &level in levels {
            let native = merge(Command::new(&program), compression, level);
            for cpu in CPUS {
                let mut emulated = Command::new(&emulator);
                emulated.args(["-cpu", cpu]).arg(&program);
                assert_eq!(
                    merge(emulated, compression, level),
                    native,
                    "{compression} {level} on {cpu}"
                );
            }
        }
    }
}
