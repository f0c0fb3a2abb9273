//! Checks of image configs that only `verify` makes.

use serde::Deserialize;
use serde_json::Value;

use super::documents::add_wrong_types;
use super::findings::Findings;
use crate::error::Code;
use crate::image::Image;
use crate::oci::{Config, Document, normal_time};

/// The fields of a config besides platform and layers at which readers fail.
#[derive(Deserialize)]
struct OtherFields {
    #[serde(default)]
    created: Value,
    #[serde(default)]
    rootfs: Value,
    #[serde(default)]
    history: Value,
}

/// Checks the config of a container image.
pub fn check(findings: &Findings, name: &str, config: &Document<Config>) {
    add_wrong_types(findings, name, name, &config.view.wrong_types());
    let fields: OtherFields = match serde_json::from_slice(&config.raw) {
        Ok(fields) => fields,
        Err(e) => {
            return findings.add(Code::BadDocument, name, format!("{name} is not valid: {e}"));
        }
    };
    let kind = fields.rootfs["type"].as_str().unwrap_or_default();
    let diff_ids = config.view.diff_ids().len();
    // An image without layers has nothing to unpack; nix2container leaves the type out then.
    if kind != "layers" && !(kind.is_empty() && diff_ids == 0) {
        let message = format!("{name} has the rootfs.type {kind:?}, expected \"layers\"");
        findings.add(Code::RootfsType, name, message);
    }
    let history = fields.history.as_array().map_or(&[][..], |entries| entries);
    let times = history.iter().map(|entry| &entry["created"]);
    for time in times.chain([&fields.created]) {
        if time.as_str().and_then(normal_time).is_none() && !time.is_null() {
            let message =
                format!("{name} has the time {time}, expected one like 2025-01-31T00:00:00Z");
            findings.add(Code::BadTime, name, message);
        }
    }
    let counted = history
        .iter()
        .filter(|entry| entry["empty_layer"] != true)
        .count();
    if !history.is_empty() && counted != diff_ids {
        let layers = if counted == 1 { "layer" } else { "layers" };
        let message = format!(
            "the history of {name} has {counted} {layers}, but there are {diff_ids} diff IDs"
        );
        findings.add(Code::HistoryCount, name, message);
    }
}

/// Checks an `arm` image whose variant is only in its index.
pub fn check_variant(findings: &Findings, image: &Image) {
    let in_config = &image.config_platform.variant;
    if let Some(variant) = image.platform.variant.as_deref()
        && (&*image.platform.architecture, in_config) == ("arm", &None)
        && variant != "v7"
        && image.config_platform.legacy_name().is_none()
    {
        let message = format!(
            "its config has no variant, for which containerd assumes v7, but the image is for {}",
            image.platform
        );
        findings.add(Code::ArmWithoutVariant, &image.config.name, message);
    }
}
