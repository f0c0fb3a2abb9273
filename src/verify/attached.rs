//! Checks of the documents that are attached to images: SBOMs and in-toto statements.

use std::io::{BufReader, Read};

use super::findings::Findings;
use crate::error::Code;
use crate::image::{Blob, Content, Image, Layer};
use crate::oci::Digest;
use crate::oci::artifact::subject;
use crate::oci::attestation::{DocumentFormat, DocumentHead, MAX_DOCUMENT, PREDICATE_TYPE};
use crate::oci::json_keys::duplicate_keys;
use crate::source::Contents;

/// Checks the attestations and the artifacts of an input.
pub fn check(findings: &Findings, contents: &Contents) {
    for image in &contents.images {
        for attestation in &image.attestations {
            check_subject(findings, attestation, &image.descriptor.digest);
            check_artifact(findings, attestation, Some(&image.descriptor.digest));
        }
    }
    for companion in &contents.companions {
        if let Some(artifact) = &companion.image {
            check_artifact(findings, artifact, companion.subject.as_ref());
        }
    }
}

/// Checks that an attestation, which describes the image that its annotation names, has no other subject.
fn check_subject(findings: &Findings, attestation: &Image, described: &Digest) {
    let digest = attestation.descriptor.digest.to_string();
    if let Some(subject) = subject(&attestation.manifest.view.extra)
        && subject != *described
    {
        let message = format!(
            "the attestation {digest} is of {described} by its annotation, but its subject is {subject}"
        );
        findings.add(Code::AttestationSubject, &digest, message);
    }
}

fn check_artifact(findings: &Findings, artifact: &Image, subject: Option<&Digest>) {
    for blob in artifact.layers.iter().filter_map(Layer::blob) {
        if let Some(format) = DocumentFormat::of(&blob.descriptor.media_type) {
            check_document(findings, blob, format, subject);
        }
    }
}

fn check_document(
    findings: &Findings,
    blob: &Blob,
    format: DocumentFormat,
    subject: Option<&Digest>,
) {
    // A large blob that came through a stream was not kept.
    let is_kept = !matches!(blob.content, Content::Streamed(_));
    if blob.descriptor.size > MAX_DOCUMENT || !is_kept {
        return;
    }
    let digest = blob.descriptor.digest.to_string();
    // A blob that cannot be read has been reported.
    let Ok(content) = blob.content.open() else {
        return;
    };
    let expected = format.media_type();
    let problem = match DocumentHead::read(content.take(MAX_DOCUMENT)) {
        Ok(Some(head)) if head.format == format => {
            check_keys(findings, blob);
            return check_statement(findings, blob, &head, subject);
        }
        Ok(Some(head)) => format!("it is a {}", head.format.media_type()),
        Ok(None) => "it has other fields".to_owned(),
        Err(error) => error.to_string(),
    };
    let message =
        format!("{digest} has the media type {expected}, but not such content: {problem}");
    findings.add(Code::AttachedDocument, &digest, message);
}

/// Checks that each key of a document has one value.
fn check_keys(findings: &Findings, blob: &Blob) {
    let Ok(content) = blob.content.open() else {
        return;
    };
    let content = BufReader::new(content.take(MAX_DOCUMENT));
    if let Some(key) = duplicate_keys(content).first() {
        let digest = blob.descriptor.digest.to_string();
        let message =
            format!("{digest} has the key {key:?} twice: JSON parsers disagree about its value");
        findings.add(Code::AttachedDocument, &digest, message);
    }
}

fn check_statement(
    findings: &Findings,
    blob: &Blob,
    head: &DocumentHead,
    subject: Option<&Digest>,
) {
    let digest = blob.descriptor.digest.to_string();
    let annotation = blob.descriptor.annotations.get(PREDICATE_TYPE);
    if let (Some(own), Some(annotation)) = (&head.predicate_type, annotation)
        && own != annotation
    {
        let message = format!(
            "the statement {digest} has the predicateType {own:?}, but its annotation is {annotation:?}"
        );
        findings.add(Code::PredicateType, &digest, message);
    }
    if head.subjects.is_empty() && head.has_subject_without_digest {
        let message = format!("the subject of the statement {digest} has no digest");
        findings.add(Code::StatementSubject, &digest, message);
    }
    if let (Some(manifest), [first, ..]) = (subject, &head.subjects[..])
        && !head.is_about(manifest)
    {
        let message =
            format!("the statement {digest} is attached to {manifest}, but its subject is {first}");
        findings.add(Code::StatementSubject, &digest, message);
    }
}
