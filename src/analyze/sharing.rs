//! The layers and store paths that the platforms of an image share, and those that they could share.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::names::store_name;
use super::report::{PathAnalysis, PlatformAnalysis};
use crate::check::consistency::without_system;
use crate::image::Image;
use crate::oci::{DiffId, Digest};
use crate::util::text::sum;

/// The layers and store paths that the platforms of an image share.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlatformSharing {
    pub layers: Vec<SharedLayer>,
    pub store_paths: Vec<SharedPath>,
    /// Different store paths of the same name: a package, built for each platform.
    pub same_name: Vec<SameName>,
    /// Compressed bytes, which a registry stores.
    pub registry: Saving,
    /// Uncompressed bytes, which a client with all platforms unpacks.
    pub client: Saving,
}

/// A layer of several platforms.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SharedLayer {
    pub diff_id: DiffId,
    pub uncompressed: u64,
    pub platforms: Vec<String>,
    /// Several where the layer was compressed differently.
    pub blobs: Vec<LayerBlob>,
}

/// A blob of a layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct LayerBlob {
    pub digest: Digest,
    pub size: u64,
}

/// A store path of several platforms.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SharedPath {
    pub path: String,
    /// The bytes of its files on the first of the platforms.
    pub size: u64,
    pub platforms: Vec<String>,
    /// Whether it has the same files on all of them.
    pub same_files: bool,
    /// Whether a layer that all of them share has all of it.
    pub same_layer: bool,
}

/// Store paths of several platforms that have the same name.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SameName {
    /// Without the hash, and without the system of a cross-compiled package.
    pub name: String,
    pub paths: Vec<NamedPath>,
}

/// A store path of one platform.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NamedPath {
    pub platform: String,
    pub path: String,
    pub size: u64,
}

/// The bytes that sharing saves.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Saving {
    /// Of all platforms.
    pub total: u64,
    /// Each part once.
    pub unique: u64,
    /// The difference.
    pub saved: u64,
}

impl Saving {
    fn of<K: Eq + std::hash::Hash>(items: impl Iterator<Item = (K, u64)>) -> Self {
        let mut seen = HashSet::new();
        let mut saving = Self::default();
        for (key, size) in items {
            saving.total = sum([saving.total, size]);
            if seen.insert(key) {
                saving.unique = sum([saving.unique, size]);
            }
        }
        saving.saved = saving.total - saving.unique;
        saving
    }
}

impl PlatformSharing {
    /// Compares `platforms`, the analyses of `images`.
    pub fn of(images: &[Image], platforms: &[PlatformAnalysis]) -> Self {
        let all = || platforms.iter().flat_map(|platform| &platform.layers);
        let paths = all_paths(platforms);
        Self {
            layers: layers(platforms),
            store_paths: store_paths(images, platforms, &paths),
            same_name: same_name(platforms, &paths),
            registry: Saving::of(all().map(|layer| (&layer.digest, layer.size))),
            client: Saving::of(
                all().filter_map(|layer| Some((layer.diff_id.as_ref()?, layer.uncompressed?))),
            ),
        }
    }
}

fn layers(platforms: &[PlatformAnalysis]) -> Vec<SharedLayer> {
    type LayerUse = (u64, BTreeSet<usize>, BTreeSet<LayerBlob>);
    let mut found: HashMap<&DiffId, LayerUse> = HashMap::new();
    for (i, platform) in platforms.iter().enumerate() {
        for layer in &platform.layers {
            let Some(diff_id) = &layer.diff_id else {
                continue;
            };
            let (size, users, blobs) = found.entry(diff_id).or_default();
            *size = layer.uncompressed.unwrap_or(0);
            users.insert(i);
            blobs.insert(LayerBlob {
                digest: layer.digest.clone(),
                size: layer.size,
            });
        }
    }
    let mut shared: Vec<SharedLayer> = (found.into_iter())
        .filter(|(_, (_, users, _))| users.len() > 1)
        .map(|(diff_id, (uncompressed, users, blobs))| SharedLayer {
            diff_id: diff_id.clone(),
            uncompressed,
            platforms: names(platforms, &users),
            blobs: blobs.into_iter().collect(),
        })
        .collect();
    shared.sort_by(|a, b| {
        let sizes = b.uncompressed.cmp(&a.uncompressed);
        sizes.then_with(|| a.diff_id.cmp(&b.diff_id))
    });
    shared
}

