//! Image manifests.
//!
//! Source: image-spec `manifest.md`.

use std::collections::BTreeMap;

use oci_spec::image::MediaType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Descriptor, confusable, docker, go_json};

/// One platform's image: its config and its layers, bottom first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// Optional in the specification, always written by us.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "go_json::media_type"
    )]
    pub media_type: Option<MediaType>,
    pub config: Descriptor,
    /// Bottom first.
    #[serde(default, deserialize_with = "go_json::null_is_empty")]
    pub layers: Vec<Descriptor>,
    /// `artifactType`, `subject`, `annotations` and all other fields of an input.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Manifest {
    /// Returns a manifest with only the required fields.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MediaType::ImageManifest),
            config,
            layers,
            extra: Map::new(),
        }
    }

    /// Returns a key that some readers take for one of the specification.
    pub fn confusable(&self) -> Option<&str> {
        let known = [
            "schemaVersion",
            "mediaType",
            "config",
            "layers",
            "artifactType",
            "subject",
            "annotations",
            "manifests",
        ];
        let layers = self.layers.iter().find_map(Descriptor::confusable);
        confusable(&known, self.extra.keys())
            .or(self.config.confusable())
            .or(layers)
    }

    /// Returns the annotations; none if they are not an object of text.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let found = self.extra.get("annotations");
        let found = found.and_then(|found| serde_json::from_value(found.clone()).ok());
        found.unwrap_or_default()
    }

    /// Whether the config is that of a container image; the config of an artifact has no platform and no
    /// layers.
    pub fn is_image(&self) -> bool {
        let is_docker = |own: &MediaType| own.as_ref() == docker::MANIFEST;
        match self.config.media_type.as_ref() {
            docker::CONFIG => true,
            docker::LEGACY_CONFIG => self.media_type.as_ref().is_some_and(is_docker),
            _ => self.config.media_type == MediaType::ImageConfig,
        }
    }
}
