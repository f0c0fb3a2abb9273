//! The variants that architectures have.
//!
//! Sources: image-spec `image-index.md`, "Platform Variants"; `go help environment` (GOAMD64, GOARM,
//! GOARM64, GOPPC64, GORISCV64); containerd's `platforms` package, `database.go` and `compare.go`.
//!
//! Builds on arm64 machines and Macs leave the variant of the machine in images of other architectures:
//! `amd64/v8`, `s390x/v8` (containers/podman#22730, containers/podman#26295, containers/buildah#6185).
//! containers/image compares variants exactly, so such an image is not found in an index.

/// Whether an architecture has a variant; none for architectures that are not known here. Both names are
/// normal ones: current, and without a variant that is the default.
pub fn exists(architecture: &str, variant: &str) -> Option<bool> {
    let exists = match architecture {
        "amd64" => matches!(variant, "v1" | "v2" | "v3" | "v4"),
        "arm" => matches!(variant, "v5" | "v6" | "v7" | "v8"),
        "arm64" => is_arm64(variant),
        "ppc64" | "ppc64le" => is_power(variant),
        "riscv64" => is_riscv_profile(variant),
        "386" | "loong64" | "mips" | "mips64" | "mips64le" | "mipsle" | "s390x" | "sparc64"
        | "wasm" => false,
        _ => return None,
    };
    Some(exists)
}

/// `v8`, `v8.0` to `v8.9`, `v9`, `v9.0` to `v9.7`: the versions of the Arm architecture.
fn is_arm64(variant: &str) -> bool {
    let Some((major, minor)) = variant.split_once('.') else {
        return matches!(variant, "v8" | "v9");
    };
    let last = match major {
        "v8" => b'9',
        "v9" => b'7',
        _ => return false,
    };
    matches!(minor.as_bytes(), [digit] if (b'0'..=last).contains(digit))
}

/// `power8`, `power10`.
fn is_power(variant: &str) -> bool {
    let number = variant.strip_prefix("power").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

/// `rva20u64`, `rva23u64`, `rvb23s64`: family, year, privilege mode, width. image-spec also has the year
/// alone (`rva23`).
fn is_riscv_profile(variant: &str) -> bool {
    let is_year = |year: &[u8]| year.iter().all(u8::is_ascii_digit);
    match variant.as_bytes() {
        [b'r', b'v', b'a' | b'b', a, b]
        | [b'r', b'v', b'a' | b'b', a, b, b'u' | b's', b'6', b'4'] => is_year(&[*a, *b]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::exists;

    #[test]
    fn variants_of_the_specification_and_of_go_exist() {
        for (architecture, variants) in [
            ("amd64", "v1 v2 v3 v4"),
            ("arm", "v5 v6 v7 v8"),
            ("arm64", "v8 v8.0 v8.1 v8.9 v9 v9.0 v9.5 v9.7"),
            ("ppc64le", "power8 power9 power10 power11"),
            ("ppc64", "power8"),
            ("riscv64", "rva20u64 rva22u64 rva23u64 rvb23s64 rva23"),
        ] {
            for variant in variants.split(' ') {
                assert_eq!(
                    exists(architecture, variant),
                    Some(true),
                    "{architecture}/{variant}"
                );
            }
        }
    }

    #[test]
    fn the_variant_of_another_architecture_does_not_exist() {
        for (architecture, variants) in [
            ("amd64", "v0 v5 v7 v8 v9 8 power9"),
            ("arm", "v4 v9 v8.1"),
            ("arm64", "v7 v8.10 v9.8 v10 v8."),
            ("ppc64le", "v8 power powerx"),
            ("riscv64", "v8 rva2u64 rva22u32 rvc22u64"),
            ("386", "v8 sse2"),
            ("s390x", "v8 z13"),
            ("loong64", "v8"),
            ("mips64le", "hardfloat"),
            ("wasm", "v8"),
        ] {
            for variant in variants.split(' ') {
                assert_eq!(
                    exists(architecture, variant),
                    Some(false),
                    "{architecture}/{variant}"
                );
            }
        }
        assert_eq!(exists("sw64", "v8"), None);
    }
}