fn names(platforms: &[PlatformAnalysis], users: &BTreeSet<usize>) -> Vec<String> {
    users
        .iter()
        .map(|i| platforms[*i].platform.clone())
        .collect()
}

/// The store paths of all platforms: those of one place together, in the order of the platforms.
fn all_paths(platforms: &[PlatformAnalysis]) -> Vec<(usize, &PathAnalysis)> {
    let mut found = Vec::new();
    for (i, platform) in platforms.iter().enumerate() {
        let paths = platform.paths.iter();
        let stored = paths.filter(|path| store_name(&path.path).is_some());
        found.extend(stored.map(|path| (i, path)));
    }
    found.sort_unstable_by(|(i, a), (j, b)| a.path.cmp(&b.path).then(i.cmp(j)));
    found
}

fn is_same_place(a: &(usize, &PathAnalysis), b: &(usize, &PathAnalysis)) -> bool {
    a.1.path == b.1.path
}

fn store_paths(
    images: &[Image],
    platforms: &[PlatformAnalysis],
    all: &[(usize, &PathAnalysis)],
) -> Vec<SharedPath> {
    let mut shared: Vec<SharedPath> = (all.chunk_by(is_same_place))
        .filter(|users| users.len() > 1)
        .map(|users| {
            let (_, first) = users[0];
            let layers = |(i, path): &(usize, &PathAnalysis)| -> BTreeSet<Option<&DiffId>> {
                let layers = &images[*i].layers;
                let parts = path.layers.iter();
                parts.map(|part| layers[part.layer].diff_id()).collect()
            };
            SharedPath {
                path: first.path.clone(),
                size: first.size,
                platforms: names(platforms, &users.iter().map(|(i, _)| *i).collect()),
                same_files: users.iter().all(|(_, path)| path.digest == first.digest),
                same_layer: users.iter().all(|user| layers(user) == layers(&users[0])),
            }
        })
        .collect();
    shared.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
    shared
}

fn same_name(platforms: &[PlatformAnalysis], all: &[(usize, &PathAnalysis)]) -> Vec<SameName> {
    // A path of all platforms does not differ.
    let some = all.chunk_by(is_same_place);
    let some = some.filter(|users| users.len() < platforms.len()).flatten();
    let mut named: Vec<(Cow<'_, str>, usize, &PathAnalysis)> = some
        .filter_map(|(i, path)| Some((without_system(store_name(&path.path)?), *i, *path)))
        .collect();
    named.sort_unstable_by(|a, b| (&a.0, a.1, &a.2.path).cmp(&(&b.0, b.1, &b.2.path)));
    let several = |same: &&[(Cow<'_, str>, usize, &PathAnalysis)]| {
        let (_, i, first) = &same[0];
        let mut others = same.iter();
        others.any(|(_, j, other)| i != j && first.path != other.path)
    };
    let mut found: Vec<SameName> = (named.chunk_by(|a, b| a.0 == b.0))
        .filter(several)
        .map(|same| SameName {
            name: same[0].0.to_string(),
            paths: (same.iter())
                .map(|(_, i, path)| NamedPath {
                    platform: platforms[*i].platform.clone(),
                    path: path.path.clone(),
                    size: path.size,
                })
                .collect(),
        })
        .collect();
    let size = |same: &SameName| sum(same.paths.iter().map(|path| path.size));
    // They are sorted by name already.
    found.sort_by_key(|same| std::cmp::Reverse(size(same)));
    found
}
