//! Names of platforms as runtimes compare them.
//!
//! Source: containerd's `platforms.Normalize`.

/// Returns the operating system that a runtime compares.
pub fn os(os: &str) -> &str {
    match lower(os) {
        "macos" => "darwin",
        os => os,
    }
}

/// Names that containerd recognises in any case: Go's names of systems and architectures, the other names
/// that [`architecture`] knows, and variants.
const KNOWN: &str = "aix android darwin dragonfly freebsd hurd illumos ios js linux macos netbsd openbsd \
    plan9 solaris wasip1 windows zos \
    386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc ppc64 ppc64le riscv64 s390x sparc64 wasm \
    aarch64 arm32v5 arm32v6 arm32v7 arm64v8 armel armhf armv6l armv7l i386 i486 i586 i686 loongarch64 \
    powerpc64le ppc64el x86 x86-64 x86_64 \
    v1 v2 v3 v4 v5 v6 v7 v8 v8.0 v9 v9.0";

/// Returns a name in lower case if it is known.
fn lower(name: &str) -> &str {
    if !name.bytes().any(|b| b.is_ascii_uppercase()) {
        return name;
    }
    let mut known = KNOWN.split_ascii_whitespace();
    known
        .find(|known| known.eq_ignore_ascii_case(name))
        .unwrap_or(name)
}

/// Returns the architecture and variant that a runtime compares: `arm64` means `arm64/v8`, `amd64` means
/// `amd64/v1`. The `arm32v7` family is that of Docker's official images.
pub fn architecture<'a>(
    architecture: &'a str,
    variant: Option<&'a str>,
) -> (&'a str, Option<&'a str>) {
    let variant = variant.filter(|v| !v.is_empty()).map(lower);
    let (architecture, variant) = match (lower(architecture), variant) {
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        // The variant in these names counts, whatever variant is given besides.
        ("i386", _) => ("386", None),
        ("armhf", _) => ("arm", Some("v7")),
        ("armel", _) => ("arm", Some("v6")),
        ("i486" | "i586" | "i686" | "x86", variant) => ("386", variant),
        ("aarch64" | "arm64v8", variant) => ("arm64", variant),
        ("armv7l" | "arm32v7", None) => ("arm", Some("v7")),
        ("armv6l" | "arm32v6", None) => ("arm", Some("v6")),
        ("arm32v5", None) => ("arm", Some("v5")),
        ("armv7l" | "armv6l" | "arm32v7" | "arm32v6" | "arm32v5", v) => ("arm", v),
        ("powerpc64le" | "ppc64el", variant) => ("ppc64le", variant),
        ("loongarch64", variant) => ("loong64", variant),
        kept => kept,
    };
    match (architecture, variant) {
        ("amd64", Some("v1")) => (architecture, None),
        ("arm64", Some("8" | "v8" | "v8.0")) => (architecture, None),
        ("arm64", Some("9" | "9.0" | "v9.0")) => (architecture, Some("v9")),
        ("arm", Some("5")) => (architecture, Some("v5")),
        ("arm", Some("6")) => (architecture, Some("v6")),
        ("arm", Some("7")) => (architecture, Some("v7")),
        ("arm", Some("8")) => (architecture, Some("v8")),
        kept => kept,
    }
}

/// Returns the rank of a variant: `v10` is more specific than `v7`, and any variant than none.
pub fn variant_rank(variant: Option<&str>) -> Option<(u32, String)> {
    let variant = variant?;
    let number = variant
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    Some((number, variant.to_owned()))
}
