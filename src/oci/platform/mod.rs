//! Platforms: `os/arch[/variant]`, and the order of manifests in an index.
//!
//! Source: image-spec `image-index.md` (platform object, "variant" table) and containerd's `platforms`
//! package, which defines what a missing variant means.

mod normalize;
mod suggest;
mod variants;

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::go_json;
use crate::util::text::clean;

/// The platform of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// Go's name of the architecture (`amd64`, `arm64`, …).
    #[serde(default, deserialize_with = "go_json::null_is_empty")]
    pub architecture: String,
    /// Go's name of the operating system (`linux`, `windows`, …).
    #[serde(default, deserialize_with = "go_json::null_is_empty")]
    pub os: String,
    /// The version of the operating system; Windows images need it.
    #[serde(
        rename = "os.version",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "go_json::text"
    )]
    pub os_version: Option<String>,
    /// Features that the operating system must have (`win32k`).
    #[serde(
        rename = "os.features",
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "go_json::null_is_empty"
    )]
    pub os_features: Vec<String>,
    /// The variant of the CPU (`v7` of `arm`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Other fields of the input.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Platform {
    /// The platforms of most images.
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

    /// Returns the platform that a descriptor means if its config has `found`: a word that it leaves out is
    /// that of the config.
    pub(crate) fn completed_by(&self, found: &Platform) -> Platform {
        let mut completed = self.clone();
        if completed.os.is_empty() {
            completed.os.clone_from(&found.os);
        }
        if completed.architecture.is_empty() {
            completed.architecture.clone_from(&found.architecture);
        }
        completed
    }

    /// Returns this platform with the details of `claim`, or none where the two contradict each other.
    /// Fields that only the claim has (`os.version`, unknown ones) are taken over.
    ///
    /// A claim without a variant asserts none; one with the default (`arm64/v8`) asserts that. An `arm`
    /// image whose config has no variant (every image of nixpkgs) takes the variant of the claim. Legacy
    /// names of architectures are understood, and the result has the current name.
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
            // One of the two is a legacy name; runtimes look for the other one.
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

    /// Whether this is one of the wanted platforms; an empty list means all. A missing variant is the one
    /// that runtimes assume.
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

    /// Returns the platform as the command line takes it, which knows no `os.version`.
    pub(crate) fn argument(&self) -> String {
        let plain = Self {
            os_version: None,
            ..self.clone()
        };
        plain.to_string()
    }

    /// Returns the argument that means this variant only: without a variant, the default one.
    pub(crate) fn exact_argument(&self) -> String {
        let default = match (&*self.architecture, self.variant.as_deref()) {
            ("amd64", None) => "/v1",
            ("arm64", None) => "/v8",
            ("arm", None) => "/v7",
            _ => "",
        };
        format!("{}{default}", self.argument())
    }

    /// Returns a list of platforms for a message.
    pub(crate) fn list<'a>(platforms: impl IntoIterator<Item = &'a Platform>) -> String {
        let names: Vec<String> = platforms.into_iter().map(ToString::to_string).collect();
        match &names[..] {
            [] => "none".to_owned(),
            names => names.join(", "),
        }
    }

    /// Whether runtimes cannot distinguish the two, so that an index must not have both.
    pub fn same_place(&self, other: &Platform) -> bool {
        self.cmp_place(other) == Ordering::Equal
    }

    /// Compares by the order of manifests in an index: operating system, architecture, most specific
    /// variant first (runtimes use the first manifest that matches), `os.version`, `os.features`.
    pub fn cmp_place(&self, other: &Platform) -> Ordering {
        fn key(p: &Platform) -> impl Ord {
            let (architecture, variant) = p.normal();
            // Runtimes ignore a variant that does not exist, and containerd assumes one.
            let variant = variant.filter(|_| p.unknown_variant().is_none());
            let variant = variant.or((architecture == "arm").then_some("v7"));
            let mut features = p.os_features.clone();
            features.sort();
            features.dedup();
            (
                p.normal_os().to_owned(),
                architecture.to_owned(),
                Reverse(normalize::variant_rank(variant)),
                p.os_version.clone(),
                features,
            )
        }
        key(self).cmp(&key(other))
    }

    /// Returns the platform with current names if it has legacy ones: Go's names of system and
    /// architecture, and the variant of image-spec.
    pub fn legacy_name(&self) -> Option<Platform> {
        let (architecture, variant) = self.normal();
        let own = self.variant.as_deref().filter(|v| !v.is_empty());
        let is_default = matches!(
            (architecture, own),
            ("arm64", Some("v8")) | ("amd64", Some("v1"))
        );
        let is_current = self.os == self.normal_os()
            && self.architecture == architecture
            && (own == variant || is_default);
        (!is_current).then(|| Platform {
            os: self.normal_os().to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
            ..self.clone()
        })
    }

    /// Returns the variant if the architecture has no such variant. Of unknown architectures all exist.
    pub fn unknown_variant(&self) -> Option<&str> {
        let (architecture, variant) = self.normal();
        variant.filter(|variant| variants::exists(architecture, variant) == Some(false))
    }

    /// Returns the same platform without a variant.
    pub fn without_variant(&self) -> Platform {
        Platform {
            variant: None,
            ..self.clone()
        }
    }

    /// Returns `os/arch[/variant]`, which reads back as a platform.
    pub(crate) fn name(&self) -> String {
        let name = Platform {
            os_version: None,
            ..self.clone()
        };
        name.to_string()
    }

    /// Whether it does not say what it is.
    pub fn is_silent(&self) -> bool {
        self.os.is_empty() || self.architecture.is_empty()
    }

    fn normal_os(&self) -> &str {
        normalize::os(&self.os)
    }

    /// Architecture and variant as a runtime compares them.
    pub(crate) fn normal(&self) -> (&str, Option<&str>) {
        normalize::architecture(&self.architecture, self.variant.as_deref())
    }
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
    fn texts_that_are_not_platforms_are_refused() {
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
    fn an_arm_config_without_a_variant_takes_the_claimed_one() {
        let found = platform("linux/arm").narrowed_by(&platform("linux/arm/v6"));
        assert_eq!(found, Some(platform("linux/arm/v6")));
    }

    #[test]
    fn a_claim_that_contradicts_the_config_is_refused() {
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

    /// The expected names are those of containerd's `platforms.Normalize`.
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
        // Current names, with or without the default variant, and names that containerd does not change.
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
        // A runtime takes `arm` for `arm/v7`.
        let expected = ["linux/amd64/v3", "linux/amd64", "linux/arm", "linux/arm/v6"];
        assert_eq!(order, expected);
        assert!(platform("linux/arm").same_place(&platform("linux/arm/v7")));
    }
}
