//! Bytes that one platform's image need not have, and what to do about them.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::content::Content;
use super::heap::Heap;
use super::names::{self, Kind};
use super::paths::{Node, Paths, ROOT};
use super::survey::{File, LayerFiles};
use super::view::{Hidden, View};

/// How many paths of one item are listed.
const MAX_PATHS: usize = 10;

/// Bytes that need not be there, of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waste {
    /// A word for programs, such as `copied-from-store`.
    pub kind: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// The bytes, without compression.
    pub bytes: u64,
    /// How many items there are.
    pub count: usize,
    /// The largest of them, largest first.
    pub items: Vec<Item>,
}

/// A file that need not be there, or a group of files that are the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What could be saved.
    pub bytes: u64,
    /// What it is: a path, or several of the same content. At most ten of them are listed.
    pub paths: Vec<String>,
    /// How many paths there are.
    pub count: usize,
    /// The position of the layer that has it, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<usize>,
    /// The position of the layer that hides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_by: Option<usize>,
    /// The platforms that have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
}

/// Finds what an image of these layers (bottom first, each once) need not have; `top` is how many
/// items are listed of each kind.
pub fn find(layers: &[(usize, &LayerFiles)], paths: &Paths, top: usize) -> Vec<Waste> {
    let mut view = View::new(paths);
    let [mut overwritten, mut deleted, mut repeated] = [(); 3].map(|()| Heap::new(top));
    // Hard links that stay, by the file that they are another name of.
    let mut links: HashMap<Node, Node> = HashMap::new();
    let mut visible: Vec<File> =
        Vec::with_capacity(layers.iter().map(|(_, l)| l.files.len()).sum());
    for (position, layer) in layers.iter().rev() {
        view.descend(*position);
        for (link, target) in &layer.links {
            if view.hidden(*link).is_none() {
                links.entry(*target).or_insert(*link);
            }
        }
        // The last of several entries of a path is the one that counts.
        for file in layer.files.iter().rev() {
            let link = links.remove(&file.path);
            let hidden = view.hidden(file.path);
            view.put(file.path);
            let (heap, by) = match (hidden, link) {
                (None, _) => {
                    visible.push(*file);
                    continue;
                }
                // The file is still there, under its other name.
                (Some(_), Some(path)) => {
                    visible.push(File { path, ..*file });
                    continue;
                }
                (Some(Hidden::Overwritten(by)), None) => (&mut overwritten, Some(by)),
                (Some(Hidden::Deleted(by)), None) => (&mut deleted, Some(by)),
                (Some(Hidden::Repeated), None) => (&mut repeated, None),
            };
            heap.push(file.size, (file.path, *position, by));
        }
        for (node, mark) in &layer.marks {
            view.mark(*node, *mark);
        }
    }
    let mut found = duplicates(&mut visible, paths, top);
    let item = |bytes, (path, layer, hidden_by): (Node, usize, Option<usize>)| Item {
        bytes,
        paths: vec![paths.show(path)],
        count: 1,
        layer: Some(layer),
        hidden_by,
        ..Item::default()
    };
    found.push(overwritten.finish(&OVERWRITTEN, item));
    found.push(deleted.finish(&DELETED, item));
    found.push(repeated.finish(&REPEATED, item));
    let symbols = layers.iter().flat_map(|(_, layer)| &layer.symbols);
    let symbols = symbols.map(|(content, bytes)| (*content, *bytes)).collect();
    found.extend(seldom_needed(&visible, &symbols, paths, &view, top));
    found.retain(|waste| waste.count > 0);
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.kind.cmp(b.kind)));
    found
}

/// What a kind of waste is called, and what helps.
pub struct Words {
    pub kind: &'static str,
    pub title: &'static str,
    pub advice: &'static str,
}

