//! What a document says that does not depend on any other: checks that only `verify` makes.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::collector::Collector;
use super::json::duplicate_keys;
use super::names;
use crate::bytes::codec::Encoding;
use crate::error::Code;
use crate::image::{Image, LayerType};
use crate::oci::{
    Config, Descriptor, Document, Hasher, INDEX_FILE, Index, Manifest, MediaType, Platform,
    field_types, normal_time,
};

/// Of any document.
pub fn json(found: &Collector, name: &str, raw: &[u8]) {
    for path in duplicate_keys(raw) {
        found.add(
            Code::DuplicateKey,
            name,
            format!("{name} has the key {path:?} twice"),
        );
    }
}

/// Of any descriptor.
pub fn descriptor(found: &Collector, by: &str, descriptor: &Descriptor) {
    let name = descriptor.digest.to_string();
    let media_type = descriptor.media_type.as_ref();
    if !is_media_type(media_type) {
        let message =
            format!("{by} gives {name} the media type {media_type:?}, expected TYPE/SUBTYPE");
        found.add(Code::BadMediaType, &name, message);
    }
    let wrong = field_types::wrong_types(&descriptor.extra, field_types::DESCRIPTOR);
    wrong_types(
        found,
        &name,
        &format!("the descriptor of {name} in {by}"),
        &wrong,
    );
    let Some(data) = descriptor.extra.get("data") else {
        return;
    };
    let problem = match data.as_str().map(|text| STANDARD.decode(text)) {
        None => Some("no string".to_owned()),
        Some(Err(e)) => Some(format!("no base64: {e}")),
        Some(Ok(bytes)) => {
            let mut hasher = Hasher::new(descriptor.digest.algorithm());
            hasher.update(&bytes);
            let digest = hasher.finish();
            let is_blob = digest == descriptor.digest && bytes.len() as u64 == descriptor.size;
            (!is_blob).then(|| format!("{} bytes with the digest {digest}", bytes.len()))
        }
    };
    if let Some(problem) = problem {
        let message = format!("{by} has data of {name} that are not this blob: found {problem}");
        found.add(Code::WrongData, &name, message);
    }
}

/// What a document says in fields of other types than the specification has.
fn wrong_types(found: &Collector, subject: &str, by: &str, wrong: &[String]) {
    for field in wrong {
        found.add(Code::FieldType, subject, format!("in {by}, {field}"));
    }
}

/// RFC 6838, section 4.2.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        (1..=127).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

/// Whose media type it is: OCI's or Docker's.
fn family(media_type: &MediaType) -> Option<&'static str> {
    let text = media_type.as_ref();
    let starts = |prefix| text.starts_with(prefix);
    (starts("application/vnd.oci.image.").then_some("OCI"))
        .or(starts("application/vnd.docker.").then_some("Docker"))
}

fn mixed<'a>(found: &Collector, name: &str, types: impl Iterator<Item = &'a MediaType>) {
    let families: BTreeMap<&str, &MediaType> = types
        .filter_map(|media_type| Some((family(media_type)?, media_type)))
        .collect();
    if let [(_, a), (_, b)] = families.into_iter().collect::<Vec<_>>()[..] {
        let message = format!("{name} has media types of Docker and of OCI: {a} and {b}");
        found.add(Code::MixedMediaTypes, name, message);
    }
}

fn head(found: &Collector, name: &str, version: u32, media_type: Option<&MediaType>) {
    if version != 2 {
        let message = format!("{name} has the schemaVersion {version}, expected 2");
        found.add(Code::SchemaVersion, name, message);
    }
    // The specification leaves it out of its own index.json.
    if media_type.is_none() && name != INDEX_FILE {
        found.add(
            Code::NoMediaType,
            name,
            format!("{name} does not say its mediaType"),
        );
    }
}

/// Of an image manifest.
pub fn manifest(found: &Collector, name: &str, descriptor: &Descriptor, manifest: &Manifest) {
    head(
        found,
        name,
        manifest.schema_version,
        manifest.media_type.as_ref(),
    );
    let wrong = field_types::wrong_types(&manifest.extra, field_types::MANIFEST);
    wrong_types(found, name, name, &wrong);
    let parts = manifest.layers.iter().chain([&manifest.config, descriptor]);
    mixed(found, name, parts.map(|part| &part.media_type));
    let is_attestation = descriptor
        .platform
        .as_ref()
        .is_some_and(|p| p.os == "unknown");
    if manifest.is_image() && !is_attestation {
        for layer in &manifest.layers {
            let (digest, media_type) = (layer.digest.to_string(), layer.media_type.as_ref());
            if LayerType::of(&layer.media_type).is_none() {
                let message =
                    format!("layer {digest} is a {media_type:?}, which no runtime unpacks");
                found.add(Code::UnknownLayerType, &digest, message);
            }
        }
    }
}

/// Of a layer whose encoding was looked at.
pub fn encoding(found: &Collector, layer: &Descriptor, encoding: Encoding) {
    let expected = LayerType::of(&layer.media_type).map(|layer| layer.encoding);
    if let Some(expected) = expected.filter(|expected| *expected != encoding) {
        let id = match family(&layer.media_type) {
            Some("Docker") => Code::DockerLayerEncoding,
            _ => Code::LayerEncoding,
        };
        let digest = layer.digest.to_string();
        let what = |encoding: Encoding| match encoding {
            Encoding::Plain => "not compressed",
            Encoding::Gzip => "gzip",
            Encoding::Zstd => "zstd",
        };
        let message = format!(
            "layer {digest} is {}, but its media type says {} ({})",
            what(encoding),
            what(expected),
            layer.media_type
        );
        found.add(id, &digest, message);
    }
}

