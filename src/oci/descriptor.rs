//! Descriptors: the references from one document to the next.
//!
//! Source: image-spec `descriptor.md`.

use std::collections::BTreeMap;

use oci_spec::image::MediaType;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Digest, Platform, confusable, docker, go_json};

/// The annotation of an image in an index that has zstd layers; its value is `true`.
///
/// Source: containers/image, `internal/manifest/oci_index.go`.
pub(crate) const ZSTD_MARK: &str = "io.github.containers.compression.zstd";

/// Media type, digest and size of a blob, and metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub media_type: MediaType,
    pub digest: Digest,
    /// In bytes.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// The platform of an image, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "go_json::annotations"
    )]
    pub annotations: BTreeMap<String, String>,
    /// `urls`, `data`, `artifactType` and all other fields of an input.
    #[serde(flatten, deserialize_with = "go_json::descriptor_extra")]
    pub extra: Map<String, Value>,
}

/// Whether an annotation describes the bytes of a blob, so that it is not true of other bytes with the same
/// content. Lazily pulling snapshotters read tables of contents in these places.
///
/// Sources: stargz-snapshotter `estargz/`, accelerated-container-image `pkg/label` (overlaybd),
/// nydus-snapshotter `pkg/label` (all `containerd.io/snapshot/`); containers/storage `pkg/chunked`;
/// soci-snapshotter `soci/soci_index.go`; ocicrypt `spec/`.
pub(crate) fn describes_bytes(key: &str) -> bool {
    [
        "containerd.io/snapshot/",
        "io.containers.estargz.",
        "io.github.containers.zstd-chunked.",
        "org.opencontainers.image.enc.",
        "com.amazon.soci.",
    ]
    .iter()
    .any(|start| key.starts_with(start))
}

/// The size is an int64 (image-spec `descriptor.md`). Programs in Go refuse a whole document with a larger
/// one.
const MAX_SIZE: u64 = i64::MAX.unsigned_abs();

fn size<'de, D: Deserializer<'de>>(json: D) -> Result<u64, D::Error> {
    match u64::deserialize(json)? {
        size @ ..=MAX_SIZE => Ok(size),
        size => Err(D::Error::custom(format!(
            "a descriptor has the size {size}, expected at most {MAX_SIZE}"
        ))),
    }
}

impl Descriptor {
    /// Whether it is marked as one of an image with zstd layers.
    pub(crate) fn is_marked_as_zstd(&self) -> bool {
        let mark = self.annotations.get(ZSTD_MARK);
        mark.is_some_and(|mark| mark == "true")
    }

    /// Returns a descriptor of `bytes` with only the required fields.
    pub(crate) fn of(media_type: MediaType, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// Returns the platform that it claims. Go writes one without words for none.
    pub(crate) fn claimed(&self) -> Option<&Platform> {
        self.platform
            .as_ref()
            .filter(|p| !p.os.is_empty() && !p.architecture.is_empty())
    }

    /// Whether it is the descriptor of an image index, or of a manifest list of Docker.
    pub(crate) fn is_index(&self) -> bool {
        self.media_type == MediaType::ImageIndex
            || self.media_type.as_ref() == docker::MANIFEST_LIST
    }

    /// Returns a key that some readers take for one of the specification.
    pub(crate) fn confusable(&self) -> Option<&str> {
        let known = [
            "mediaType",
            "digest",
            "size",
            "platform",
            "annotations",
            "urls",
            "data",
        ];
        let platform = ["architecture", "os", "variant", "os.version", "os.features"];
        let inner = self.platform.iter().flat_map(|p| p.extra.keys());
        confusable(&known, self.extra.keys()).or(confusable(&platform, inner))
    }

    /// Returns the descriptor for other bytes, without the fields that describe the old ones.
    pub(crate) fn with_content(&self, digest: Digest, size: u64) -> Self {
        let mut other = Self {
            digest,
            size,
            ..self.clone()
        };
        // `data` is the old content, `urls` serve it.
        for key in ["data", "urls"] {
            other.extra.shift_remove(key);
        }
        other.annotations.retain(|key, _| !describes_bytes(key));
        other
    }

    /// Returns a descriptor with only the required fields.
    pub(crate) fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            platform: None,
            annotations: BTreeMap::new(),
            extra: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why this type exists: `oci-spec` drops the platform fields of Windows images and unknown fields.
    #[test]
    fn unknown_fields_are_kept_unlike_in_oci_spec() {
        let text = r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":7,"platform":{"architecture":"amd64","os":"windows","os.version":"10.0.20348.169","os.features":["win32k"],"new":[1]},"annotations":{"a":"b"},"newer":{"c":1.5}}"#;
        let ours: Descriptor = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&ours).unwrap(), text);

        let theirs: oci_spec::image::Descriptor = serde_json::from_str(text).unwrap();
        let written = serde_json::to_string(&theirs).unwrap();
        assert!(!written.contains("10.0.20348.169") && !written.contains("newer"));
    }
}
