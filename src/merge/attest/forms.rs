//! The forms in which a document is stored: in an attestation of BuildKit, and as a referrer.
//!
//! Sources: BuildKit `exporter/containerimage/writer.go`, `commitAttestationsManifest`; image-spec `manifest.md`,
//! "Guidelines for Artifact Usage". Clients that look for an SBOM among referrers take one whose artifact type
//! and layer have the media type of the SBOM (trivy `pkg/oci/artifact.go`), and choose a statement by its
//! annotation.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use oci_spec::image::ANNOTATION_TITLE;
use serde_json::json;

use super::AttestedDocument;
use crate::error::{DocumentProblem, Error, InputName, Item, Problem, Subject};
use crate::image::{Blob, Companion, Content, Image, Layer, StaleAnnotations};
use crate::oci::attestation::{self, DocumentFormat, PREDICATE_TYPE, STATEMENT_TYPE};
use crate::oci::statement::with_subject;
use crate::oci::{Descriptor, Digest, Document, Manifest, MediaType, Platform};

/// Adds an attestation with the documents to an image. Attestations that the image has stay as they are, and
/// come first: clients take the signature of the first one (policy-helpers `image/resolve.go`).
pub fn add_attestation(image: &mut Image, documents: &[&AttestedDocument]) -> Result<(), Error> {
    let mut statements = BTreeSet::new();
    for document in documents {
        statements.insert(statement(document, &image.descriptor.digest)?);
    }
    let attested = image.attestations.iter().flat_map(|kept| &kept.layers);
    let known: HashSet<&Digest> = attested.map(|layer| &layer.descriptor().digest).collect();
    let layers: Vec<Layer> = statements
        .into_iter()
        .map(|statement| {
            let annotations = [(PREDICATE_TYPE.to_owned(), statement.predicate_type)];
            layer(DocumentFormat::InToto, statement.bytes, annotations.into())
        })
        .filter(|layer| !known.contains(&layer.descriptor().digest))
        .collect();
    if layers.is_empty() {
        return Ok(());
    }
    let mut attestation = artifact(image, attestation::ARTIFACT_TYPE, layers, BTreeMap::new());
    let unknown = || "unknown".to_owned();
    attestation.platform = Platform {
        os: unknown(),
        architecture: unknown(),
        ..Platform::default()
    };
    attestation.descriptor.annotations = BTreeMap::from([
        (
            attestation::KIND.to_owned(),
            attestation::MANIFEST.to_owned(),
        ),
        (
            attestation::SUBJECT.to_owned(),
            image.descriptor.digest.to_string(),
        ),
    ]);
    image.attestations.push(attestation);
    Ok(())
}

/// Returns the referrer of an image that has a document.
pub fn referrer(image: &Image, document: &AttestedDocument) -> Result<Companion, Error> {
    let format = document.head.format;
    let mut annotations = BTreeMap::new();
    let bytes = match format {
        DocumentFormat::Spdx | DocumentFormat::CycloneDx => document.raw.clone(),
        DocumentFormat::InToto => {
            let statement = statement(document, &image.descriptor.digest)?;
            annotations.insert(PREDICATE_TYPE.to_owned(), statement.predicate_type);
            statement.bytes
        }
    };
    let of_manifest = annotations.clone();
    // oras pulls a layer to the file of this name.
    annotations.insert(ANNOTATION_TITLE.to_owned(), format.file_name().to_owned());
    let layers = vec![layer(format, bytes, annotations)];
    let artifact = artifact(image, format.media_type(), layers, of_manifest);
    Ok(Companion {
        input: InputName::Merged,
        descriptor: artifact.descriptor.clone(),
        kind: format.media_type().into(),
        subject: Some(image.descriptor.digest.clone()),
        tag: None,
        is_entry: false,
        image: Some(Box::new(artifact)),
    })
}

/// A statement, in the order in which an attestation has several.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Statement {
    predicate_type: String,
    bytes: Arc<[u8]>,
}

/// Returns a document as a statement about a manifest. A statement with a subject is not changed.
fn statement(document: &AttestedDocument, manifest: &Digest) -> Result<Statement, Error> {
    let (head, raw) = (&document.head, &document.raw);
    let subject = json!([{
        "name": "_",
        "digest": { (manifest.algorithm().to_string()): manifest.hex() },
    }])
    .to_string();
    let own = head.predicate_type.as_deref();
    let predicate_type = head.format.predicate_type().or(own).unwrap_or_default();
    let bytes = match head.format {
        DocumentFormat::InToto if !head.subjects.is_empty() => raw.clone(),
        DocumentFormat::InToto => {
            let completed = with_subject(raw, &subject);
            completed.map_err(|error| invalid(document, error))?.into()
        }
        // The bytes of the document are not serialised again.
        DocumentFormat::Spdx | DocumentFormat::CycloneDx => {
            let start = format!(
                "{{\"_type\":\"{STATEMENT_TYPE}\",\"subject\":{subject},\"predicateType\":\"{predicate_type}\",\"predicate\":"
            );
            [start.as_bytes(), raw, b"}"].concat().into()
        }
    };
    Ok(Statement {
        predicate_type: predicate_type.to_owned(),
        bytes,
    })
}

fn invalid(document: &AttestedDocument, error: serde_json::Error) -> Error {
    let problem = Problem::InvalidDocument(DocumentProblem::Json(error));
    Error::new(&*document.file.path, problem)
}

fn layer(format: DocumentFormat, bytes: Arc<[u8]>, annotations: BTreeMap<String, String>) -> Layer {
    let descriptor = Descriptor {
        annotations,
        ..Descriptor::of(format.media_type().into(), &bytes)
    };
    Layer::Opaque(blob(descriptor, bytes))
}

fn blob(descriptor: Descriptor, bytes: Arc<[u8]>) -> Blob {
    Blob {
        name: descriptor.digest.to_string().into(),
        descriptor,
        content: Content::Bytes(bytes),
        input: InputName::Merged,
    }
}

/// Returns an artifact that describes an image.
fn artifact(
    image: &Image,
    artifact_type: &str,
    layers: Vec<Layer>,
    annotations: BTreeMap<String, String>,
) -> Image {
    const EMPTY: &[u8] = b"{}";
    let mut config = Descriptor::of(MediaType::EmptyJSON, EMPTY);
    config.extra.insert("data".to_owned(), "e30=".into());
    let Descriptor {
        media_type,
        digest,
        size,
        ..
    } = &image.descriptor;
    let subject = Descriptor::new(media_type.clone(), digest.clone(), *size);
    let descriptors = layers.iter().map(|layer| layer.descriptor().clone());
    let mut manifest = Manifest::new(config.clone(), descriptors.collect());
    let extra = &mut manifest.extra;
    extra.insert("artifactType".to_owned(), artifact_type.into());
    extra.insert("subject".to_owned(), json!(subject));
    if !annotations.is_empty() {
        extra.insert("annotations".to_owned(), json!(annotations));
    }
    let manifest = Document::write(manifest);
    let descriptor = Descriptor::of(MediaType::ImageManifest, &manifest.raw);
    let item = Item::Attestation(descriptor.digest.clone());
    Image {
        origin: Subject::from((&InputName::Merged, item)),
        platform: Platform::default(),
        config_platform: Platform::default(),
        wrong_types: Vec::new(),
        descriptor,
        manifest_content: Content::Bytes(manifest.raw.clone()),
        manifest,
        config: blob(config, EMPTY.into()),
        layers,
        attestations: Vec::new(),
        stale: StaleAnnotations::default(),
    }
}
