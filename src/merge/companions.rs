//! Which companions a merged image keeps: entries of its index, and referrers beside it.
//!
//! A companion describes a manifest by its digest, so it is true for an unchanged manifest only.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Map;

use crate::error::{Code, Warning};
use crate::image::companion::add_referrers;
use crate::image::{Companion, Image};
use crate::oci::artifact::ReferrersTag;
use crate::oci::{Descriptor, Digest, Document, ImageName, Index, MediaType, Platform};

/// Whether the artifacts beside an image are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Referrers {
    /// They are left out, with a warning each.
    #[default]
    Drop,
    /// Those whose subject is in the merged image are carried into the layout.
    Keep,
}

/// What companions can describe, by the digest that it has in the inputs.
pub struct Described(HashMap<Digest, String>);

impl Described {
    /// Remembers images and indexes before they are changed.
    pub fn of(images: &[Image], indexes: &[Descriptor]) -> Self {
        let name = |platform: &Platform| format!("the image for {platform}");
        let of_images = images.iter().flat_map(|image| {
            let attestations = image.attestations.iter();
            let of_attestations = attestations.map(move |attestation| {
                let what = format!("the attestation of {}", name(&image.platform));
                (attestation.descriptor.digest.clone(), what)
            });
            let own = (image.descriptor.digest.clone(), name(&image.platform));
            std::iter::once(own).chain(of_attestations)
        });
        let of_indexes =
            (indexes.iter()).map(|index| (index.digest.clone(), "the image index".to_owned()));
        Self(of_images.chain(of_indexes).collect())
    }
}

/// The companions of a merge.
pub struct Companions {
    described: Described,
    /// Those that the merged image has not kept so far.
    left: Vec<Companion>,
    /// The manifests of the merged image, and what describes them.
    kept: HashSet<Digest>,
}

impl Companions {
    /// Starts with the images of the merged image.
    pub fn new(mut companions: Vec<Companion>, described: Described, images: &[Image]) -> Self {
        let attestations = images.iter().flat_map(|image| &image.attestations);
        let images = images.iter().chain(attestations);
        let mut seen = HashSet::new();
        companions.sort_by(|a, b| {
            let key = |c: &Companion| (!c.is_entry, c.descriptor.digest.clone());
            key(a).cmp(&key(b))
        });
        // Two inputs can have the same one.
        companions
            .retain(|c| seen.insert((c.descriptor.digest.clone(), c.subject.clone(), c.is_entry)));
        Self {
            described,
            left: companions,
            kept: images.map(|i| i.descriptor.digest.clone()).collect(),
        }
    }

    /// Takes the entries of the merged index: those that describe an unchanged manifest of it, or none.
    pub fn take_entries(&mut self) -> Vec<Image> {
        let is_own = |c: &&Companion| c.is_entry && c.image.is_some() && c.subject.is_none();
        let own = self
            .left
            .iter()
            .filter(is_own)
            .map(|c| c.descriptor.digest.clone());
        self.kept.extend(own);
        let entries = self.take(|companion| companion.is_entry).into_iter();
        let images = entries.filter_map(|entry| entry.image);
        images.map(|image| without_artifact_type(*image)).collect()
    }

    /// Takes the referrers of the manifests and the index of the merged image, and of what is taken.
    pub fn take_referrers(&mut self, index: &Digest) -> Vec<Companion> {
        self.kept.insert(index.clone());
        self.take(|companion| companion.subject.is_some())
    }

    /// Takes what is wanted and describes something that is kept, or nothing.
    fn take(&mut self, is_wanted: fn(&Companion) -> bool) -> Vec<Companion> {
        let wanted = |c: &&Companion| c.image.is_some() && is_wanted(c);
        let edges = (self.left.iter().filter(wanted))
            .filter_map(|c| Some((c.subject.as_ref()?, &c.descriptor.digest)));
        add_referrers(&mut self.kept, edges);
        let kept = &self.kept;
        let is_taken = |c: &mut Companion| {
            let subject = c.subject.as_ref();
            wanted(&&*c) && subject.is_none_or(|subject| kept.contains(subject))
        };
        self.left.extract_if(.., is_taken).collect()
    }

