//! Writes manifests again.

use serde_json::Value;

use crate::image::{Content, Image};
use crate::oci::{Descriptor, Document, Manifest, MediaType};

/// Writes the manifest of `image` again after its config or its layers have changed. Annotations that
/// describe the old manifest are removed.
pub fn rewrite(image: &mut Image) {
    let annotations = image.manifest.view.extra.get_mut("annotations");
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.retain(|key, _| image.stale.keep(key));
    }
    image
        .descriptor
        .annotations
        .retain(|key, _| image.stale.keep(key));
    let manifest = Document::write(Manifest {
        media_type: Some(MediaType::ImageManifest),
        config: image.config.descriptor.clone(),
        layers: image
            .layers
            .iter()
            .map(|layer| layer.descriptor().clone())
            .collect(),
        ..image.manifest.view.clone()
    });
    let Descriptor { digest, size, .. } = Descriptor::of(MediaType::ImageManifest, &manifest.raw);
    image.descriptor = Descriptor {
        media_type: MediaType::ImageManifest,
        ..image.descriptor.with_content(digest, size)
    };
    image.manifest_content = Content::Bytes(manifest.raw.clone());
    image.manifest = manifest;
}
