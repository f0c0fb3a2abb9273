//! Another platform, because the user says that the config is wrong: config and manifest are written
//! anew, and nothing else.

use serde_json::{Map, Value};

use super::rewrite;
use crate::blob::Content;
use crate::image::Image;
use crate::spec::{Descriptor, Digest, Platform};

/// Makes the config say `platform`.
pub fn set_platform(mut image: Image, platform: &Platform) -> Image {
    let Content::Bytes(raw) = &image.config.content else {
        return image;
    };
    // It was read as a config before, so it is an object.
    let Ok(mut config) = serde_json::from_slice::<Map<String, Value>>(raw) else {
        return image;
    };
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
    image.config.descriptor = Descriptor {
        digest: Digest::of(&raw),
        size: raw.len() as u64,
        ..image.config.descriptor.clone()
    };
    image.config.content = Content::Bytes(raw.into());
    let changed = Platform {
        os_version: image.platform.os_version.clone(),
        os_features: image.platform.os_features.clone(),
        extra: image.platform.extra.clone(),
        ..platform.clone()
    };
    image.platform = changed.clone();
    image.config_platform = changed;
    rewrite(&mut image);
    image
}
