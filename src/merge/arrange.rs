//! The order of the images in the index, one for each platform.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Problem, Subject, Warning};
use crate::image::{Image, IndexMetadata};

/// Sorts images in the order of the index. There may be one for each platform.
///
/// The order of an index has a meaning (clients use the first manifest that matches) and must not
/// depend on the order of arguments.
pub fn arrange(mut images: Vec<Image>, warnings: &mut Vec<Warning>) -> Result<Vec<Image>, Error> {
    images.sort_by(|a, b| {
        let platform = a.platform.cmp_place(&b.platform);
        let digest = a.descriptor.digest.cmp(&b.descriptor.digest);
        platform
            .then(digest)
            .then_with(|| a.origin.to_string().cmp(&b.origin.to_string()))
    });
    let mut arranged: Vec<Image> = Vec::with_capacity(images.len());
    for image in images {
        match arranged.pop_if(|last| last.platform.same_place(&image.platform)) {
            None => arranged.push(image),
            Some(last) if last.descriptor.digest == image.descriptor.digest => {
                // Harmless, but most likely the user meant to give two images.
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

/// Unites the properties of an image that was given twice: those of both are true.
fn unite(mut one: Image, other: Image) -> Result<Image, Error> {
    let variant = one.platform.variant.take().or(other.platform.variant);
    one.platform.variant = variant;
    one.platform.extra.extend(other.platform.extra);
    let mut properties = IndexMetadata {
        annotations: one.descriptor.annotations,
        extra: one.descriptor.extra,
        ..IndexMetadata::default()
    };
    let others = IndexMetadata {
        annotations: other.descriptor.annotations,
        extra: other.descriptor.extra,
        ..IndexMetadata::default()
    };
    properties.add(others, &BTreeMap::new(), &mut Vec::new())?;
    one.descriptor.annotations = properties.annotations;
    one.descriptor.extra = properties.extra;
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
