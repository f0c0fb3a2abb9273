//! Which images of a layout are complete: looked up, without reading a layer.

use std::collections::HashSet;

use super::rules::{MAX_DEPTH, is_attestation, may_be_absent};
use crate::oci::{Config, Descriptor, Digest, Index, MAX_CONFIG, MAX_MANIFEST, Manifest, Platform};
use crate::source::tree::Tree;

/// An image that an index names.
pub struct SurveyedImage {
    /// The platform, if its descriptor or its config says it.
    pub platform: Option<Platform>,
    /// The digest of its config, if its manifest can be read.
    pub config: Option<Digest>,
    /// Whether its manifest, its config and its layers exist.
    pub is_complete: bool,
}

/// Lists the images below `roots`, without their attestations. A document that cannot be read counts as
/// absent: the survey only adds to an error, or to what is known of images that are not taken.
pub fn survey<'a>(
    tree: &Tree,
    roots: impl IntoIterator<Item = &'a Descriptor>,
) -> Vec<SurveyedImage> {
    let mut survey = CompletenessSurvey {
        tree,
        images: Vec::new(),
        seen: HashSet::new(),
    };
    for root in roots {
        survey.visit(root, 0);
    }
    survey.images
}

struct CompletenessSurvey<'a> {
    tree: &'a Tree,
    images: Vec<SurveyedImage>,
    seen: HashSet<(Digest, Option<String>)>,
}

impl CompletenessSurvey<'_> {
    fn visit(&mut self, descriptor: &Descriptor, depth: usize) {
        let place = descriptor.platform.as_ref().map(ToString::to_string);
        let is_new = self.seen.insert((descriptor.digest.clone(), place));
        if !is_new || depth > MAX_DEPTH || is_attestation(descriptor) {
            return;
        }
        if descriptor.is_index() {
            let index: Option<Index> = self.tree.peek(&descriptor.digest, MAX_MANIFEST);
            for manifest in index.iter().flat_map(|index| &index.manifests) {
                self.visit(manifest, depth + 1);
            }
            return;
        }
        let manifest: Option<Manifest> = self.tree.peek(&descriptor.digest, MAX_MANIFEST);
        let config = manifest.as_ref().and_then(|manifest| {
            self.tree
                .peek::<Config>(&manifest.config.digest, MAX_CONFIG)
        });
        let claimed = descriptor.claimed().cloned();
        let platform = claimed.or(config.as_ref().map(Config::platform));
        let config_digest = manifest.as_ref().map(|m| m.config.digest.clone());
        let is_there = |layer: &Descriptor| {
            let found = self.tree.blob(&layer.digest);
            may_be_absent(layer) || matches!(found, Ok(Some(_)))
        };
        let is_complete = manifest.is_some_and(|manifest| {
            is_there(&manifest.config) && manifest.layers.iter().all(is_there)
        });
        self.images.push(SurveyedImage {
            platform,
            config: config_digest,
            is_complete,
        });
    }
}
