//! The NAR of store paths whose entries come in another order, or from several layers: the layers are read
//! again, and the contents of these store paths are kept in temporary files until they can be sorted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::names;
use super::nar::NarInfo;
use super::nar_stream::NarStream;
use crate::bytes::{LayerObserver, LayerStream, OnVerified};
use crate::load::FoundInLayers;
use crate::oci::DiffId;
use crate::tar::{EntryKind, LayerEntry, TarError, Whiteout, clean, walk, whiteout};

/// The number of entries that all rebuilt store paths of an image may have, which bounds the memory.
const MAX_ENTRIES: usize = 2_000_000;

/// Keeps the entries of some store paths.
pub struct Rebuilder {
    roots: HashSet<String>,
    layers: FoundInLayers<KeptLayer>,
}

/// The entries of a layer that belong to these store paths.
#[derive(Default)]
pub struct KeptLayer {
    changes: HashMap<String, Vec<(Vec<u8>, Change)>>,
    contents: Option<Arc<File>>,
}

#[derive(Clone)]
enum Change {
    Delete(Whiteout),
    Directory,
    Symlink(Vec<u8>),
    /// The path of a file in the same store path.
    HardLink(Vec<u8>),
    File(Content),
    /// Something that a NAR does not have.
    Foreign,
}

/// The content of a file in a temporary file.
#[derive(Clone)]
struct Content {
    is_executable: bool,
    offset: u64,
    size: u64,
}

/// The files, links and directories of a store path by [`key`], which sorts them as a NAR does.
type Tree = BTreeMap<Vec<u8>, Node>;

enum Node {
    Directory,
    Symlink(Vec<u8>),
    File(Content, Arc<File>),
    Foreign,
}

impl Rebuilder {
    /// Returns an observer that keeps these store paths.
    pub fn new(roots: HashSet<String>) -> Self {
        Self {
            roots,
            layers: FoundInLayers::default(),
        }
    }

    /// Returns the NAR of a store path in layers on top of each other, bottom first; none if it has
    /// something that a NAR does not have.
    pub fn nar(&self, root: &str, layers: &[&DiffId]) -> Result<Option<NarInfo>, TarError> {
        let mut tree = Tree::new();
        for diff_id in layers {
            let Some(layer) = self.layers.get(diff_id)? else {
                return Ok(None);
            };
            if layer.apply(root, &mut tree).is_none() {
                return Ok(None);
            }
        }
        Ok(hash(&tree)?)
    }

    fn read(&self, layer: &mut dyn LayerStream) -> Result<KeptLayer, TarError> {
        let mut kept = KeptLayer::default();
        let mut count = 0;
        let mut contents: Option<(File, u64)> = None;
        walk(layer, |entry| {
            let name = entry.path().into_owned();
            let Some(path) = clean(&name) else {
                return Ok(());
            };
            let deleted = whiteout(&path);
            let named = deleted.as_ref().map_or(&*path, |(_, path)| path);
            let Some((root, inner)) = names::split(named) else {
                return Ok(());
            };
            if !self.roots.contains(root) || (deleted.is_some() && inner.is_empty()) {
                return Ok(());
            }
            count += 1;
            if count > MAX_ENTRIES {
                return Err(io::Error::other(format!(
                    "more than {MAX_ENTRIES} files of store paths that are not sorted"
                )));
            }
            let change = match deleted {
                Some((kind, _)) => Change::Delete(kind),
                None => change(root, entry, &mut contents)?,
            };
            let changes = kept.changes.entry(root.to_owned()).or_default();
            changes.push((inner.to_vec(), change));
            Ok(())
        })?;
        kept.contents = contents.map(|(file, _)| Arc::new(file));
        Ok(kept)
    }
}

