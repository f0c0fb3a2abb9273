//! The order of the images in the index: one for each platform, or one in gzip and one in zstd.

use std::collections::BTreeMap;

use crate::bytes::codec::{Compression, Encoding};
use crate::error::{Code, Error, Item, Problem, Subject, Warning};
use crate::image::{FileLayer, Image, IndexMetadata};

/// Sorts images in the order of the index. There may be one for each platform, or two that differ in
/// compression in the output: the image without zstd layers comes first, because clients that do not know
/// zstd take the first one (containers/image `oci_index.go`, `podman manifest push --add-compression`).
///
/// The order of an index has a meaning (clients use the first manifest that matches) and must not
/// depend on the order of arguments.
pub fn arrange(
    mut images: Vec<Image>,
    compression: Compression,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Image>, Error> {
    images.sort_by(|a, b| {
        let platform = a.platform.cmp_place(&b.platform);
        let zstd = |image| (will_be_zstd(image, compression), image.has_zstd_layer());
        let zstd = zstd(a).cmp(&zstd(b));
        let digest = a.descriptor.digest.cmp(&b.descriptor.digest);
        (platform.then(zstd).then(digest))
            .then_with(|| a.origin.to_string().cmp(&b.origin.to_string()))
    });
    let mut arranged: Vec<Image> = Vec::with_capacity(images.len());
    for image in images {
        match arranged.pop_if(|last| last.platform.same_place(&image.platform)) {
            None => arranged.push(image),
            Some(last) if last.descriptor.digest == image.descriptor.digest => {
                // Harmless, but the user probably meant to give two images.
                let text = format!(
                    "{} and {} are the same image for {}",
                    last.origin, image.origin, image.platform
                );
                warnings.push(Warning::new(Code::DuplicateImage, Subject::ALL, text));
                arranged.push(unite(last, image)?);
            }
            Some(last) if are_twins(&last, &image, |i| will_be_zstd(i, compression)) => {
                arranged.extend([last, image]);
            }
            Some(last)
                if are_twins(&last, &image, Image::has_zstd_layer)
                    && has_same_config(&last, &image) =>
            {
                let text = format!(
                    "{} and {} are the same image for {} in different compressions, and --compression makes these equal: only the first is kept",
                    last.origin, image.origin, image.platform
                );
                warnings.push(Warning::new(Code::DuplicateImage, Subject::ALL, text));
                // They do not describe the one that is kept, and are left out with a warning.
                let attestations = [last.attestations, image.attestations].concat();
                arranged.push(Image {
                    attestations,
                    ..last
                });
            }
            Some(last) => return Err(duplicate(last, image)),
        }
    }
    Ok(arranged)
}

/// Whether one of the two has zstd layers and the other does not. Images of two inputs must also have
/// the same config: otherwise they may be two builds, one of which was given by mistake.
fn are_twins(one: &Image, other: &Image, is_zstd: impl Fn(&Image) -> bool) -> bool {
    let is_one_input = one.origin.input == other.origin.input;
    is_zstd(one) != is_zstd(other) && (is_one_input || has_same_config(one, other))
}

fn has_same_config(one: &Image, other: &Image) -> bool {
    one.config.descriptor.digest == other.config.descriptor.digest
}

/// Whether an image has zstd layers in the output.
fn will_be_zstd(image: &Image, compression: Compression) -> bool {
    let is_zstd = |layer: &FileLayer| match layer.is_distributable() {
        true => compression.target(layer.encoding) == Encoding::Zstd,
        false => layer.encoding == Encoding::Zstd,
    };
    image.file_layers().any(is_zstd)
}

/// Returns the error for two images for one platform.
fn duplicate(one: Image, other: Image) -> Error {
    let mut both = [one, other];
    both.sort_by_cached_key(|image| image.origin.to_string());
    let is_one_input = both[0].origin.input == both[1].origin.input;
    let is_part = both.iter().all(|image| image.origin.item != Item::Whole);
    let picks = (is_one_input && is_part).then(|| both.each_ref().map(Image::pick_argument));
    let [one, other] = both;
    let problem = Problem::DuplicatePlatform {
        platform: one.platform,
        first: one.origin,
        second: other.origin,
        picks,
    };
    Error::new(Subject::ALL, problem)
}

/// Unites the properties of an image that was given twice.
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
