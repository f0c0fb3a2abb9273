//! The images to pin. A reference of one becomes a digest, an error, or a warning if it is not certain.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::names::{self, Name};
use super::reference::{Escapes, Occurrence, Suffix, occurrences};
use super::text::Text;
use super::{Edit, PinnedImage};
use crate::error::PinProblem;

/// The images to pin, and which of them were found.
pub struct Pins<'a> {
    images: &'a [PinnedImage],
    /// The normal names of the images.
    normal: Vec<String>,
    names: Vec<Name>,
    found: RefCell<BTreeSet<usize>>,
    doubts: RefCell<Doubts>,
}

/// The references of a file that are left, and may be ones of the images.
#[derive(Default)]
struct Doubts {
    /// The lines and the texts.
    found: Vec<(usize, String)>,
    /// One text is reported once.
    seen: HashSet<String>,
}

/// A part of a text.
#[derive(Clone, Debug)]
pub struct Part {
    pub range: Range<usize>,
    /// Whether it is the value of `image`.
    pub is_image: bool,
    pub escapes: Escapes,
}

/// How certain it is that a reference counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    Certain,
    Doubtful,
    /// In a comment.
    None,
}

impl<'a> Pins<'a> {
    /// Fails if a reference has two digests, or a key has two images.
    pub fn new(images: &'a [PinnedImage]) -> Result<Self, PinProblem> {
        let pins = Self {
            images,
            normal: images
                .iter()
                .map(|image| names::normal(&image.name))
                .collect(),
            names: names::all(images),
            found: RefCell::default(),
            doubts: RefCell::default(),
        };
        let mut keys = BTreeMap::new();
        for (image, normal) in images.iter().zip(&pins.normal) {
            let reference = image.reference();
            let key = image.key.as_deref();
            let first = key.and_then(|key| keys.insert(key, reference.clone()));
            if let (Some(key), Some(first)) = (key, first)
                && first != reference
            {
                return Err(PinProblem::TwoImages {
                    key: key.to_owned(),
                    images: [first, reference],
                });
            }
            for tag in &image.tags {
                let (_, first) = pins.tagged(normal, tag).unwrap_or((0, image));
                if first.digest != image.digest {
                    return Err(PinProblem::TwoDigests {
                        reference: format!("{}:{tag}", image.name),
                        digests: [first, image].map(|image| image.digest.to_string()),
                    });
                }
            }
        }
        Ok(pins)
    }

    /// The images with their positions.
    pub fn images(&self) -> impl Iterator<Item = (usize, &'a PinnedImage)> {
        self.images.iter().enumerate()
    }

    /// The names of the images, in all forms.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// Returns the name that is written so.
    pub fn name(&self, written: &str) -> Option<&Name> {
        let place = self
            .names
            .binary_search_by(|name| name.written.as_str().cmp(written));
        place.ok().map(|place| &self.names[place])
    }

    /// Remembers that an image occurs, and so do those that are the same under another key.
    pub fn found(&self, image: usize) {
        let digest = &self.images[image].digest;
        let same = self.named(&self.normal[image]);
        let same = same.filter(|(_, other)| other.digest == *digest);
        self.found.borrow_mut().extend(same.map(|(i, _)| i));
    }

