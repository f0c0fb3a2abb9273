//! The marker of a layout, and what its `index.json` offers.

use super::LayoutReader;
use super::rules::is_attestation;
use super::{NOT_OF_AN_INDEX, required};
use crate::error::{Candidate, DocumentProblem, Error, Problem};
use crate::image::IndexMetadata;
use crate::oci::{
    Descriptor, Document, INDEX_FILE, Index, LAYOUT_FILE, LAYOUT_VERSION, NAME_ANNOTATIONS,
    layout_version,
};

impl LayoutReader<'_> {
    /// Returns the descriptors of `index.json`, with their names.
    pub(super) fn roots(&self) -> Result<(Vec<(Descriptor, Candidate)>, IndexMetadata), Error> {
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
    pub(super) fn add_inner(&self, roots: &[Descriptor], candidates: &mut [Candidate]) {
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
}
