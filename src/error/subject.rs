//! Subjects of errors and warnings: an input or output, then the thing in it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::oci::Digest;
use crate::util::text::clean;

/// An input or the output, as every command and message calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputName {
    /// A file or a directory, as the user wrote it.
    Path(Arc<Path>),
    /// `-` on the command line.
    Stdin,
    /// The image that a merge writes.
    Merged,
}

impl InputName {
    /// The path of a file or a directory.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Stdin | Self::Merged => None,
        }
    }

    /// Returns an argument that names this input, also with a `#` after it: the command line takes `-#v1` for
    /// an option.
    pub fn argument(&self) -> String {
        match self {
            Self::Stdin => "/dev/stdin".to_owned(),
            _ => self.to_string(),
        }
    }
}

impl From<&Path> for InputName {
    fn from(path: &Path) -> Self {
        Self::Path(path.into())
    }
}

impl fmt::Display for InputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("standard input"),
            Self::Merged => f.write_str("the merged image"),
        }
    }
}

/// One of the images of an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageInInput {
    /// The digest of its manifest, or the name of its config.
    Id(Arc<str>),
    /// Its name, which selects it on the command line.
    Name(Arc<str>),
    /// Its position, from 0, which selects it on the command line.
    Position(usize),
}

/// The thing in an input.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// The input itself.
    #[default]
    Whole,
    /// One of its images.
    Image(ImageInInput),
    /// A blob, by its digest or the name of its file.
    Blob(Arc<str>),
    /// A layer, by its digest or the name of its file.
    Layer(Arc<str>),
    /// A JSON document, by its digest or the name of its file.
    Document(Arc<str>),
    /// An attestation, by the digest of its manifest.
    Attestation(Digest),
    /// An entry of the archive.
    Entry(Arc<str>),
    /// The bytes of the input: a tar archive, a gzip stream.
    Stream(&'static str),
}

impl Item {
    /// The thing as the object of a sentence: `the layer sha256:…`.
    pub(super) fn object(&self) -> String {
        match self {
            Self::Blob(name) => format!("the blob {name}"),
            Self::Layer(name) => format!("the layer {name}"),
            Self::Entry(name) => format!("the entry {name:?}"),
            Self::Attestation(digest) => format!("the attestation {digest}"),
            Self::Stream(kind) => format!("the {kind}"),
            Self::Document(name) => name.to_string(),
            Self::Whole | Self::Image(_) => self.id(),
        }
    }

    /// Returns its name in `verify`, which is empty for the whole input.
    pub fn id(&self) -> String {
        match self {
            Self::Whole => String::new(),
            Self::Image(ImageInInput::Name(name)) => format!("#{name}"),
            Self::Image(ImageInInput::Position(position)) => format!("#@{position}"),
            Self::Image(ImageInInput::Id(name))
            | Self::Blob(name)
            | Self::Layer(name)
            | Self::Document(name)
            | Self::Entry(name) => name.to_string(),
            Self::Attestation(digest) => digest.to_string(),
            Self::Stream(kind) => (*kind).to_owned(),
        }
    }
}

/// An input or output, then the thing in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// `None` for several inputs.
    pub input: Option<InputName>,
    /// The thing in it.
    pub item: Item,
}

impl Subject {
    /// All inputs together.
    pub const ALL: Self = Self {
        input: None,
        item: Item::Whole,
    };

    /// Returns the text between a subject and a problem. A problem is a predicate of a thing in an input:
    /// "blob sha256:… has the wrong size".
    pub(super) fn separator(&self) -> &'static str {
        match (&self.input, &self.item) {
            (None, Item::Whole) => "",
            (_, Item::Whole | Item::Image(_)) => ": ",
            _ => " ",
        }
    }

    /// The thing, without the input.
    pub fn without_input(&self) -> Self {
        Self {
            input: None,
            item: self.item.clone(),
        }
    }
}

impl From<InputName> for Subject {
    fn from(input: InputName) -> Self {
        Self {
            input: Some(input),
            item: Item::Whole,
        }
    }
}

impl From<&InputName> for Subject {
    fn from(input: &InputName) -> Self {
        input.clone().into()
    }
}

impl From<&Path> for Subject {
    fn from(path: &Path) -> Self {
        InputName::from(path).into()
    }
}

impl From<(&InputName, Item)> for Subject {
    fn from((input, item): (&InputName, Item)) -> Self {
        Self {
            input: Some(input.clone()),
            item,
        }
    }
}

impl From<&Subject> for Subject {
    fn from(subject: &Subject) -> Self {
        subject.clone()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(input) = &self.input {
            write!(f, "{input}")?;
        }
        let gap = |text| if self.input.is_some() { text } else { "" };
        match &self.item {
            Item::Whole => Ok(()),
            Item::Image(ImageInInput::Id(id)) if self.input.is_some() => write!(f, " ({id})"),
            Item::Image(_) => write!(f, "{}", clean(&self.item.id())),
            Item::Blob(name) => write!(f, "{}blob {name}", gap(": ")),
            Item::Layer(name) => write!(f, "{}layer {name}", gap(": ")),
            Item::Document(name) => write!(f, "{}{name}", gap(": ")),
            Item::Attestation(digest) => write!(f, "{}attestation {digest}", gap(": ")),
            Item::Entry(name) => write!(f, "{}the entry {name:?}", gap(": ")),
            Item::Stream(kind) => write!(f, "{}the {kind}", gap(": ")),
        }
    }
}
