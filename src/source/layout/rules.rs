//! What descriptors in a layout are, and how deep indexes may be nested.

use crate::image::LayerType;
use crate::oci::{Descriptor, Platform, attestation};

/// Deeper nesting than any tool writes; an index cannot contain itself, but a chain can be long.
pub const MAX_DEPTH: usize = 8;

/// Whether a descriptor is that of an attestation. An image that only has the annotation is treated as an
/// image, so that all of it is checked.
pub fn is_attestation(descriptor: &Descriptor) -> bool {
    let kind = descriptor.annotations.get(attestation::KIND);
    let is_unknown =
        |p: &Platform| (p.os.as_str(), p.architecture.as_str()) == ("unknown", "unknown");
    kind.is_some_and(|kind| kind == attestation::MANIFEST)
        && descriptor.platform.as_ref().is_some_and(is_unknown)
}

/// Whether a layer need not be there: it is non-distributable, and elsewhere.
pub fn may_be_absent(layer: &Descriptor) -> bool {
    LayerType::of(&layer.media_type).is_some_and(|layer_type| !layer_type.is_distributable)
        && layer.extra.contains_key("urls")
}
