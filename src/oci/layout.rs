//! The two fixed files of an image layout.
//!
//! Source: image-spec `image-layout.md`.

use oci_spec::image::OciLayout;

/// The file that marks an image layout.
pub const LAYOUT_FILE: &str = "oci-layout";
/// The file that lists what an image layout holds.
pub const INDEX_FILE: &str = "index.json";

/// The file that Docker's classic store reads; image layouts may have further files.
pub const DOCKER_FILE: &str = "manifest.json";

/// The keys of an image in it.
pub const DOCKER_FIELDS: [&str; 3] = ["Config", "RepoTags", "Layers"];

/// Files of the format before [`DOCKER_FILE`]; no reader needs them (image-spec of Docker, v1.2).
pub const LEGACY_DOCKER_FILES: [&str; 3] = ["VERSION", "json", "repositories"];

/// Consumers refuse any other version (containers/image `oci/layout`).
pub const LAYOUT_VERSION: &str = "1.0.0";

/// The content of `oci-layout`.
pub fn layout_marker() -> Vec<u8> {
    format!(r#"{{"imageLayoutVersion":"{LAYOUT_VERSION}"}}"#).into_bytes()
}

/// The version that `oci-layout` has.
pub fn layout_version(bytes: &[u8]) -> serde_json::Result<String> {
    // `OciLayout::from_reader` hides where in the file an error is.
    let layout: OciLayout = serde_json::from_slice(bytes)?;
    Ok(layout.image_layout_version().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_marker_is_read() {
        let version = |marker: &[u8]| layout_version(marker).ok();
        assert_eq!(version(&layout_marker()).as_deref(), Some(LAYOUT_VERSION));
        assert_eq!(
            version(br#"{"imageLayoutVersion":"2.0.0"}"#).as_deref(),
            Some("2.0.0")
        );
        assert_eq!(version(b"{}"), None);
    }
}
