//! The order of the images in the index, one for each platform.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Problem, Subject, Warning};
use crate::image::Image;
use crate::image::index_metadata::IndexMetadata;

/// Puts images into the order of the index; one for each platform.
///
/// The order of an index has a meaning (the first manifest that matches is used) and must not
/// depend on the order of arguments.
pub fn arrange(mut images: Vec<Image>, warnings: &mut Vec<Warning>) -> Result<Vec<Image>, Error> {
    images.sort_by(|a, b| {
        let place = a.platform.cmp_place(&b.platform);
        let digest = a.descriptor.digest.cmp(&b.descriptor.digest);
        place
            .then(digest)
            .then_with(|| a.origin.to_string().cmp(&b.origin.to_string()))
    });
    let mut arranged: Vec<Image> = Vec::with_capacity(images.len());
    for image in images {
        match arranged.pop_if(|last| last.platform.same_place(&image.platform)) {
            None => arranged.push(image),
            Some(last) if last.descriptor.digest == image.descriptor.digest => {
                // Harmless, but a slip of who meant to give two images.
                let text = format!(
                    "{} and {} are the same image for {}",
                    last.origin, image.origin, image.platform
                );
                warnings.push(Warning::new(Code::DuplicateImage, Subject::ALL, text));
                arranged.push(unite(last, image)?);
            }
            Some(last) => {
                let mut origins = [last.origin, image.origin];
                origins.sort_by_cached_key(ToString::to_string);
                let [first, second] = origins;
                let platform = last.platform;
                let problem = Problem::DuplicatePlatform {
                    platform,
                    first,
                    second,
                };
                return Err(Error::new(Subject::ALL, problem));
            }
        }
    }
    Ok(arranged)
}

/// One image that came in twice: what either of them says is true of both.
fn unite(mut one: Image, other: Image) -> Result<Image, Error> {
    let variant = one.platform.variant.take().or(other.platform.variant);
    one.platform.variant = variant;
    one.platform.extra.extend(other.platform.extra);
    let mut said = IndexMetadata {
        annotations: one.descriptor.annotations,
        extra: one.descriptor.extra,
        ..IndexMetadata::default()
    };
    let more = IndexMetadata {
        annotations: other.descriptor.annotations,
        extra: other.descriptor.extra,
        ..IndexMetadata::default()
    };
    said.add(more, &BTreeMap::new(), &mut Vec::new())?;
    one.descriptor.annotations = said.annotations;
    one.descriptor.extra = said.extra;
    for attestation in other.attestations {
        let same = |kept: &Image| kept.descriptor.digest == attestation.descriptor.digest;
        if !one.attestations.iter().any(same) {
            one.attestations.push(attestation);
        }
    }
    let digest = |attestation: &Image| attestation.descriptor.digest.clone();
    one.attestations.sort_by_key(digest);
    Ok(one)
}
