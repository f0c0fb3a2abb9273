//! The facts that the checks need after the layers of an image were read.

use std::io::Read;
use std::sync::Arc;

use crate::error::{Error, Subject};
use crate::image::Image;
use crate::oci::{DiffId, Execution, MAX_CONFIG, Platform};

/// The facts about an image that are checked when its layers were read.
#[derive(Debug)]
pub struct ImageFacts {
    /// The input and the image in it, for messages.
    pub origin: Subject,
    /// The platform in the index.
    pub platform: Platform,
    /// The part of the config that decides how a container is run.
    pub execution: Execution,
    /// The diff ID of each layer, and its name in messages.
    pub layers: Vec<(Option<DiffId>, Arc<str>)>,
}

impl ImageFacts {
    /// Returns the facts about an image whose config was verified.
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
