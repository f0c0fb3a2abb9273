//! Which images of an input are meant, where it holds several.

use std::fmt;

use oci_spec::distribution::Reference;

use crate::error::{Candidate, Error, InputName, Problem};
use crate::oci::Platform;

/// The images of an input that a request means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Select {
    /// All images, which must be the platforms of one image unless `verify` reads them.
    #[default]
    All,
    /// The image at a position, from 0.
    Position(usize),
    /// The images with this name and tag, or with this tag.
    Name(String),
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Position(position) => write!(f, "#@{position}"),
            Self::Name(name) => write!(f, "#{name}"),
        }
    }
}

/// The positions of the candidates that are meant. Where none has a name, `unnamed_is_one` tells
/// whether they may be one image all the same; `several` whether they need not be one.
pub fn choose(
    input: &InputName,
    select: &Select,
    candidates: &[Candidate],
    unnamed_is_one: bool,
    several: bool,
) -> Result<Vec<usize>, Error> {
    let chosen: Vec<usize> = match select {
        Select::All => (0..candidates.len()).collect(),
        Select::Position(position) => (0..candidates.len()).filter(|i| i == position).collect(),
        Select::Name(wanted) => (0..candidates.len())
            .filter(|i| candidates[*i].names.iter().any(|name| is(name, wanted)))
            .collect(),
    };
    if candidates.is_empty() {
        return Err(Error::new(input, Problem::NoImage));
    }
    if chosen.is_empty() {
        let (wanted, offered) = (select.to_string(), candidates.to_vec());
        return Err(Error::new(input, Problem::NoSuchImage { wanted, offered }));
    }
    // By what names they are chosen: `#v1` may be met by several images that only share the tag.
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
    let places = chosen
        .iter()
        .filter_map(|i| candidates[*i].platform.as_ref());
    let mut places: Vec<&Platform> = places.collect();
    places.sort_by(|a, b| a.cmp_place(b));
    let one_each = places.windows(2).all(|pair| !pair[0].same_place(pair[1]));
    if !(several || one_image && one_each) {
        let offered = candidates.to_vec();
        return Err(Error::new(input, Problem::SeveralImages { offered }));
    }
    Ok(chosen)
}

/// Whether `name` is what is meant by `wanted`: the same words, the same name as Docker normalises
/// it, or the tag of it.
fn is(name: &str, wanted: &str) -> bool {
    let tag = name.rsplit_once(':').map(|(_, tag)| tag);
    name == wanted || tag == Some(wanted) || full(name) == full(wanted)
}

/// A name as Docker normalises it.
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
        // A tag that two images share means neither of them, and no name is no common name.
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
