//! Selects images of an input that has several.

use std::fmt;

use oci_spec::distribution::Reference;

use crate::error::{Candidate, Error, InputName, Problem};
use crate::oci::Platform;

/// The images of an input that a request selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Select {
    /// All images, which must be the platforms of one image unless `verify` reads them.
    #[default]
    All,
    /// The image at a position, from 0.
    Position(usize),
    /// The image whose digest starts with this, at any depth of image indexes.
    Digest(String),
    /// The images with this name and tag, or with this tag.
    Name(String),
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Position(position) => write!(f, "#@{position}"),
            Self::Digest(prefix) => write!(f, "#@{prefix}"),
            Self::Name(name) => write!(f, "#{name}"),
        }
    }
}

/// Returns the positions of the selected candidates. If none has a name, `unnamed_is_one` says whether they
/// may nevertheless be one image; `several` says whether several images are allowed.
pub fn choose(
    input: &InputName,
    select: &Select,
    candidates: &[Candidate],
    unnamed_is_one: bool,
    several: bool,
) -> Result<Vec<usize>, Error> {
    if candidates.is_empty() {
        return Err(Error::new(input, Problem::NoImage));
    }
    let offered = || offered(candidates, unnamed_is_one);
    if let Select::Digest(prefix) = select {
        return choose_digest(input, prefix, candidates, offered);
    }
    let chosen = meant(select, candidates, several);
    if chosen.is_empty() {
        let (wanted, offered) = (select.to_string(), offered());
        return Err(Error::new(input, Problem::NoSuchImage { wanted, offered }));
    }
    if !(several || is_one(select, candidates, &chosen, unnamed_is_one)) {
        let offered = offered();
        return Err(Error::new(input, Problem::SeveralImages { offered }));
    }
    Ok(chosen)
}

/// The position of the candidate whose digest starts with `prefix`.
pub fn choose_digest(
    input: &InputName,
    prefix: &str,
    candidates: &[Candidate],
    offered: impl FnOnce() -> Vec<Candidate>,
) -> Result<Vec<usize>, Error> {
    let chosen = meant(&Select::Digest(prefix.to_owned()), candidates, true);
    let wanted = prefix.to_owned();
    let problem = match chosen[..] {
        [_] => return Ok(chosen),
        [] => Problem::NoSuchImage {
            wanted: format!("#@{wanted}"),
            offered: offered(),
        },
        _ => {
            let offered = offered();
            let is_chosen = |(i, _): &(usize, Candidate)| chosen.contains(i);
            let offered = offered.into_iter().enumerate().filter(is_chosen);
            let offered = offered.map(|(_, candidate)| candidate).collect();
            Problem::AmbiguousDigest { wanted, offered }
        }
    };
    Err(Error::new(input, problem))
}

/// The candidates that are meant. Companions of an image are meant only where `several` are.
fn meant(select: &Select, candidates: &[Candidate], several: bool) -> Vec<usize> {
    let is_meant = |(i, candidate): &(usize, &Candidate)| match select {
        Select::All => several || !candidate.is_companion,
        Select::Position(position) => i == position,
        Select::Digest(prefix) => {
            let digest = candidate.digest.as_ref();
            digest.is_some_and(|digest| digest.to_string().starts_with(prefix))
        }
        Select::Name(wanted) => is_named(candidate, wanted),
    };
    let all = candidates.iter().enumerate();
    all.filter(is_meant).map(|(i, _)| i).collect()
}

/// Whether the candidates are the platforms of one image.
fn is_one(
    select: &Select,
    candidates: &[Candidate],
    chosen: &[usize],
    unnamed_is_one: bool,
) -> bool {
    // The names by which they are selected: `#v1` may select several images that only share the tag.
    let meant = |i: &usize| -> Vec<String> {
        let names = candidates[*i].names.iter();
        match select {
            Select::Name(wanted) => names.filter(|name| is(name, wanted)).map(full).collect(),
            _ => names.map(full).collect(),
        }
    };
    let one_image = chosen.windows(2).all(|pair| {
        let names = meant(&pair[0]);
        names == meant(&pair[1]) && (unnamed_is_one || !names.is_empty())
    });
    let places = chosen.iter().filter_map(|i| {
        let candidate = &candidates[*i];
        Some((candidate.platform.as_ref()?, candidate.is_zstd))
    });
    let mut places: Vec<(&Platform, bool)> = places.collect();
    let compare = |(a, a_zstd): &(&Platform, bool), (b, b_zstd): &(&Platform, bool)| {
        a.cmp_place(b).then(a_zstd.cmp(b_zstd))
    };
    places.sort_by(compare);
    one_image
        && places
            .windows(2)
            .all(|pair| compare(&pair[0], &pair[1]).is_ne())
}

