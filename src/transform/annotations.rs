//! Annotations of every image, in its manifest and in the index.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::rewrite;
use crate::image::Image;
use crate::image::annotations::Annotations;

/// Adds the annotations that are for images.
pub fn annotate(mut images: Vec<Image>, annotations: &Annotations) -> Vec<Image> {
    for image in &mut images {
        add_to_manifest(image, &annotations.manifest);
        let of_descriptor = annotations.manifest_descriptor.clone();
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
    // An image that says all of it already keeps its digest.
    if all != before {
        let extra: &mut Map<String, Value> = &mut image.manifest.view.extra;
        extra.insert("annotations".to_owned(), all.into());
        rewrite(image);
    }
}
