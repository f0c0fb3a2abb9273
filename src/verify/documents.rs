//! Checks of descriptors, manifests and indexes that only `verify` makes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use super::findings::Findings;
use super::names;
use crate::bytes::codec::Encoding;
use crate::error::Code;
use crate::image::LayerType;
use crate::oci::artifact::artifact_type;
use crate::oci::json_keys::{duplicate_keys, empty_fields};
use crate::oci::{
    DOCKER_FIELDS, DOCKER_FILE, Descriptor, Digest, Hasher, INDEX_FILE, Index, Manifest, MediaType,
    Platform, field_types, go_json, parse,
};
use crate::util::text::byte_count;

/// How many keys of one `manifest.json` are reported.
const MAX_KEYS: usize = 10;

/// Checks any document.
pub fn check_json(findings: &Findings, name: &str, raw: &[u8]) {
    for path in duplicate_keys(raw) {
        findings.add(
            Code::DuplicateKey,
            name,
            format!("{name} has the key {path:?} twice"),
        );
    }
}

/// Checks an index or a manifest for fields that only programs in Go read as empty. `required` is the list
/// that it must have.
pub fn check_go_json(findings: &Findings, name: &str, raw: &[u8], required: &'static str) {
    let empty = empty_fields(raw, required);
    if !empty.is_empty() {
        let message = format!(
            "{name} has null, \"\" or nothing where the specification has a value: {}; programs in Go read all of them as empty",
            empty.join(", ")
        );
        findings.add(Code::GoJson, name, message);
    }
}

/// Checks the keys of `manifest.json`.
pub fn check_docker_keys(findings: &Findings, raw: &[u8]) {
    // An error is reported by the reader.
    let items: Vec<BTreeMap<String, IgnoredAny>> = parse(raw).unwrap_or_default();
    let others: BTreeSet<&str> = (items.iter().flat_map(BTreeMap::keys))
        .filter(|key| {
            let is_like = |name: &&str| go_json::is_field(key, name) && key != name;
            DOCKER_FIELDS.iter().any(is_like)
        })
        .map(String::as_str)
        .take(MAX_KEYS)
        .collect();
    for key in others {
        let message = format!(
            "{DOCKER_FILE} has the key {key:?}, expected one of {}; programs in Go ignore the case of keys",
            DOCKER_FIELDS.join(", ")
        );
        findings.add(Code::GoJson, DOCKER_FILE, message);
    }
}

/// Checks any descriptor.
pub fn check_descriptor(findings: &Findings, by: &str, descriptor: &Descriptor) {
    let name = descriptor.digest.to_string();
    let media_type = descriptor.media_type.as_ref();
    if !is_media_type(media_type) {
        let message =
            format!("{by} gives {name} the media type {media_type:?}, expected TYPE/SUBTYPE");
        findings.add(Code::BadMediaType, &name, message);
    }
    if descriptor.platform.is_some() && descriptor.claimed().is_none() {
        let message = format!(
            "{by} gives {name} a platform without an operating system or an architecture, expected both"
        );
        findings.add(Code::GoJson, &name, message);
    }
    let wrong = field_types::wrong_types(&descriptor.extra, field_types::DESCRIPTOR);
    add_wrong_types(
        findings,
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
            (!is_blob).then(|| {
                format!(
                    "{} with the digest {digest}",
                    byte_count(bytes.len() as u64)
                )
            })
        }
    };
    if let Some(problem) = problem {
        let message = format!("{by} has data of {name} that are not this blob: found {problem}");
        findings.add(Code::WrongData, &name, message);
    }
}

/// Adds a finding for fields whose types are not those of the specification.
pub fn add_wrong_types(findings: &Findings, subject: &str, by: &str, wrong: &[String]) {
    for field in wrong {
        findings.add(Code::FieldType, subject, format!("in {by}, {field}"));
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

/// Returns whose media type it is: OCI's or Docker's.
fn family(media_type: &MediaType) -> Option<&'static str> {
    let text = media_type.as_ref();
    let starts = |prefix| text.starts_with(prefix);
    (starts("application/vnd.oci.image.").then_some("OCI"))
        .or(starts("application/vnd.docker.").then_some("Docker"))
}

fn check_mixed<'a>(findings: &Findings, name: &str, types: impl Iterator<Item = &'a MediaType>) {
    let families: BTreeMap<&str, &MediaType> = types
        .filter_map(|media_type| Some((family(media_type)?, media_type)))
        .collect();
    if let [(_, a), (_, b)] = families.into_iter().collect::<Vec<_>>()[..] {
        let message = format!("{name} has media types of Docker and of OCI: {a} and {b}");
        findings.add(Code::MixedMediaTypes, name, message);
    }
}

