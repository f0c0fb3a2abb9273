//! The small grammars: platforms, image names, digests. Each is checked against a second, obvious
//! implementation of the specification.

use std::cmp::Ordering;

use polyarch::internals::oci::NAME_ANNOTATIONS;
use polyarch::oci::{Digest, ImageName, Platform};

/// Parses platforms, one on each line.
pub fn platform(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut platforms = Vec::new();
    for line in text.split('\n').take(5) {
        let parsed = line.parse::<Platform>();
        assert_eq!(parsed.is_ok(), is_platform(line), "{line:?}");
        match parsed {
            Err(message) => assert!(!message.is_empty()),
            Ok(platform) => {
                assert_eq!(platform.to_string(), line);
                let json = serde_json::to_string(&platform).unwrap();
                let back: Platform = serde_json::from_str(&json).unwrap();
                assert_eq!(back, platform);
                platforms.push(platform);
            }
        }
    }
    for a in &platforms {
        alone(a);
        for b in &platforms {
            pair(a, b);
            for c in &platforms {
                // The order is transitive, so sorting does not depend on the order before.
                if a.cmp_place(b) != Ordering::Greater && b.cmp_place(c) != Ordering::Greater {
                    assert_ne!(a.cmp_place(c), Ordering::Greater, "{a} {b} {c}");
                }
            }
        }
    }
}

fn is_platform(text: &str) -> bool {
    let words: Vec<&str> = text.split('/').collect();
    let is_letter = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9');
    (2..=3).contains(&words.len())
        && words.iter().all(|word| match word.as_bytes() {
            [] => false,
            [first, rest @ ..] => {
                is_letter(*first) && rest.iter().all(|b| is_letter(*b) || b"._-".contains(b))
            }
        })
}

fn alone(a: &Platform) {
    assert_eq!(a.narrowed_by(a).as_ref(), Some(a), "{a} contradicts itself");
    assert!(
        a.is_one_of(&[]) && a.is_one_of(std::slice::from_ref(a)),
        "{a}"
    );
    if let Some(current) = a.legacy_name() {
        assert_eq!(current.legacy_name(), None, "{a}");
        assert!(current.same_place(a), "{a} and {current}");
    }
}

fn pair(a: &Platform, b: &Platform) {
    assert_eq!(a.cmp_place(b), b.cmp_place(a).reverse(), "{a} {b}");
    assert_eq!(a.same_place(b), a.cmp_place(b) == Ordering::Equal);
    if let Some(narrowed) = a.narrowed_by(b) {
        assert!(
            narrowed.is_one_of(std::slice::from_ref(b)),
            "{a} by {b} is {narrowed}"
        );
        assert_eq!(
            narrowed.narrowed_by(b),
            Some(narrowed.clone()),
            "{a} by {b}"
        );
        assert_eq!(narrowed.legacy_name().is_some(), {
            // The current name in an assertion replaces a legacy one.
            a.legacy_name().is_some() && a.architecture == b.architecture
        });
    }
}

/// Parses a name, a tag and a digest, each on a line.
pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (name, tag) = (line(), line());
    digest(line());
    match ImageName::new(name, tag) {
        Err(message) => {
            assert!(!message.is_empty());
            assert!(
                !(is_name(name) && is_tag(tag)),
                "{name:?} {tag:?}: {message}"
            );
        }
        Ok(image) => {
            assert!(
                is_name(name) && is_tag(tag),
                "{name:?} with {tag:?} was taken"
            );
            let annotations = image.annotations();
            assert!(
                annotations.keys().eq({
                    let mut keys = NAME_ANNOTATIONS;
                    keys.sort();
                    keys
                }
                .iter())
            );
            assert_eq!(annotations["org.opencontainers.image.ref.name"], tag);
            let full = &annotations["io.containerd.image.name"];
            assert_eq!(*full, image.to_string());
            let (repository, again) = full.rsplit_once(':').unwrap();
            assert_eq!(again, tag);
            assert!(repository.ends_with(name.rsplit('/').next().unwrap()));
            // Normalising again changes nothing.
            assert_eq!(ImageName::new(repository, tag).as_ref(), Ok(&image));
        }
    }
}

fn digest(text: &str) {
    let hex = |text: &str, len| {
        text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_one = match text.split_once(':') {
        Some(("sha256", digits)) => hex(digits, 64),
        Some(("sha512", digits)) => hex(digits, 128),
        _ => false,
    };
    match text.parse::<Digest>() {
        Err(message) => assert!(!is_one && !message.is_empty(), "{text:?}: {message}"),
        Ok(digest) => {
            assert!(is_one, "{text:?} was taken");
            assert_eq!(digest.to_string(), text);
            assert_eq!(
                digest.blob_path(),
                format!("blobs/{}", text.replace(':', "/"))
            );
            let json = serde_json::to_string(&digest).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        }
    }
}

/// Docker's grammar (distribution `reference`): `[domain/]path`, where a first word is a domain only
/// if it has a dot or a colon or is `localhost`. (Docker also takes a word with a capital for a domain;
/// `Me/x` is hardly meant as that, so polyarch refuses it.)
fn is_name(name: &str) -> bool {
    let is_domain = |word: &str| {
        let (host, port) = match word.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (word, None),
        };
        let is_label = |label: &str| {
            label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && label.starts_with(|c: char| c.is_ascii_alphanumeric())
                && label.ends_with(|c: char| c.is_ascii_alphanumeric())
        };
        host.split('.').all(is_label)
            && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    };
    let words: Vec<&str> = name.split('/').collect();
    let path = match &words[..] {
        [domain, path @ ..] if !path.is_empty() && names_registry(domain) && is_domain(domain) => {
            path
        }
        path => path,
    };
    repository_len(&words) <= 255 && path.iter().all(|word| is_path_word(word))
}

fn names_registry(word: &str) -> bool {
    word.contains(['.', ':']) || word == "localhost"
}

/// Returns the length of the repository: the name without the domain, with `library/` where it is missing.
fn repository_len(words: &[&str]) -> usize {
    let joined = words.join("/").len();
    let first = words[0];
    match (words.len() > 1 && names_registry(first), words.len()) {
        (true, n) => {
            let library = matches!(first, "docker.io" | "index.docker.io") && n == 2;
            joined - first.len() - 1 + if library { "library/".len() } else { 0 }
        }
        (false, 1) => joined + "library/".len(),
        (false, _) => joined,
    }
}

/// `[a-z0-9]+` with separators between: one dot, one or two underscores, any number of dashes.
fn is_path_word(word: &str) -> bool {
    let mut letters = word.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit()));
    let is_separator = |text: &str| {
        matches!(text, "." | "_" | "__") || !text.is_empty() && text.bytes().all(|b| b == b'-')
    };
    let mut separators = word
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .filter(|s| !s.is_empty());
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    letters.any(|run| !run.is_empty())
        && word.starts_with(is_end)
        && word.ends_with(is_end)
        && separators.all(is_separator)
}

fn is_tag(tag: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128
        && match tag.as_bytes() {
            [] => false,
            [first, rest @ ..] => {
                is_word(*first) && rest.iter().all(|b| is_word(*b) || b".-".contains(b))
            }
        }
}
