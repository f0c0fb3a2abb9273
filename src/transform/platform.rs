//! Sets the platform of an image whose config has the wrong one. Only config and manifest change.

use std::io::Read;

use serde_json::{Map, Value};

use super::manifest::rewrite;
use crate::error::Error;
use crate::image::{Content, Image};
use crate::oci::{Digest, Platform};

/// Sets the platform in the config. A config that has it already keeps its bytes, and the image its
/// ID. The config of an artifact has no platform.
pub fn set_platform(mut image: Image, platform: &Platform) -> Result<Image, Error> {
    let changed = Platform {
        os_version: image.platform.os_version.clone(),
        os_features: image.platform.os_features.clone(),
        extra: image.platform.extra.clone(),
        ..platform.clone()
    };
    let is_same = {
        let old = &image.config_platform;
        let old = (&old.os, &old.architecture, &old.variant);
        old == (&platform.os, &platform.architecture, &platform.variant)
    };
    image.platform = changed.clone();
    image.config_platform = changed;
    if is_same || !image.manifest.view.is_image() {
        return Ok(image);
    }
    let blob = &image.config;
    let mut raw = Vec::new();
    (blob.content.open())
        .and_then(|mut file| file.read_to_end(&mut raw))
        .map_err(|e| blob.unreadable(e))?;
    let mut config: Map<String, Value> =
        serde_json::from_slice(&raw).map_err(|e| blob.unreadable(e.into()))?;
    config.insert(
        "architecture".to_owned(),
        platform.architecture.clone().into(),
    );
    config.insert("os".to_owned(), platform.os.clone().into());
    match &platform.variant {
        Some(variant) => config.insert("variant".to_owned(), variant.clone().into()),
        // Not `remove`, which would put the last key into its place.
        None => config.shift_remove("variant"),
    };
    let raw = Value::from(config).to_string().into_bytes();
    let (digest, size) = (Digest::of(&raw), raw.len() as u64);
    image.config.descriptor = image.config.descriptor.with_content(digest, size);
    image.config.content = Content::Bytes(raw.into());
    rewrite(&mut image);
    Ok(image)
}
