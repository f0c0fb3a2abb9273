//! The layers of each image on top of each other: the store paths and other files that a container has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::layer_record::{LayerRecord, Recorded, RecordedEntry};
use super::merged::MergedTree;
use super::names;
use super::nar::NarInfo;
use super::packages::{Claim, FileFindings, OsRelease, is_searched_by_name};
use super::rebuilt::{FoundIn, RebuiltPath};
use super::references::PathHash;
use super::report::{OtherFile, OtherFiles};
use crate::util::text::sum;

/// The number of files outside of components that are listed by name.
pub const MAX_LISTED: usize = 100;

/// What was found in the layers of an image, bottom first.
pub type Records = Vec<Option<Arc<LayerRecord>>>;

/// What an image has.
#[derive(Default)]
pub struct Stack {
    /// By store path, relative to the root directory.
    pub store: BTreeMap<String, StackedPath>,
    records: Records,
    /// Files outside of store paths, sorted by their paths.
    files: Vec<FileAt>,
    /// Files outside of store paths that say something about packages.
    findings: Vec<FoundIn>,
    /// Hard links outside of store paths whose content is to be searched by their names.
    links: Vec<EntryAt>,
}

/// A store path of an image.
pub struct StackedPath {
    /// The positions of the layers that have a part of it, bottom first.
    pub layers: Vec<usize>,
    pub size: u64,
    pub nar: Option<NarInfo>,
    /// Whether the layers must be read again to know it.
    pub is_open: bool,
    pub foreign: Option<&'static str>,
    pub hashes: HashSet<PathHash>,
    findings: Vec<FoundIn>,
}

/// What reading the layers again has found.
#[derive(Clone, Default)]
pub struct SecondPass {
    /// The store paths that were open; `None` if the container does not have one.
    pub paths: Vec<(String, Option<RebuiltPath>)>,
    /// The hard links that were searched by their names, and whether each is a file.
    pub links: Vec<(Vec<u8>, bool)>,
    pub findings: Vec<FoundIn>,
}

/// The positions of a layer and of an entry in it.
type EntryAt = (usize, usize);

/// A file outside of store paths.
#[derive(Clone, Copy)]
struct FileAt {
    name: EntryAt,
    /// The entry with its content, which for a hard link is another one; none if that is in a store path.
    content: Option<EntryAt>,
}

/// What is at a path that is not a directory.
enum Leaf {
    /// A store path, with the positions of its layers.
    Store(Vec<usize>),
    File(FileAt),
    Other,
}

impl Stack {
    /// Puts the layers of an image on top of each other.
    pub fn of(records: &Records) -> Self {
        let mut tree = MergedTree::default();
        for (position, record) in records.iter().enumerate() {
            if let Some(record) = record {
                apply(record, position, &mut tree);
            }
        }
        let mut stack = Self {
            records: records.clone(),
            ..Self::default()
        };
        let contradictions = std::mem::take(&mut tree.contradictions);
        for (path, leaf) in tree.into_leaves() {
            match leaf {
                Leaf::File(file) => stack.files.push(file),
                Leaf::Other => {}
                Leaf::Store(layers) => {
                    if let Ok(root) = std::str::from_utf8(path) {
                        let mut stacked = StackedPath::of(records, root, layers);
                        if contradictions.concern(path) {
                            (stacked.nar, stacked.is_open) = (None, true);
                        }
                        stack.store.insert(root.to_owned(), stacked);
                    }
                }
            }
        }
        stack.search_files();
        stack
    }

    fn entry(&self, (layer, entry): EntryAt) -> Option<&RecordedEntry> {
        self.records[layer].as_ref()?.entries.get(entry)
    }

    fn path(&self, at: EntryAt) -> &[u8] {
        self.entry(at).map_or(&[], |entry| &entry.path)
    }

    /// Collects what the files outside of store paths say about packages.
    fn search_files(&mut self) {
        let (mut findings, mut links, mut shared) = (Vec::new(), Vec::new(), Vec::new());
        let mut searched = HashSet::new();
        for file in &self.files {
            let path = self.path(file.name);
            match file.content {
                Some(content) if content == file.name => {
                    if let Some(found) = self.found(content, path) {
                        searched.insert(content);
                        findings.push(found);
                    }
                }
                // Its content is searched by another name.
                _ if is_searched_by_name(path) => links.push(file.name),
                Some(content) if is_searched_by_name(self.path(content)) => {}
                Some(content) => shared.push((content, file.name)),
                None => links.push(file.name),
            }
        }
        // A program is one program, whatever its names.
        for (content, name) in shared {
            if searched.insert(content) {
                findings.extend(self.found(content, self.path(name)));
            }
        }
        (self.findings, self.links) = (findings, links);
    }

