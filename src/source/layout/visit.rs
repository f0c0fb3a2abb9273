//! Visits what `index.json` names: indexes at any depth, manifests, attestations and other artifacts.

use super::LayoutReader;
use super::rules::{MAX_DEPTH, is_attestation};
use super::{NOT_OF_AN_INDEX, is_missing};
use crate::error::{Code, DocumentProblem, Error, Problem, Warning};
use crate::image::IndexMetadata;
use crate::oci::artifact::{ArtifactKind, artifact_type};
use crate::oci::{Descriptor, Document, Index, MAX_MANIFEST, Platform, docker};
use crate::source::Select;
use crate::util::text::clean;

impl LayoutReader<'_> {
    pub(super) fn visit(
        &mut self,
        descriptor: Descriptor,
        by: &str,
        depth: usize,
    ) -> Result<(), Error> {
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
