//! The name of an image and the annotations that carry it.
//!
//! Consumers do not agree on one annotation, so the one descriptor of `index.json` has all of them:
//!
//! | annotation | value | read by |
//! |---|---|---|
//! | `io.containerd.image.name` | full name with tag | containerd, Docker, nerdctl, kind, podman |
//! | `org.opencontainers.image.ref.name` | the tag alone | skopeo, oras, buildx, regctl |
//! | `com.apple.containerization.image.name` | full name with tag | Apple container |

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use oci_spec::distribution::Reference;
use oci_spec::image::ANNOTATION_REF_NAME;

/// The annotations that name an image, on a descriptor of `index.json`. They name the image in its own
/// layout, so they are not copied into another one.
pub const NAME_ANNOTATIONS: [&str; 3] = [
    "io.containerd.image.name",
    ANNOTATION_REF_NAME,
    "com.apple.containerization.image.name",
];

/// The most characters of a tag (distribution-spec).
const MAX_TAG: usize = 128;

/// A name as Docker normalises it: `x` is `docker.io/library/x`, `localhost/x` stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    repository: String,
    tag: String,
}

impl ImageName {
    /// Normalises `name` (which must be without tag and digest) and checks `tag`.
    pub fn new(name: &str, tag: &str) -> Result<Self, String> {
        let last = name.rsplit('/').next().unwrap_or_default();
        if last.contains(':') || name.contains('@') {
            return Err(format!(
                "{name:?} has a tag or a digest, expected the name alone (the tag goes to --tag)"
            ));
        }
        check_tag(tag)?;
        let bad = |problem: &dyn Display| {
            format!(
                "{name:?} is not a valid image name: {problem}; expected a name in lower case and without a transport, such as hello or ghcr.io/me/hello"
            )
        };
        let reference: Reference = format!("{name}:{tag}").parse().map_err(|e| bad(&e))?;
        let normal = Self {
            repository: format!("{}/{}", reference.registry(), reference.repository()),
            tag: tag.to_owned(),
        };
        // `oci-spec` accepts capitals in a first part that is not a registry; consumers of the name refuse them.
        let full = normal.to_string();
        let is_normal = |again: Reference| again.whole() == full && full.is_ascii();
        match full.parse().is_ok_and(is_normal) {
            true => Ok(normal),
            false => Err(bad(&"it has capital letters")),
        }
    }

    /// Returns the name with a suffix after its tag, or the tag with the suffix if that is not valid.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Result<Self, String> {
        let tag = format!("{}{suffix}", self.tag);
        Self::new(&self.repository, &tag).map_err(|_| tag)
    }

    /// Returns the annotations of the one descriptor of `index.json`.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let full = self.to_string();
        let values = [full.clone(), self.tag.clone(), full];
        NAME_ANNOTATIONS
            .map(str::to_owned)
            .into_iter()
            .zip(values)
            .collect()
    }

    /// Returns the annotations of a descriptor of `index.json` that has a tag and no repository.
    pub(crate) fn tag_annotations(tag: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(ANNOTATION_REF_NAME.to_owned(), tag.to_owned())])
    }
}

/// Fails for a tag that is not one by distribution-spec, section "Pulling manifests".
fn check_tag(tag: &str) -> Result<(), String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_valid = |c: char| is_letter(c) || c == '.' || c == '-';
    if tag.len() <= MAX_TAG && tag.starts_with(is_letter) && tag.chars().all(is_valid) {
        return Ok(());
    }
    let valid = |c: char| if is_valid(c) { c } else { '-' };
    let close: String = tag.chars().take(MAX_TAG).map(valid).collect();
    let close = close.trim_start_matches(['.', '-']);
    let close = match close {
        "" => String::new(),
        close => format!("; such as {close:?}"),
    };
    Err(format!(
        "{tag:?} is not a valid tag: expected at most {MAX_TAG} letters, digits, underscores, dots and dashes, with a letter, digit or underscore first{close}"
    ))
}

impl Display for ImageName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_as_docker_does() {
        for (name, full) in [
            ("x", "docker.io/library/x:1"),
            ("me/x", "docker.io/me/x:1"),
            ("localhost/x", "localhost/x:1"),
            ("localhost:5000/x", "localhost:5000/x:1"),
            ("ghcr.io/me/x", "ghcr.io/me/x:1"),
        ] {
            let annotations = ImageName::new(name, "1").unwrap().annotations();
            assert_eq!(annotations["io.containerd.image.name"], full);
            assert_eq!(annotations[ANNOTATION_REF_NAME], "1");
        }
    }

    #[test]
    fn bad_names_and_tags_are_refused() {
        for (name, tag) in [
            ("", "1"),
            ("X", "1"),
            ("x:1", "1"),
            ("x@sha256:0", "1"),
            ("x y", "1"),
            ("x", ""),
            ("x", "a b"),
            ("x", "-a"),
            ("x", "a/b"),
            ("x", "ä"),
            ("Me/x", "1"),
        ] {
            assert!(ImageName::new(name, tag).is_err(), "{name}:{tag} was taken");
        }
    }
}
