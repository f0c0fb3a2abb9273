//! Checks of the names of images in `index.json` and docker-archives.

use std::collections::HashMap;

use oci_spec::distribution::Reference;
use oci_spec::image::ANNOTATION_REF_NAME;

use super::findings::Findings;
use crate::error::Code;
use crate::oci::{Descriptor, INDEX_FILE, Index, MediaType};

const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Checks the descriptors of `index.json`.
pub fn check_names(findings: &Findings, index: &Index) {
    let own = index.media_type.as_ref();
    if let Some(own) = own.filter(|own| **own != MediaType::ImageIndex) {
        let message = format!("its mediaType is {own}, expected {}", MediaType::ImageIndex);
        findings.add(Code::MediaTypeMismatch, INDEX_FILE, message);
    }
    if index.manifests.len() > 1 {
        let message = format!(
            "it has {} descriptors, expected one: an image index, if these are the platforms of one image; of an image beside its referrers, consumers need the tag",
            index.manifests.len()
        );
        findings.add(Code::SeveralDescriptors, INDEX_FILE, message);
    }
    let mut names: HashMap<&str, &Descriptor> = HashMap::new();
    for descriptor in &index.manifests {
        let digest = descriptor.digest.to_string();
        if let Some(name) = descriptor.annotations.get(ANNOTATION_REF_NAME) {
            if !is_ref_name(name) {
                let message = format!(
                    "{digest} has the {ANNOTATION_REF_NAME} {name:?}, expected letters and digits, separated by one of -._:@+/ or by --"
                );
                findings.add(Code::RefName, &digest, message);
            }
            let other = names.insert(name, descriptor);
            if let Some(other) = other.filter(|other| other.digest != descriptor.digest) {
                let message = format!("{} and {digest} are both called {name:?}", other.digest);
                findings.add(Code::DuplicateName, name, message);
            }
        }
        if let Some(name) = descriptor.annotations.get(CONTAINERD_NAME) {
            let full = name
                .parse::<Reference>()
                .ok()
                .map(|reference| reference.whole());
            if full.as_ref() != Some(name) {
                let expected = full.unwrap_or_else(|| "docker.io/library/NAME:TAG".to_owned());
                let message =
                    format!("{digest} has the {CONTAINERD_NAME} {name:?}, expected {expected:?}");
                findings.add(Code::ContainerdName, &digest, message);
            }
        }
    }
}

/// image-spec `annotations.md`, the grammar of `org.opencontainers.image.ref.name`.
fn is_ref_name(name: &str) -> bool {
    let is_component = |component: &str| {
        let component = component.replace("--", "-");
        let mut words = component.split(|c: char| "-._:@+".contains(c));
        words.all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    name.split('/').all(is_component)
}

/// Checks a name in a docker-archive.
pub fn check_repo_tag(findings: &Findings, tag: &str) {
    let last = tag.rsplit('/').next().unwrap_or_default();
    if !last.contains(':') || tag.contains('@') || tag.parse::<Reference>().is_err() {
        findings.add(
            Code::RepoTag,
            tag,
            format!("manifest.json has the tag {tag:?}, expected NAME:TAG"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::is_ref_name;

    #[test]
    fn names_follow_the_grammar() {
        for good in ["1", "v1.2", "a/b--c:d", "docker.io/library/x:1", "a@b+c"] {
            assert!(is_ref_name(good), "{good} was refused");
        }
        for bad in ["", "a b", "a//b", "/a", "a..b", "-a", "ä", "a---b"] {
            assert!(!is_ref_name(bad), "{bad} was taken");
        }
    }
}