    /// Returns an image that does not occur.
    pub fn unused(&self) -> Option<&'a PinnedImage> {
        let found = self.found.borrow();
        self.images()
            .find(|(i, _)| !found.contains(i))
            .map(|(_, image)| image)
    }

    /// Returns the images of a name.
    pub fn named(&self, normal: &str) -> impl Iterator<Item = (usize, &'a PinnedImage)> {
        self.images()
            .filter(move |(i, _)| self.normal[*i] == normal)
    }

    /// Returns the image of this name that has the tag.
    pub fn tagged(&self, normal: &str, tag: &str) -> Option<(usize, &'a PinnedImage)> {
        self.named(normal)
            .find(|(_, image)| image.tags.iter().any(|own| own == tag))
    }

    /// The problem of a reference that none of the images of its name has.
    pub fn other_tag(&self, name: &Name, line: usize, reference: String) -> PinProblem {
        let images = self.named(&name.normal);
        PinProblem::OtherTag {
            line,
            reference,
            tags: images.flat_map(|(_, image)| image.tags.clone()).collect(),
        }
    }

    /// Remembers that an image occurs with its digest. Fails if no image of this name has it.
    pub fn expect_digest(
        &self,
        name: &Name,
        digest: &str,
        line: impl FnOnce() -> usize,
    ) -> Result<(), PinProblem> {
        let mut expected = Vec::new();
        for (i, image) in self.named(&name.normal) {
            let own = image.digest.to_string();
            if own == digest {
                self.found(i);
                return Ok(());
            }
            expected.push(own);
        }
        Err(PinProblem::OtherDigest {
            line: line(),
            reference: format!("{}@{digest}", name.written),
            expected: expected.join(" or "),
        })
    }

    /// Remembers a text that is not changed and may be a reference.
    pub fn doubt(&self, line: usize, text: String) {
        let doubts = &mut *self.doubts.borrow_mut();
        if doubts.seen.insert(text.clone()) {
            doubts.found.push((line, text));
        }
    }

    /// Returns the doubtful texts of a file in the order of their lines, and forgets them.
    pub fn take_doubts(&self) -> Vec<(usize, String)> {
        let mut found = std::mem::take(&mut *self.doubts.borrow_mut()).found;
        found.sort();
        found
    }

    /// Returns the edits of a part of a text. The name alone is left as it is.
    pub fn edits_in(&self, text: &Text<'_>, part: &Part) -> Result<Vec<Edit>, PinProblem> {
        let mut edits = Vec::new();
        for name in &self.names {
            let content = &text.text[part.range.clone()];
            for mut found in occurrences(content, name, part.escapes) {
                found.start += part.range.start;
                edits.extend(self.edit(text, name, &found, part.is_image)?);
            }
        }
        edits.sort_by_key(|edit: &Edit| edit.start);
        Ok(edits)
    }

    fn edit(
        &self,
        text: &Text<'_>,
        name: &Name,
        found: &Occurrence<'_>,
        is_image: bool,
    ) -> Result<Option<Edit>, PinProblem> {
        let image = match found.suffix {
            Suffix::Tag(tag) if !found.is_joined => self.tagged(&name.normal, tag),
            _ => None,
        };
        let Some((i, image)) = image else {
            return self.judge(text, name, found, is_image).map(|()| None);
        };
        if certainty(text, found, false) != Certainty::None {
            self.found(i);
        }
        Ok(Some(Edit {
            start: found.start,
            old: found.text.to_owned(),
            new: format!("{}@{}", name.written, image.digest),
        }))
    }

    /// Fails for a reference that is left, or remembers it if it is doubtful.
    pub fn judge(
        &self,
        text: &Text<'_>,
        name: &Name,
        found: &Occurrence<'_>,
        is_image: bool,
    ) -> Result<(), PinProblem> {
        let line = || text.line(found.start);
        let reference = found.text.to_owned();
        let problem = match found.suffix {
            Suffix::None => return Ok(()),
            Suffix::Digest(digest) => match self.expect_digest(name, digest, line) {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            },
            Suffix::Tag(tag) if found.is_joined && self.tagged(&name.normal, tag).is_some() => {
                PinProblem::Joined {
                    line: line(),
                    reference,
                }
            }
            Suffix::Tag(_) => self.other_tag(name, line(), reference),
            Suffix::Variable => PinProblem::Variable {
                line: line(),
                reference,
                name: name.written.clone(),
            },
        };
        let is_digest = matches!(found.suffix, Suffix::Digest(_));
        match certainty(text, found, name.is_word() && !is_image && !is_digest) {
            Certainty::Certain => return Err(problem),
            // `a:app:v1` can be anything.
            Certainty::Doubtful if !(found.is_joined && name.is_word()) => {
                self.doubt(line(), format!("{} may name the image", found.text));
            }
            Certainty::Doubtful | Certainty::None => {}
        }
        Ok(())
    }

    /// Returns the edit of a whole value of `image` that has no tag, which means `latest`.
    pub fn untagged(&self, text: &Text<'_>, part: &Part) -> Result<Option<Edit>, PinProblem> {
        let value = &text.text[part.range.clone()];
        let Some(name) = self.name(value).filter(|_| part.is_image) else {
            return Ok(None);
        };
        let (i, image) = self.tagged(&name.normal, "latest").ok_or_else(|| {
            let line = text.line(part.range.start);
            self.other_tag(name, line, format!("{value}, which means {value}:latest"))
        })?;
        self.found(i);
        Ok(Some(Edit {
            start: part.range.start,
            old: value.to_owned(),
            new: format!("{value}@{}", image.digest),
        }))
    }

    /// Remembers a whole value that is the name of an image, if that can be nothing else, and the name in a value
    /// of `image`, whose template adds the tag.
    pub fn doubt_untagged(&self, text: &Text<'_>, part: &Part) {
        let value = &text.text[part.range.clone()];
        for name in self.names.iter().filter(|_| part.is_image) {
            for found in occurrences(value, name, part.escapes) {
                if found.suffix == Suffix::None {
                    let line = text.line(part.range.start + found.start);
                    self.doubt(line, format!("{} has no tag", found.text));
                }
            }
        }
        let value = value.strip_suffix(':').unwrap_or(value);
        if self.name(value).is_some_and(|name| !name.is_word()) {
            let line = text.line(part.range.start);
            self.doubt(line, format!("{value} has no tag"));
        }
    }
}

/// Returns how certain it is that a reference counts. `is_word`: it can be another thing, such as a host and its
/// port.
pub fn certainty(text: &Text<'_>, found: &Occurrence<'_>, is_word: bool) -> Certainty {
    let before = text.line_before(found.start).unwrap_or_default();
    let content = before.trim_start();
    if content.starts_with('#') || content.starts_with("//") {
        return Certainty::None;
    }
    // In a text of several lines, where quotes can be around it.
    let is_after_mark = before.contains(" #") || before.contains("\t#");
    match is_after_mark || is_word || found.is_joined {
        true => Certainty::Doubtful,
        false => Certainty::Certain,
    }
}
