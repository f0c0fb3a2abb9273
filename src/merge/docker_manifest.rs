//! `manifest.json` for Docker's classic image store, which does not read image indexes.

use serde_json::{Value, json};

use crate::error::{Code, Error, Problem, Subject, Warning};
use crate::image::{Image, Layer};
use crate::oci::{ImageName, Platform};

/// Docker's list of images ("Docker Image Specification v1.2"): one for each platform, all tags of
/// one name; the tag without a suffix goes to the platform `plain`.
pub fn docker_manifest(
    images: &[Image],
    name: &ImageName,
    plain: Option<&Platform>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<u8>, Error> {
    // Docker reads all or nothing, and a tag means one image.
    let is_of_files = |layer: &Layer| layer.files().is_some();
    let mut loadable: Vec<&Image> = Vec::new();
    for image in images {
        if let Some(twin) = loadable
            .last()
            .filter(|last| last.platform.same_place(&image.platform))
        {
            let text = format!(
                "left out of manifest.json, which has {} for the same platform",
                twin.origin
            );
            warnings.push(Warning::new(Code::NotForDocker, &image.origin, text));
            continue;
        }
        match image.manifest.view.is_image() && image.layers.iter().all(is_of_files) {
            true => loadable.push(image),
            false => warnings.push(Warning::new(
                Code::NotForDocker,
                &image.origin,
                "left out of manifest.json, because Docker cannot load it: it is not a container image, or a layer is missing or not a tar archive",
            )),
        }
    }
    if loadable.is_empty() {
        return Err(Error::new(Subject::ALL, Problem::NothingForDocker));
    }
    let images = loadable;
    let chosen = match plain {
        None => 0,
        Some(plain) => images
            .iter()
            .position(|image| image.platform.narrowed_by(plain).is_some())
            .ok_or_else(|| {
                let offered = images.iter().map(|image| image.platform.clone());
                let problem = Problem::NoSuchPlatform {
                    wanted: plain.clone(),
                    offered: offered.collect(),
                };
                Error::new(Subject::ALL, problem)
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
            let own = name
                .with_suffix(&suffix)
                .map_err(|tag| Error::new(&image.origin, Problem::BadTag { tag }))?;
            let mut tags = vec![own.to_string()];
            tags.extend((i == chosen).then(|| name.to_string()));
            let layers: Vec<String> = (image.layers.iter())
                .map(|layer| layer.descriptor().digest.blob_path())
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
