//! Files of the same content under several paths.

use std::collections::HashMap;

use super::item::{Waste, WasteItem, WasteKind};
use super::largest::Largest;
use crate::analyze::layer_files::FileRecord;
use crate::analyze::paths::{PathId, PathTree, ROOT};

/// The number of paths that are listed for one item.
const MAX_PATHS: usize = 10;

const COPIED: WasteKind = WasteKind::new(
    "copied-from-store",
    "files that are in the store and copied out of it",
    "link instead of copying: copyToRoot = pkgs.buildEnv { name = \"root\"; paths = [ … ]; pathsToLink = [ \"/bin\" ]; } has symbolic links into the store; or name the copy (Cmd = [ \"/bin/…\" ]), so that nothing refers to the store path",
);
const DUPLICATES: WasteKind = WasteKind {
    kind: "duplicates",
    title: "files of the same content under several paths",
    advice: "keep one copy, and make the others links to it; COPY --link or a chown in a separate layer copies files as well",
    nix_advice: "two versions or variants of a package: use one of them everywhere (nix why-depends shows what refers to the other); otherwise make one a link to the other",
};

/// Finds files of the same content.
pub fn find(visible: &mut [FileRecord], paths: &PathTree, is_nix: bool, top: usize) -> Vec<Waste> {
    let key = |file: &FileRecord| (file.size, file.content);
    visible.sort_unstable_by_key(key);
    let mut copied = Largest::new(top);
    let mut others = Largest::new(top);
    let mut in_store = InStore::new(paths);
    for same in visible.chunk_by(|a, b| key(a) == key(b)) {
        if same.len() < 2 {
            continue;
        }
        let bytes = same[0].size.saturating_mul(same.len() as u64 - 1);
        let stored = same
            .iter()
            .filter(|file| in_store.contains(file.path))
            .count();
        let waste = if stored > 0 && stored < same.len() {
            &mut copied
        } else {
            &mut others
        };
        waste.push(bytes, same);
    }
    let item = |bytes, same: &[FileRecord]| WasteItem {
        bytes,
        paths: first(same, paths),
        count: same.len(),
        ..WasteItem::default()
    };
    vec![
        copied.finish(&COPIED, item),
        others.finish(&DUPLICATES.advised(is_nix), item),
    ]
}

/// Returns the first paths of some files, by name.
fn first(same: &[FileRecord], paths: &PathTree) -> Vec<String> {
    let mut first: Vec<String> = Vec::with_capacity(MAX_PATHS + 1);
    for file in same {
        let path = paths.show(file.path);
        let place = first.partition_point(|known| *known < path);
        if place < MAX_PATHS {
            first.insert(place, path);
            first.truncate(MAX_PATHS);
        }
    }
    first
}

/// Decides which paths are in a store.
struct InStore<'a> {
    paths: &'a PathTree,
    stores: [Option<PathId>; 2],
    /// By directory.
    known: HashMap<PathId, bool>,
}

impl<'a> InStore<'a> {
    fn new(paths: &'a PathTree) -> Self {
        let store = |name: &[u8]| paths.child(paths.child(ROOT, name)?, b"store");
        Self {
            paths,
            stores: [store(b"nix"), store(b"gnu")],
            known: HashMap::new(),
        }
    }

    fn contains(&mut self, path: PathId) -> bool {
        let directory = self.paths.parent(path);
        if let Some(known) = self.known.get(&directory) {
            return *known;
        }
        let mut node = directory;
        while node != ROOT && !self.stores.contains(&Some(node)) {
            node = self.paths.parent(node);
        }
        let found = node != ROOT;
        self.known.insert(directory, found);
        found
    }
}
