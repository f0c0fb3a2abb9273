//! OCI image layouts, as a directory or in an archive.
//!
//! Source: image-spec `image-layout.md`. Indexes inside of indexes are flattened, because
//! consumers do not follow them (containers/image refuses to copy them).

mod companions;
mod image;
mod pick;
mod roots;
mod rules;
mod survey;
mod visit;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::tree::Tree;
use super::{Contents, Reading, Select};
use crate::error::{Code, Error, Item, Problem, Warning};
use crate::image::{Image, IndexMetadata};
use crate::oci::{
    Descriptor, Digest, Document, INDEX_FILE, Index, MAX_MANIFEST, Platform, attestation,
};
use crate::util::text::clean;
use companions::{FoundArtifact, Root};

/// Reads the wanted parts of a layout.
pub fn read(tree: &Tree, reading: &Reading<'_>) -> Result<Contents, Error> {
    let mut reader = LayoutReader {
        tree,
        reading,
        contents: Contents {
            has_manifests: true,
            ..Contents::default()
        },
        attestations: Vec::new(),
        artifacts: Vec::new(),
        seen: HashSet::new(),
        picked: None,
        is_lost: false,
        chosen: Vec::new(),
        skipped: Vec::new(),
        rejected: None,
        missing: None,
    };
    match reader.read() {
        Ok(()) => Ok(reader.contents),
        Err(error) => Err(reader.with_complete(error)),
    }
}

/// Lists the digests of the configs of all images that `index.json` names.
pub fn configs(tree: &Tree) -> HashSet<Digest> {
    let raw = tree.bytes(INDEX_FILE, MAX_MANIFEST).ok().flatten();
    let index: Option<Document<Index>> = raw.and_then(|raw| tree.parse(INDEX_FILE, raw).ok());
    let roots = index.map(|index| index.view.manifests).unwrap_or_default();
    let surveyed = survey::survey(tree, &roots).into_iter();
    surveyed.filter_map(|image| image.config).collect()
}

/// Fields that only a manifest has.
const NOT_OF_AN_INDEX: &[&str] = &["layers", "config"];

fn is_missing(error: &Error) -> bool {
    matches!(error.problem(), Problem::Missing { .. })
}

fn required(tree: &Tree, name: &str) -> Result<Arc<[u8]>, Error> {
    tree.bytes(name, MAX_MANIFEST)?
        .ok_or_else(|| tree.document_error("the layout", Problem::missing("file", name)))
}

struct LayoutReader<'a> {
    tree: &'a Tree,
    reading: &'a Reading<'a>,
    contents: Contents,
    /// The descriptors of attestations, with the document that names each.
    attestations: Vec<(Descriptor, String)>,
    /// The artifacts that were found where images are.
    artifacts: Vec<FoundArtifact>,
    /// The descriptors that were visited, by digest and claimed platform.
    seen: HashSet<(Digest, String)>,
    /// What to visit, if something is picked by its digest.
    picked: Option<HashSet<Digest>>,
    /// Whether a named document could not be read, so that the layout may have more images.
    is_lost: bool,
    /// The descriptors in `index.json` that are meant.
    chosen: Vec<Descriptor>,
    /// The images that were not read, because they are not selected, with who names them.
    skipped: Vec<(Descriptor, String)>,
    /// The last image that was read and then not selected.
    rejected: Option<Image>,
    /// The first missing image, which may be selected or not.
    missing: Option<Error>,
}

