//! Docker's media types to OCI's: an index that mixes both is refused by some registries.
//!
//! Source: image-spec `media-types.md`, "Compatibility Matrix".

use super::rewrite;
use crate::image::Image;
use crate::spec::{MediaType, docker};

/// Gives every part of an image its OCI media type.
pub fn to_oci(mut image: Image) -> Image {
    let mut changed = image.descriptor.media_type != MediaType::ImageManifest;
    let config = &mut image.config.descriptor.media_type;
    let layers = image
        .layers
        .iter_mut()
        .map(|layer| &mut layer.blob.descriptor.media_type);
    for media_type in std::iter::once(config).chain(layers) {
        if let Some(oci) = oci(media_type) {
            *media_type = oci;
            changed = true;
        }
    }
    if changed {
        rewrite(&mut image);
    }
    image
}

fn oci(media_type: &MediaType) -> Option<MediaType> {
    Some(match media_type.as_ref() {
        docker::CONFIG => MediaType::ImageConfig,
        docker::LAYER => MediaType::ImageLayer,
        docker::LAYER_GZIP => MediaType::ImageLayerGzip,
        docker::LAYER_ZSTD => MediaType::ImageLayerZstd,
        docker::FOREIGN_LAYER => MediaType::ImageLayerNonDistributable,
        docker::FOREIGN_LAYER_GZIP => MediaType::ImageLayerNonDistributableGzip,
        _ => return None,
    })
}
