//! Picks an image or an index of a layout by a prefix of its digest, at any depth: `IMAGE#@sha256:…`.

use std::collections::HashSet;

use super::LayoutReader;
use super::rules::MAX_DEPTH;
use crate::error::{Candidate, Error};
use crate::oci::artifact::{artifact_type, described};
use crate::oci::{
    Config, Descriptor, Digest, Index, MAX_MANIFEST, Manifest, Platform, attestation,
};
use crate::source::select;

/// Something that an index names.
struct Entry {
    digest: Digest,
    is_index: bool,
    is_zstd: bool,
    platform: Option<Platform>,
    /// The image that it describes, if it is an attestation.
    describes: Option<String>,
    names: Vec<String>,
    /// The position of the index that names it.
    parent: Option<usize>,
}

impl Entry {
    fn new(descriptor: &Descriptor, names: &[String], parent: Option<usize>) -> Self {
        Self {
            digest: descriptor.digest.clone(),
            is_index: descriptor.is_index(),
            is_zstd: descriptor.is_marked_as_zstd(),
            platform: descriptor.platform.clone(),
            describes: descriptor.annotations.get(attestation::SUBJECT).cloned(),
            names: names.to_vec(),
            parent,
        }
    }
}

impl LayoutReader<'_> {
    /// Returns the digests to visit for the one thing whose digest starts with `prefix`: the indexes above
    /// it, what is below it, and the attestations of all that.
    pub(super) fn pick(
        &self,
        prefix: &str,
        roots: &[(Descriptor, Candidate)],
    ) -> Result<HashSet<Digest>, Error> {
        let entries = self.entries(roots);
        let mut seen = HashSet::new();
        let candidates: Vec<Candidate> = (entries.iter())
            .filter(|entry| entry.describes.is_none() && seen.insert(&entry.digest))
            .map(|entry| Candidate {
                names: entry.names.clone(),
                platform: entry.platform.clone(),
                digest: Some(entry.digest.clone()),
                is_zstd: entry.is_zstd,
                ..Candidate::default()
            })
            .collect();
        let offered = || candidates.clone();
        let input = self.tree.input();
        let chosen = select::choose_digest(input, prefix, &candidates, offered)?;
        let picked = chosen.iter().filter_map(|i| candidates[*i].digest.clone());
        let picked: HashSet<Digest> = picked.collect();

        let mut visited = HashSet::new();
        let mut is_below = Vec::with_capacity(entries.len());
        for entry in &entries {
            let is_picked = picked.contains(&entry.digest);
            is_below.push(is_picked || entry.parent.is_some_and(|parent| is_below[parent]));
            let mut above = entry.parent.filter(|_| is_picked);
            while let Some(parent) = above {
                visited.insert(entries[parent].digest.clone());
                above = entries[parent].parent;
            }
        }
        let below = entries.iter().zip(&is_below).filter(|(_, below)| **below);
        let below: HashSet<&Digest> = below.map(|(entry, _)| &entry.digest).collect();
        let images: HashSet<String> = below.iter().map(ToString::to_string).collect();
        let describes = |entry: &&Entry| {
            let image = entry.describes.as_ref();
            image.is_some_and(|image| images.contains(image))
        };
        let attestations = entries.iter().filter(describes);
        visited.extend(attestations.map(|entry| entry.digest.clone()));
        visited.extend(below.into_iter().cloned());
        Ok(visited)
    }

    /// The entries of all indexes, outer ones first. Each index is read once.
    fn entries(&self, roots: &[(Descriptor, Candidate)]) -> Vec<Entry> {
        let mut entries: Vec<Entry> = (roots.iter())
            .map(|(root, candidate)| Entry::new(root, &candidate.names, None))
            .collect();
        let mut seen = HashSet::new();
        let (mut level, mut depth) = (0..entries.len(), 0);
        while !level.is_empty() && depth < MAX_DEPTH {
            for parent in level.clone() {
                let digest = entries[parent].digest.clone();
                if !entries[parent].is_index || !seen.insert(digest.clone()) {
                    continue;
                }
                for inner in self.inner(&digest) {
                    let mut entry = Entry::new(&inner, &[], Some(parent));
                    if entry.describes.is_none() {
                        entry.describes = self.described_by(&inner);
                    }
                    entries.push(entry);
                }
            }
            (level, depth) = (level.end..entries.len(), depth + 1);
        }
        entries
    }

    /// The image that an artifact describes.
    fn described_by(&self, descriptor: &Descriptor) -> Option<String> {
        artifact_type(descriptor)?;
        let manifest: Manifest = self.tree.peek(&descriptor.digest, MAX_MANIFEST)?;
        described(descriptor, &manifest.extra, &[]).map(|subject| subject.to_string())
    }

    /// The descriptors in an index; none where it cannot be read. It is verified when it is visited.
    pub(super) fn inner(&self, digest: &Digest) -> Vec<Descriptor> {
        let index: Option<Index> = self.tree.peek(digest, MAX_MANIFEST);
        index.map_or_else(Vec::new, |index| index.manifests)
    }

    /// The platform of a manifest, if its config can be read and says it.
    pub(super) fn platform_of(&self, manifest: &Digest) -> Option<Platform> {
        let manifest: Manifest = self.tree.peek(manifest, MAX_MANIFEST)?;
        let config: Config = self.tree.peek(&manifest.config.digest, MAX_MANIFEST)?;
        Some(config.platform()).filter(|platform| !platform.is_silent())
    }
}
