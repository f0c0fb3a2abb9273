//! The annotation that marks images with zstd layers in an index.
//!
//! podman prefers marked images. skopeo 1.18
//! to 1.22 adds the mark when it copies all images of an index, and fails where it must keep the bytes
//! of the index (`--preserve-digests`), so the mark must be there already.

use crate::image::Image;
use crate::oci::ZSTD_MARK;

/// Sets the mark on the descriptor of each image with a zstd layer, and removes it from the others.
/// Layers count by their content, whatever their media type.
pub fn mark_zstd(mut images: Vec<Image>) -> Vec<Image> {
    for image in &mut images {
        let has_zstd = image.has_zstd_layer();
        let annotations = &mut image.descriptor.annotations;
        match has_zstd {
            true => annotations.insert(ZSTD_MARK.to_owned(), "true".to_owned()),
            false => annotations.remove(ZSTD_MARK),
        };
    }
    images
}
