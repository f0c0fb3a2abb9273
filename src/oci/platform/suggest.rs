//! Suggestions for texts that are not platforms.

use super::{Platform, normalize};

impl Platform {
    /// Returns the known platform that `text` was probably meant to be: `text` may have a typo, be only an
    /// architecture, or be a system of Nix (`aarch64-linux`).
    pub fn meant_by<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
        let text = text.to_ascii_lowercase();
        let (architecture, os) = text.split_once('-').unwrap_or((&text, "linux"));
        let (architecture, variant) = match text.contains('/') {
            true => ("", None),
            false => normalize::architecture(architecture, None),
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_in_platforms_get_a_suggestion() {
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
}
