//! The images that an input offers, and the arguments that pick them.

use crate::oci::artifact::ArtifactKind;
use crate::oci::{Digest, Platform};
use crate::util::text::clean;

/// How many arguments a hint shows.
const SHOWN: usize = 3;

/// The shortest prefix of a digest in a message, in hex digits.
const SHORTEST: usize = 12;

/// An image that an input offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Its names, with tags; a layout may have the tag alone.
    pub names: Vec<String>,
    /// Its platform, where that is known without reading it.
    pub platform: Option<Platform>,
    /// Whether it is marked as an image with zstd layers: it may have a twin without.
    pub is_zstd: bool,
    /// The platforms in it, if it is an image index.
    pub inner: Vec<Platform>,
    /// The digest that picks it: of its manifest or index, or of its config if the input has no manifests.
    pub digest: Option<Digest>,
    /// The position that picks it, from 0; none for what is inside of an image index.
    pub position: Option<usize>,
    /// The name that picks it, and nothing that is not the same image.
    pub unique_name: Option<String>,
    /// What it is, if it is not an image.
    pub artifact: Option<ArtifactKind>,
    /// Whether it only describes an image, so that it is taken only where it is picked.
    pub is_companion: bool,
}

impl Candidate {
    /// What follows the path of the input to pick this one of all.
    fn pick(&self, all: &[Candidate], digits: usize) -> String {
        let is_unique = || {
            all.iter()
                .filter(|other| other.digest == self.digest)
                .count()
                == 1
        };
        match (&self.unique_name, &self.digest, self.position) {
            (Some(name), _, _) => format!("#{name}"),
            (None, Some(digest), position) if position.is_none() || is_unique() => {
                pick_digest(digest, digits)
            }
            (None, _, position) => format!("#@{}", position.unwrap_or_default()),
        }
    }
}

/// What picks an image by its digest: `#@sha256:0123456789ab`.
pub(crate) fn pick_by_digest(digest: &Digest) -> String {
    pick_digest(digest, SHORTEST)
}

fn pick_digest(digest: &Digest, digits: usize) -> String {
    format!("#@{}", prefix(digest, digits))
}

fn prefix(digest: &Digest, digits: usize) -> String {
    let hex = digest.hex();
    let short = &hex[..digits.min(hex.len())];
    format!("{}:{short}", digest.algorithm())
}

/// How many hex digits tell all candidates apart.
fn digits(candidates: &[Candidate]) -> usize {
    let digests = candidates.iter().filter_map(|c| c.digest.as_ref());
    let mut digests: Vec<&Digest> = digests.collect();
    digests.sort();
    digests.dedup();
    let common = |pair: &[&Digest]| {
        let pairs = pair[0].hex().bytes().zip(pair[1].hex().bytes());
        pairs.take_while(|(a, b)| a == b).count()
    };
    let needed = digests.windows(2).map(|pair| common(pair) + 1).max();
    needed.unwrap_or_default().max(SHORTEST)
}

/// The candidates, each on a line with what picks it, its names, platforms, compression and digest.
pub(super) fn list(candidates: &[Candidate]) -> String {
    let digits = digits(candidates);
    let line = |candidate: &Candidate| {
        let digest = candidate.digest.as_ref();
        let mut words = vec![match (candidate.position, digest) {
            (None, Some(digest)) => pick_digest(digest, digits),
            (position, _) => format!("#@{}", position.unwrap_or_default()),
        }];
        let names = candidate.names.iter();
        words.extend(names.map(|name| format!("#{}", clean(name))));
        words.extend(candidate.platform.as_ref().map(ToString::to_string));
        words.extend(candidate.is_zstd.then(|| "zstd".to_owned()));
        if !candidate.inner.is_empty() {
            words.push(Platform::list(&candidate.inner));
        }
        words.extend(candidate.artifact.as_ref().map(ToString::to_string));
        let digest = digest.filter(|_| candidate.position.is_some());
        words.extend(digest.map(|digest| prefix(digest, digits)));
        format!("\n  {}", words.join("  "))
    };
    candidates.iter().map(line).collect()
}

/// The first arguments that pick one of the candidates, and whether there are more.
pub(super) fn picks(input: &str, candidates: &[Candidate]) -> (Vec<String>, bool) {
    let digits = digits(candidates);
    let mut picks: Vec<String> = Vec::new();
    for candidate in candidates {
        let pick = format!("{input}{}", candidate.pick(candidates, digits));
        if !picks.contains(&pick) {
            if picks.len() == SHOWN {
                return (picks, true);
            }
            picks.push(pick);
        }
    }
    (picks, false)
}
