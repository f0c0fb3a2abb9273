//! Entries of an index, or of a layout beside its images, that are not images: they are recognized before
//! images are chosen, and never make an image unreadable.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Map;

use super::LayoutReader;
use super::image::ManifestFile;
use crate::error::{Candidate, Code, Error, ImageInInput, Item, Problem, Subject, Warning};
use crate::image::Companion;
use crate::image::companion::{add_referrers, without_files};
use crate::oci::artifact::{
    ArtifactKind, ReferrersTag, artifact_type, cosign_kind, described, subject,
};
use crate::oci::{
    Config, Descriptor, Digest, INDEX_FILE, Index, MAX_CONFIG, MAX_MANIFEST, Manifest, Platform,
};
use crate::source::Select;
use crate::source::tree::signed_manifest;

/// The kind of a descriptor of `index.json`.
pub enum Root {
    /// An image or an image index, or what cannot be read.
    Image,
    /// An entry of an index that `index.json` has too; what oras writes.
    Repeated,
    /// An artifact. The user can select one that has a name and no subject.
    Artifact {
        kind: ArtifactKind,
        subject: Option<Digest>,
        tag: Option<String>,
    },
    /// The list of referrers that regctl writes, under the tag of their subject.
    Referrers(Vec<Descriptor>),
}

/// An artifact that was found where images are.
pub struct FoundArtifact {
    descriptor: Descriptor,
    by: String,
    manifest: ManifestFile,
    kind: ArtifactKind,
    subject: Option<Digest>,
    is_entry: bool,
}

