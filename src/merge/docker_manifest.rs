//! `manifest.json` for Docker's classic image store, which reads no image index.

use serde_json::{Value, json};

use crate::error::Error;
use crate::image::{Image, Layer};
use crate::oci::{ImageName, Platform};

/// Docker's list of images ("Docker Image Specification v1.2"): one for each platform, all tags of
/// one name; the tag without a suffix goes to the platform `plain`.
pub fn docker_manifest(
    images: &[Image],
    name: &ImageName,
    plain: Option<&Platform>,
    notes: &mut Vec<String>,
) -> Result<Vec<u8>, Error> {
    // Docker reads all or nothing.
    let is_of_files = |layer: &Layer| layer.encoding.is_some();
    let mut loadable = Vec::new();
    for image in images {
        match image.manifest.view.is_image() && image.layers.iter().all(is_of_files) {
            true => loadable.push(image),
            false => notes.push(format!(
                "{}: left out of manifest.json, because Docker could not load it: it is no image for it, or a layer is not there or not one of files",
                image.origin
            )),
        }
    }
    if loadable.is_empty() {
        return Err(Error::NothingForDocker);
    }
    let images = loadable;
    let chosen = match plain {
        None => 0,
        Some(plain) => images
            .iter()
            .position(|image| image.platform.narrowed_by(plain).is_some())
            .ok_or_else(|| Error::NoSuchPlatform {
                wanted: plain.to_string(),
                offered: Platform::list(images.iter().map(|image| &image.platform)),
            })?,
    };
    let items: Vec<Value> = images
        .iter()
        .enumerate()
        .map(|(i, image)| {
            let Platform {
                os,
                architecture,
                variant,
                ..
            } = &image.platform;
            let words = [Some(os), Some(architecture), variant.as_ref()];
            let suffix: String = words
                .iter()
                .flatten()
                .map(|word| format!("-{word}"))
                .collect();
            let own = name.with_suffix(&suffix).map_err(|tag| Error::BadTag {
                input: image.origin.to_string(),
                tag,
            })?;
            let mut tags = vec![own.to_string()];
            tags.extend((i == chosen).then(|| name.to_string()));
            let layers: Vec<String> = (image.layers.iter())
                .map(|layer| layer.blob.descriptor.digest.blob_path())
                .collect();
            Ok(json!({
                "Config": image.config.descriptor.digest.blob_path(),
                "RepoTags": tags,
                "Layers": layers,
            }))
        })
        .collect::<Result<_, Error>>()?;
    Ok(Value::from(items).to_string().into_bytes())
}
