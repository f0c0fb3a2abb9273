//! OCI image layouts, as a directory or in an archive.
//!
//! Source: image-spec `image-layout.md`. Indexes inside of indexes are flattened, because
//! consumers do not follow them (containers/image refuses to copy them).

mod companions;
mod image;
mod pick;
mod rules;
mod survey;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::tree::Tree;
use super::{Contents, Reading, Select};
use crate::error::{Candidate, Code, DocumentProblem, Error, Item, Problem, Warning};
use crate::image::{Image, IndexMetadata};
use crate::oci::artifact::{ArtifactKind, artifact_type};
use crate::oci::{
    Descriptor, Digest, Document, INDEX_FILE, Index, LAYOUT_FILE, LAYOUT_VERSION, MAX_MANIFEST,
    NAME_ANNOTATIONS, Platform, attestation, docker, layout_version,
};
use crate::util::text::clean;
use companions::{FoundArtifact, Root};
use rules::{MAX_DEPTH, is_attestation};

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

    /// Returns the descriptors of `index.json`, with their names.
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
            // A name belongs to the layout of the image, so it is not copied.
            let mut names: Vec<String> = NAME_ANNOTATIONS
                .iter()
                .filter_map(|key| descriptor.annotations.remove(*key))
                .collect();
            names.sort();
            names.dedup();
            // The same image under several tags has several descriptors.
            match roots.iter_mut().find(|(d, _)| {
                (&d.digest, &d.platform) == (&descriptor.digest, &descriptor.platform)
            }) {
                Some((_, candidate)) => candidate.names.extend(names),
                None => {
                    let candidate = Candidate {
                        names,
                        platform: descriptor.claimed().cloned(),
                        digest: Some(descriptor.digest.clone()),
                        is_zstd: descriptor.is_marked_as_zstd(),
                        ..Candidate::default()
                    };
                    roots.push((descriptor, candidate));
                }
            }
        }
        Ok((roots, metadata))
    }

    /// Adds the platforms that are not known yet, for the list in an error.
    fn add_inner(&self, roots: &[Descriptor], candidates: &mut [Candidate]) {
        const LISTED: usize = 64;
        for (root, candidate) in roots.iter().zip(candidates).take(LISTED) {
            if root.is_index() {
                let inner = self.inner(&root.digest).into_iter();
                let inner = inner.filter(|inner| !is_attestation(inner));
                candidate.inner = inner.filter_map(|inner| inner.platform).collect();
            } else if candidate.platform.is_none() {
                candidate.platform = self.platform_of(&root.digest);
            }
        }
    }

    /// Checks that the layout has the only known version.
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
        self.reading.callbacks().index(INDEX_FILE, &index);
        let confusable = index.view.confusable();
        self.unambiguous(INDEX_FILE, &index.view.extra, NOT_OF_AN_INDEX, confusable)?;
        Ok(index.view)
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

    fn visit(&mut self, descriptor: Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        let picked = self.picked.as_ref();
        if picked.is_some_and(|picked| !picked.contains(&descriptor.digest)) {
            return Ok(());
        }
        match descriptor.media_type.as_ref() {
            _ if descriptor.is_index() => self.index(&descriptor, by, depth),
            "application/vnd.oci.image.manifest.v1+json" | docker::MANIFEST => {
                self.manifest(descriptor, by, depth)
            }
            _ => {
                self.is_lost = true;
                let problem = Problem::UnknownType {
                    digest: descriptor.digest.clone(),
                    found: descriptor.media_type.clone(),
                };
                let error = self.tree.document_error(by, problem);
                self.reading.callbacks().unreadable(error)?;
                // Its bytes are verified like those of a layer that is not in a config.
                self.layer(&descriptor, None, by, "blob").map(drop)
            }
        }
    }

    /// Leaves out an image that is not in the file and may not be selected.
    fn leave_out_missing(&mut self, descriptor: &Descriptor, by: &str, error: Error) {
        let digest = &descriptor.digest;
        let text = format!(
            "an image ({digest}) was left out, because it is not in the file, and {by} does not give its exact platform",
        );
        let warning = Warning::new(Code::Missing, self.tree.input(), text);
        self.contents.warnings.push(warning);
        self.missing.get_or_insert(error);
    }

    fn manifest(&mut self, descriptor: Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        let place = descriptor.platform.as_ref().map(ToString::to_string);
        let place = place.unwrap_or_default();
        if !self.seen.insert((descriptor.digest.clone(), place)) {
            return Ok(());
        }
        if is_attestation(&descriptor) {
            self.attestations.push((descriptor, by.to_owned()));
            return Ok(());
        }
        // Before it is read: an image that is not selected need not be there.
        let artifact_type = artifact_type(&descriptor).map(ArtifactKind::from);
        let claimed = descriptor.claimed().cloned();
        // A pick by its own digest is compared with its config, whatever the index claims.
        let is_picked = match &self.reading.input.select {
            Select::Digest(prefix) => descriptor.digest.to_string().starts_with(prefix),
            _ => false,
        };
        let is_unselected = |claimed: &Platform| !is_picked && !self.reading.may_have(claimed);
        let unselected = claimed.clone().filter(is_unselected);
        if let Some(platform) = unselected.clone().filter(|_| artifact_type.is_none()) {
            self.contents.seen.push(platform);
            self.skipped.push((descriptor, by.to_owned()));
            return Ok(());
        }
        let is_selected = claimed.is_some_and(|claimed| self.reading.has(&claimed));
        let is_optional = self.leaves_out() && !is_selected;
        let reads_all = self.reading.callbacks().reads_all();
        let manifest = match (self.read_manifest(&descriptor, by), artifact_type) {
            (Err(error), Some(kind)) if is_missing(&error) && !reads_all => {
                self.add_unread(&descriptor, kind, depth > 0);
                return Ok(());
            }
            (Err(error), None) if is_missing(&error) && is_optional => {
                self.leave_out_missing(&descriptor, by, error);
                return Ok(());
            }
            (manifest, _) => manifest?,
        };
        if let Some(kind) = self.artifact_kind(&descriptor, &manifest.0.view) {
            self.add_artifact(descriptor, by, manifest, kind, depth > 0);
            return Ok(());
        }
        if let Some(platform) = unselected {
            self.contents.seen.push(platform);
            return Ok(());
        }
        let image = match self.image_of(descriptor.clone(), manifest, by, false) {
            Err(error) if is_missing(&error) && is_optional => {
                self.leave_out_missing(&descriptor, by, error);
                return Ok(());
            }
            image => image?,
        };
        self.contents.seen.push(image.platform.clone());
        match self.reading.has(&image.platform) {
            true => self.contents.images.push(image),
            false => self.rejected = Some(image),
        }
        Ok(())
    }

    fn index(&mut self, descriptor: &Descriptor, by: &str, depth: usize) -> Result<(), Error> {
        let name = descriptor.digest.to_string();
        // A document that was visited is not read again; a small file could name it very often.
        if !self.seen.insert((descriptor.digest.clone(), String::new())) {
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            let limit = MAX_DEPTH;
            return Err(self
                .tree
                .invalid(by, DocumentProblem::NestedIndexes { limit }));
        }
        if depth > 0 {
            self.leave_out(by, descriptor, true);
        }
        let (raw, _) = self.document(descriptor, by, MAX_MANIFEST)?;
        let index: Document<Index> = self.tree.parse(&name, raw)?;
        let shown = (descriptor.clone(), index.raw.clone());
        self.contents.indexes.push(shown);
        self.reading.callbacks().index(&name, &index);
        let confusable = index.view.confusable();
        self.unambiguous(&name, &index.view.extra, NOT_OF_AN_INDEX, confusable)?;
        self.same_type(&name, &index.view.media_type, descriptor)?;
        if let Some(kind) = ArtifactKind::of_index(&index.view) {
            self.add_unread(descriptor, kind, depth > 0);
            for blob in &index.view.manifests {
                let read = self.layer(blob, None, &name, "blob");
                if self.reading.callbacks().reads_all() {
                    self.reading.callbacks().attempt(read)?;
                }
            }
            return Ok(());
        }
        let mut extra = index.view.extra;
        if let Some(subject) = extra.shift_remove("subject") {
            let text = format!(
                "the subject of the image index {name} was left out, because the merged index does not describe it: {}",
                clean(&subject.to_string())
            );
            let warning = Warning::new(Code::CompanionLeftOut, self.tree.input(), text);
            self.contents.left_out.push(warning);
        }
        let metadata = IndexMetadata {
            annotations: index.view.annotations,
            extra,
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
