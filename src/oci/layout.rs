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

/// Consumers refuse any other version (containers/image `oci/layout`).
const VERSION: &str = "1.0.0";

/// The content of [`LAYOUT_FILE`].
pub fn layout_marker() -> Vec<u8> {
    format!(r#"{{"imageLayoutVersion":"{VERSION}"}}"#).into_bytes()
}

/// Whether `bytes` are a marker of the version that we know; otherwise what is wrong.
pub fn check_layout(bytes: &[u8]) -> Result<(), String> {
    let layout = OciLayout::from_reader(bytes).map_err(|e| e.to_string())?;
    match layout.image_layout_version().as_str() {
        VERSION => Ok(()),
        other => Err(format!(
            "found imageLayoutVersion {other:?}, expected {VERSION:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_marker_is_a_good_one_and_another_version_is_not() {
        assert_eq!(check_layout(&layout_marker()), Ok(()));
        assert!(check_layout(br#"{"imageLayoutVersion":"2.0.0"}"#).is_err());
    }
}
