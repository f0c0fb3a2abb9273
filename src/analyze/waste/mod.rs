//! Bytes that an image does not need, and how to avoid them.

mod duplicates;
mod hidden;
mod item;
mod largest;
mod platforms;
mod seldom_needed;

use std::collections::HashMap;

use super::content::ContentHash;
use super::layer_files::{FileRecord, LayerFiles};
use super::paths::PathTree;
use crate::util::text::sum;
use hidden::VisibleFiles;

pub use item::{Waste, WasteItem};
pub use platforms::between_platforms;

/// Finds the waste of an image of these layers (bottom first, each once), and how many bytes all of it has;
/// a file of several kinds counts once. `is_nix` chooses the advice, `top` is how many items are listed of
/// each kind.
pub fn find(
    layers: &[(usize, &LayerFiles)],
    paths: &PathTree,
    is_nix: bool,
    top: usize,
) -> (Vec<Waste>, u64) {
    let (mut found, mut visible) = hidden::find(layers, paths, top);
    let hidden = found.iter().map(|waste| waste.bytes);
    let hidden = sum(hidden);
    found.extend(duplicates::find(&mut visible.files, paths, is_nix, top));
    let symbols = layers.iter().flat_map(|(_, layer)| &layer.symbols);
    let symbols = symbols.map(|(content, bytes)| (*content, *bytes)).collect();
    found.extend(seldom_needed::find(&visible, &symbols, paths, is_nix, top));
    found.retain(|waste| waste.count > 0);
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.kind.cmp(b.kind)));
    let avoidable = sum([hidden, avoidable(&visible, &symbols, paths)]);
    (found, avoidable)
}

/// The bytes that visible files, which `duplicates` has sorted by content, do not need: all copies of a
/// content but one, and that one too where few images need any of them.
fn avoidable(
    visible: &VisibleFiles<'_>,
    symbols: &HashMap<ContentHash, u64>,
    paths: &PathTree,
) -> u64 {
    let same = visible
        .files
        .chunk_by(|a, b| (a.size, a.content) == (b.size, b.content));
    sum(same.map(|files| {
        let FileRecord { size, content, .. } = files[0];
        let is_needed =
            |file: &FileRecord| seldom_needed::category(file, paths, &visible.overlay).is_none();
        let copies = size.saturating_mul(files.len() as u64 - 1);
        let last = match files.iter().any(is_needed) {
            true => symbols.get(&content).copied().unwrap_or(0),
            false => size,
        };
        sum([copies, last])
    }))
}
