//! What was found in the layers of an image, before anything is said of it.

use std::collections::HashSet;
use std::sync::Arc;

use super::PathAnalysis;
use super::groups;
use super::layer_files::LayerFiles;
use super::paths::{MAX_PATH, PathTree};
use super::survey::Survey;
use crate::error::{Code, Error, Item, Subject, Warning};
use crate::image::{Image, Layer};
use crate::load::{LoadRequest, Loaded};

/// What was found.
pub struct Found {
    /// The image.
    pub looked: Loaded,
    /// The paths of all files.
    pub paths: PathTree,
    /// By image and layer; nothing is known of those that are no layers of files.
    layers: Vec<Vec<Option<Arc<LayerFiles>>>>,
    /// The bytes that the store paths and directories of one image may take.
    room: usize,
}

impl Found {
    /// Looks at all layers.
    pub fn of(look: &LoadRequest, survey: Survey) -> Result<Self, Error> {
        let looked = look.read(Some(&survey))?;
        let images = looked.contents.images.iter();
        let layers = images
            .map(|image| layers_of(image, &survey))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            room: survey.budget() / layers.len().max(1),
            paths: survey.into_paths(),
            looked,
            layers,
        })
    }

    /// The image without what is in its layers.
    pub fn forget(self) -> Loaded {
        self.looked
    }

    /// What is in each layer of the image at a position.
    pub fn layers(&self, image: usize) -> &[Option<Arc<LayerFiles>>] {
        &self.layers[image]
    }

    /// The same of those of which anything is known, bottom first. A layer that is there twice has
    /// its files once; what is on top counts.
    pub fn layers_once(&self, image: usize) -> Vec<(usize, &LayerFiles)> {
        let layers = &self.looked.contents.images[image].layers;
        let mut seen = HashSet::new();
        let mut once: Vec<(usize, &LayerFiles)> = (self.layers[image].iter().enumerate().rev())
            .filter_map(|(i, files)| Some((i, &**files.as_ref()?)))
            .filter(|(i, _)| seen.insert(layers[*i].diff_id()))
            .collect();
        once.reverse();
        once
    }

    /// The store paths and directories of an image, and whether there was no room for some.
    pub fn groups(&self, image: usize) -> (Vec<PathAnalysis>, bool) {
        groups::find(&self.layers_once(image), &self.paths, self.room)
    }

    /// What the user should know; whether there was no room for some store paths or directories.
    pub fn warnings(&self, is_less: bool) -> Vec<Warning> {
        let contents = &self.looked.contents;
        let mut warnings = contents.warnings.clone();
        let mut warn = |text| warnings.push(Warning::new(Code::NotCounted, Subject::ALL, text));
        let mut counted = HashSet::new();
        let all = contents.images.iter().flat_map(|image| &image.layers);
        let known: Vec<&LayerFiles> = (all.zip(self.layers.iter().flatten()))
            .filter(|(layer, _)| counted.insert(layer.diff_id()))
            .filter_map(|(_, files)| files.as_deref())
            .collect();
        let unseen: u64 = known.iter().map(|files| files.unseen).sum();
        if unseen > 0 {
            warn(format!(
                "the image has very many files: {unseen} of them were counted, but not compared with others"
            ));
        }
        if is_less || known.iter().any(|files| files.ungrouped) {
            warn(
                "the image has very many store paths and directories: what there was no room for was counted as /"
                    .to_owned(),
            );
        }
        let too_long: u64 = known.iter().map(|files| files.too_long).sum();
        if too_long > 0 {
            warn(format!(
                "files with a path of more than {MAX_PATH} bytes, which Linux does not open, were counted, but not compared with others: {too_long}"
            ));
        }
        warnings
    }
}

fn layers_of(image: &Image, survey: &Survey) -> Result<Vec<Option<Arc<LayerFiles>>>, Error> {
    let files = |layer: &Layer| {
        let Some(layer) = layer.files() else {
            return Ok(None);
        };
        let found = survey.layer(&layer.diff_id);
        found.map_err(|e| Error::unreadable(layer.blob.subject(Item::Layer))(e.into()))
    };
    image.layers.iter().map(files).collect()
}
