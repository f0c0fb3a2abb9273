//! An input and the files of all its layers: the base of the reports.

use std::collections::HashSet;
use std::sync::Arc;

use super::groups;
use super::layer_files::LayerFiles;
use super::paths::{MAX_PATH, PathTree};
use super::report::PathAnalysis;
use super::survey::Survey;
use crate::error::{Code, Error, Item, Subject, Warning};
use crate::image::{Image, Layer};
use crate::load::{LoadRequest, Loaded};

/// The images of an input whose layers were surveyed.
pub struct SurveyedImages {
    pub loaded: Loaded,
    /// The paths of all files.
    pub paths: PathTree,
    /// By image and layer; `None` for a layer that has no files, such as a part of an artifact.
    layers: Vec<Vec<Option<Arc<LayerFiles>>>>,
    /// The memory for the store paths and directories of one image.
    group_budget: usize,
}

impl SurveyedImages {
    /// Reads all layers of an input.
    pub fn read(request: &LoadRequest<'_>, survey: Survey) -> Result<Self, Error> {
        let loaded = request.load(Some(&survey))?;
        let images = loaded.contents.images.iter();
        let layers = images
            .map(|image| layers_of(image, &survey))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            group_budget: survey.budget() / layers.len().max(1),
            paths: survey.into_paths(),
            loaded,
            layers,
        })
    }

    /// Drops the contents of the layers.
    pub fn into_loaded(self) -> Loaded {
        self.loaded
    }

    /// Returns the contents of each layer of the image at a position.
    pub fn layers(&self, image: usize) -> &[Option<Arc<LayerFiles>>] {
        &self.layers[image]
    }

    /// Returns the layers that have contents, with their positions, bottom first. If the image has
    /// a layer twice, only the upper one is in the list.
    pub fn layers_once(&self, image: usize) -> Vec<(usize, &LayerFiles)> {
        let layers = &self.loaded.contents.images[image].layers;
        let mut seen = HashSet::new();
        let mut once: Vec<(usize, &LayerFiles)> = (self.layers[image].iter().enumerate().rev())
            .filter_map(|(i, files)| Some((i, &**files.as_ref()?)))
            .filter(|(i, _)| seen.insert(layers[*i].diff_id()))
            .collect();
        once.reverse();
        once
    }

    /// Returns the store paths and directories of an image, and whether some did not fit into memory.
    pub fn groups(&self, image: usize) -> (Vec<PathAnalysis>, bool) {
        groups::find(&self.layers_once(image), &self.paths, self.group_budget)
    }

    /// Returns the warnings; `is_less` says that some store paths or directories did not fit into memory.
    pub fn warnings(&self, is_less: bool) -> Vec<Warning> {
        let contents = &self.loaded.contents;
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
                "the image has too many files to compare all of them: {unseen} were only counted"
            ));
        }
        if is_less || known.iter().any(|files| files.ungrouped) {
            warn(
                "the image has too many store paths and directories to show each: the rest was counted as /"
                    .to_owned(),
            );
        }
        let too_long: u64 = known.iter().map(|files| files.too_long).sum();
        if too_long > 0 {
            warn(format!(
                "files with a path of more than {MAX_PATH} bytes, which Linux cannot open, were only counted, not compared: {too_long}"
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