    /// Returns the findings of an entry, under a path.
    fn found(&self, at: EntryAt, path: &[u8]) -> Option<FoundIn> {
        match &self.entry(at)?.kind {
            Recorded::File { findings, .. } => Some((at.0, path.to_vec(), findings.clone()?)),
            _ => None,
        }
    }

    /// Returns the paths of hard links that are to be searched.
    pub fn links(&self) -> impl Iterator<Item = &[u8]> {
        self.links.iter().map(|at| self.path(*at))
    }

    /// Notes that hard links cannot be searched by their names.
    pub fn skip_links(&mut self) {
        let named = self.links().filter(|path| is_searched_by_name(path));
        let skipped: Vec<FoundIn> = named
            .map(|path| {
                let skipped = "its content comes before its name, and a pipe is read only once";
                (0, path.to_vec(), Arc::new(FileFindings::skipped(skipped)))
            })
            .collect();
        self.findings.extend(skipped);
    }

    /// Adds what reading the layers again has found.
    pub fn complete(&mut self, pass: SecondPass) {
        let SecondPass {
            paths,
            links,
            findings,
        } = pass;
        self.findings.extend(findings);
        let others = links.into_iter().filter(|(_, is_file)| !is_file);
        let others: HashSet<Vec<u8>> = others.map(|(path, _)| path).collect();
        let files = std::mem::take(&mut self.files);
        let is_file = |file: &FileAt| !others.contains(self.path(file.name));
        self.files = files.into_iter().filter(is_file).collect();
        for (root, rebuilt) in paths {
            match (rebuilt, self.store.get_mut(&root)) {
                (Some(rebuilt), Some(path)) => path.replace(rebuilt),
                _ => drop(self.store.remove(&root)),
            }
        }
    }

    /// Returns the files that say something about packages, with the positions of their layers.
    pub fn findings(&self) -> impl Iterator<Item = (usize, &[u8], &FileFindings)> {
        let stored = self.store.values().flat_map(|path| &path.findings);
        let all = self.findings.iter().chain(stored);
        all.map(|(layer, path, found)| (*layer, &**path, &**found))
    }

    /// Returns the distribution that the image is made of, with its file and the position of the layer:
    /// `/etc/os-release` comes first.
    pub fn os(&self) -> Option<(usize, &[u8], &OsRelease)> {
        let all = self.findings.iter();
        let named =
            all.filter_map(|(layer, path, found)| Some((*layer, &**path, found.os.as_ref()?)));
        named.min_by_key(|(_, path, _)| *path)
    }

    /// Returns the files that belong to no component. Those whose paths have `text` are counted and listed too.
    pub fn others(&self, text: Option<&str>) -> OtherFiles {
        let claims = Claims::of(self);
        let text = text.map(str::to_lowercase);
        let mut others = OtherFiles::default();
        let mut counted = HashSet::new();
        for file in &self.files {
            let path = self.path(file.name);
            if claims.has(path) {
                continue;
            }
            others.count += 1;
            let size = match file.content.and_then(|content| self.entry(content)) {
                Some(entry) => match entry.kind {
                    Recorded::File { size, .. } => Some(size),
                    _ => None,
                },
                None => None,
            };
            if let (Some(content), Some(size)) = (file.content, size)
                && (content == file.name || counted.insert(content))
            {
                others.size = sum([others.size, size]);
            }
            let path = || format!("/{}", String::from_utf8_lossy(path));
            if others.first.len() < MAX_LISTED {
                others.first.push(path());
            }
            if text
                .as_ref()
                .is_some_and(|text| path().to_lowercase().contains(text))
            {
                others.matches += 1;
                if others.matching.len() < MAX_LISTED {
                    others.matching.push(OtherFile {
                        path: path(),
                        size,
                        layer: file.name.0,
                    });
                }
            }
        }
        others
    }
}

impl StackedPath {
    /// Returns a store path of which some layers have parts, bottom first.
    fn of(records: &Records, root: &str, layers: Vec<usize>) -> Self {
        let part = |layer: &usize| Some((*layer, records[*layer].as_ref()?.store.get(root)?));
        let parts: Vec<_> = layers.iter().filter_map(part).collect();
        let nars: BTreeSet<_> = parts.iter().map(|(_, part)| part.nar).collect();
        // The same path twice is that path.
        let nar = (nars.len() == 1).then(|| nars.first().copied().flatten());
        let nar = nar.flatten();
        let counted = match nar {
            Some(_) => &parts[parts.len() - 1..],
            None => &parts[..],
        };
        let mut findings = BTreeMap::new();
        for (layer, part) in counted {
            let found = part.findings.iter();
            findings
                .extend(found.map(|(path, found)| (path, (*layer, path.clone(), found.clone()))));
        }
        Self {
            size: counted.iter().map(|(_, part)| part.size).max().unwrap_or(0),
            nar,
            is_open: nar.is_none(),
            foreign: parts.iter().find_map(|(_, part)| part.foreign),
            hashes: counted
                .iter()
                .flat_map(|(_, part)| &part.hashes)
                .copied()
                .collect(),
            findings: findings.into_values().collect(),
            layers,
        }
    }

