//! The layers of each image on top of each other: the store paths and other files that a container has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::names;
use super::nar::NarInfo;
use super::packages::{Claim, FileFindings, OsRelease};
use super::rebuild::Rebuilder;
use super::references::PathHash;
use super::report::OtherFiles;
use super::survey::{LayerRecord, OtherFile, StorePart};
use crate::error::{Code, Error, Item, Subject, Warning};
use crate::image::Image;
use crate::load::LoadRequest;
use crate::oci::DiffId;
use crate::tar::Whiteout;
use crate::util::text::sum;

/// The number of files outside of components that are listed by name.
const MAX_LISTED: usize = 100;

/// The images of an input.
pub struct Stacks {
    pub images: Vec<Stack>,
}

/// What an image has.
#[derive(Default)]
pub struct Stack {
    /// By store path, relative to the root directory.
    pub store: BTreeMap<String, StackedPath>,
    pub others: OtherFiles,
    records: Vec<Option<Arc<LayerRecord>>>,
    /// The positions of layers, and those of their findings.
    findings: Vec<(usize, usize)>,
}

/// A store path of an image.
pub struct StackedPath {
    /// The positions of the layers that have a part of it, bottom first.
    pub layers: Vec<usize>,
    pub size: u64,
    pub nar: Option<NarInfo>,
    /// Whether the NAR is still to be found, in all layers together.
    is_open: bool,
    pub foreign: Option<&'static str>,
    pub hashes: HashSet<PathHash>,
}

impl Stacks {
    /// Stacks the layers of each image.
    pub fn of(records: &[Vec<Option<Arc<LayerRecord>>>]) -> Self {
        Self {
            images: records.iter().map(|records| Stack::of(records)).collect(),
        }
    }

    /// Finds the NARs that one layer does not have in order, in a second pass over the input.
    pub fn complete(
        &mut self,
        load: &LoadRequest<'_>,
        images: &[Image],
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Error> {
        let all = self.images.iter().flat_map(|stack| &stack.store);
        let open = all
            .filter(|(_, path)| path.is_open)
            .map(|(root, _)| root.clone());
        let open: HashSet<String> = open.collect();
        if !open.is_empty() && !load.input.is_stdin() {
            let rebuilder = Rebuilder::new(open);
            load.load(Some(&rebuilder))?;
            self.rebuild(images, &rebuilder)?;
        }
        self.warn_of_skipped(warnings);
        for (root, path) in self.images.iter().flat_map(|stack| &stack.store) {
            if path.nar.is_none() {
                let reason = match path.foreign {
                    Some(foreign) => format!("it has {foreign}"),
                    None if path.is_open => {
                        "its entries are not in order, and standard input is read only once".into()
                    }
                    None => "its entries contradict each other".to_owned(),
                };
                let text = format!("the NAR hash of /{root} is not known: {reason}");
                warnings.push(Warning::new(Code::NoNarHash, Subject::ALL, text));
            }
        }
        Ok(())
    }

    /// Warns of files that were not searched for packages, each once.
    fn warn_of_skipped(&self, warnings: &mut Vec<Warning>) {
        let all = self.images.iter().flat_map(Stack::findings);
        let skipped = all.filter_map(|(_, path, found)| Some((path, found.skipped?)));
        for (path, reason) in skipped
            .collect::<BTreeSet<_>>()
            .into_iter()
            .take(MAX_LISTED)
        {
            let path = String::from_utf8_lossy(path);
            let text = format!("/{path} was not searched for packages: {reason}");
            warnings.push(Warning::new(Code::NotSearched, Subject::ALL, text));
        }
    }

    fn rebuild(&mut self, images: &[Image], rebuilder: &Rebuilder) -> Result<(), Error> {
        let mut known: HashMap<(String, Vec<DiffId>), Option<NarInfo>> = HashMap::new();
        for (image, stack) in images.iter().zip(&mut self.images) {
            for (root, path) in stack.store.iter_mut().filter(|(_, path)| path.is_open) {
                path.is_open = false;
                let layers = path.layers.iter();
                let layers: Vec<_> = layers.filter_map(|i| image.layers[*i].files()).collect();
                let ids: Vec<DiffId> = layers.iter().map(|l| l.diff_id.clone()).collect();
                let key = (root.clone(), ids);
                path.nar = match known.get(&key) {
                    Some(nar) => *nar,
                    None => {
                        let ids: Vec<&DiffId> = key.1.iter().collect();
                        let nar = rebuilder.nar(root, &ids).map_err(|e| {
                            let subject = layers.first().map(|l| l.blob.subject(Item::Layer));
                            Error::unreadable(subject.unwrap_or_default())(e.into())
                        })?;
                        known.insert(key, nar);
                        nar
                    }
                };
            }
        }
        Ok(())
    }
}

impl Stack {
    fn of(records: &[Option<Arc<LayerRecord>>]) -> Self {
        let mut stack = Self {
            records: records.to_vec(),
            ..Self::default()
        };
        let mut hidden = Hidden::default();
        let mut files: BTreeMap<&[u8], u64> = BTreeMap::new();
        let mut searched = HashSet::new();
        for (position, record) in records.iter().enumerate().rev() {
            let Some(record) = record else {
                continue;
            };
            for (root, part) in &record.store {
                if !hidden.hides(root.as_bytes()) {
                    stack.add(root, position, part);
                }
            }
            for OtherFile { path, size } in &record.others {
                if hidden.has(path)
                    && let Some(size) = size
                {
                    files.insert(path, *size);
                }
            }
            for (i, (path, _)) in record.findings.iter().enumerate() {
                if hidden.has(path) && searched.insert(path) {
                    stack.findings.push((position, i));
                }
            }
            hidden.add(record);
        }
        for path in stack.store.values_mut() {
            path.layers.reverse();
        }
        stack.findings.reverse();
        let claims = Claims::of(&stack);
        files.retain(|path, _| !claims.has(path));
        let others = OtherFiles {
            count: files.len() as u64,
            size: sum(files.values().copied()),
            first: (files.keys().take(MAX_LISTED))
                .map(|path| format!("/{}", String::from_utf8_lossy(path)))
                .collect(),
        };
        stack.others = others;
        stack
    }

