//! Finds references in a text by what is around them, never by a part of a longer name.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{Edit, PinnedImage, line};
use crate::error::PinProblem;

/// The images to pin, and which of them were found.
pub struct Pins<'a> {
    images: &'a [PinnedImage],
    found: RefCell<BTreeSet<usize>>,
}

/// The part of a reference after the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix<'t> {
    /// The name alone.
    None,
    Tag(&'t str),
    /// A digest, with or without a tag before it.
    Digest(&'t str),
}

/// A reference in a text.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'t> {
    pub start: usize,
    pub text: &'t str,
    pub suffix: Suffix<'t>,
}

impl<'a> Pins<'a> {
    pub fn new(images: &'a [PinnedImage]) -> Self {
        Self {
            images,
            found: RefCell::default(),
        }
    }

    /// The images with their positions.
    pub fn images(&self) -> impl Iterator<Item = (usize, &'a PinnedImage)> {
        self.images.iter().enumerate()
    }

    /// Remembers that an image occurs.
    pub fn found(&self, image: usize) {
        self.found.borrow_mut().insert(image);
    }

    /// Returns an image that does not occur.
    pub fn unused(&self) -> Option<&'a PinnedImage> {
        let found = self.found.borrow();
        self.images()
            .find(|(i, _)| !found.contains(i))
            .map(|(_, image)| image)
    }

    /// Returns the different names of the images.
    pub fn names(&self) -> BTreeSet<&'a str> {
        self.images
            .iter()
            .map(|image| image.name.as_str())
            .collect()
    }

    /// Returns the image of this name that has the tag.
    pub fn tagged(&self, name: &str, tag: &str) -> Option<(usize, &'a PinnedImage)> {
        let is_meant =
            |image: &PinnedImage| image.name == name && image.tags.iter().any(|t| t == tag);
        self.images().find(|(_, image)| is_meant(image))
    }

    /// Returns all tags of the images of a name.
    pub fn tags(&self, name: &str) -> Vec<String> {
        let images = self.images.iter().filter(|image| image.name == name);
        images.flat_map(|image| image.tags.clone()).collect()
    }

    /// Remembers that an image occurs with its digest. Fails if no image of this name has it.
    pub fn expect_digest(
        &self,
        name: &str,
        digest: &str,
        at: impl FnOnce() -> usize,
    ) -> Result<(), PinProblem> {
        let mut has_it = false;
        for (i, image) in self.images() {
            if image.name == name && image.digest.to_string() == digest {
                self.found(i);
                has_it = true;
            }
        }
        match has_it {
            true => Ok(()),
            false => Err(PinProblem::OtherDigest {
                line: at(),
                reference: format!("{name}@{digest}"),
                expected: self.digests(name),
            }),
        }
    }

    fn digests(&self, name: &str) -> String {
        let images = self.images.iter().filter(|image| image.name == name);
        let digests: Vec<String> = images.map(|image| image.digest.to_string()).collect();
        digests.join(" or ")
    }

    /// Returns the edits of `part`, a part of a text that starts at `offset`. The name alone is left as it is.
    pub fn edits_in(&self, text: &str, offset: usize, part: &str) -> Result<Vec<Edit>, PinProblem> {
        let mut edits = Vec::new();
        for name in self.names() {
            for occurrence in occurrences(part, name) {
                let start = offset + occurrence.start;
                match occurrence.suffix {
                    Suffix::None => {}
                    Suffix::Digest(digest) => {
                        self.expect_digest(name, digest, || line(text, start))?;
                    }
                    Suffix::Tag(tag) => {
                        let (i, image) =
                            self.tagged(name, tag).ok_or_else(|| PinProblem::OtherTag {
                                line: line(text, start),
                                reference: occurrence.text.to_owned(),
                                tags: self.tags(name),
                            })?;
                        self.found(i);
                        edits.push(Edit {
                            start,
                            old: occurrence.text.to_owned(),
                            new: image.reference(),
                        });
                    }
                }
            }
        }
        edits.sort_by_key(|edit| edit.start);
        Ok(edits)
    }

    /// Returns the image that a whole value names without a tag, which means `latest`.
    pub fn untagged(
        &self,
        text: &str,
        start: usize,
        value: &str,
    ) -> Result<Option<Edit>, PinProblem> {
        if !self.names().contains(value) {
            return Ok(None);
        }
        let (i, image) = self
            .tagged(value, "latest")
            .ok_or_else(|| PinProblem::OtherTag {
                line: line(text, start),
                reference: format!("{value}, which means {value}:latest"),
                tags: self.tags(value),
            })?;
        self.found(i);
        Ok(Some(Edit {
            start,
            old: value.to_owned(),
            new: image.reference(),
        }))
    }

    /// Fails if a text that cannot be changed has a reference by tag.
    pub fn refuse_in(&self, text: &str) -> Result<(), PinProblem> {
        for name in self.names() {
            for occurrence in occurrences(text, name) {
                let line = || line(text, occurrence.start);
                match occurrence.suffix {
                    Suffix::None => {}
                    Suffix::Digest(digest) => self.expect_digest(name, digest, line)?,
                    Suffix::Tag(_) => {
                        return Err(PinProblem::UnsupportedFile {
                            line: line(),
                            reference: occurrence.text.to_owned(),
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns the references of one name in a text.
pub fn occurrences<'t>(text: &'t str, name: &str) -> Vec<Occurrence<'t>> {
    let starts = text.match_indices(name).map(|(start, _)| start);
    let starts = starts.filter(|start| starts_there(&text[..*start]));
    let found = starts.filter_map(|start| {
        let rest = &text[start + name.len()..];
        let (length, suffix) = suffix(rest)?;
        Some(Occurrence {
            start,
            text: &text[start..start + name.len() + length],
            suffix,
        })
    });
    found.collect()
}

/// Whether a reference can start after this text: it is not a part of a longer name.
fn starts_there(before: &str) -> bool {
    let last = before.chars().next_back();
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    !last.is_some_and(is_part) || before.ends_with("docker://")
}

/// Splits the suffix from a text after a name, with its length; none if the name goes on.
fn suffix(rest: &str) -> Option<(usize, Suffix<'_>)> {
    let next = |text: &str| text.chars().next();
    let is_end =
        |text: &str| !next(text).is_some_and(|c| c.is_alphanumeric() || "_-/:@.".contains(c));
    // The end of a sentence, or a key of YAML.
    let is_punctuation = |text: &str| {
        text.starts_with(['.', ':']) && text[1..].chars().next().is_none_or(char::is_whitespace)
    };
    if let Some(digest) = rest.strip_prefix('@') {
        let length = digest.find(|c: char| !c.is_ascii_alphanumeric() && c != ':');
        let length = length.unwrap_or(digest.len());
        return Some((length + 1, Suffix::Digest(&digest[..length])));
    }
    if is_end(rest) || is_punctuation(rest) {
        return Some((0, Suffix::None));
    }
    let tag = rest.strip_prefix(':')?;
    let is_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let length = tag.find(|c: char| !is_tag(c)).unwrap_or(tag.len());
    let (tag, after) = tag.split_at(length);
    if tag.is_empty() {
        return None;
    }
    match after.starts_with('@') {
        true => suffix(after).map(|(more, digest)| (1 + length + more, digest)),
        // The port of a registry, or a path in a list of mounts.
        false if !is_end(after) && !is_punctuation(after) => None,
        false => Some((1 + length, Suffix::Tag(tag))),
    }
}
