//! Where the bytes of an image go, which of them need not be there, and what its platforms share.
//!
//! docs/json.md describes the fields for users.

mod category;
mod content;
mod found;
mod groups;
pub mod html;
mod layer_files;
mod names;
mod overlay;
mod paths;
mod sharing;
mod survey;
mod symbols;
mod waste;

use serde::Serialize;

use crate::error::{Error, Warning};
use crate::load::{LoadRequest, Loaded};
use crate::oci::{DiffId, Digest};
use crate::util::text::sum;
use content::ContentHash;
use found::Found;
use survey::{BUDGET, Survey};

pub use names::{package, store_name};
pub use sharing::{Blob, NamedPath, SameName, Saving, SharedLayer, SharedPath, Sharing};
pub use waste::{Waste, WasteItem};

/// How many items of waste are listed of each kind, where nobody says how many.
pub const TOP: usize = 1000;

/// Where the bytes of an image go.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// Of these fields.
    pub version: u32,
    /// The input.
    pub image: String,
    /// The names that the image has there.
    pub names: Vec<String>,
    /// The images, in the order of the index.
    pub platforms: Vec<PlatformAnalysis>,
    /// What the platforms have in common.
    pub sharing: Sharing,
    /// What they could have in common: what to do about it, most bytes first.
    pub waste: Vec<Waste>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// Where the bytes of one platform's image go.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformAnalysis {
    /// What it runs on.
    pub platform: String,
    /// The bytes of the layers, as they are in the image.
    pub size: u64,
    /// The bytes of the layers without compression.
    pub uncompressed: u64,
    /// Regular files, those that later layers hide included.
    pub files: u64,
    /// The layers, bottom first.
    pub layers: Vec<LayerAnalysis>,
    /// Store paths and directories, largest first.
    pub paths: Vec<PathAnalysis>,
    /// Store paths by the name of their package, largest first.
    pub packages: Vec<Package>,
    /// What need not be there, most bytes first.
    pub waste: Vec<Waste>,
}

/// A layer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerAnalysis {
    /// The digest of the blob.
    pub digest: Digest,
    /// The digest of what is in it without compression.
    pub diff_id: Option<DiffId>,
    /// Its bytes, as they are in the image.
    pub size: u64,
    /// Its bytes without compression: files, and the headers of the tar.
    pub uncompressed: Option<u64>,
    /// Regular files.
    pub files: u64,
    /// The bytes of those.
    pub file_size: u64,
}

/// A store path, or a directory outside of the store.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathAnalysis {
    /// Where it is.
    pub path: String,
    /// The bytes of its files.
    pub size: u64,
    /// Regular files.
    pub files: u64,
    /// The layers that have parts of it.
    pub layers: Vec<Part>,
    /// Another one where the files are others.
    #[serde(skip)]
    pub(crate) digest: ContentHash,
}

/// What a layer has of a path.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// The position of the layer, from 0.
    pub layer: usize,
    /// The bytes of files.
    pub size: u64,
}

/// All store paths of a package.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// Its name, without version.
    pub name: String,
    /// Its versions, as the store paths have them (with the name of an output behind).
    pub versions: Vec<String>,
    /// The bytes of its files.
    pub size: u64,
    /// How many store paths there are.
    pub paths: usize,
}

/// Where the bytes of an image go. Of waste, `top` items of each kind are listed.
pub fn analyze(look: &LoadRequest, top: usize) -> Result<Analysis, Error> {
    let found = Found::of(look, Survey::new(BUDGET))?;
    let images = 0..found.looked.contents.images.len();
    let (platforms, is_less): (Vec<_>, Vec<bool>) =
        images.map(|image| platform(image, &found, top)).unzip();
    let warnings = found.warnings(is_less.contains(&true));
    // What is said of all platforms takes memory as well.
    let contents = found.forget().contents;
    let sharing = Sharing::of(&contents.images, &platforms);
    Ok(Analysis {
        version: 1,
        image: look.input.name().to_string(),
        names: contents.names,
        waste: waste::between_platforms(&sharing, top),
        platforms,
        sharing,
        warnings,
    })
}

/// What the images of an input have of store paths and directories: as much as a [`Diff`] needs.
///
/// [`Diff`]: crate::diff::Diff
pub(crate) struct Groups {
    /// The input.
    pub(crate) looked: Loaded,
    /// Of each image.
    pub(crate) paths: Vec<Vec<PathAnalysis>>,
    /// What the user should know.
    pub(crate) warnings: Vec<Warning>,
}

impl Groups {
    /// Reads an image: one of two, so it takes half of the memory.
    pub(crate) fn of(look: &LoadRequest) -> Result<Self, Error> {
        let found = Found::of(look, Survey::of_groups(BUDGET / 2))?;
        let images = 0..found.looked.contents.images.len();
        let (paths, is_less): (_, Vec<bool>) = images.map(|image| found.groups(image)).unzip();
        Ok(Self {
            warnings: found.warnings(is_less.contains(&true)),
            looked: found.looked,
            paths,
        })
    }
}

/// What is in the image at a position, and whether there was no room for some of its paths.
fn platform(place: usize, found: &Found, top: usize) -> (PlatformAnalysis, bool) {
    let looked = &found.looked;
    let image = &looked.contents.images[place];
    let layers: Vec<LayerAnalysis> = (image.layers.iter().zip(found.layers(place)))
        .map(|(layer, files)| LayerAnalysis {
            digest: layer.descriptor().digest.clone(),
            diff_id: layer.diff_id().cloned(),
            size: layer.descriptor().size,
            uncompressed: looked.uncompressed(layer),
            files: files.as_ref().map_or(0, |files| files.count),
            file_size: files.as_ref().map_or(0, |files| files.size),
        })
        .collect();
    let once = found.layers_once(place);
    let (paths, is_less) = found.groups(place);
    let platform = PlatformAnalysis {
        platform: image.platform.to_string(),
        size: sum(layers.iter().map(|layer| layer.size)),
        uncompressed: sum(layers.iter().filter_map(|layer| layer.uncompressed)),
        files: once.iter().map(|(_, files)| files.count).sum(),
        layers,
        packages: groups::packages(&paths),
        paths,
        waste: waste::find(&once, &found.paths, top),
    };
    (platform, is_less)
}
