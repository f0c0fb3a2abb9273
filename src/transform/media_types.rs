//! Docker's media types to OCI's: an index that mixes both is refused by some registries.
//!
//! Source: image-spec `media-types.md`, "Compatibility Matrix".

use super::rewrite;
use crate::image::{Image, LayerType};
use crate::oci::{MediaType, docker};

/// Gives every part of an image its OCI media type, which for a layer is that of its content.
pub fn to_oci(mut image: Image) -> Image {
    let mut changed = image.descriptor.media_type != MediaType::ImageManifest;
    let mut set = |media_type: &mut MediaType, oci: Option<MediaType>| {
        if let Some(oci) = oci.filter(|oci| oci != media_type) {
            *media_type = oci;
            changed = true;
        }
    };
    let config = &mut image.config.descriptor.media_type;
    if config.as_ref() == docker::CONFIG {
        set(config, Some(MediaType::ImageConfig));
    }
    for layer in &mut image.layers {
        let media_type = &mut layer.blob.descriptor.media_type;
        let oci = match (LayerType::of(media_type), layer.encoding) {
            // One that is not there is what it is said to be.
            (Some(said), found) if !said.is_distributable => {
                let encoding = found.unwrap_or(said.encoding);
                Some(LayerType { encoding, ..said }.oci())
            }
            (_, found) => found.map(|encoding| LayerType::distributable(encoding).oci()),
        };
        set(media_type, oci);
    }
    if changed {
        rewrite(&mut image);
    }
    image
}
