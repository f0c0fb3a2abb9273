//! Image configs, as far as merging needs them: read, never written.
//!
//! Source: image-spec `config.md`. Reading leniently is the point: the bytes of a config go out as
//! they came in, so a field that we do not know cannot hurt.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::field_types::{self, wrong_types};
use super::{DiffId, Platform, confusable};

/// The platform and the layers of an image.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    architecture: String,
    os: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default, rename = "os.version")]
    os_version: Option<String>,
    #[serde(default, rename = "os.features")]
    os_features: Option<Vec<String>>,
    rootfs: RootFs,
    // As values, so that it is seen here if one cannot be read (half of a surrogate pair, say), and not
    // where somebody needs it.
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<DiffId>>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl Config {
    /// The platform that the image was built for. Empty strings are what Go programs write for
    /// "not set".
    pub fn platform(&self) -> Platform {
        let set = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        Platform {
            architecture: self.architecture.clone(),
            os: self.os.clone(),
            os_version: set(&self.os_version),
            os_features: self.os_features.clone().unwrap_or_default(),
            variant: set(&self.variant),
            extra: Default::default(),
        }
    }

    /// A key that some readers take for one of those that count here.
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

    /// The fields that make it unreadable for programs in Go, by their types.
    pub fn wrong_types(&self) -> Vec<String> {
        let mut wrong = wrong_types(&self.extra, field_types::CONFIG);
        let rootfs = wrong_types(&self.rootfs.extra, field_types::ROOTFS);
        wrong.extend(rootfs.iter().map(|field| format!("rootfs.{field}")));
        wrong
    }

    /// The digests of the uncompressed layers, bottom first.
    pub fn diff_ids(&self) -> &[DiffId] {
        self.rootfs.diff_ids.as_deref().unwrap_or_default()
    }
}
