//! Annotations of every image, in its manifest and in the index.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::manifest::rewrite;
use crate::image::Image;

/// Adds annotations to the manifest of every image, and to its descriptor in the index.
pub fn annotate(
    mut images: Vec<Image>,
    manifest: &BTreeMap<String, String>,
    manifest_descriptor: &BTreeMap<String, String>,
) -> Vec<Image> {
    for image in &mut images {
        add_to_manifest(image, manifest);
        let of_descriptor = manifest_descriptor.clone();
        image.descriptor.annotations.extend(of_descriptor);
    }
    images
}

fn add_to_manifest(image: &mut Image, annotations: &BTreeMap<String, String>) {
    let kept = image.manifest.view.extra.get("annotations");
    let mut all = kept.and_then(Value::as_object).cloned().unwrap_or_default();
    let before = all.clone();
    all.extend(
        annotations
            .iter()
            .map(|(key, value)| (key.clone(), value.clone().into())),
    );
    // An image that has all of them already keeps its digest.
    if all != before {
        let extra: &mut Map<String, Value> = &mut image.manifest.view.extra;
        extra.insert("annotations".to_owned(), all.into());
        rewrite(image);
    }
}