/// The candidates with what picks them. Only the first ones get a name, which takes a look at all others.
fn offered(candidates: &[Candidate], unnamed_is_one: bool) -> Vec<Candidate> {
    const NAMED: usize = 4;
    let picks = |i: usize, name: &String| {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/:".contains(&b);
        let select = Select::Name(name.clone());
        name.bytes().all(is_plain) && {
            let chosen = meant(&select, candidates, true);
            chosen.contains(&i) && is_one(&select, candidates, &chosen, unnamed_is_one)
        }
    };
    let offer = |(i, candidate): (usize, &Candidate)| Candidate {
        position: Some(i),
        unique_name: (candidate.names.iter().take(NAMED))
            .find(|name| i < NAMED && picks(i, name))
            .cloned(),
        ..candidate.clone()
    };
    candidates.iter().enumerate().map(offer).collect()
}

/// Whether a candidate has a name that is meant by `wanted`.
pub fn is_named(candidate: &Candidate, wanted: &str) -> bool {
    candidate.names.iter().any(|name| is(name, wanted))
}

/// Whether `wanted` selects `name`: the same text, the same name after Docker's normalisation, or its tag.
fn is(name: &str, wanted: &str) -> bool {
    let tag = name.rsplit_once(':').map(|(_, tag)| tag);
    name == wanted || tag == Some(wanted) || full(name) == full(wanted)
}

/// Returns a name as Docker normalises it.
fn full(name: impl AsRef<str>) -> String {
    let name = name.as_ref();
    let reference = name.parse::<Reference>();
    reference.map_or_else(|_| name.to_owned(), |reference| reference.whole())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> InputName {
        std::path::Path::new("in").into()
    }

    fn candidates(list: &[(&str, &str)]) -> Vec<Candidate> {
        list.iter()
            .map(|(name, platform)| Candidate {
                names: vec![(*name).to_owned()],
                platform: platform.parse().ok(),
                ..Candidate::default()
            })
            .collect()
    }

    #[test]
    fn platforms_of_one_name_are_taken_together() {
        let both = candidates(&[("x:1", "linux/amd64"), ("x:1", "linux/arm64")]);
        assert_eq!(
            choose(&input(), &Select::All, &both, false, false).unwrap(),
            [0, 1]
        );
        assert_eq!(
            choose(&input(), &Select::Position(1), &both, false, false).unwrap(),
            [1]
        );
        assert_eq!(
            choose(&input(), &Select::Name("x:1".into()), &both, false, false).unwrap(),
            [0, 1]
        );
    }

    #[test]
    fn names_are_compared_as_docker_does() {
        let both = candidates(&[("x:1", "linux/amd64"), ("localhost/me/x:2", "linux/amd64")]);
        for (wanted, expected) in [
            ("docker.io/library/x:1", 0),
            ("1", 0),
            ("2", 1),
            ("localhost/me/x:2", 1),
        ] {
            let found =
                choose(&input(), &Select::Name(wanted.into()), &both, false, false).unwrap();
            assert_eq!(found, [expected], "{wanted}");
        }
    }

    #[test]
    fn several_images_are_listed() {
        let both = candidates(&[("x:1", "linux/amd64"), ("y:1", "linux/arm64")]);
        let error = choose(&input(), &Select::All, &both, false, false)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("#@0  #x:1  linux/amd64") && error.contains("#@1  #y:1"),
            "{error}"
        );
        // A tag that two images share selects neither of them, and images without names are not one image.
        assert!(choose(&input(), &Select::Name("1".into()), &both, false, false).is_err());
        let mut unnamed = candidates(&[("", "linux/amd64"), ("", "linux/arm64")]);
        unnamed
            .iter_mut()
            .for_each(|candidate| candidate.names.clear());
        assert!(choose(&input(), &Select::All, &unnamed, false, false).is_err());
        assert!(choose(&input(), &Select::All, &unnamed, true, false).is_ok());
        let twice = candidates(&[("x:1", "linux/amd64"), ("x:1", "linux/amd64")]);
        assert!(choose(&input(), &Select::All, &twice, false, false).is_err());
        let error = choose(&input(), &Select::Name("z".into()), &both, false, false).unwrap_err();
        assert!(error.to_string().contains("#z"));
    }
}
