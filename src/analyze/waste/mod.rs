//! Bytes that an image does not need, and how to avoid them.

mod duplicates;
mod hidden;
mod item;
mod largest;
mod platforms;
mod seldom_needed;

use super::layer_files::LayerFiles;
use super::paths::PathTree;

pub use item::{Waste, WasteItem};
pub use platforms::between_platforms;

/// Finds the waste of an image of these layers (bottom first, each once); `top` is how many items are
/// listed of each kind.
pub fn find(layers: &[(usize, &LayerFiles)], paths: &PathTree, top: usize) -> Vec<Waste> {
    let (mut found, mut visible) = hidden::find(layers, paths, top);
    found.extend(duplicates::find(&mut visible.files, paths, top));
    let symbols = layers.iter().flat_map(|(_, layer)| &layer.symbols);
    let symbols = symbols.map(|(content, bytes)| (*content, *bytes)).collect();
    found.extend(seldom_needed::find(&visible, &symbols, paths, top));
    found.retain(|waste| waste.count > 0);
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.kind.cmp(b.kind)));
    found
}
