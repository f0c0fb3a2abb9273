//! The files of an image layout that are not blobs.

use std::borrow::Cow;

use crate::image::MultiPlatformImage;
use crate::oci::{DOCKER_FILE, INDEX_FILE, LAYOUT_FILE, layout_marker};

/// Returns the files of an image layout besides its blobs, in the order of an archive.
pub fn fixed_files(merged: &MultiPlatformImage) -> Vec<(&'static str, Cow<'_, [u8]>)> {
    let mut files = vec![
        (LAYOUT_FILE, Cow::from(layout_marker())),
        (INDEX_FILE, Cow::from(&merged.root.raw[..])),
    ];
    let docker = merged.docker_manifest.as_ref();
    files.extend(docker.map(|bytes| (DOCKER_FILE, Cow::from(&bytes[..]))));
    files
}
