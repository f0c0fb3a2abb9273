//! Store paths and files of a container, from the contents that layers on top of each other have.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::budget::Budget;
use super::layer_record;
use super::merged::{MergedTree, Node};
use super::nar::NarInfo;
use super::nar_stream::NarStream;
use super::packages::{FileFindings, FileSearch};
use super::rebuild::{Change, Content, KeptLayer, NO_TARGET};
use super::references::{PathHash, ReferenceScanner};
use crate::tar::TarError;
use crate::util::text::sum;

/// Hard links may repeat what layers have this many times, and [`REPEATED_BYTES`].
const REPEATED: u64 = 16;

const REPEATED_BYTES: u64 = 1 << 30;

const CHUNK: usize = 64 << 10;

/// The paths of a container that are rebuilt.
pub struct RebuiltTree<'a> {
    tree: MergedTree<'a, Kept<'a>>,
    budget: &'a Budget,
}

/// A store path of a container.
#[derive(Clone)]
pub struct RebuiltPath {
    /// None if it has something that a NAR does not have.
    pub nar: Option<NarInfo>,
    pub foreign: Option<&'static str>,
    /// The bytes of its files.
    pub size: u64,
    pub hashes: HashSet<PathHash>,
    /// The positions of the layers that its files and links come from.
    pub layers: BTreeSet<usize>,
    pub findings: Vec<FoundIn>,
}

/// A file that says something about packages, and the position of its layer.
pub type FoundIn = (usize, Vec<u8>, Arc<FileFindings>);

#[derive(Clone, Copy)]
struct Kept<'a> {
    layer: usize,
    kind: KeptKind<'a>,
}

#[derive(Clone, Copy)]
enum KeptKind<'a> {
    Symlink(&'a [u8]),
    File(Content, &'a File),
    Foreign(&'static str),
}

impl<'a> RebuiltTree<'a> {
    /// Puts layers on top of each other, bottom first. Fails if hard links make too much of them.
    pub fn of(layers: &'a [Option<Arc<KeptLayer>>], budget: &'a Budget) -> io::Result<Self> {
        let mut tree = MergedTree::default();
        for (position, layer) in layers.iter().enumerate() {
            if let Some(layer) = layer {
                apply(layer, position, &mut tree);
            }
        }
        let kept = layers.iter().flatten().map(|layer| layer.size);
        let most = sum(kept)
            .saturating_mul(REPEATED)
            .saturating_add(REPEATED_BYTES);
        let sizes = tree.at_and_below(b"").map(|(_, node)| match node {
            Node::Leaf(Kept {
                kind: KeptKind::File(content, _),
                ..
            }) => content.size,
            _ => 0,
        });
        if sum(sizes) > most {
            return Err(TarError::RepeatedContent { max: REPEATED }.into());
        }
        Ok(Self { tree, budget })
    }

    /// Returns a store path; none if the container does not have it.
    pub fn path(&self, root: &str) -> io::Result<Option<RebuiltPath>> {
        let mut nodes: Vec<_> = self.tree.at_and_below(root.as_bytes()).collect();
        if nodes.is_empty() {
            return Ok(None);
        }
        // The order of a NAR: `a/b` comes before `a-b`.
        let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        nodes.sort_by(|(a, _), (b, _)| a.iter().map(key).cmp(b.iter().map(key)));
        let is_clear = !self.tree.contradictions.concern(root.as_bytes());
        let mut hasher = PathHasher {
            nar: is_clear.then(NarStream::default),
            scanner: ReferenceScanner::default(),
            rebuilt: RebuiltPath {
                nar: None,
                foreign: (!is_clear).then_some("an entry below a link or file"),
                size: 0,
                hashes: HashSet::new(),
                layers: BTreeSet::new(),
                findings: Vec::new(),
            },
            budget: self.budget,
        };
        for (path, node) in nodes {
            hasher.add(path, path.get(root.len() + 1..).unwrap_or_default(), node)?;
        }
        let PathHasher {
            nar,
            scanner,
            mut rebuilt,
            ..
        } = hasher;
        rebuilt.nar = nar.map(NarStream::finish);
        rebuilt.hashes = scanner.finish();
        Ok(Some(rebuilt))
    }

    /// Searches a file; returns whether there is one, and what it says about packages.
    pub fn file(&self, path: &[u8]) -> io::Result<(bool, Option<FoundIn>)> {
        let Some(Kept {
            layer,
            kind: KeptKind::File(content, file),
        }) = self.tree.leaf(path)
        else {
            return Ok((false, None));
        };
        let mut search = FileSearch::new(path, content.size);
        read(content, file, |bytes| {
            search.add(bytes);
            Ok(())
        })?;
        Ok((true, keep(*layer, path, search, self.budget)?))
    }
}

/// What a store path has if a hard link is executable, and its target is not, or the other way round.
const OTHER_PERMISSIONS: &str = "a hard link with other permissions than its target";

fn apply<'a>(layer: &'a KeptLayer, position: usize, tree: &mut MergedTree<'a, Kept<'a>>) {
    // The target of a hard link may be what a whiteout of the same layer deletes.
    let targets = layer.changes.iter().filter_map(|(_, change)| match change {
        Change::HardLink(target, _) => Some((&**target, tree.leaf(target)?.kind)),
        _ => None,
    });
    let below: HashMap<&[u8], KeptKind<'_>> = targets.collect();
    for (path, change) in &layer.changes {
        if let Change::Delete(kind) = change {
            tree.delete(path, *kind);
        }
    }
    for (path, change) in &layer.changes {
        let kind = match (change, &layer.contents) {
            (Change::Delete(_), _) => continue,
            (Change::Directory, _) => {
                tree.add_directory(path);
                continue;
            }
            (Change::Symlink(target), _) => KeptKind::Symlink(target),
            (Change::File(content), Some(file)) => KeptKind::File(*content, file),
            (Change::HardLink(target, is_executable), _) => {
                let there = tree.leaf(target).map(|target| target.kind);
                let there = there.or_else(|| below.get(&**target).copied());
                match there.unwrap_or(KeptKind::Foreign(NO_TARGET)) {
                    // containerd gives both names the permissions of the link, Docker those of the target.
                    KeptKind::File(content, _) if content.is_executable != *is_executable => {
                        KeptKind::Foreign(OTHER_PERMISSIONS)
                    }
                    there => there,
                }
            }
            (Change::Foreign(reason), _) => KeptKind::Foreign(reason),
            (Change::File(_), None) => KeptKind::Foreign(NO_TARGET),
        };
        tree.add(
            path,
            Kept {
                layer: position,
                kind,
            },
        );
    }
}

/// Collects what is to be known about a store path.
struct PathHasher<'a> {
    nar: Option<NarStream>,
    scanner: ReferenceScanner,
    rebuilt: RebuiltPath,
    budget: &'a Budget,
}

