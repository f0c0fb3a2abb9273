//! Image indexes: the root of a layout (`index.json`), and the list of platforms.
//!
//! Source: image-spec `image-index.md`.

use std::collections::BTreeMap;

use oci_spec::image::MediaType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Descriptor, confusable, go_json};

/// A list of manifests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// Optional in the specification, always written by us.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "go_json::media_type"
    )]
    pub media_type: Option<MediaType>,
    /// Runtimes use the first manifest that matches a platform.
    #[serde(default, deserialize_with = "go_json::null_is_empty")]
    pub manifests: Vec<Descriptor>,
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "go_json::annotations"
    )]
    pub annotations: BTreeMap<String, String>,
    /// All other fields of an input.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Index {
    /// Returns a key that some readers take for one of the specification.
    pub fn confusable(&self) -> Option<&str> {
        let known = [
            "schemaVersion",
            "mediaType",
            "manifests",
            "artifactType",
            "subject",
            "annotations",
            "layers",
            "config",
        ];
        let manifests = self.manifests.iter().find_map(Descriptor::confusable);
        confusable(&known, self.extra.keys()).or(manifests)
    }

    pub fn new(
        manifests: Vec<Descriptor>,
        annotations: BTreeMap<String, String>,
        extra: Map<String, Value>,
    ) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MediaType::ImageIndex),
            manifests,
            annotations,
            extra,
        }
    }
}
