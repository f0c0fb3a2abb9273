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

use oci_spec::distribution::Reference;
use oci_spec::image::ANNOTATION_REF_NAME;

/// The annotations that name an image, on a descriptor of `index.json`. They say where the image is
/// to be found in its own layout, so they do not travel into another one.
pub const NAME_ANNOTATIONS: [&str; 3] = [
    "io.containerd.image.name",
    ANNOTATION_REF_NAME,
    "com.apple.containerization.image.name",
];

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
        let reference: Reference = format!("{name}:{tag}")
            .parse()
            .map_err(|e| format!("{name:?} with tag {tag:?} is no image name: {e}"))?;
        Ok(Self {
            repository: format!("{}/{}", reference.registry(), reference.repository()),
            tag: tag.to_owned(),
        })
    }

    /// The whole name, with something behind its tag.
    pub fn with_suffix(&self, suffix: &str) -> String {
        format!("{}:{}{suffix}", self.repository, self.tag)
    }

    /// The annotations of the one descriptor of `index.json`.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let full = self.with_suffix("");
        let values = [full.clone(), self.tag.clone(), full];
        NAME_ANNOTATIONS
            .map(str::to_owned)
            .into_iter()
            .zip(values)
            .collect()
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
        ] {
            assert!(ImageName::new(name, tag).is_err(), "{name}:{tag} was taken");
        }
    }
}
