//! Platforms: `os/arch[/variant]`, and the order of manifests in an index.
//!
//! Source: image-spec `image-index.md` (platform object, "variant" table) and containerd's
//! `platforms` package, which fixes what a missing variant means.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::util::text::clean;

/// What an image runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// Go's name of the architecture (`amd64`, `arm64`, …).
    pub architecture: String,
    /// Go's name of the operating system (`linux`, `windows`, …).
    pub os: String,
    /// The version of the operating system; Windows images need it.
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Features that the operating system must have (`win32k`).
    #[serde(rename = "os.features", default, skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// The variant of the CPU (`v7` of `arm`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What an input says beyond that.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Platform {
    /// What images are usually for.
    pub(crate) const USUAL: [&'static str; 14] = [
        "linux/amd64",
        "linux/arm64",
        "linux/arm/v7",
        "linux/arm/v6",
        "linux/386",
        "linux/riscv64",
        "linux/ppc64le",
        "linux/s390x",
        "linux/loong64",
        "windows/amd64",
        "windows/arm64",
        "darwin/amd64",
        "darwin/arm64",
        "freebsd/amd64",
    ];

    /// This platform as `claim` names it more closely, or nothing where the two contradict each
    /// other. What only the claim says (`os.version`, unknown fields) is taken over.
    ///
    /// A claim without a variant asserts none, one that spells out the default (`arm64/v8`) asserts
    /// that. An `arm` image whose config names no variant (all
    /// that nixpkgs makes) takes the variant of the claim. Legacy names of architectures are
    /// understood, and the narrowed platform has the name of today.
    pub fn narrowed_by(&self, claim: &Platform) -> Option<Platform> {
        let (ours, theirs) = (self.normal(), claim.normal());
        if (self.normal_os(), ours.0) != (claim.normal_os(), theirs.0) {
            return None;
        }
        let mut narrowed = self.clone();
        if self.os != claim.os {
            narrowed.os = self.normal_os().to_owned();
        }
        if self.architecture != claim.architecture {
            // One of the two is a legacy name; what runtimes look for is the other one.
            narrowed.architecture = ours.0.to_owned();
            narrowed.variant = ours.1.map(str::to_owned);
        }
        match (ours.1, theirs.1) {
            (Some(_), None) if claim.variant.as_deref().is_some_and(|v| !v.is_empty()) => {
                return None;
            }
            (_, None) => {}
            (None, Some(variant)) if ours.0 == "arm" => {
                narrowed.variant = Some(variant.to_owned());
            }
            (ours, theirs) if ours == theirs => {}
            _ => return None,
        }
        let differ = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
        if differ(&self.os_version, &claim.os_version) {
            return None;
        }
        if narrowed.os_version.is_none() {
            narrowed.os_version.clone_from(&claim.os_version);
        }
        if narrowed.os_features.is_empty() {
            narrowed.os_features.clone_from(&claim.os_features);
        }
        narrowed.extra.extend(claim.extra.clone());
        Some(narrowed)
    }

    /// Whether this is one of the platforms that are wanted, of which none means all. A variant that
    /// is not named is the one that a runtime takes it for.
    pub fn is_one_of(&self, wanted: &[Platform]) -> bool {
        let (architecture, variant) = self.normal();
        let variant = variant.or((architecture == "arm").then_some("v7"));
        let is = |wanted: &Platform| {
            let (wanted_architecture, wanted_variant) = wanted.normal();
            self.normal_os() == wanted.normal_os()
                && architecture == wanted_architecture
                && (wanted.variant.is_none() && wanted_variant.is_none()
                    || wanted_variant == variant)
        };
        wanted.is_empty() || wanted.iter().any(is)
    }

    /// Platforms in a message.
    pub(crate) fn list<'a>(platforms: impl IntoIterator<Item = &'a Platform>) -> String {
        let names: Vec<String> = platforms.into_iter().map(ToString::to_string).collect();
        match &names[..] {
            [] => "none".to_owned(),
            names => names.join(", "),
        }
    }

    /// Which of some platforms somebody may have meant who wrote `text`: a slip, an architecture
    /// alone, or a system as Nix calls it (`aarch64-linux`).
    pub(crate) fn meant_by<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
        let text = text.to_ascii_lowercase();
        let (architecture, os) = text.split_once('-').unwrap_or((&text, "linux"));
        let (architecture, variant) = match text.contains('/') {
            true => ("", None),
            false => normal(architecture, None),
        };
        let named = [Some(os), Some(architecture), variant];
        let named: Vec<&str> = named.into_iter().flatten().collect();
        let named = named.join("/");
        let is_close = |known: &&&str| strsim::damerau_levenshtein(&text, known) <= 2;
        let exact = known.iter().find(|known| **known == named);
        let close = || {
            let close = known.iter().filter(is_close);
            close.min_by_key(|known| strsim::damerau_levenshtein(&text, known))
        };
        exact.or_else(close).copied()
    }

    /// Whether a runtime could not tell the two apart, so that an index must not hold both.
    pub fn same_place(&self, other: &Platform) -> bool {
        self.cmp_place(other) == Ordering::Equal
    }

    /// The order of manifests in an index: by operating system, architecture, most specific
    /// variant first (the first manifest that matches is the one that is used), then `os.version`
    /// and `os.features`.
    pub fn cmp_place(&self, other: &Platform) -> Ordering {
        fn key(p: &Platform) -> impl Ord {
            let (architecture, variant) = p.normal();
            // What containerd takes `arm` for.
            let variant = variant.or((architecture == "arm").then_some("v7"));
            let mut features = p.os_features.clone();
            features.sort();
            features.dedup();
            (
                p.normal_os().to_owned(),
                architecture.to_owned(),
                Reverse(variant_rank(variant)),
                p.os_version.clone(),
                features,
            )
        }
        key(self).cmp(&key(other))
    }

    /// The platform as it is spelled today, if it is not: with Go's names of system and architecture,
    /// and the variant of image-spec.
    pub fn legacy_name(&self) -> Option<Platform> {
        let (architecture, variant) = self.normal();
        let own = self.variant.as_deref().filter(|v| !v.is_empty());
        let is_default = matches!(
            (architecture, own),
            ("arm64", Some("v8")) | ("amd64", Some("v1"))
        );
        let is_today = self.os == self.normal_os()
            && self.architecture == architecture
            && (own == variant || is_default);
        (!is_today).then(|| Platform {
            os: self.normal_os().to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
            ..self.clone()
        })
    }

    /// The operating system as a runtime compares it (containerd `platforms.Normalize`).
    fn normal_os(&self) -> &str {
        match lower(&self.os) {
            "macos" => "darwin",
            os => os,
        }
    }

    /// Architecture and variant as a runtime compares them: `arm64` means `arm64/v8`, `amd64` means
    /// `amd64/v1` (containerd `platforms.Normalize`; the `arm32v7` family is that of Docker's
    /// official images).
    pub(crate) fn normal(&self) -> (&str, Option<&str>) {
        normal(&self.architecture, self.variant.as_deref())
    }
}

