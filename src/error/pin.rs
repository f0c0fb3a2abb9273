//! Problems of `pin` with the files of a deployment.

use std::path::PathBuf;

/// Why a file cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opaque {
    /// Its bytes are not UTF-8.
    NotUtf8,
    /// It has more bytes than are read.
    Large,
}

fn opaque(why: Opaque) -> &'static str {
    match why {
        Opaque::NotUtf8 => "is not text in UTF-8",
        Opaque::Large => "is larger than 16 MiB",
    }
}

fn other_tag(tags: &[String]) -> String {
    match tags.is_empty() {
        true => "but the image is given without a tag".to_owned(),
        false => format!("which is not the image: its tags are {}", tags.join(", ")),
    }
}

/// Why a reference cannot become a digest.
#[derive(Debug, thiserror::Error)]
pub enum PinProblem {
    #[error("line {line}: found {reference}, {}", other_tag(tags))]
    OtherTag {
        line: usize,
        reference: String,
        tags: Vec<String>,
    },

    #[error("line {line}: found {reference}, expected the digest {expected}")]
    OtherDigest {
        line: usize,
        reference: String,
        expected: String,
    },

    #[error("line {line}: {name} has no tag or digest beside it that could be replaced")]
    NoTag { line: usize, name: String },

    #[error("line {line}: found {reference}, expected a tag without a variable")]
    Variable {
        line: usize,
        reference: String,
        name: String,
    },

    #[error("line {line}: {reference} is put together from variables, expected it as plain text")]
    Assembled { line: usize, reference: String },

    #[error("line {line}: found {reference} after a colon, expected a blank or a quote before it")]
    Joined { line: usize, reference: String },

    #[error("line {line}: {name} has the key {key} twice")]
    TwoValues {
        line: usize,
        name: String,
        key: String,
    },

    #[error("line {line}: the {key} of {name} is also a value of other things, by an anchor")]
    Shared {
        line: usize,
        name: String,
        key: String,
    },

    #[error("{reference} is given with two digests: {} and {}", digests[0], digests[1])]
    TwoDigests {
        reference: String,
        digests: [String; 2],
    },

    #[error(
        "line {line}: {name} is written with escapes or line breaks, expected it as plain text"
    )]
    Escaped { line: usize, name: String },

    #[error("line {line}: names {name}, but is not YAML: {problem}")]
    NotYaml {
        line: usize,
        name: String,
        problem: String,
    },

    #[error(
        "line {line}: found {reference}, but references are only replaced in YAML, JSON and HCL (.yaml, .yml, .json, .hcl, .nomad)"
    )]
    UnsupportedFile { line: usize, reference: String },

    #[error(
        "line {line}: {placeholder} is not a placeholder; expected the field name, tag or digest, or no field"
    )]
    UnknownPlaceholder { line: usize, placeholder: String },

    #[error("has {reference}, but {}", opaque(*.why))]
    Opaque { reference: String, why: Opaque },

    #[error("is {found}, expected a file or a directory")]
    NotAFile { found: &'static str },

    #[error("leads to {}, which contains it", to.display())]
    LinkToItself { to: PathBuf },

    #[error("there are more than {limit} links that lead out of the source")]
    TooManyLinks { limit: usize },

    #[error("the key {key} is given for two images: {} and {}", images[0], images[1])]
    TwoImages { key: String, images: [String; 2] },

    #[error("exists already")]
    OutputExists,

    #[error("{image} does not occur in it")]
    Unused { image: String, key: Option<String> },
}

impl PinProblem {
    /// Returns the advice for a problem.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OtherTag { tags, reference, .. } if tags.is_empty() => {
                format!("add the tag to the image: --image {reference}@sha256:…")
            }
            Self::Variable { .. } | Self::Assembled { .. } => {
                "write the name with a tag, or a placeholder such as @KEY@ (--image KEY=…)".to_owned()
            }
            Self::TwoValues { .. } => "remove one of them".to_owned(),
            Self::Shared { key, .. } => format!("write a separate {key} beside the name"),
            Self::OtherTag { .. } => {
                "write one of these tags, or a digest after the tag to keep another image".to_owned()
            }
            Self::NoTag { .. } => {
                "write a tag beside it, or digest: \"\", if the chart or tool has that".to_owned()
            }
            Self::NotYaml { .. } | Self::UnsupportedFile { .. } => {
                "write a placeholder such as @KEY@ in its place (--image KEY=…), or leave the file out"
                    .to_owned()
            }
            Self::Opaque { why: Opaque::NotUtf8, .. } => {
                "convert it to UTF-8, or leave the file out".to_owned()
            }
            Self::Opaque { why: Opaque::Large, .. } => {
                "split the file, or leave it out".to_owned()
            }
            Self::NotAFile { .. } => "copy its content into a file, or leave it out".to_owned(),
            Self::LinkToItself { .. } | Self::TooManyLinks { .. } => {
                "copy the files that you need to the place of the link".to_owned()
            }
            Self::OutputExists => "remove it, or name another path".to_owned(),
            Self::Unused { key: Some(key), .. } => {
                format!("write the name with a tag into a file, or @{key}@, or leave the image out")
            }
            Self::Unused { key: None, .. } => {
                "write the name with a tag into a file, or leave the image out".to_owned()
            }
            Self::TwoImages { .. } | Self::TwoDigests { .. } | Self::Joined { .. } | Self::OtherDigest { .. } | Self::Escaped { .. } | Self::UnknownPlaceholder { .. } => return None,
        })
    }
}