    fn replace(&mut self, rebuilt: RebuiltPath) {
        let layers: Vec<usize> = rebuilt.layers.into_iter().collect();
        *self = Self {
            // A store path of empty directories has no other layers.
            layers: match layers.is_empty() {
                true => std::mem::take(&mut self.layers),
                false => layers,
            },
            size: rebuilt.size,
            nar: rebuilt.nar,
            is_open: false,
            foreign: rebuilt.foreign,
            hashes: rebuilt.hashes,
            findings: rebuilt.findings,
        };
    }
}

/// Puts a layer on those below.
fn apply<'a>(record: &'a LayerRecord, layer: usize, tree: &mut MergedTree<'a, Leaf>) {
    // The target of a hard link may be what a whiteout of the same layer deletes.
    let mut below: HashMap<&[u8], Option<EntryAt>> = HashMap::new();
    for entry in &record.entries {
        if let Recorded::HardLink(target) = &entry.kind
            && let Some(Leaf::File(file)) = tree.leaf(target)
        {
            below.insert(target, file.content);
        }
    }
    for entry in &record.entries {
        if let Recorded::Whiteout(kind) = entry.kind {
            tree.delete(&entry.path, kind);
        }
    }
    for (i, entry) in record.entries.iter().enumerate() {
        let path = &*entry.path;
        let name = (layer, i);
        match &entry.kind {
            Recorded::Whiteout(_) => {}
            Recorded::Directory => tree.add_directory(path),
            Recorded::Other => tree.add(path, Leaf::Other),
            Recorded::StorePath => match tree.leaf_mut(path) {
                Some(Leaf::Store(layers)) if layers.last() == Some(&layer) => {}
                Some(Leaf::Store(layers)) => layers.push(layer),
                _ => tree.add(path, Leaf::Store(vec![layer])),
            },
            Recorded::File { .. } => {
                let content = Some(name);
                tree.add(path, Leaf::File(FileAt { name, content }));
            }
            Recorded::HardLink(target) => {
                let content = match tree.leaf(target) {
                    // Only a second pass knows the files of a store path.
                    _ if names::split(target).is_some() => Some(None),
                    Some(Leaf::File(file)) => Some(file.content),
                    Some(_) => None,
                    None => below.get(&**target).copied(),
                };
                let file = content.map(|content| Leaf::File(FileAt { name, content }));
                let leaf = file.unwrap_or(Leaf::Other);
                tree.add(path, leaf);
            }
        }
    }
}

/// The files that belong to packages.
#[derive(Default)]
struct Claims<'a> {
    files: HashSet<&'a [u8]>,
    directories: HashSet<&'a [u8]>,
}

impl<'a> Claims<'a> {
    fn of(stack: &'a Stack) -> Self {
        let mut claims = Self::default();
        for (_, path, found) in stack.findings() {
            claims.files.insert(merged(path));
            for claim in found.claims() {
                match claim {
                    Claim::File(path) => claims.files.insert(merged(path)),
                    Claim::Directory(path) => claims.directories.insert(path),
                };
            }
        }
        claims
    }

    fn has(&self, path: &[u8]) -> bool {
        let mut ends = (0..path.len()).filter(|end| path[*end] == b'/');
        let is_below =
            !self.directories.is_empty() && ends.any(|end| self.directories.contains(&path[..end]));
        is_below || (!self.files.is_empty() && self.files.contains(merged(path)))
    }
}

/// Returns a path without `usr/`: distributions link `/bin` and `/lib` to the directories there, and packages
/// may name either.
fn merged(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"usr/").unwrap_or(path)
}

/// Returns the store paths of an image by the hashes in their names.
pub fn by_hash(stack: &Stack) -> HashMap<PathHash, Vec<&str>> {
    let mut found: HashMap<PathHash, Vec<&str>> = HashMap::new();
    for root in stack.store.keys() {
        if let Ok(hash) = names::hash_of(root).as_bytes().try_into() {
            found.entry(hash).or_default().push(root);
        }
    }
    found
}
