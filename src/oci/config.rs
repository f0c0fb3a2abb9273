//! The fields of image configs that merging needs: read, never written.
//!
//! Source: image-spec `config.md`. Configs are read leniently: their bytes are copied as they are, so
//! an unknown field does no harm.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::field_types::{self, wrong_types};
use super::{DiffId, Platform, confusable, go_json};

/// The platform and the layers of an image.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default, rename = "os.version")]
    os_version: Option<String>,
    #[serde(default, rename = "os.features")]
    os_features: Option<Vec<String>>,
    #[serde(deserialize_with = "go_json::null_is_empty")]
    rootfs: RootFs,
    // As values, so that a field that cannot be read (half of a surrogate pair, say) is an error here,
    // and not later.
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<DiffId>>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl Config {
    /// The platform that the image was built for. Empty strings are what Go programs write for
    /// "not set"; a config may also say nothing of it (`crane append` without a base).
    pub fn platform(&self) -> Platform {
        let set = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        Platform {
            architecture: self.architecture.clone().unwrap_or_default(),
            os: self.os.clone().unwrap_or_default(),
            os_version: set(&self.os_version),
            os_features: self.os_features.clone().unwrap_or_default(),
            variant: set(&self.variant),
            extra: Default::default(),
        }
    }

    /// Returns a key that some readers take for one of the known fields.
    pub fn confusable(&self) -> Option<&str> {
        let known = [
            "architecture",
            "os",
            "variant",
            "os.version",
            "os.features",
            "rootfs",
        ];
        confusable(&known, self.extra.keys())
    }

    /// Returns the fields whose types make the config unreadable for programs in Go.
    pub fn wrong_types(&self) -> Vec<String> {
        let mut wrong = wrong_types(&self.extra, field_types::CONFIG);
        let rootfs = wrong_types(&self.rootfs.extra, field_types::ROOTFS);
        wrong.extend(rootfs.iter().map(|field| format!("rootfs.{field}")));
        wrong
    }

    /// The digests of the layers without compression, bottom first.
    pub fn diff_ids(&self) -> &[DiffId] {
        self.rootfs.diff_ids.as_deref().unwrap_or_default()
    }
}
