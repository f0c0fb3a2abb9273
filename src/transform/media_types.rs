//! Replaces Docker's media types by OCI's: some registries refuse an index that mixes both.
//!
//! Source: image-spec `media-types.md`, "Compatibility Matrix".

use super::manifest::rewrite;
use crate::image::{Image, LayerType};
use crate::oci::MediaType;

/// Sets the OCI media type of manifest, config and layers. That of a layer follows its content.
pub fn to_oci(mut image: Image) -> Image {
    let mut changed = image.descriptor.media_type != MediaType::ImageManifest;
    let mut set = |media_type: &mut MediaType, oci: Option<MediaType>| {
        if let Some(oci) = oci.filter(|oci| oci != media_type) {
            *media_type = oci;
            changed = true;
        }
    };
    let is_image = image.manifest.view.is_image();
    let config = &mut image.config.descriptor.media_type;
    if is_image {
        set(config, Some(MediaType::ImageConfig));
    }
    for layer in &mut image.layers {
        let encoding = layer.files().map(|layer| layer.encoding);
        let media_type = &mut layer.descriptor_mut().media_type;
        let oci = match (LayerType::of(media_type), encoding) {
            // The content of an absent layer is not known.
            (Some(declared), found) if !declared.is_distributable => {
                let encoding = found.unwrap_or(declared.encoding);
                let layer_type = LayerType {
                    encoding,
                    ..declared
                };
                Some(layer_type.oci())
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