/// Returns the change that an entry makes to a store path; appends its content to `contents`.
fn change(
    root: &str,
    entry: &mut LayerEntry<'_, '_>,
    contents: &mut Option<(File, u64)>,
) -> io::Result<Change> {
    Ok(match entry.kind() {
        EntryKind::Directory => Change::Directory,
        EntryKind::SymbolicLink => {
            Change::Symlink(entry.link_target().unwrap_or_default().into_owned())
        }
        EntryKind::HardLink => {
            let target = entry.link_target().unwrap_or_default().into_owned();
            let target = clean(&target);
            let inner = target.as_deref().and_then(names::split);
            match inner.filter(|(other, _)| *other == root) {
                Some((_, inner)) => Change::HardLink(inner.to_vec()),
                None => Change::Foreign,
            }
        }
        EntryKind::File if !entry.is_sparse() => {
            if contents.is_none() {
                *contents = Some((tempfile::tempfile()?, 0));
            }
            let Some((file, end)) = contents else {
                return Ok(Change::Foreign);
            };
            let is_executable = entry.is_owner_executable();
            let (offset, expected) = (*end, entry.size());
            let size = io::copy(entry, file)?;
            if size != expected {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            *end += size;
            Change::File(Content {
                is_executable,
                offset,
                size,
            })
        }
        _ => Change::Foreign,
    })
}

impl KeptLayer {
    /// Applies the layer to the store path of the layers below; none if it cannot be.
    fn apply(&self, root: &str, tree: &mut Tree) -> Option<()> {
        let changes = self.changes.get(root)?;
        // Whiteouts are about the layers below, wherever they are in the layer.
        for (path, change) in changes {
            match change {
                Change::Delete(Whiteout::Name) => remove(tree, &key(path), true),
                Change::Delete(Whiteout::Contents) => remove(tree, &key(path), false),
                _ => {}
            }
        }
        for (path, change) in changes {
            let node = match change {
                Change::Delete(_) => continue,
                Change::Directory => Node::Directory,
                Change::Symlink(target) => Node::Symlink(target.clone()),
                Change::File(content) => Node::File(content.clone(), self.contents.clone()?),
                Change::HardLink(target) => match tree.get(&key(target))? {
                    Node::File(content, file) => Node::File(content.clone(), file.clone()),
                    _ => return None,
                },
                Change::Foreign => Node::Foreign,
            };
            put(tree, key(path), node);
        }
        Some(())
    }
}

/// Returns a path whose order is that of a NAR: a zero, which no name has, sorts before all others.
fn key(path: &[u8]) -> Vec<u8> {
    let byte = |b: &u8| if *b == b'/' { 0 } else { *b };
    path.iter().map(byte).collect()
}

/// Puts a node at a path. A directory joins one that is there; everything else replaces what is there.
fn put(tree: &mut Tree, key: Vec<u8>, node: Node) {
    let is_directory = |node: &Node| matches!(node, Node::Directory);
    // What is above it becomes a directory.
    let ends = (0..key.len()).filter(|end| *end == 0 || key[*end] == 0);
    for end in ends {
        if tree
            .get(&key[..end])
            .is_some_and(|above| !is_directory(above))
        {
            tree.remove(&key[..end]);
        }
    }
    if !is_directory(&node) {
        remove(tree, &key, true);
    }
    tree.insert(key, node);
}

/// Removes what is below a path, and also what is at the path if `itself` is true.
fn remove(tree: &mut Tree, key: &[u8], itself: bool) {
    let start = match key {
        [] => Vec::new(),
        key => [key, &[0]].concat(),
    };
    let below = tree.range(start.clone()..).map(|(other, _)| other);
    let below: Vec<Vec<u8>> = below
        .take_while(|other| other.starts_with(&start))
        .filter(|other| !other.is_empty())
        .cloned()
        .collect();
    for other in below {
        tree.remove(&other);
    }
    if itself {
        tree.remove(key);
    }
}

/// Returns the NAR of a tree; none if it has something that a NAR does not have.
fn hash(tree: &Tree) -> io::Result<Option<NarInfo>> {
    let mut nar = NarStream::default();
    let mut chunk = vec![0; 64 << 10];
    for (key, node) in tree {
        let byte = |b: &u8| if *b == 0 { b'/' } else { *b };
        let path: Vec<u8> = key.iter().map(byte).collect();
        let added = match node {
            Node::Directory => nar.directory(&path),
            Node::Symlink(target) => nar.symlink(&path, target),
            Node::File(content, _) => nar.file(&path, content.is_executable, content.size),
            Node::Foreign => return Ok(None),
        };
        if added.is_err() {
            return Ok(None);
        }
        if let Node::File(content, file) = node {
            let (mut at, end) = (content.offset, content.offset + content.size);
            while at < end {
                let want = chunk
                    .len()
                    .min(usize::try_from(end - at).unwrap_or(usize::MAX));
                file.read_exact_at(&mut chunk[..want], at)?;
                nar.content(&chunk[..want]);
                at += want as u64;
            }
            nar.end_file(content.size);
        }
    }
    Ok((!tree.is_empty()).then(|| nar.finish()))
}

impl LayerObserver for Rebuilder {
    fn observe<'a>(&'a self, layer: &mut dyn LayerStream) -> OnVerified<'a> {
        let kept = self.read(layer);
        Box::new(move |diff_id, _| {
            self.layers.insert(diff_id, kept);
        })
    }
}
