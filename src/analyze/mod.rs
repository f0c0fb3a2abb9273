//! Where the bytes of an image go, which of them need not be there, and what its platforms share.
//!
//! docs/json.md describes the fields for users.

mod heap;
pub mod html;
mod names;
mod paths;
mod sharing;
mod survey;
mod symbols;
mod view;
mod waste;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use crate::error::Error;
use crate::image::Image;
use crate::look::{Look, Looked};
use crate::spec::{DiffId, Digest};
use crate::text::sum;
use paths::{MAX_PATH, Node, Paths};
use survey::{Content, LayerFiles, Survey};

pub use names::{package, store_name};
pub use sharing::{Blob, NamedPath, SameName, Saving, SharedLayer, SharedPath, Sharing};
pub use waste::{Item, Waste};

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
    pub notes: Vec<String>,
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
    pub(crate) digest: Content,
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
pub fn analyze(look: &Look, top: usize) -> Result<Analysis, Error> {
    let (analysis, _) = analyze_with(look, top)?;
    Ok(analysis)
}

/// The same with the image that was looked at.
pub(crate) fn analyze_with(look: &Look, top: usize) -> Result<(Analysis, Looked), Error> {
    let survey = &Survey::new(survey::BUDGET);
    let looked = look.read(Some(survey))?;
    let contents = &looked.contents;
    let images = contents.images.iter();
    let layers: Vec<Vec<Option<Arc<LayerFiles>>>> = images
        .map(|image| layers_of(image, survey))
        .collect::<Result<_, _>>()?;
    let paths = &*survey.paths();
    let platforms: Vec<PlatformAnalysis> = (contents.images.iter().zip(&layers))
        .map(|(image, layers)| platform(image, layers, &looked, paths, top))
        .collect();
    let mut notes = contents.notes.clone();
    let mut counted = HashSet::new();
    let all = contents.images.iter().flat_map(|image| &image.layers);
    let known: Vec<&LayerFiles> = (all.zip(layers.iter().flatten()))
        .filter(|(layer, _)| counted.insert(&layer.diff_id))
        .filter_map(|(_, files)| files.as_deref())
        .collect();
    let unseen: u64 = known.iter().map(|files| files.unseen).sum();
    if unseen > 0 {
        notes.push(format!(
            "the image has very many files: {unseen} of them were counted, but not compared with others"
        ));
    }
    let too_long: u64 = known.iter().map(|files| files.too_long).sum();
    if too_long > 0 {
        notes.push(format!(
            "files with a path of more than {MAX_PATH} bytes, which Linux does not open, were counted, but not compared with others: {too_long}"
        ));
    }
    let sharing = Sharing::of(&contents.images, &platforms);
    let waste = sharing::waste(&sharing, top);
    let analysis = Analysis {
        version: 1,
        image: look.input.path.display().to_string(),
        names: contents.names.clone(),
        platforms,
        sharing,
        waste,
        notes,
    };
    Ok((analysis, looked))
}

/// What is in the layers of an image; nothing is known of those that are no layers of files.
fn layers_of(image: &Image, survey: &Survey) -> Result<Vec<Option<Arc<LayerFiles>>>, Error> {
    let files = |layer: &crate::image::Layer| {
        let (Some(diff_id), Some(_)) = (&layer.diff_id, layer.encoding) else {
            return Ok(None);
        };
        match survey.layer(diff_id) {
            Some(Ok(files)) => Ok(Some(files)),
            Some(Err(problem)) => Err(Error::Corrupt {
                input: layer.blob.input.to_string(),
                what: format!("layer {:?}", &*layer.blob.name),
                problem,
            }),
            None => Ok(None),
        }
    };
    image.layers.iter().map(files).collect()
}

fn platform(
    image: &Image,
    layers: &[Option<Arc<LayerFiles>>],
    looked: &Looked,
    paths: &Paths,
    top: usize,
) -> PlatformAnalysis {
    let mut groups: HashMap<Node, PathAnalysis> = HashMap::new();
    // A layer that is there twice has its files once; what is on top counts.
    let mut seen = HashSet::new();
    let mut once: Vec<(usize, &LayerFiles)> = (layers.iter().enumerate().rev())
        .filter_map(|(i, files)| Some((i, &**files.as_ref()?)))
        .filter(|(i, _)| seen.insert(&image.layers[*i].diff_id))
        .collect();
    once.reverse();
    for (i, files) in &once {
        for (node, group) in &files.groups {
            let found = groups.entry(*node).or_insert_with(|| PathAnalysis {
                path: paths.show(*node),
                size: 0,
                files: 0,
                layers: Vec::new(),
                digest: 0,
            });
            found.size = sum([found.size, group.size]);
            found.files += group.files;
            found.digest = found.digest.wrapping_add(group.digest);
            let part = Part {
                layer: *i,
                size: group.size,
            };
            found.layers.push(part);
        }
    }
    let mut groups: Vec<PathAnalysis> = groups.into_values().collect();
    groups.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
    let infos: Vec<LayerAnalysis> = (image.layers.iter().zip(layers))
        .map(|(layer, files)| LayerAnalysis {
            digest: layer.blob.descriptor.digest.clone(),
            diff_id: layer.diff_id.clone(),
            size: layer.blob.descriptor.size,
            uncompressed: looked.uncompressed(layer),
            files: files.as_ref().map_or(0, |files| files.count),
            file_size: files.as_ref().map_or(0, |files| files.size),
        })
        .collect();
    PlatformAnalysis {
        platform: image.platform.to_string(),
        size: sum(infos.iter().map(|layer| layer.size)),
        uncompressed: sum(infos.iter().filter_map(|layer| layer.uncompressed)),
        files: once.iter().map(|(_, files)| files.count).sum(),
        layers: infos,
        packages: packages(&groups),
        paths: groups,
        waste: waste::find(&once, paths, top),
    }
}

fn packages(paths: &[PathAnalysis]) -> Vec<Package> {
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    for path in paths {
        let Some(name) = store_name(&path.path) else {
            continue;
        };
        let (name, version) = package(name);
        let package = packages.entry(name.clone()).or_default();
        package.name = name;
        package.size = sum([package.size, path.size]);
        package.paths += 1;
        if !version.is_empty() && !package.versions.contains(&version) {
            package.versions.push(version);
        }
    }
    let mut packages: Vec<Package> = packages.into_values().collect();
    packages
        .iter_mut()
        .for_each(|package| package.versions.sort());
    // By name already.
    packages.sort_by_key(|package| std::cmp::Reverse(package.size));
    packages
}
