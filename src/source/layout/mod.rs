//! OCI image layouts, as a directory or in an archive.
//!
//! Source: image-spec `image-layout.md`. Indexes inside of indexes are flattened, because
//! consumers do not follow them (containers/image refuses to copy them).

mod image;
mod listed;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::tree::Tree;
use super::{Contents, Reading};
use crate::error::{Candidate, Code, DocumentProblem, Error, Item, Problem, Warning};
use crate::image::IndexMetadata;
use crate::oci::{
    Descriptor, Digest, Document, INDEX_FILE, Index, LAYOUT_FILE, LAYOUT_VERSION, MAX_MANIFEST,
    MediaType, NAME_ANNOTATIONS, Platform, attestation, docker, layout_version,
};
use crate::util::text::clean;

/// Deeper nesting than anybody writes; an index cannot contain itself, but a long chain can be made.
const MAX_DEPTH: usize = 8;

/// Reads what is wanted of a layout.
pub fn read(tree: &Tree, reading: &Reading<'_>) -> Result<Contents, Error> {
    let mut reader = Reader {
        tree,
        reading,
        contents: Contents {
            has_manifests: true,
            ..Contents::default()
        },
        attestations: Vec::new(),
        seen: HashSet::new(),
        is_lost: false,
    };
    let (roots, metadata) = reader.roots()?;
    let (roots, mut candidates): (Vec<_>, Vec<_>) = roots.into_iter().unzip();
    reader.add_metadata(metadata)?;
    let chosen = reading.choose(tree.input(), &candidates, true);
    let chosen = chosen.or_else(|_| {
        // The error lists them, and then it should say what each runs on.
        listed::add_platforms(tree, &roots, &mut candidates);
        reading.choose(tree.input(), &candidates, true)
    });
    for i in chosen? {
        let root = roots[i].clone();
        reader.name(&candidates[i].names);
        // An index is taken apart; what was said of it is said of the merged one.
        if is_index(&root.media_type) {
            let metadata = IndexMetadata {
                root_annotations: (root.annotations.clone().into_iter())
                    .map(|(key, value)| (key, Some(value)))
                    .collect(),
                ..IndexMetadata::default()
            };
            reader.add_metadata(metadata)?;
        }
        let visited = reader.visit(root, INDEX_FILE, 0);
        reader.attempt(visited)?;
    }
    reader.finish()
}

/// What only a manifest has.
const NOT_OF_AN_INDEX: &[&str] = &["layers", "config"];

fn is_index(media_type: &MediaType) -> bool {
    *media_type == MediaType::ImageIndex || media_type.as_ref() == docker::MANIFEST_LIST
}

/// An image that only calls itself one is treated as what it is: nothing of it is left unchecked.
fn is_attestation(descriptor: &Descriptor) -> bool {
    let kind = descriptor.annotations.get(attestation::KIND);
    let is_unknown =
        |p: &Platform| (p.os.as_str(), p.architecture.as_str()) == ("unknown", "unknown");
    kind.is_some_and(|kind| kind == attestation::MANIFEST)
        && descriptor.platform.as_ref().is_some_and(is_unknown)
}

fn required(tree: &Tree, name: &str) -> Result<Arc<[u8]>, Error> {
    tree.bytes(name, MAX_MANIFEST)?.ok_or_else(|| {
        let (kind, name) = ("file", name.to_owned());
        tree.document_error("the layout", Problem::Missing { kind, name })
    })
}

struct Reader<'a> {
    tree: &'a Tree,
    reading: &'a Reading<'a>,
    contents: Contents,
    /// The descriptors of attestations, with who names them.
    attestations: Vec<(Descriptor, String)>,
    /// What was visited, by digest and claimed platform.
    seen: HashSet<(Digest, String)>,
    /// Whether something that is named could not be read, so that there may be more images.
    is_lost: bool,
}

