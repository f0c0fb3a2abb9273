//! Files that a container does not see, because later entries hide them.

use std::collections::HashMap;

use super::item::{Waste, WasteItem, WasteKind};
use super::largest::Largest;
use crate::analyze::layer_files::{FileRecord, LayerFiles};
use crate::analyze::overlay::{Hidden, Overlay};
use crate::analyze::paths::{PathId, PathTree};

const OVERWRITTEN: WasteKind = WasteKind::new(
    "overwritten",
    "files that a later layer overwrites",
    "each layer is stored and sent whole: leave the file out of the earlier layer, or make both one layer",
);
const DELETED: WasteKind = WasteKind::new(
    "deleted",
    "files that a later layer deletes",
    "a deleted file is still stored and sent: delete it in the layer that creates it, or do not add it",
);
const REPEATED: WasteKind = WasteKind::new(
    "repeated",
    "files that are in one layer twice",
    "a tar keeps every entry of a path, and the last one counts: create the layer's tar again instead of appending to it",
);

/// The files that a container sees.
pub struct VisibleFiles<'a> {
    pub files: Vec<FileRecord>,
    pub overlay: Overlay<'a>,
}

/// Finds the hidden files of these layers (bottom first, each once), and the visible ones.
pub fn find<'a>(
    layers: &[(usize, &LayerFiles)],
    paths: &'a PathTree,
    top: usize,
) -> (Vec<Waste>, VisibleFiles<'a>) {
    let mut overlay = Overlay::new(paths);
    let [mut overwritten, mut deleted, mut repeated] = [(); 3].map(|()| Largest::new(top));
    // Visible hard links, by the file that they are another name of.
    let mut links: HashMap<PathId, PathId> = HashMap::new();
    let mut visible: Vec<FileRecord> =
        Vec::with_capacity(layers.iter().map(|(_, l)| l.files.len()).sum());
    for (position, layer) in layers.iter().rev() {
        overlay.descend(*position);
        for (link, target) in &layer.links {
            if overlay.hidden_by(*link).is_none() {
                links.entry(*target).or_insert(*link);
            }
        }
        // The last of several entries of a path counts.
        for file in layer.files.iter().rev() {
            let link = links.remove(&file.path);
            let hidden = overlay.hidden_by(file.path);
            overlay.add_file(file.path);
            let (waste, by) = match (hidden, link) {
                (None, _) => {
                    visible.push(*file);
                    continue;
                }
                // The file is still there, under its other name.
                (Some(_), Some(path)) => {
                    visible.push(FileRecord { path, ..*file });
                    continue;
                }
                (Some(Hidden::Overwritten(by)), None) => (&mut overwritten, Some(by)),
                (Some(Hidden::Deleted(by)), None) => (&mut deleted, Some(by)),
                (Some(Hidden::Repeated), None) => (&mut repeated, None),
            };
            waste.push(file.size, (file.path, *position, by));
        }
        for (path, mark) in &layer.marks {
            overlay.mark(*path, *mark);
        }
    }
    let item = |bytes, (path, layer, hidden_by): (PathId, usize, Option<usize>)| WasteItem {
        bytes,
        paths: vec![paths.show(path)],
        count: 1,
        layer: Some(layer),
        hidden_by,
        ..WasteItem::default()
    };
    let found = vec![
        overwritten.finish(&OVERWRITTEN, item),
        deleted.finish(&DELETED, item),
        repeated.finish(&REPEATED, item),
    ];
    let files = visible;
    (found, VisibleFiles { files, overlay })
}
