//! What is checked of images when they are ready.

use std::io::Read;
use std::sync::Arc;

use crate::error::{Error, Subject};
use crate::image::Image;
use crate::oci::{DiffId, Execution, MAX_CONFIG, Platform};

/// What must be known of an image to check it, when its layers have flowed by.
#[derive(Debug)]
pub struct ImageFacts {
    /// Where it came from, for messages.
    pub origin: Subject,
    /// What it runs on.
    pub platform: Platform,
    /// What it starts.
    pub execution: Execution,
    /// Diff IDs, and names for messages.
    pub layers: Vec<(Option<DiffId>, Arc<str>)>,
}

impl ImageFacts {
    /// Of an image whose config was verified.
    pub fn of(image: &Image) -> Result<Self, Error> {
        let blob = &image.config;
        let mut raw = Vec::new();
        if image.manifest.view.is_image() {
            (blob.content.open())
                .and_then(|file| file.take(MAX_CONFIG).read_to_end(&mut raw))
                .map_err(|e| blob.unreadable(e))?;
        }
        let layers = image.layers.iter();
        Ok(Self {
            origin: image.origin.clone(),
            platform: image.platform.clone(),
            execution: Execution::parse(&raw),
            layers: layers
                .map(|layer| (layer.diff_id().cloned(), layer.name()))
                .collect(),
        })
    }
}