impl LayoutReader<'_> {
    /// Returns the kinds of the descriptors of `index.json`. The manifest of a lone one is read when it is taken.
    pub(super) fn classify(&self, roots: &mut [(Descriptor, Candidate)]) -> Vec<Root> {
        if roots.len() < 2 {
            return roots.iter().map(|_| Root::Image).collect();
        }
        let indexes: HashMap<usize, Index> = (roots.iter().enumerate())
            .filter(|(_, (root, _))| root.is_index())
            .filter_map(|(i, (root, _))| Some((i, self.tree.peek(&root.digest, MAX_MANIFEST)?)))
            .collect();
        let is_image = |i: &usize, index: &Index| {
            let (root, candidate) = &roots[*i];
            matches!(self.of_index(root, index, &candidate.names), Root::Image)
        };
        let entries = indexes
            .iter()
            .filter(|(i, index)| is_image(i, index))
            .flat_map(|(_, index)| &index.manifests);
        let entries: HashSet<&Digest> = entries.map(|entry| &entry.digest).collect();
        let mut images = roots.iter().filter(|(d, _)| cosign_kind(d) == Some(false));
        let signed = match (images.next(), images.next()) {
            (Some((image, _)), None) => Some(image.digest.clone()),
            _ => None,
        };
        let classes: Vec<Root> = (roots.iter().enumerate())
            .map(|(i, (root, candidate))| {
                let names = &candidate.names;
                if names.is_empty() && entries.contains(&root.digest) {
                    return Root::Repeated;
                }
                let found = match indexes.get(&i) {
                    Some(index) => self.of_index(root, index, names),
                    None => self.of_manifest(root, names),
                };
                match found {
                    Root::Artifact {
                        kind,
                        subject: None,
                        tag,
                    } if cosign_kind(root) == Some(true) => Root::Artifact {
                        kind,
                        subject: signed.clone(),
                        tag,
                    },
                    found => found,
                }
            })
            .collect();
        for ((descriptor, candidate), class) in roots.iter_mut().zip(&classes) {
            match class {
                Root::Image => {}
                Root::Repeated | Root::Referrers(_) => candidate.is_companion = true,
                Root::Artifact { kind, subject, .. } => {
                    candidate.is_companion = candidate.names.is_empty()
                        || subject.is_some()
                        || cosign_kind(descriptor) == Some(true);
                    candidate.artifact = Some(kind.clone());
                }
            }
        }
        classes
    }

    fn of_index(&self, root: &Descriptor, index: &Index, names: &[String]) -> Root {
        let tag = names.iter().find_map(|name| ReferrersTag::of(name));
        let is_artifact = |entry: &Descriptor| {
            artifact_type(entry).is_some()
                || matches!(self.of_manifest(entry, &[]), Root::Artifact { .. })
        };
        if tag.is_some_and(|tag| tag.is_list) && index.manifests.iter().all(is_artifact) {
            return Root::Referrers(index.manifests.clone());
        }
        let subject = described(root, &index.extra, &[]).filter(|subject| self.is_here(subject));
        let own = index.extra.get("artifactType").and_then(|t| t.as_str());
        let kind = ArtifactKind::of_index(index).or_else(|| {
            subject
                .is_some()
                .then(|| own.unwrap_or(root.media_type.as_ref()).into())
        });
        match kind {
            Some(kind) => Root::Artifact {
                kind,
                subject,
                tag: None,
            },
            None => Root::Image,
        }
    }

    fn of_manifest(&self, root: &Descriptor, names: &[String]) -> Root {
        // An image with a platform says so; the descriptor of an artifact has its type.
        if root.platform.is_some() && artifact_type(root).is_none() {
            return Root::Image;
        }
        let Some(manifest) = self.tree.peek::<Manifest>(&root.digest, MAX_MANIFEST) else {
            return Root::Image;
        };
        match self.artifact_kind(root, &manifest) {
            Some(kind) => Root::Artifact {
                kind,
                subject: described(root, &manifest.extra, names),
                tag: names
                    .iter()
                    .filter_map(|name| ReferrersTag::of(name))
                    .find_map(|tag| (!tag.is_list).then_some(tag.tag)),
            },
            None => Root::Image,
        }
    }

    /// Returns what a manifest is, if it is not an image: by its config, or because it describes another
    /// one that is here.
    pub(super) fn artifact_kind(
        &self,
        descriptor: &Descriptor,
        manifest: &Manifest,
    ) -> Option<ArtifactKind> {
        let describes = || subject(&manifest.extra).is_some_and(|subject| self.is_here(&subject));
        let has_platform = || {
            let config = self
                .tree
                .peek::<Config>(&manifest.config.digest, MAX_CONFIG);
            config.is_none_or(|config| {
                let is_unknown = |word: &str| matches!(word, "" | "unknown");
                let Platform {
                    os, architecture, ..
                } = config.platform();
                !is_unknown(&os) || !is_unknown(&architecture)
            })
        };
        ArtifactKind::of(descriptor, manifest)
            .or_else(|| without_files(manifest).filter(|_| !has_platform()))
            .or_else(|| describes().then(|| ArtifactKind::of_referrer(manifest)))
    }

    fn is_here(&self, digest: &Digest) -> bool {
        self.tree.blob(digest).is_ok_and(|found| found.is_some())
    }

    /// Keeps an artifact that was found where images are, until all images are known.
    pub(super) fn add_artifact(
        &mut self,
        descriptor: Descriptor,
        by: &str,
        manifest: ManifestFile,
        kind: ArtifactKind,
        is_entry: bool,
    ) {
        let subject = described(&descriptor, &manifest.0.view.extra, &[]);
        self.artifacts.push(FoundArtifact {
            descriptor,
            by: by.to_owned(),
            manifest,
            kind,
            subject,
            is_entry,
        });
    }

    /// Adds an artifact whose manifest is not read: it is missing, or it is an index.
    pub(super) fn add_unread(
        &mut self,
        descriptor: &Descriptor,
        kind: ArtifactKind,
        is_entry: bool,
    ) {
        let subject = described(descriptor, &Map::new(), &[]);
        self.add_companion(Companion {
            input: self.tree.input().clone(),
            descriptor: descriptor.clone(),
            kind,
            subject,
            tag: None,
            is_entry,
            image: None,
        });
    }

    fn add_companion(&mut self, companion: Companion) {
        self.reading.callbacks().companion(&companion);
        self.contents.companions.push(companion);
    }

    /// Reads the artifacts that were found where images are. One with a platform that no image has is
    /// taken as the image of that platform.
    pub(super) fn finish_artifacts(&mut self) -> Result<(), Error> {
        for found in std::mem::take(&mut self.artifacts) {
            let FoundArtifact {
                descriptor,
                by,
                manifest,
                kind,
                subject,
                is_entry,
            } = found;
            let platform = descriptor.platform.clone().filter(|platform| {
                let is_taken = |seen: &Platform| seen.same_place(platform);
                platform.os != "unknown" && !self.contents.seen.iter().any(is_taken)
            });
            if let Some(platform) = platform.filter(|_| subject.is_none()) {
                self.contents.seen.push(platform.clone());
                if self.reading.has(&platform) {
                    let image = self.image_of(descriptor, manifest, &by, false);
                    let image = self.reading.callbacks().attempt(image)?;
                    self.contents.images.extend(image);
                }
                continue;
            }
            let is_read = is_entry || self.reading.wanted.referrers;
            let image =
                match is_read.then(|| self.image_of(descriptor.clone(), manifest, &by, true)) {
                    None => None,
                    Some(Ok(image)) => Some(Box::new(image)),
                    Some(Err(error)) => {
                        self.missing_companion(error)?;
                        None
                    }
                };
            self.add_companion(Companion {
                input: self.tree.input().clone(),
                descriptor,
                kind,
                subject,
                tag: None,
                is_entry,
                image,
            });
        }
        Ok(())
    }

    /// Continues without a companion that is missing: no image needs it.
    fn missing_companion(&self, error: Error) -> Result<(), Error> {
        let callbacks = self.reading.callbacks();
        match error.problem() {
            Problem::Missing { .. } if !callbacks.reads_all() => Ok(()),
            _ => callbacks.unreadable(error),
        }
    }

    /// Adds what is beside the images that were chosen. Where the user chose among several, only what
    /// describes those.
    pub(super) fn add_beside(&mut self, roots: Vec<(Descriptor, Root)>) -> Result<(), Error> {
        let (mut beside, mut repeated) = (Vec::new(), Vec::new());
        for (root, class) in roots {
            match class {
                Root::Image => {}
                Root::Repeated => repeated.push(root),
                Root::Artifact { kind, subject, tag } => beside.push((root, kind, subject, tag)),
                Root::Referrers(list) => {
                    for entry in list {
                        if let Root::Artifact { kind, subject, .. } = self.of_manifest(&entry, &[])
                        {
                            beside.push((entry, kind, subject, None));
                        }
                    }
                }
            }
        }
        if self.reading.input.select == Select::All {
            self.add_repeated(&repeated);
        } else {
            let mut taken = self.taken();
            let edges = (beside.iter()).filter_map(|(descriptor, _, subject, _)| {
                Some((subject.as_ref()?, &descriptor.digest))
            });
            add_referrers(&mut taken, edges);
            beside.retain(|(descriptor, ..)| taken.contains(&descriptor.digest));
        }
        let mut known = HashSet::new();
        for (descriptor, kind, subject, tag) in beside {
            if !known.insert((descriptor.digest.clone(), subject.clone())) {
                continue;
            }
            let mut image = None;
            if self.reading.wanted.referrers && !descriptor.is_index() {
                let found = (self.read_manifest(&descriptor, INDEX_FILE))
                    .and_then(|found| self.image_of(descriptor.clone(), found, INDEX_FILE, true));
                match found {
                    Ok(found) => image = Some(Box::new(found)),
                    Err(error) => self.missing_companion(error)?,
                }
            }
            self.add_companion(Companion {
                input: self.tree.input().clone(),
                descriptor,
                kind,
                subject,
                tag,
                is_entry: false,
                image,
            });
        }
        Ok(())
    }

    /// Names the signatures of a `dir:`: an image layout has no place for their format.
    pub(super) fn add_signatures(&mut self) -> Result<(), Error> {
        for name in self.tree.signatures()? {
            let about = match signed_manifest(&name) {
                None | Some("") => "the image".to_owned(),
                Some(manifest) => format!("the manifest {manifest}"),
            };
            let text = format!("the signature {name} was left out; it describes {about}");
            let warning = Warning::new(Code::CompanionLeftOut, self.tree.input(), text);
            self.contents.left_out.push(warning);
        }
        Ok(())
    }

    /// The digests of the indexes and manifests that are taken.
    fn taken(&self) -> HashSet<Digest> {
        let contents = &self.contents;
        let indexes = contents.indexes.iter().map(|(index, _)| index);
        let attestations = contents.images.iter().flat_map(|image| &image.attestations);
        let images = contents.images.iter().chain(attestations);
        let entries = contents.companions.iter().map(|c| &c.descriptor);
        let descriptors = indexes
            .chain(images.map(|image| &image.descriptor))
            .chain(entries);
        descriptors
            .map(|descriptor| descriptor.digest.clone())
            .collect()
    }

    /// Names the annotations of entries of an index that `index.json` lists again: the merged `index.json`
    /// does not.
    fn add_repeated(&mut self, repeated: &[Descriptor]) {
        let images = self.contents.images.iter().map(|image| &image.descriptor);
        let kept: HashMap<_, _> = images
            .map(|image| (&image.digest, &image.annotations))
            .collect();
        let lost: BTreeSet<&String> = (repeated.iter())
            .flat_map(|root| {
                root.annotations
                    .iter()
                    .map(move |(k, v)| (&root.digest, k, v))
            })
            .filter(|(digest, key, value)| {
                let kept = kept.get(digest).and_then(|kept| kept.get(*key));
                kept != Some(value)
            })
            .map(|(_, key, _)| key)
            .collect();
        if lost.is_empty() {
            return;
        }
        let keys: Vec<String> = lost.iter().map(|key| format!("{key:?}")).collect();
        let text = format!(
            "{INDEX_FILE} lists entries of the image index again, and the merged one does not; annotations that are left out with them: {}",
            keys.join(", ")
        );
        let warning = Warning::new(Code::AnnotationLeftOut, self.tree.input(), text);
        self.contents.left_out.push(warning);
    }

    /// Names the fields of the descriptor of an index that a merged image has no place for: the index is
    /// taken apart. Those of `index.json` have their annotations in the merged one.
    pub(super) fn leave_out(&mut self, by: &str, index: &Descriptor, annotations: bool) {
        // These are the bytes of the index.
        let of_content = |key: &&String| matches!(&***key, "data" | "urls");
        let fields = index.extra.keys().filter(|key| !of_content(key));
        let annotations = index.annotations.keys().filter(|_| annotations);
        let keys: Vec<String> = fields
            .chain(annotations)
            .map(|key| format!("{key:?}"))
            .collect();
        if keys.is_empty() {
            return;
        }
        let text = format!(
            "the descriptor of the image index {} in {by} is left out, with {}",
            index.digest,
            keys.join(", ")
        );
        let warning = Warning::new(Code::AnnotationLeftOut, self.tree.input(), text);
        self.contents.left_out.push(warning);
    }

    /// The error that an input has an artifact and no image.
    pub(super) fn only_artifacts(&self, descriptor: &Descriptor, kind: &ArtifactKind) -> Error {
        let id = descriptor.digest.to_string();
        let item = Item::Image(ImageInInput::Id((&*id).into()));
        let kind = kind.clone();
        Error::new(
            Subject::from((self.tree.input(), item)),
            Problem::Artifact { kind },
        )
    }
}