    /// Returns the files that say something about packages, with the positions of their layers.
    pub fn findings(&self) -> impl Iterator<Item = (usize, &[u8], &FileFindings)> {
        self.findings.iter().filter_map(|(layer, i)| {
            let (path, found) = &self.records[*layer].as_ref()?.findings[*i];
            Some((*layer, &path[..], found))
        })
    }

    /// Returns the distribution that the image is made of.
    pub fn os(&self) -> Option<&OsRelease> {
        let mut all = self
            .findings()
            .filter_map(|(_, _, found)| found.os.as_ref());
        all.find(|os| !os.id.is_empty())
    }

    /// Adds the part of a store path in a layer, below the layers that were added before.
    fn add(&mut self, root: &str, position: usize, part: &StorePart) {
        match self.store.get_mut(root) {
            None => {
                let path = StackedPath {
                    layers: vec![position],
                    size: part.size,
                    nar: part.nar,
                    is_open: part.nar.is_none() && part.foreign.is_none(),
                    foreign: part.foreign,
                    hashes: part.hashes.clone(),
                };
                self.store.insert(root.to_owned(), path);
            }
            Some(path) => {
                path.layers.push(position);
                path.size = path.size.max(part.size);
                path.foreign = path.foreign.or(part.foreign);
                path.hashes.extend(&part.hashes);
                // The same path twice is that path.
                if path.nar != part.nar || path.nar.is_none() {
                    path.nar = None;
                    path.is_open = path.foreign.is_none();
                }
            }
        }
    }
}

/// What the layers above delete or replace.
#[derive(Default)]
struct Hidden<'a> {
    deleted: HashSet<&'a [u8]>,
    emptied: HashSet<&'a [u8]>,
    /// Files, which hide a directory or file of the same name.
    files: HashSet<&'a [u8]>,
}

impl<'a> Hidden<'a> {
    /// Whether the layers above leave a file as it is.
    fn has(&self, path: &[u8]) -> bool {
        !self.hides(path) && !self.files.contains(path)
    }

    fn hides(&self, path: &[u8]) -> bool {
        if self.deleted.is_empty() && self.emptied.is_empty() && self.files.is_empty() {
            return false;
        }
        let ends = (0..path.len()).filter(|end| path[*end] == b'/');
        let above = || ends.clone().map(|end| &path[..end]).chain([&b""[..]]);
        self.deleted.contains(path)
            || self.emptied.contains(path)
            || above().any(|directory| {
                self.deleted.contains(directory)
                    || self.emptied.contains(directory)
                    || self.files.contains(directory)
            })
    }

    fn add(&mut self, record: &'a LayerRecord) {
        for (path, kind) in &record.whiteouts {
            let set = match kind {
                Whiteout::Name => &mut self.deleted,
                Whiteout::Contents => &mut self.emptied,
            };
            set.insert(path);
        }
        self.files
            .extend(record.others.iter().map(|file| &file.path[..]));
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
        for claim in stack.findings().flat_map(|(_, _, found)| &found.claims) {
            match claim {
                Claim::File(path) => claims.files.insert(merged(path)),
                Claim::Directory(path) => claims.directories.insert(path),
            };
        }
        claims
    }

    fn has(&self, path: &[u8]) -> bool {
        let mut ends = (0..path.len()).filter(|end| path[*end] == b'/');
        self.files.contains(merged(path)) || ends.any(|end| self.directories.contains(&path[..end]))
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