impl Reader<'_> {
    /// Reads the attestations of the images that are taken; others need not even be there.
    fn finish(mut self) -> Result<Contents, Error> {
        let images = self.contents.images.iter().enumerate();
        let places: HashMap<String, usize> = images
            .map(|(i, image)| (image.descriptor.digest.to_string(), i))
            .collect();
        for (descriptor, by) in std::mem::take(&mut self.attestations) {
            let subject = descriptor.annotations.get(attestation::SUBJECT);
            match subject.and_then(|subject| places.get(subject)) {
                Some(place) => {
                    let attestation = self
                        .reading
                        .callbacks()
                        .attempt(self.image(descriptor, &by))?;
                    let attestations = &mut self.contents.images[*place].attestations;
                    attestations.extend(attestation);
                }
                None if self.reading.callbacks().reads_all() => {
                    let attestation = Item::Attestation(descriptor.digest.clone());
                    let subject = subject.cloned();
                    let error = Error::new(
                        (self.tree.input(), attestation),
                        Problem::NoAttestedImage { subject },
                    );
                    self.reading.callbacks().violation(error)?;
                    self.reading
                        .callbacks()
                        .attempt(self.image(descriptor, &by))?;
                }
                None => {
                    let text = format!(
                        "an attestation was left out, because the image that it describes ({}) is not taken",
                        subject.map_or("none is named".to_owned(), |subject| clean(subject)),
                    );
                    let warning = Warning::new(Code::AttestationLeftOut, self.tree.input(), text);
                    self.contents.warnings.push(warning);
                }
            }
        }
        if self.contents.seen.is_empty() && !self.is_lost {
            // An index without manifests.
            let error = Error::new(self.tree.input(), Problem::NoImage);
            self.reading.callbacks().violation(error)?;
        }
        Ok(self.contents)
    }

    /// Goes on without what could not be read, if that is how it is read.
    fn attempt(&mut self, visited: Result<(), Error>) -> Result<(), Error> {
        self.is_lost |= self.reading.callbacks().attempt(visited)?.is_none();
        Ok(())
    }

    /// Adds the names of an image, each once.
    fn name(&mut self, names: &[String]) {
        let known = &mut self.contents.names;
        for name in names {
            if !known.contains(name) {
                known.push(name.clone());
            }
        }
    }

    /// The descriptors to start from, with their names.
    fn roots(&self) -> Result<(Vec<(Descriptor, Candidate)>, IndexMetadata), Error> {
        let (descriptors, metadata) = match self.tree.root() {
            Some(root) => (vec![root.clone()], IndexMetadata::default()),
            None => {
                self.marker()?;
                let index = self.root_index()?;
                let metadata = IndexMetadata {
                    annotations: index.annotations,
                    extra: index.extra,
                    ..IndexMetadata::default()
                };
                (index.manifests, metadata)
            }
        };
        let mut roots: Vec<(Descriptor, Candidate)> = Vec::new();
        for mut descriptor in descriptors {
            // A name says where an image is found in the layout that it is in; it does not travel.
            let mut names: Vec<String> = NAME_ANNOTATIONS
                .iter()
                .filter_map(|key| descriptor.annotations.remove(*key))
                .collect();
            names.sort();
            names.dedup();
            // The same image under several tags is there several times.
            match roots.iter_mut().find(|(d, _)| {
                (&d.digest, &d.platform) == (&descriptor.digest, &descriptor.platform)
            }) {
                Some((_, candidate)) => candidate.names.extend(names),
                None => {
                    let platform = descriptor.platform.clone();
                    roots.push((
                        descriptor,
                        Candidate {
                            names,
                            platform,
                            ..Candidate::default()
                        },
                    ));
                }
            }
        }
        Ok((roots, metadata))
    }

    /// Holds the file that marks a layout to the one version that there is.
    fn marker(&self) -> Result<(), Error> {
        let callbacks = self.reading.callbacks();
        let marker = required(self.tree, LAYOUT_FILE)?;
        callbacks.document(LAYOUT_FILE, &marker);
        let version = layout_version(&marker)
            .map_err(|e| {
                let problem = DocumentProblem::from_json(e, &marker);
                self.tree.invalid(LAYOUT_FILE, problem)
            })
            .and_then(|found| match found == LAYOUT_VERSION {
                true => Ok(()),
                false => {
                    let expected = LAYOUT_VERSION;
                    let problem = Problem::LayoutVersion { found, expected };
                    Err(self.tree.document_error(LAYOUT_FILE, problem))
                }
            });
        callbacks.check(version)
    }

    fn root_index(&self) -> Result<Index, Error> {
        let raw = required(self.tree, INDEX_FILE)?;
        self.reading.callbacks().document(INDEX_FILE, &raw);
        let index: Document<Index> = self.tree.parse(INDEX_FILE, raw)?;
        self.reading.callbacks().index(INDEX_FILE, &index.view);
        let confusable = index.view.confusable();
        self.unambiguous(INDEX_FILE, &index.view.extra, NOT_OF_AN_INDEX, confusable)?;
        Ok(index.view)
    }

    /// Adds what an index says.
    fn add_metadata(&mut self, metadata: IndexMetadata) -> Result<(), Error> {
        let decided = self.reading.wanted.decided;
        let Contents {
            metadata: all,
            warnings,
            ..
        } = &mut self.contents;
        all.add(metadata, decided, warnings)
    }

    fn visit(&mut self, descriptor: Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        match descriptor.media_type.as_ref() {
            _ if is_index(&descriptor.media_type) => self.index(&descriptor, by, depth),
            "application/vnd.oci.image.manifest.v1+json" | docker::MANIFEST => {
                self.manifest(descriptor, by)
            }
            _ => {
                self.is_lost = true;
                let problem = Problem::UnknownType {
                    digest: descriptor.digest.clone(),
                    found: descriptor.media_type.clone(),
                };
                let error = self.tree.document_error(by, problem);
                self.reading.callbacks().unreadable(error)?;
                // Its bytes are verified like those of a layer that no config describes.
                self.layer(&descriptor, None, by, "blob").map(drop)
            }
        }
    }

    fn manifest(&mut self, descriptor: Descriptor, by: &str) -> Result<(), Error> {
        let place = descriptor.platform.as_ref().map(ToString::to_string);
        let place = place.unwrap_or_default();
        if !self.seen.insert((descriptor.digest.clone(), place)) {
            return Ok(());
        }
        if is_attestation(&descriptor) {
            self.attestations.push((descriptor, by.to_owned()));
            return Ok(());
        }
        // Before it is read: what is not wanted need not be there.
        let unwanted = |platform: &Platform| !self.reading.has(platform);
        if let Some(platform) = descriptor.platform.as_ref().filter(|p| unwanted(p)) {
            self.contents.seen.push(platform.clone());
            return Ok(());
        }
        let image = self.image(descriptor, by)?;
        self.contents.seen.push(image.platform.clone());
        if !unwanted(&image.platform) {
            self.contents.images.push(image);
        }
        Ok(())
    }

    fn index(&mut self, descriptor: &Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        let name = descriptor.digest.to_string();
        // Named again, it says nothing new; a small file could name it without end.
        if !self.seen.insert((descriptor.digest.clone(), String::new())) {
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            let limit = MAX_DEPTH;
            return Err(self
                .tree
                .invalid(by, DocumentProblem::NestedIndexes { limit }));
        }
        let (raw, _) = self.document(descriptor, by, MAX_MANIFEST)?;
        let index: Document<Index> = self.tree.parse(&name, raw)?;
        let shown = (descriptor.clone(), index.raw.clone());
        self.contents.indexes.push(shown);
        self.reading.callbacks().index(&name, &index.view);
        let confusable = index.view.confusable();
        self.unambiguous(&name, &index.view.extra, NOT_OF_AN_INDEX, confusable)?;
        self.same_type(&name, &index.view.media_type, descriptor)?;
        let metadata = IndexMetadata {
            annotations: index.view.annotations,
            extra: index.view.extra,
            ..IndexMetadata::default()
        };
        self.add_metadata(metadata)?;
        for manifest in index.view.manifests {
            let visited = self.visit(manifest, &name, depth + 1);
            self.attempt(visited)?;
        }
        Ok(())
    }
}
