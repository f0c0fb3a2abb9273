//! Platforms: `os/arch[/variant]`, and the order of manifests in an index.
//!
//! Source: image-spec `image-index.md` (platform object, "variant" table) and containerd's
//! `platforms` package, which fixes what a missing variant means.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// This platform as `claim` names it more closely, or nothing where the two contradict each
    /// other. What only the claim says (`os.version`, unknown fields) is taken over.
    ///
    /// A claim without a variant asserts none. An `arm` image whose config names no variant (all
    /// that nixpkgs makes) takes the variant of the claim. `arm64` means `arm64/v8`, `amd64` means
    /// `amd64/v1` (containerd `platforms.Normalize`).
    pub fn narrowed_by(&self, claim: &Platform) -> Option<Platform> {
        if (&self.os, &self.architecture) != (&claim.os, &claim.architecture) {
            return None;
        }
        let mut narrowed = self.clone();
        match (&self.variant, &claim.variant) {
            (_, None) => {}
            (None, Some(variant)) if self.architecture == "arm" => {
                narrowed.variant = Some(variant.clone());
            }
            _ if self.normal_variant() == claim.normal_variant() => {}
            _ => return None,
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

    /// Whether a runtime could not tell the two apart, so that an index must not hold both.
    pub fn same_place(&self, other: &Platform) -> bool {
        self.cmp_place(other) == Ordering::Equal
    }

    /// The order of manifests in an index: by operating system, architecture, most specific
    /// variant first (the first manifest that matches is the one that is used), then `os.version`
    /// and `os.features`.
    pub fn cmp_place(&self, other: &Platform) -> Ordering {
        let key = |p: &Platform| {
            (
                p.os.clone(),
                p.architecture.clone(),
                Reverse(variant_rank(p.normal_variant())),
                p.os_version.clone(),
                p.os_features.clone(),
            )
        };
        key(self).cmp(&key(other))
    }

    fn normal_variant(&self) -> Option<&str> {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            (_, Some("")) => None,
            ("arm64", Some("v8")) | ("amd64", Some("v1")) => None,
            (_, variant) => variant,
        }
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
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = self.variant.as_deref().filter(|v| !v.is_empty()) {
            write!(f, "/{variant}")?;
        }
        if let Some(version) = &self.os_version {
            write!(f, " ({version})")?;
        }
        Ok(())
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "{text:?} is not a platform, expected os/arch or os/arch/variant, such as linux/arm64"
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
    fn the_most_specific_variant_comes_first() {
        let mut all = ["linux/arm", "linux/arm/v6", "linux/amd64", "linux/arm/v7"].map(platform);
        all.sort_by(Platform::cmp_place);
        let order = all.map(|p| p.to_string());
        assert_eq!(
            order,
            ["linux/amd64", "linux/arm/v7", "linux/arm/v6", "linux/arm"]
        );
    }
}