/// Names that containerd finds in any case: Go's of systems and architectures, the others that
/// [`normal`] knows, and the variants of both.
const KNOWN: &str = "aix android darwin dragonfly freebsd hurd illumos ios js linux macos netbsd openbsd \
    plan9 solaris wasip1 windows zos \
    386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc ppc64 ppc64le riscv64 s390x sparc64 wasm \
    aarch64 arm32v5 arm32v6 arm32v7 arm64v8 armel armhf armv6l armv7l i386 i486 i586 i686 loongarch64 \
    powerpc64le ppc64el x86 x86-64 x86_64 \
    v1 v2 v3 v4 v5 v6 v7 v8 v8.0 v9 v9.0";

/// A name in lower case, if it is known.
fn lower(name: &str) -> &str {
    if !name.bytes().any(|b| b.is_ascii_uppercase()) {
        return name;
    }
    let mut known = KNOWN.split_ascii_whitespace();
    known
        .find(|known| known.eq_ignore_ascii_case(name))
        .unwrap_or(name)
}

fn normal<'a>(architecture: &'a str, variant: Option<&'a str>) -> (&'a str, Option<&'a str>) {
    let variant = variant.filter(|v| !v.is_empty()).map(lower);
    let (architecture, variant) = match (lower(architecture), variant) {
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        // What is in these names counts, whatever is said besides.
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

/// `v10` is more specific than `v7`, and any variant than none.
fn variant_rank(variant: Option<&str>) -> Option<(u32, String)> {
    let variant = variant?;
    let number = variant
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    Some((number, variant.to_owned()))
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", clean(&self.os), clean(&self.architecture))?;
        if let Some(variant) = self.variant.as_deref().filter(|v| !v.is_empty()) {
            write!(f, "/{}", clean(variant))?;
        }
        if let Some(version) = &self.os_version {
            write!(f, " ({})", clean(version))?;
        }
        Ok(())
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            let meant = Platform::meant_by(text, &Platform::USUAL);
            let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
            format!(
                "{text:?} is not a platform, expected os/arch or os/arch/variant, such as linux/arm64{meant}"
            )
        };
        let words: Vec<&str> = text.split('/').collect();
        let is_word = |word: &&str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        if !words.iter().all(is_word) {
            return Err(bad());
        }
        match words[..] {
            [os, architecture] | [os, architecture, _] => Ok(Platform {
                os: os.to_owned(),
                architecture: architecture.to_owned(),
                variant: words.get(2).map(|v| (*v).to_owned()),
                ..Platform::default()
            }),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn a_platform_reads_back_what_it_prints() {
        for text in [
            "linux/amd64",
            "linux/arm/v7",
            "windows/amd64",
            "linux/riscv64",
        ] {
            assert_eq!(platform(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_platform_is_refused() {
        for bad in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/v7/x",
            "Linux/amd64",
            "a b/c",
        ] {
            assert!(bad.parse::<Platform>().is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn a_slip_is_seen_through() {
        for (text, meant) in [
            ("linux/arm46", Some("linux/arm64")),
            ("linux/amd6", Some("linux/amd64")),
            ("Linux/AMD64", Some("linux/amd64")),
            ("arm64", Some("linux/arm64")),
            ("aarch64-linux", Some("linux/arm64")),
            ("x86_64-linux", Some("linux/amd64")),
            ("armv7l-linux", Some("linux/arm/v7")),
            ("aarch64-darwin", Some("darwin/arm64")),
            ("image.tar", None),
            ("linux/arm/v7", Some("linux/arm/v7")),
        ] {
            assert_eq!(Platform::meant_by(text, &Platform::USUAL), meant, "{text}");
        }
        let error = "aarch64-linux".parse::<Platform>().unwrap_err();
        assert!(error.ends_with("did you mean linux/arm64?"), "{error}");
    }

    #[test]
    fn an_arm_config_without_a_variant_takes_the_claimed_one() {
        let found = platform("linux/arm").narrowed_by(&platform("linux/arm/v6"));
        assert_eq!(found, Some(platform("linux/arm/v6")));
    }

    #[test]
    fn a_claim_that_the_config_contradicts_is_no_match() {
        for (config, claim) in [
            ("linux/amd64", "linux/arm64"),
            ("linux/arm/v6", "linux/arm/v7"),
            ("linux/amd64", "linux/amd64/v3"),
            ("linux/amd64/v3", "linux/amd64/v1"),
            ("linux/arm64/v9", "linux/arm64/v8"),
            ("windows/amd64", "linux/amd64"),
        ] {
            assert_eq!(platform(config).narrowed_by(&platform(claim)), None);
        }
    }

    #[test]
    fn spelling_out_the_default_variant_asserts_nothing_new() {
        for (config, claim) in [
            ("linux/arm64", "linux/arm64/v8"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/amd64", "linux/amd64/v1"),
        ] {
            let found = platform(config).narrowed_by(&platform(claim));
            assert_eq!(found, Some(platform(config)));
        }
    }

    #[test]
    fn legacy_names_are_understood_and_replaced_in_what_is_asserted() {
        for (config, claim, found) in [
            ("linux/x86_64", "linux/amd64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64", "linux/arm64"),
            ("linux/arm64v8", "linux/arm64/v8", "linux/arm64"),
            ("linux/arm32v7", "linux/arm/v7", "linux/arm/v7"),
            ("linux/armhf", "linux/arm", "linux/arm/v7"),
            ("linux/i386", "linux/386", "linux/386"),
        ] {
            assert_eq!(
                platform(config).narrowed_by(&platform(claim)),
                Some(platform(found))
            );
        }
        assert_eq!(
            platform("linux/arm32v6").narrowed_by(&platform("linux/arm/v7")),
            None
        );
    }

    /// What `platforms.Normalize` of containerd makes of them.
    #[test]
    fn a_platform_has_one_spelling() {
        let spelled = |os: &str, architecture: &str, variant: &str| Platform {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: Some(variant.to_owned()),
            ..Platform::default()
        };
        for (os, architecture, variant, expected) in [
            ("linux", "arm", "7", "linux/arm/v7"),
            ("linux", "arm", "V6", "linux/arm/v6"),
            ("linux", "arm", "8", "linux/arm/v8"),
            ("linux", "armhf", "v6", "linux/arm/v7"),
            ("linux", "armel", "v7", "linux/arm/v6"),
            ("linux", "arm64", "8", "linux/arm64"),
            ("linux", "ARM64", "V8.0", "linux/arm64"),
            ("linux", "aarch64", "9.0", "linux/arm64/v9"),
            ("linux", "arm64", "v9.0", "linux/arm64/v9"),
            ("linux", "i386", "x", "linux/386"),
            ("Linux", "X86_64", "V3", "linux/amd64/v3"),
            ("macOS", "arm64", "", "darwin/arm64"),
            ("Windows", "AMD64", "v1", "windows/amd64"),
        ] {
            let found = spelled(os, architecture, variant);
            let expected = platform(expected);
            assert!(found.same_place(&expected), "{found}");
            assert!(found.is_one_of(std::slice::from_ref(&expected)), "{found}");
            assert_eq!(found.legacy_name().as_ref(), Some(&expected), "{found}");
            let claimed = found.narrowed_by(&expected).unwrap();
            assert!(claimed.same_place(&expected), "{found}: {claimed}");
        }
        // As today, with the default spelled out or not; and what containerd has no other name for.
        for (os, architecture, variant) in [
            ("linux", "arm64", "v8"),
            ("linux", "arm64", "v8.1"),
            ("linux", "amd64", "v1"),
            ("linux", "arm", ""),
            ("linux", "mips64el", ""),
            ("linux", "riscv64", "rva23"),
        ] {
            let found = spelled(os, architecture, variant);
            assert_eq!(found.legacy_name(), None, "{found}");
        }
        let of = |features: &[&str]| Platform {
            os_features: features.iter().map(|f| (*f).to_owned()).collect(),
            ..platform("windows/amd64")
        };
        assert!(of(&["a", "b", "a"]).same_place(&of(&["b", "a"])));
        assert!(!of(&["a"]).same_place(&of(&["b"])));
    }

    #[test]
    fn the_most_specific_variant_comes_first() {
        let mut all = ["linux/arm/v6", "linux/amd64", "linux/arm", "linux/amd64/v3"].map(platform);
        all.sort_by(Platform::cmp_place);
        let order = all.map(|p| p.to_string());
        // `arm` is what a runtime takes for `arm/v7`.
        let expected = ["linux/amd64/v3", "linux/amd64", "linux/arm", "linux/arm/v6"];
        assert_eq!(order, expected);
        assert!(platform("linux/arm").same_place(&platform("linux/arm/v7")));
    }
}