fn check_head(findings: &Findings, name: &str, version: u32, media_type: Option<&MediaType>) {
    if version != 2 {
        let message = format!("{name} has the schemaVersion {version}, expected 2");
        findings.add(Code::SchemaVersion, name, message);
    }
    // In `index.json` the media type is often left out, as in the example of the specification.
    if media_type.is_none() && name != INDEX_FILE {
        findings.add(Code::NoMediaType, name, format!("{name} has no mediaType"));
    }
}

/// Checks an image manifest.
pub fn check_manifest(
    findings: &Findings,
    name: &str,
    descriptor: &Descriptor,
    manifest: &Manifest,
) {
    check_head(
        findings,
        name,
        manifest.schema_version,
        manifest.media_type.as_ref(),
    );
    let wrong = field_types::wrong_types(&manifest.extra, field_types::MANIFEST);
    add_wrong_types(findings, name, name, &wrong);
    let parts = manifest.layers.iter().chain([&manifest.config, descriptor]);
    check_mixed(findings, name, parts.map(|part| &part.media_type));
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
                findings.add(Code::UnknownLayerType, &digest, message);
            }
        }
    }
}

/// Checks a layer whose encoding was detected.
pub fn check_encoding(findings: &Findings, layer: &Descriptor, encoding: Encoding) {
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
        findings.add(id, &digest, message);
    }
}

/// Checks an image index, or `index.json`.
pub fn check_index(findings: &Findings, name: &str, index: &Index) {
    check_head(
        findings,
        name,
        index.schema_version,
        index.media_type.as_ref(),
    );
    let wrong = field_types::wrong_types(&index.extra, field_types::MANIFEST);
    add_wrong_types(findings, name, name, &wrong);
    check_mixed(
        findings,
        name,
        index.manifests.iter().map(|m| &m.media_type),
    );
    if name == INDEX_FILE {
        return names::check_names(findings, index);
    }
    let is_attestation = |p: &Platform| p.os == "unknown";
    let mut places: Vec<(&Platform, &Descriptor)> = Vec::new();
    for manifest in &index.manifests {
        let digest = manifest.digest.to_string();
        if manifest.is_index() {
            let message = format!("{name} names the index {digest}; expected image manifests only");
            findings.add(Code::NestedIndex, &digest, message);
        } else if artifact_type(manifest).is_some() {
            // It is an artifact. Its manifest is reported as a companion.
        } else if let Some(platform) = manifest.claimed() {
            places.extend((!is_attestation(platform)).then_some((platform, manifest)));
        }
    }
    check_order(findings, name, &places);
    let is_zstd = Descriptor::is_marked_as_zstd;
    places.sort_by(|(a, first), (b, second)| {
        (a.cmp_place(b)).then_with(|| is_zstd(first).cmp(&is_zstd(second)))
    });
    for pair in places.windows(2) {
        let [(a, first), (b, second)] = pair else {
            continue;
        };
        // podman writes an image in gzip and in zstd, and clients choose by the mark.
        let are_twins = is_zstd(first) != is_zstd(second);
        if a.same_place(b) && first.digest != second.digest && !are_twins {
            let (first, second) = (&first.digest, &second.digest);
            let message = format!("{name} has two images for {a}: {first} and {second}");
            findings.add(Code::DuplicatePlatform, name, message);
        }
    }
}

/// Returns the manifests of an index of several that have no platform. Whether they are images is known
/// when they were read.
pub fn without_platform<'a>(name: &str, index: &'a Index) -> impl Iterator<Item = &'a Descriptor> {
    let is_list = name != INDEX_FILE && index.manifests.len() > 1;
    let is_meant =
        move |entry: &&Descriptor| is_list && entry.claimed().is_none() && !entry.is_index();
    index.manifests.iter().filter(is_meant)
}

/// Checks that a manifest has a platform in the index `by`.
pub fn add_without_platform(findings: &Findings, by: &str, manifest: &Digest) {
    let message = format!("{by} gives {manifest} no platform");
    let code = Code::DescriptorWithoutPlatform;
    findings.add(code, &manifest.to_string(), message);
}

fn check_order(findings: &Findings, name: &str, places: &[(&Platform, &Descriptor)]) {
    let mut last: HashMap<(&str, &str), &Platform> = HashMap::new();
    for (platform, _) in places {
        let key = (&*platform.os, &*platform.architecture);
        if let Some(before) = last.insert(key, platform)
            && before.variant != platform.variant
            && before.cmp_place(platform).is_gt()
        {
            let message = format!("{name} has {before} before {platform}, which is more specific");
            findings.add(Code::PlatformOrder, name, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_follow_the_grammar() {
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