/// Of an image index, or of `index.json`.
pub fn index(found: &Collector, name: &str, index: &Index) {
    head(found, name, index.schema_version, index.media_type.as_ref());
    let wrong = field_types::wrong_types(&index.extra, field_types::MANIFEST);
    wrong_types(found, name, name, &wrong);
    mixed(found, name, index.manifests.iter().map(|m| &m.media_type));
    if name == INDEX_FILE {
        return names::root(found, index);
    }
    let is_attestation = |p: &Platform| p.os == "unknown";
    let mut places: Vec<(&Platform, &Descriptor)> = Vec::new();
    for manifest in &index.manifests {
        let digest = manifest.digest.to_string();
        if super::is_index(&manifest.media_type) {
            let message = format!("{name} names the index {digest}; expected image manifests only");
            found.add(Code::NestedIndex, &digest, message);
        } else if let Some(platform) = &manifest.platform {
            places.extend((!is_attestation(platform)).then_some((platform, manifest)));
        } else if index.manifests.len() > 1 {
            let message = format!("{name} does not say the platform of {digest}");
            found.add(Code::DescriptorWithoutPlatform, &digest, message);
        }
    }
    order(found, name, &places);
    places.sort_by(|(a, _), (b, _)| a.cmp_place(b));
    for pair in places.windows(2) {
        let [(a, first), (b, second)] = pair else {
            continue;
        };
        if a.same_place(b) && first.digest != second.digest {
            let (first, second) = (&first.digest, &second.digest);
            let message = format!("{name} has two images for {a}: {first} and {second}");
            found.add(Code::DuplicatePlatform, name, message);
        }
    }
}

fn order(found: &Collector, name: &str, places: &[(&Platform, &Descriptor)]) {
    let mut last: HashMap<(&str, &str), &Platform> = HashMap::new();
    for (platform, _) in places {
        let key = (&*platform.os, &*platform.architecture);
        if let Some(before) = last.insert(key, platform)
            && before.variant != platform.variant
            && before.cmp_place(platform).is_gt()
        {
            let message = format!("{name} has {before} before {platform}, which is more specific");
            found.add(Code::PlatformOrder, name, message);
        }
    }
}

/// What a config says besides platform and layers, as far as readers stumble over it.
#[derive(Deserialize)]
struct Rest {
    #[serde(default)]
    created: Value,
    #[serde(default)]
    rootfs: Value,
    #[serde(default)]
    history: Value,
}

/// Of the config of a container image.
pub fn config(found: &Collector, name: &str, config: &Document<Config>) {
    wrong_types(found, name, name, &config.view.wrong_types());
    let rest: Rest = match serde_json::from_slice(&config.raw) {
        Ok(rest) => rest,
        Err(e) => return found.add(Code::BadDocument, name, format!("{name} is not valid: {e}")),
    };
    let kind = rest.rootfs["type"].as_str().unwrap_or_default();
    let diff_ids = config.view.diff_ids().len();
    // An image without layers has nothing to unpack; nix2container leaves the type out then.
    if kind != "layers" && !(kind.is_empty() && diff_ids == 0) {
        let message = format!("{name} has the rootfs.type {kind:?}, expected \"layers\"");
        found.add(Code::RootfsType, name, message);
    }
    let history = rest.history.as_array().map_or(&[][..], |entries| entries);
    let times = history.iter().map(|entry| &entry["created"]);
    for time in times.chain([&rest.created]) {
        if time.as_str().and_then(normal_time).is_none() && !time.is_null() {
            let message =
                format!("{name} has the time {time}, expected one like 2025-01-31T00:00:00Z");
            found.add(Code::BadTime, name, message);
        }
    }
    let counted = history
        .iter()
        .filter(|entry| entry["empty_layer"] != true)
        .count();
    if !history.is_empty() && counted != diff_ids {
        let message = format!(
            "the history of {name} has {counted} layers, but there are {diff_ids} diff IDs"
        );
        found.add(Code::HistoryCount, name, message);
    }
}

/// Of an `arm` image whose variant only its index says.
pub fn variant(found: &Collector, image: &Image) {
    let in_config = &image.config_platform.variant;
    if let Some(variant) = image.platform.variant.as_deref()
        && (&*image.platform.architecture, in_config) == ("arm", &None)
        && variant != "v7"
        && image.config_platform.legacy_name().is_none()
    {
        let message = format!(
            "its config names no variant, which containerd takes for v7, but the image is for {}",
            image.platform
        );
        found.add(Code::ArmWithoutVariant, &image.config.name, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_of_the_grammar() {
        for good in [
            "application/json",
            "application/vnd.oci.image.layer.v1.tar+gzip",
        ] {
            assert!(is_media_type(good), "{good} was refused");
        }
        for bad in ["", "json", "/", "a/b/c", "a/ b", "-/a"] {
            assert!(!is_media_type(bad), "{bad} was taken");
        }
    }
}
