//! The parts of the report of one platform. What platforms share is in `sharing`, waste in `waste`.

use serde::Serialize;
use serde_json::Value;

use super::content::ContentHash;
use super::waste::Waste;
use crate::oci::{DiffId, Digest};

/// Where the bytes of the image for one platform go.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlatformAnalysis {
    pub platform: String,
    pub size: u64,
    pub uncompressed: u64,
    pub files: u64,
    pub file_size: u64,
    pub avoidable: u64,
    pub score: u64,
    pub layers: Vec<LayerAnalysis>,
    pub paths: Vec<PathAnalysis>,
    pub packages: Vec<Package>,
    pub waste: Vec<Waste>,
}

/// A layer of an image, and the regular files in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LayerAnalysis {
    pub digest: Digest,
    pub diff_id: Option<DiffId>,
    pub size: u64,
    pub uncompressed: Option<u64>,
    pub files: u64,
    pub file_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Value>,
}

/// A store path, or a directory outside of the store.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PathAnalysis {
    pub path: String,
    pub size: u64,
    pub files: u64,
    pub layers: Vec<PathLayer>,
    /// Differs where the files differ.
    #[serde(skip)]
    pub(crate) digest: ContentHash,
}

/// The bytes of a path that are in one layer.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PathLayer {
    pub layer: usize,
    pub size: u64,
}

/// The store paths of a package.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Package {
    pub name: String,
    /// With the name of an output, as the store paths have them.
    pub versions: Vec<String>,
    pub size: u64,
    pub paths: usize,
}