impl PathHasher<'_> {
    /// Adds what is at a path, which is `inner` in the store path.
    fn add(&mut self, path: &[u8], inner: &[u8], node: &Node<Kept<'_>>) -> io::Result<()> {
        self.scanner.text(inner);
        let Node::Leaf(Kept { layer, kind }) = node else {
            self.keep(|nar| nar.directory(inner).is_ok());
            return Ok(());
        };
        self.rebuilt.layers.insert(*layer);
        match kind {
            KeptKind::Symlink(target) => {
                self.scanner.text(target);
                self.keep(|nar| nar.symlink(inner, target).is_ok());
            }
            KeptKind::Foreign(reason) => {
                self.nar = None;
                self.rebuilt.foreign.get_or_insert(reason);
            }
            KeptKind::File(content, file) => {
                let Content {
                    is_executable,
                    size,
                    ..
                } = *content;
                self.keep(|nar| nar.file(inner, is_executable, size).is_ok());
                self.rebuilt.size = sum([self.rebuilt.size, size]);
                let mut search = FileSearch::new(path, size);
                read(content, file, |bytes| {
                    if let Some(nar) = &mut self.nar {
                        nar.content(bytes);
                    }
                    self.scanner.scan(bytes);
                    search.add(bytes);
                    self.budget.charge(self.scanner.new_cost())
                })?;
                self.scanner.end();
                self.keep(|nar| {
                    nar.end_file(size);
                    true
                });
                self.rebuilt
                    .findings
                    .extend(keep(*layer, path, search, self.budget)?);
            }
        }
        Ok(())
    }

    /// Gives up the NAR if an entry is not added.
    fn keep(&mut self, add: impl FnOnce(&mut NarStream) -> bool) {
        self.nar = self
            .nar
            .take()
            .and_then(|mut nar| add(&mut nar).then_some(nar));
    }
}

/// Passes the bytes of a content on.
fn read(
    content: &Content,
    file: &File,
    mut add: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK.min(usize::try_from(content.size).unwrap_or(CHUNK))];
    let (mut at, end) = (content.offset, content.offset + content.size);
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        let want = chunk.len().min(left);
        file.read_exact_at(&mut chunk[..want], at)?;
        add(&chunk[..want])?;
        at += want as u64;
    }
    Ok(())
}

/// Returns the findings of a file if there are any.
fn keep(
    layer: usize,
    path: &[u8],
    search: FileSearch<'_>,
    budget: &Budget,
) -> io::Result<Option<FoundIn>> {
    let Some(found) = layer_record::keep(search.finish(), budget)? else {
        return Ok(None);
    };
    budget.charge(path.len())?;
    Ok(Some((layer, path.to_vec(), found)))
}
