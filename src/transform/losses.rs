//! Warnings about annotations that a change made false, and about layers that cannot be checked.

use crate::error::{Code, Warning};
use crate::image::Image;
use crate::image::companion::is_encrypted;

/// Warns of annotations that went with the bytes which they described, and of encrypted layers.
pub fn warn_of_losses(images: &[Image], warnings: &mut Vec<Warning>) {
    for image in images {
        let keys: Vec<String> = image.stale.keys().map(|key| format!("{key:?}")).collect();
        if !keys.is_empty() {
            let text = format!(
                "annotations were left out, because they describe bytes that were changed: {}",
                keys.join(", ")
            );
            warnings.push(Warning::new(Code::AnnotationLeftOut, &image.origin, text));
        }
        let layers = image
            .layers
            .iter()
            .map(|layer| &layer.descriptor().media_type);
        let encrypted = layers.filter(|media_type| is_encrypted(media_type)).count();
        if encrypted > 0 {
            let text = format!(
                "{} encrypted: the content is not checked, and a runtime needs the keys",
                match encrypted {
                    1 => "1 layer is".to_owned(),
                    count => format!("{count} layers are"),
                }
            );
            warnings.push(Warning::new(Code::EncryptedLayers, &image.origin, text));
        }
    }
}
