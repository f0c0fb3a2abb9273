//! Attaches documents to the images of a merge: SBOMs and in-toto statements, as attestations in the image
//! index or as referrers beside it.
//!
//! A document describes the final manifest of an image: attaching it is the last change of the images.

mod forms;
mod read;

use std::path::PathBuf;

use memchr::memmem;

use crate::error::{Error, Problem};
use crate::image::{Companion, Image};
use crate::oci::{Digest, Platform};

pub use read::{AttestedDocument, read};

/// Documents to attach to the images.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Attest {
    /// The files; their order does not matter.
    pub files: Vec<AttestedFile>,
    /// Where the documents are stored.
    pub forms: AttestForms,
}

/// A file with an SBOM (SPDX 2 or CycloneDX, in JSON) or an in-toto statement.
#[derive(Clone, Debug)]
pub struct AttestedFile {
    /// The file.
    pub path: PathBuf,
    /// The platform of the image that it describes. Without it, the subject of a statement decides, and
    /// other documents describe the only platform.
    pub platform: Option<Platform>,
}

/// Where documents are stored. They can be in both places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttestForms {
    /// As attestations of BuildKit in the image index (default: true).
    pub index: bool,
    /// As referrers (OCI 1.1) beside the image (default: false); for
    /// [`Format::Layout`](super::Format::Layout).
    pub referrers: bool,
}

impl Default for AttestForms {
    fn default() -> Self {
        Self {
            index: true,
            referrers: false,
        }
    }
}

/// Fails if a document names a platform that no image has, or none where there are several: this is known
/// before layers are compressed.
pub fn check_platforms(documents: &[AttestedDocument], images: &[Image]) -> Result<(), Error> {
    for document in documents {
        candidates(document, images)?;
    }
    Ok(())
}

/// Attaches the documents to images that do not change any more. Returns the referrers.
pub fn attach(
    documents: &[AttestedDocument],
    forms: AttestForms,
    images: &mut [Image],
) -> Result<Vec<Companion>, Error> {
    let mut of_images: Vec<Vec<&AttestedDocument>> = vec![Vec::new(); images.len()];
    for document in documents {
        for place in described(document, images)? {
            of_images[place].push(document);
        }
    }
    let mut referrers = Vec::new();
    for (image, documents) in images.iter_mut().zip(of_images) {
        if forms.index {
            forms::add_attestation(image, &documents)?;
        }
        if forms.referrers {
            for document in documents {
                referrers.push(forms::referrer(image, document)?);
            }
        }
    }
    Ok(referrers)
}

/// Returns the positions of the images that a document can describe, by its platform.
fn candidates(document: &AttestedDocument, images: &[Image]) -> Result<Vec<usize>, Error> {
    let file = &document.file;
    let offered = || images.iter().map(|image| image.platform.clone()).collect();
    let Some(wanted) = &file.platform else {
        let is_one = images
            .windows(2)
            .all(|pair| pair[0].platform.same_place(&pair[1].platform));
        if is_one || !document.head.subjects.is_empty() {
            return Ok((0..images.len()).collect());
        }
        let offered = offered();
        return Err(Error::new(&*file.path, Problem::AttestSeveral { offered }));
    };
    let wanted_list = std::slice::from_ref(wanted);
    let found: Vec<usize> = (0..images.len())
        .filter(|place| images[*place].platform.is_one_of(wanted_list))
        .collect();
    match found.is_empty() {
        false => Ok(found),
        true => {
            let (wanted, offered) = (wanted.clone(), offered());
            let problem = Problem::NoSuchPlatform { wanted, offered };
            Err(Error::new(&*file.path, problem))
        }
    }
}

/// Returns the positions of the images that a document describes: by its platform, and by the subjects of a
/// statement. A document without a subject that names the manifest of another image, as an SBOM does that was made
/// for that image, is an error.
fn described(document: &AttestedDocument, images: &[Image]) -> Result<Vec<usize>, Error> {
    let candidates = candidates(document, images)?;
    let head = &document.head;
    let has_subject = !head.subjects.is_empty();
    let is_about = |image: &Image| {
        let digest = &image.descriptor.digest;
        match has_subject {
            true => head.is_about(digest),
            false => memmem::find(&document.raw, digest.hex().as_bytes()).is_some(),
        }
    };
    let is_described = |place: &&usize| is_about(&images[**place]);
    let described: Vec<usize> = candidates.iter().filter(is_described).copied().collect();
    if !described.is_empty() {
        return Ok(match has_subject {
            true => described,
            false => candidates,
        });
    }
    let other = images.iter().find(|image| is_about(image));
    if !has_subject && other.is_none() {
        return Ok(candidates);
    }
    let found = match (has_subject, other) {
        (false, Some(other)) => vec![other.descriptor.digest.to_string()],
        _ => head.subjects.clone(),
    };
    let manifest = |place: &usize| -> (Platform, Digest) {
        let image = &images[*place];
        (image.platform.clone(), image.descriptor.digest.clone())
    };
    let problem = Problem::StatementSubject {
        found,
        other: other.map(|image| Box::new(image.platform.clone())),
        expected: candidates.iter().map(manifest).collect(),
    };
    Err(Error::new(&*document.file.path, problem))
}