impl LayoutReader<'_> {
    fn read(&mut self) -> Result<(), Error> {
        let reading = self.reading;
        let (mut roots, metadata) = self.roots()?;
        let classes = self.classify(&mut roots);
        if let Select::Digest(prefix) = &reading.input.select {
            self.picked = Some(self.pick(prefix, &roots)?);
        }
        let (roots, mut candidates): (Vec<_>, Vec<_>) = roots.into_iter().unzip();
        self.add_metadata(metadata)?;
        let reads_all = reading.callbacks().reads_all();
        let takes_all = reading.input.select == Select::All;
        if takes_all
            && !reads_all
            && candidates.iter().all(|candidate| candidate.is_companion)
            && let Some(i) = candidates.iter().position(|c| c.artifact.is_some())
            && let Some(kind) = &candidates[i].artifact
        {
            return Err(self.only_artifacts(&roots[i], kind));
        }
        let input = self.tree.input();
        let chosen: Vec<usize> = match &self.picked {
            Some(picked) => (0..roots.len())
                .filter(|i| picked.contains(&roots[*i].digest))
                .collect(),
            None => match reading.choose(input, &candidates, true) {
                Ok(chosen) => chosen,
                Err(_) => {
                    self.add_inner(&roots, &mut candidates);
                    reading.choose(input, &candidates, true)?
                }
            },
        };
        self.chosen = chosen.iter().map(|i| roots[*i].clone()).collect();
        for i in chosen.iter().copied() {
            if matches!(classes[i], Root::Repeated) && takes_all {
                continue;
            }
            let root = roots[i].clone();
            self.name(&candidates[i].names);
            // An index is taken apart; its annotations become those of the merged one.
            if root.is_index() {
                let metadata = IndexMetadata {
                    root_annotations: (root.annotations.clone().into_iter())
                        .map(|(key, value)| (key, Some(value)))
                        .collect(),
                    ..IndexMetadata::default()
                };
                self.add_metadata(metadata)?;
                self.leave_out(INDEX_FILE, &root, false);
            }
            let visited = self.visit(root, INDEX_FILE, 0);
            self.attempt(visited)?;
        }
        self.finish_artifacts()?;
        self.compare_only()?;
        if !reads_all {
            let chosen: HashSet<usize> = chosen.into_iter().collect();
            let beside = (roots.into_iter().zip(classes).enumerate())
                .filter(|(i, (_, class))| matches!(class, Root::Repeated) || !chosen.contains(i))
                .map(|(_, root)| root)
                .collect();
            self.finish_attestations()?;
            self.add_beside(beside)?;
            self.add_signatures()?;
        }
        self.finish()?;
        self.find_incomplete();
        Ok(())
    }

    /// Whether images that may not be selected can be left out without reading them.
    fn leaves_out(&self) -> bool {
        self.reading.is_narrowed() && !self.reading.callbacks().reads_all()
    }

    /// Takes the only image although it is not selected by the platform in front of the input, so that
    /// the two are compared. Its descriptor may have claimed another platform than its config has.
    fn compare_only(&mut self) -> Result<(), Error> {
        let [only] = &self.contents.seen[..] else {
            return Ok(());
        };
        if !self.contents.images.is_empty() || !self.reading.compares_only(only) {
            return Ok(());
        }
        if let Some(image) = self.rejected.take() {
            self.contents.images.push(image);
        } else if let Some((descriptor, by)) = self.skipped.pop() {
            match self.image(descriptor, &by) {
                Err(error) if is_missing(&error) => {}
                image => self.contents.images.push(image?),
            }
        }
        Ok(())
    }

    /// Finds out which platforms cannot be taken, if a wanted one is missing.
    fn find_incomplete(&mut self) {
        let images = &self.contents.images;
        let is_there = |wanted: &Platform| {
            let wanted = std::slice::from_ref(wanted);
            images.iter().any(|image| image.platform.is_one_of(wanted))
        };
        let wanted = self.reading.wanted.platforms;
        if self.skipped.is_empty() || !images.is_empty() && wanted.iter().all(is_there) {
            return;
        }
        let skipped = self.skipped.iter().map(|(descriptor, _)| descriptor);
        let surveyed = survey::survey(self.tree, skipped);
        let incomplete = surveyed.into_iter().filter(|image| !image.is_complete);
        self.contents.incomplete = incomplete.filter_map(|image| image.platform).collect();
    }

    /// Adds to an error about a missing file which platforms are complete, where others are not.
    fn with_complete(&self, mut error: Error) -> Error {
        if let Problem::Missing {
            complete, select, ..
        } = error.problem_mut()
        {
            let surveyed = survey::survey(self.tree, &self.chosen);
            if surveyed.iter().any(|image| !image.is_complete) {
                let taken = surveyed.into_iter().filter(|image| image.is_complete);
                *complete = taken.filter_map(|image| image.platform).collect();
                *select = self.reading.input.select.to_string();
            }
        }
        error
    }

    /// Reads the attestations of the selected images; those of others may be missing.
    fn finish_attestations(&mut self) -> Result<(), Error> {
        if let Some(error) = self.missing.take()
            && self.contents.images.is_empty()
        {
            return Err(error);
        }
        let images = self.contents.images.iter().enumerate();
        let places: HashMap<String, usize> = images
            .map(|(i, image)| (image.descriptor.digest.to_string(), i))
            .collect();
        let reads_all = self.reading.callbacks().reads_all();
        for (descriptor, by) in std::mem::take(&mut self.attestations) {
            let subject = descriptor.annotations.get(attestation::SUBJECT);
            match subject.and_then(|subject| places.get(subject)) {
                Some(place) => {
                    let digest = descriptor.digest.clone();
                    let attestation = match self.image(descriptor, &by) {
                        // Saved without it. The image is complete without the attestation.
                        Err(error) if is_missing(&error) && !reads_all => {
                            let text = format!(
                                "the attestation {digest} of {} was left out, because it is not in the file",
                                self.contents.images[*place].platform,
                            );
                            let warning =
                                Warning::new(Code::AttestationLeftOut, self.tree.input(), text);
                            self.contents.warnings.push(warning);
                            None
                        }
                        attestation => self.reading.callbacks().attempt(attestation)?,
                    };
                    let attestations = &mut self.contents.images[*place].attestations;
                    attestations.extend(attestation);
                }
                None if reads_all && !self.reading.is_narrowed() => {
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
                        "an attestation was left out, because the image that it describes ({}) is not selected",
                        subject.map_or("none is named".to_owned(), |subject| clean(subject)),
                    );
                    let warning = Warning::new(Code::AttestationLeftOut, self.tree.input(), text);
                    self.contents.warnings.push(warning);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.finish_attestations()?;
        if self.contents.seen.is_empty() && !self.is_lost {
            let error = match self.contents.companions.first() {
                Some(found) => self.only_artifacts(&found.descriptor, &found.kind),
                // An index without manifests.
                None => Error::new(self.tree.input(), Problem::NoImage),
            };
            self.reading.callbacks().violation(error)?;
        }
        Ok(())
    }

    /// Goes on after an unreadable document, if the callbacks allow it.
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

    /// Adds the properties of an index.
    fn add_metadata(&mut self, metadata: IndexMetadata) -> Result<(), Error> {
        let decided = self.reading.wanted.decided;
        let Contents {
            metadata: all,
            warnings,
            ..
        } = &mut self.contents;
        all.add(metadata, decided, warnings)
    }
}