const COPIED: Words = Words {
    kind: "copied-from-store",
    title: "files that are in the store and copied out of it",
    advice: "link instead of copying: copyToRoot = pkgs.buildEnv { name = \"root\"; paths = [ … ]; pathsToLink = [ \"/bin\" ]; } has symbolic links into the store; or name the copy (Cmd = [ \"/bin/…\" ]), so that nothing refers to the store path",
};
const DUPLICATES: Words = Words {
    kind: "duplicates",
    title: "files of the same content under several paths",
    advice: "two versions or variants of a package: let everything use one (nix why-depends tells who wants the other); otherwise make one a link to the other",
};
const OVERWRITTEN: Words = Words {
    kind: "overwritten",
    title: "files that a later layer overwrites",
    advice: "each layer is stored and sent whole: leave the file out of the earlier layer, or make both one layer",
};
const DELETED: Words = Words {
    kind: "deleted",
    title: "files that a later layer deletes",
    advice: "a deleted file is still stored and sent: delete it in the layer that makes it, or do not take it in",
};
const REPEATED: Words = Words {
    kind: "repeated",
    title: "files that are in one layer twice",
    advice: "a tar keeps every entry of a path, and the last one counts: write the layer's tar anew instead of appending to it",
};
const KINDS: [(Kind, Words); 6] = [
    (
        Kind::Debug,
        Words {
            kind: "debug-symbols",
            title: "debug symbols: files of them, and what `strip` takes out of programs",
            advice: "leave the `debug` outputs out, or strip what is built (dontStrip = false; strip = true in Cargo's profile; -ldflags=-s for Go)",
        },
    ),
    (
        Kind::StaticLibrary,
        Words {
            kind: "static-libraries",
            title: "static libraries",
            advice: "only building needs them: refer to the `out` or `lib` output of a package, not to `dev` or `static`",
        },
    ),
    (
        Kind::Header,
        Words {
            kind: "headers",
            title: "headers",
            advice: "only building needs them: find out who refers to the `dev` output (nix why-depends) and use `lib` or `out`",
        },
    ),
    (
        Kind::Documentation,
        Words {
            kind: "documentation",
            title: "manual pages and other documentation",
            advice: "leave the `man`, `doc` and `info` outputs out: with buildEnv by extraOutputsToInstall = [ ] and pathsToLink",
        },
    ),
    (
        Kind::Locale,
        Words {
            kind: "locales",
            title: "translations and locale data",
            advice: "take glibcLocales.override { allLocales = false; locales = [ … ]; }, or none where the C locale will do",
        },
    ),
    (
        Kind::Pyc,
        Words {
            kind: "python-bytecode",
            title: "compiled Python beside its source",
            advice: "Python compiles what it needs; leave out __pycache__ unless it saves you time at the start (PYTHONDONTWRITEBYTECODE=1 when building)",
        },
    ),
];

/// Files of the same content.
fn duplicates(visible: &mut [File], paths: &Paths, top: usize) -> Vec<Waste> {
    let key = |file: &File| (file.size, file.content);
    visible.sort_unstable_by_key(key);
    let mut copied = Heap::new(top);
    let mut others = Heap::new(top);
    let mut in_store = InStore::new(paths);
    for same in visible.chunk_by(|a, b| key(a) == key(b)) {
        if same.len() < 2 {
            continue;
        }
        let bytes = same[0].size.saturating_mul(same.len() as u64 - 1);
        let stored = same.iter().filter(|file| in_store.has(file.path)).count();
        let heap = if stored > 0 && stored < same.len() {
            &mut copied
        } else {
            &mut others
        };
        heap.push(bytes, same);
    }
    let item = |bytes, same: &[File]| Item {
        bytes,
        paths: first(same, paths),
        count: same.len(),
        ..Item::default()
    };
    vec![
        copied.finish(&COPIED, item),
        others.finish(&DUPLICATES, item),
    ]
}

/// The first paths of some, by name.
fn first(same: &[File], paths: &Paths) -> Vec<String> {
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

/// Tells which paths are in the store.
struct InStore<'a> {
    paths: &'a Paths,
    stores: [Option<Node>; 2],
    /// By directory.
    known: HashMap<Node, bool>,
}

impl<'a> InStore<'a> {
    fn new(paths: &'a Paths) -> Self {
        let store = |name: &[u8]| paths.child(paths.child(ROOT, name)?, b"store");
        Self {
            paths,
            stores: [store(b"nix"), store(b"gnu")],
            known: HashMap::new(),
        }
    }

    fn has(&mut self, path: Node) -> bool {
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

/// Files that few images need, by what they are.
fn seldom_needed(
    visible: &[File],
    symbols: &HashMap<Content, u64>,
    paths: &Paths,
    view: &View<'_>,
    top: usize,
) -> Vec<Waste> {
    let mut heaps: BTreeMap<Kind, Heap<Node>> = BTreeMap::new();
    for file in visible {
        if let (Some(symbols), Kind::Other) = (symbols.get(&file.content), file.kind) {
            let heap = heaps.entry(Kind::Debug).or_insert_with(|| Heap::new(top));
            heap.push(*symbols, file.path);
            continue;
        }
        if file.kind == Kind::Other || (file.kind == Kind::Pyc && !has_source(file, paths, view)) {
            continue;
        }
        let heap = heaps.entry(file.kind).or_insert_with(|| Heap::new(top));
        heap.push(file.size, file.path);
    }
    let item = |bytes, path| Item {
        bytes,
        paths: vec![paths.show(path)],
        count: 1,
        ..Item::default()
    };
    let mut found = Vec::new();
    for (kind, words) in &KINDS {
        found.extend(heaps.remove(kind).map(|heap| heap.finish(words, item)));
    }
    found
}

fn has_source(file: &File, paths: &Paths, view: &View<'_>) -> bool {
    let Some((name, is_above)) = names::source_of(paths.name(file.path)) else {
        return false;
    };
    let directory = paths.parent(file.path);
    let directory = if is_above {
        paths.parent(directory)
    } else {
        directory
    };
    paths
        .child(directory, &name)
        .is_some_and(|source| view.has(source))
}