    /// Warns of what was left out.
    pub fn warn(self, referrers: Referrers, warnings: &mut Vec<Warning>) {
        for companion in &self.left {
            // The same artifact can be an entry of the index, too.
            if self.kept.contains(&companion.descriptor.digest) {
                continue;
            }
            let digest = &companion.descriptor.digest;
            let about =
                companion
                    .subject
                    .as_ref()
                    .map(|subject| match self.described.0.get(subject) {
                        Some(what) => format!("; it describes {what} ({subject})"),
                        None => format!("; it describes {subject}, which is not selected"),
                    });
            let is_index = companion.descriptor.media_type == MediaType::ImageIndex;
            let is_read = companion.is_entry || referrers == Referrers::Keep;
            let why = match &companion.subject {
                Some(subject) if !self.kept.contains(subject) => {
                    match self.described.0.contains_key(subject) {
                        true => ", which has another digest in the merged image",
                        false => "",
                    }
                }
                _ if is_read && companion.image.is_none() => {
                    match companion.descriptor.media_type {
                        MediaType::ImageIndex => "; only manifests can be kept, not indexes",
                        _ => "; some of its blobs are missing",
                    }
                }
                Some(_) if !is_read && !is_index => {
                    ", and --referrers keep carries it into an oci-layout"
                }
                _ => "",
            };
            let keys: Vec<String> = (companion.descriptor.annotations.keys())
                .map(|key| format!("{key:?}"))
                .collect();
            let annotations = match &keys[..] {
                [] => String::new(),
                keys => format!(", with the annotations {}", keys.join(", ")),
            };
            let text = format!(
                "{}, {digest}, was left out{annotations}{}{why}",
                companion.kind,
                about.unwrap_or_default()
            );
            warnings.push(Warning::new(Code::CompanionLeftOut, &companion.input, text));
        }
    }
}

/// Removes the artifact type from the descriptor of an entry, where its manifest has it and no platform
/// needs it: skopeo 1.9 cannot copy an index that has one, because its descriptors lack the field.
fn without_artifact_type(mut image: Image) -> Image {
    const KEY: &str = "artifactType";
    let own = image.manifest.view.extra.get(KEY);
    let descriptor = &mut image.descriptor;
    if descriptor.platform.is_none() && descriptor.extra.get(KEY) == own {
        descriptor.extra.shift_remove(KEY);
    }
    image
}

/// The lists of referrers of a layout, each under the tag of its subject, and the signatures that cosign
/// finds under separate tags: the descriptors for `index.json`, and the lists.
pub fn lists(referrers: &[Companion]) -> (Vec<Descriptor>, Vec<Document<Index>>) {
    let mut by_subject: BTreeMap<&Digest, Vec<&Companion>> = BTreeMap::new();
    let mut roots = BTreeMap::new();
    for referrer in referrers {
        match (&referrer.tag, &referrer.subject) {
            (Some(tag), _) => {
                let descriptor = Descriptor {
                    annotations: ImageName::tag_annotations(tag),
                    ..referrer.descriptor.clone()
                };
                roots.insert(tag.clone(), descriptor);
            }
            (None, Some(subject)) => by_subject.entry(subject).or_default().push(referrer),
            (None, None) => {}
        }
    }
    let mut documents = Vec::new();
    for (subject, referrers) in by_subject {
        let manifests = referrers.iter().map(|referrer| entry(referrer)).collect();
        let list = Document::write(Index::new(manifests, BTreeMap::new(), Map::new()));
        let tag = ReferrersTag::of_list(subject);
        let descriptor = Descriptor {
            annotations: ImageName::tag_annotations(&tag),
            ..Descriptor::of(MediaType::ImageIndex, &list.raw)
        };
        roots.insert(tag, descriptor);
        documents.push(list);
    }
    (roots.into_values().collect(), documents)
}

/// The descriptor of a referrer in a list: distribution-spec, "Listing Referrers", wants the artifact type
/// and the annotations of its manifest.
fn entry(referrer: &Companion) -> Descriptor {
    let mut entry = referrer.descriptor.clone();
    entry.platform = None;
    entry.extra.insert(
        "artifactType".to_owned(),
        referrer.kind.artifact_type.clone().into(),
    );
    if let Some(image) = &referrer.image {
        entry.annotations.extend(image.manifest.view.annotations());
    }
    entry
}
