//! The directory that skopeo's `dir:` transport writes: `manifest.json`, and blobs by their hex digits.
//!
//! Source: containers/image `directory_transport.go`.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::oci::{Algorithm, Digest, MediaType, docker, go_json};

pub const FLAT_MANIFEST: &str = "manifest.json";
pub const FLAT_VERSION: &str = "version";

/// Returns the names that the file of a blob may have: manifests of an index have a suffix, digests that
/// are not SHA-256 a prefix.
pub fn blob_names(digest: &Digest) -> [String; 2] {
    let stem = match digest.algorithm() {
        Algorithm::Sha256 => digest.hex().to_owned(),
        Algorithm::Sha512 => format!("sha512-{}", digest.hex()),
    };
    [stem.clone(), stem + ".manifest.json"]
}

/// Returns the hex digits of the manifest that a file is a signature of, nothing for the only manifest;
/// `None` if it is not a signature: `signature-1`, `HEX.signature-1`, `sha512-HEX.signature-1`.
pub fn signed_manifest(name: &str) -> Option<&str> {
    let (manifest, number) = name.rsplit_once("signature-")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let manifest = match manifest {
        "" => "",
        manifest => manifest.strip_suffix('.')?,
    };
    is_number.then_some(manifest)
}

/// The fields of a manifest that decide its media type, which OCI manifests may leave out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestHead {
    #[serde(default)]
    schema_version: u32,
    #[serde(default, deserialize_with = "go_json::text")]
    media_type: Option<String>,
    #[serde(default)]
    manifests: Option<IgnoredAny>,
}

impl ManifestHead {
    /// Returns the media type of the manifest.
    pub fn media_type(&self) -> MediaType {
        match &self.media_type {
            Some(media_type) => media_type.as_str().into(),
            None if self.schema_version == 1 => docker::SCHEMA_1.into(),
            None if self.manifests.is_some() => MediaType::ImageIndex,
            None => MediaType::ImageManifest,
        }
    }
}
