//! What is attached to an image: the documents of its attestations and of its referrers.

use serde::Serialize;

use crate::image::{Companion, Image};
use crate::oci::attestation::{self, PREDICATE_TYPE};
use crate::oci::{Digest, MediaType};

/// The annotations in which BuildKit, sigstore bundles and cosign store the predicate type of a statement.
///
/// Sources: BuildKit `docs/attestations/attestation-storage.md`; cosign `pkg/oci/remote/write.go` and
/// `cmd/cosign/cli/attest/attest.go`.
const PREDICATE_TYPES: [&str; 3] = [
    PREDICATE_TYPE,
    "dev.sigstore.bundle.predicateType",
    "predicateType",
];

/// A document that is attached to an image.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AttachedDocument {
    pub form: AttachedForm,
    pub manifest: Digest,
    pub artifact_type: String,
    pub media_type: MediaType,
    pub predicate_type: Option<String>,
    pub content: Option<&'static str>,
    pub digest: Digest,
    pub size: u64,
}

/// Where a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AttachedForm {
    /// In the image index.
    Index,
    /// Beside the image.
    Referrers,
}

/// Returns what is attached to the manifest of an image.
pub fn of(image: &Image, companions: &[Companion]) -> Vec<AttachedDocument> {
    let mut attached = Vec::new();
    for attestation in &image.attestations {
        let artifact_type = attestation::ARTIFACT_TYPE;
        add(
            &mut attached,
            AttachedForm::Index,
            artifact_type,
            attestation,
        );
    }
    for companion in companions {
        let is_own = companion.subject.as_ref() == Some(&image.descriptor.digest);
        if let Some(artifact) = companion.image.as_ref().filter(|_| is_own) {
            let form = match companion.is_entry {
                true => AttachedForm::Index,
                false => AttachedForm::Referrers,
            };
            add(&mut attached, form, &companion.kind.artifact_type, artifact);
        }
    }
    attached
}

fn add(
    attached: &mut Vec<AttachedDocument>,
    form: AttachedForm,
    artifact_type: &str,
    artifact: &Image,
) {
    let of_manifest = artifact.manifest.view.annotations();
    for layer in &artifact.manifest.view.layers {
        let annotation = |key: &&str| layer.annotations.get(*key).or(of_manifest.get(*key));
        let predicate_type = PREDICATE_TYPES.iter().find_map(annotation).cloned();
        attached.push(AttachedDocument {
            form,
            manifest: artifact.descriptor.digest.clone(),
            artifact_type: artifact_type.to_owned(),
            media_type: layer.media_type.clone(),
            content: attestation::content_name(&layer.media_type, predicate_type.as_deref()),
            predicate_type,
            digest: layer.digest.clone(),
            size: layer.size,
        });
    }
}
