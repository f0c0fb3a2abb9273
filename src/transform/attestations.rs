//! BuildKit's attestations name a manifest by its digest. If the manifest was changed, they no
//! longer apply to it.

use crate::error::{Code, Warning};
use crate::image::Image;
use crate::oci::attestation::SUBJECT;

/// Drops the attestations of manifests that have changed, with a warning.
pub fn drop_stale_attestations(mut images: Vec<Image>, warnings: &mut Vec<Warning>) -> Vec<Image> {
    for image in &mut images {
        let digest = image.descriptor.digest.to_string();
        let origin = &image.origin;
        image.attestations.retain(|attestation| {
            let subject = attestation.descriptor.annotations.get(SUBJECT);
            let is_current = subject == Some(&digest);
            if !is_current {
                let text = "its attestation was left out, because its manifest had to be changed";
                warnings.push(Warning::new(Code::AttestationLeftOut, origin, text));
            }
            is_current
        });
    }
    images
}
