//! BuildKit's attestations speak of one manifest by its digest; of a manifest that was written anew
//! they would not be true.

use crate::error::{Code, Warning};
use crate::image::Image;
use crate::oci::attestation::SUBJECT;

/// Drops attestations of manifests that have changed, with a note.
pub fn keep_true_attestations(mut images: Vec<Image>, warnings: &mut Vec<Warning>) -> Vec<Image> {
    for image in &mut images {
        let digest = image.descriptor.digest.to_string();
        let origin = &image.origin;
        image.attestations.retain(|attestation| {
            let subject = attestation.descriptor.annotations.get(SUBJECT);
            let is_true = subject == Some(&digest);
            if !is_true {
                let text = "its attestation was left out, because its manifest had to be changed";
                warnings.push(Warning::new(Code::AttestationLeftOut, origin, text));
            }
            is_true
        });
    }
    images
}
