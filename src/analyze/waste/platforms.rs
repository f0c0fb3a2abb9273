//! Layers and store paths that the platforms of an image could share.

use super::item::{Waste, WasteItem, WasteKind};
use super::largest::Largest;
use crate::analyze::sharing::{PlatformSharing, SharedPath};
use crate::util::text::sum;

const RECOMPRESSED: WasteKind = WasteKind::new(
    "recompressed-layers",
    "layers that are the same on several platforms, but compressed differently",
    "compress them with one tool and one setting: give polyarch the uncompressed images, or merge with --compression none and then with gzip or zstd",
);
const UNSHARED: WasteKind = WasteKind::new(
    "unshared-store-paths",
    "store paths that are the same on several platforms, but in layers that are not",
    "give each of them a separate layer: a larger maxLayers in buildLayeredImage, or one image with the paths that do not depend on the platform as fromImage of all",
);

/// Finds layers and store paths that the platforms could share, but do not.
pub fn between_platforms(sharing: &PlatformSharing, top: usize) -> Vec<Waste> {
    let mut recompressed = Largest::new(top);
    for layer in sharing.layers.iter().filter(|layer| layer.blobs.len() > 1) {
        let sizes = || layer.blobs.iter().map(|blob| blob.size);
        let least = sizes().min().unwrap_or(0);
        recompressed.push(sum(sizes()) - least, layer);
    }
    let mut unshared = Largest::new(top);
    let is_unshared = |path: &&SharedPath| path.same_files && !path.same_layer && path.size > 0;
    for path in sharing.store_paths.iter().filter(is_unshared) {
        unshared.push(
            path.size.saturating_mul(path.platforms.len() as u64 - 1),
            path,
        );
    }
    let mut found = vec![
        recompressed.finish(&RECOMPRESSED, |bytes, layer| WasteItem {
            bytes,
            paths: layer
                .blobs
                .iter()
                .map(|blob| blob.digest.to_string())
                .collect(),
            count: layer.blobs.len(),
            platforms: layer.platforms.clone(),
            ..WasteItem::default()
        }),
        unshared.finish(&UNSHARED, |bytes, path| WasteItem {
            bytes,
            paths: vec![path.path.clone()],
            count: 1,
            platforms: path.platforms.clone(),
            ..WasteItem::default()
        }),
    ];
    found.retain(|waste| waste.count > 0);
    found.sort_by_key(|waste| std::cmp::Reverse(waste.bytes));
    found
}
